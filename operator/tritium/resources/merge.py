"""A user's pod template over the generated one: JSON merge, but lists of named things are merged by name."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

Json = Any

_BY_NAME: Final = ("name",)
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "containers": _BY_NAME,
    "initContainers": _BY_NAME,
    "volumes": _BY_NAME,
    "env": _BY_NAME,
    "imagePullSecrets": _BY_NAME,
    "volumeMounts": ("mountPath",),
    "ports": ("name", "containerPort"),
}
"""Lists that are merged, and the members that tell which entries are the same: the first that both have decides.

Any other list (args, command, tolerations, topologySpreadConstraints) is replaced as a whole.
"""

_ONE_OF: Final = frozenset({"volumes", "env"})
"""Lists whose entries are of one kind each. An entry of another kind replaces, because both at once are none."""


def merged(generated: Json, changes: Json) -> Json:
    """The generated value with the changes over it; null takes a member away. Neither argument is changed.

    >>> generated = {"args": ["--a"], "env": [{"name": "A", "value": "1"}], "hostNetwork": False}
    >>> merged(generated, {"args": ["--b"], "env": [{"name": "B", "value": "2"}], "hostNetwork": None})
    {'args': ['--b'], 'env': [{'name': 'A', 'value': '1'}, {'name': 'B', 'value': '2'}]}
    """
    if not isinstance(changes, Mapping):
        return deepcopy(changes)
    result = deepcopy(dict(generated)) if isinstance(generated, Mapping) else {}
    for name, change in changes.items():
        if change is None:
            result.pop(name, None)
        elif name in KEYS and isinstance(change, list):
            result[name] = _merged_list(name, result.get(name), change)
        else:
            result[name] = merged(result.get(name), change)
    return result


def _merged_list(name: str, generated: Json, changes: list[Json]) -> list[Json]:
    result = list(generated) if isinstance(generated, list) else []
    for change in changes:
        same = _same(KEYS[name], change)
        place = next((index for index, each in enumerate(result) if same(each)), None)
        if place is None:
            result.append(merged(None, change))
        else:
            result[place] = merged(None if _another_kind(name, result[place], change) else result[place], change)
    return result


def _same(keys: tuple[str, ...], change: Json) -> Callable[[Json], bool]:
    def same(each: Json) -> bool:
        if not isinstance(change, Mapping) or not isinstance(each, Mapping):
            return False
        shared = next((key for key in keys if key in change and key in each), None)
        return shared is not None and change[shared] == each[shared]

    return same


def _another_kind(name: str, generated: Mapping[str, Json], change: Mapping[str, Json]) -> bool:
    kinds = change.keys() - {"name"}
    return name in _ONE_OF and bool(kinds) and not kinds & generated.keys()
