"""What differs between two revisions: member by member, and line by line."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

_SHORTER: Final = (
    ("template.spec.containers[triton].", "triton."),
    ("template.spec.initContainers[fetch].", "fetch."),
    ("template.", "pod."),
)

_EMPTY: Final[tuple[Any, ...]] = ([], {})


@dataclass(frozen=True, slots=True)
class Change:
    """One member: what it was, and what it is; None where it is not there."""

    path: str
    old: Any
    new: Any


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """The members that differ. What has a name in a list is told by its name, not by its place.

    >>> def pod(image: str, *args: str) -> dict[str, Any]:
    ...     return {"template": {"spec": {"containers": [{"name": "triton", "image": image, "args": list(args)}]}}}
    >>> [(each.path, each.old, each.new) for each in changes(pod("a:1"), pod("a:2", "--x"))]
    [('triton.image', 'a:1', 'a:2'), ('triton.args[0]', None, '--x')]
    """
    before, after = dict(_leaves(old)), dict(_leaves(new))
    paths = [*before, *(path for path in after if path not in before)]
    return tuple(
        Change(_shorter(path), before.get(path), after.get(path))
        for path in paths
        if before.get(path) != after.get(path) and not _nothing(before.get(path), after.get(path))
    )


def diff(old: Mapping[str, Any], new: Mapping[str, Any], old_name: str, new_name: str) -> str:
    """The same as a unified diff of YAML; empty where nothing differs.

    >>> print(diff({"model": "a", "files": 1}, {"model": "a", "files": 2}, "revision 1", "revision 2"), end="")
    --- revision 1
    +++ revision 2
    @@ -1,2 +1,2 @@
     model: a
    -files: 1
    +files: 2
    """
    lines = difflib.unified_diff(_text(old), _text(new), old_name, new_name)
    return "".join(lines)


def shown(value: Any) -> str:
    """A member's value in a line.

    >>> shown("a b"), shown(3), shown(None), shown({"a": []})
    ('a b', '3', '(none)', '{"a": []}')
    """
    if value is None:
        return "(none)"
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)


def _nothing(old: Any, new: Any) -> bool:
    """Whether an empty list or object came or went: what it has is told by what is in it."""
    return (old in _EMPTY or old is None) and (new in _EMPTY or new is None)


def _text(made: Mapping[str, Any]) -> list[str]:
    return yaml.safe_dump(dict(made), sort_keys=False, allow_unicode=True, width=10_000).splitlines(keepends=True)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            named = isinstance(each, Mapping) and isinstance(each.get("name"), str)
            yield from _leaves(each, f"{path}[{each['name'] if named else index}]")
    else:
        yield path, value


def _shorter(path: str) -> str:
    for prefix, instead in _SHORTER:
        if path.startswith(prefix):
            return instead + path.removeprefix(prefix)
    return path
