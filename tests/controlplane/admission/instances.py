"""Objects made from a schema: one that has every member, and for each bound of the schema one that breaks it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.controlplane.admission.schema import Node

Step = str | int
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """A whole object with one bound broken.

    Attributes:
        keyword: the bound, such as `maximum`.
        path: where, as the API server writes it.
        spec: the spec.
    """

    keyword: str
    path: str
    spec: Any


def instance(node: Node) -> Any:
    """A value with every member that the schema knows, right in type and number, though not in meaning.

    >>> instance({"type": "array", "items": {"type": "integer", "minimum": 3}})
    [3]
    """
    if "properties" in node:
        return {name: instance(member) for name, member in node["properties"].items()}
    if "additionalProperties" in node:
        return {"key": instance(node["additionalProperties"])}
    if "items" in node:
        return [instance(node["items"])]
    return node["enum"][0] if "enum" in node else _scalar(node)


def _scalar(node: Node) -> Any:
    lowest = node.get("minimum", 0) + (1 if node.get("exclusiveMinimum") else 0)
    by_format = {"date-time": "2026-01-01T00:00:00Z"}
    by_type = {"string": "a", "integer": lowest, "number": lowest, "boolean": True, "object": {}}
    return by_format.get(node.get("format", ""), by_type.get(node.get("type", ""), 1))


def broken(schema: Node) -> Iterator[Broken]:
    """For each bound below a spec's schema, the spec that breaks it and nothing else."""
    whole = instance(schema)
    for path, node in _placed(schema, ()):
        for keyword, at, value in _violations(node, path):
            spec = copy.deepcopy(whole)
            target: Any = spec
            for step in path[:-1]:
                target = target[step]
            if path:
                target[path[-1]] = value
            yield Broken(keyword, _written(at), spec if path else value)


def _placed(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    yield path, node
    for name, member in node.get("properties", {}).items():
        yield from _placed(member, (*path, name))
    if "items" in node:
        yield from _placed(node["items"], (*path, 0))
    if isinstance(node.get("additionalProperties"), dict):
        yield from _placed(node["additionalProperties"], (*path, "key"))


_BREAKS: dict[str, Callable[[Node, Any], Any]] = {
    "minimum": lambda _, bound: bound - 1,
    "exclusiveMinimum": lambda node, _: node["minimum"],
    "maximum": lambda _, bound: bound + 1,
    "maxLength": lambda _, bound: "1" * (bound + 1),
    "minLength": lambda *_: "",
    "enum": lambda *_: "no such choice",
    "type": lambda _, bound: "no boolean" if bound == "boolean" else True,
}
"""For each keyword a value that breaks it."""


def _violations(node: Node, path: Path) -> Iterator[tuple[str, Path, Any]]:
    """Keyword, the path that the refusal names, and the value that breaks it."""
    keywords = node.keys() & _BREAKS.keys() - ({"minimum"} if "exclusiveMinimum" in node else set())
    for keyword in sorted(keywords):
        yield keyword, path, _BREAKS[keyword](node, node[keyword])
    for name in node.get("required", []):
        yield "required", (*path, name), {each: value for each, value in instance(node).items() if each != name}


def _written(path: Path) -> str:
    """A path as the API server writes it.

    >>> _written(("model", "smokeTest", 0, "inputs"))
    'spec.model.smokeTest[0].inputs'
    """
    return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
