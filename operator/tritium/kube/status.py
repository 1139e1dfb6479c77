"""What has to be sent to make a stored status the wanted one, and what of it the server did not keep."""

from collections.abc import Mapping
from typing import Any

Json = Any


def merge_patch(live: Mapping[str, Json], wanted: Mapping[str, Json]) -> dict[str, Json]:
    """The JSON merge patch (RFC 7386) that turns one object into another; empty if they are equal.

    Lists are replaced whole, as the format has it. A member that is null is an absent one, since neither the
    format nor a stored status can hold it. 1 and 1.0 are the same number, or a status would be written for ever.

    >>> merge_patch({"phase": "Idle", "stable": {"weight": 100, "digest": "a"}}, {"stable": {"weight": 90}})
    {'phase': None, 'stable': {'weight': 90, 'digest': None}}
    >>> merge_patch({"arms": [1, 2]}, {"arms": [1, 2], "url": None})
    {}
    """
    patch: dict[str, Json] = {name: None for name in live if live[name] is not None and wanted.get(name) is None}
    for name, value in wanted.items():
        before = live.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := merge_patch(before, value):
                patch[name] = inner
        elif value is not None and not _same(before, value):
            patch[name] = _present(value)
    return {name: patch[name] for name in (*live, *wanted) if name in patch}


def pruned(sent: Json, stored: Json, path: str = "") -> list[str]:
    """The paths of fields that were sent and are not there: a server drops what its schema does not know.

    >>> pruned({"url": "http://a", "arms": [{"name": "b", "weight": 5}], "phase": None}, {"arms": [{"name": "b"}]})
    ['url', 'arms[0].weight']
    """
    if isinstance(sent, Mapping) and isinstance(stored, Mapping):
        present = {name: value for name, value in sent.items() if value is not None}
        return [
            missing
            for name, value in present.items()
            for missing in (
                pruned(value, stored[name], _within(path, name)) if name in stored else [_within(path, name)]
            )
        ]
    if isinstance(sent, list) and isinstance(stored, list):
        pairs = enumerate(zip(sent, stored, strict=False))
        return [missing for index, (one, other) in pairs for missing in pruned(one, other, f"{path}[{index}]")]
    return []


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _present(value: Json) -> Json:
    """An object without its null members, also inside; lists are taken as they are."""
    if isinstance(value, Mapping):
        return {name: _present(each) for name, each in value.items() if each is not None}
    return value


def _same(one: Json, other: Json) -> bool:
    """Equal as JSON: in Python True is 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
