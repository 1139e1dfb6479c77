"""Walking the schema of the CRD: the rules and bounds that bad objects are held against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = dict[str, Any]
BOUNDS = ("maxItems", "minItems", "maxProperties")


def nodes(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """Each schema node below a node, with its path: `spec.model.smokeTest[].inputs`."""
    yield path, node
    for name, member in node.get("properties", {}).items():
        yield from nodes(member, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):
        yield from nodes(node["additionalProperties"], f"{path}.*")


def whole(crd: Node) -> Node:
    """The schema of the one version of a CRD."""
    schema: Node = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def spec_nodes(crd: Node) -> list[tuple[str, Node]]:
    """The root and all nodes of spec."""
    schema = whole(crd)
    return [("", schema), *nodes(schema["properties"]["spec"], "spec")]


def pattern(path: str) -> re.Pattern[str]:
    """A path of the schema as a pattern for paths of objects.

    >>> pattern("spec.model.smokeTest[].inputs").fullmatch("spec.model.smokeTest[0].inputs") is not None
    True
    """
    root = {"": "metadata.name", ".spec.model": "spec.model"}.get(path, path)
    return re.compile(re.escape(root).replace(r"\[\]", r"\[\d+\]").replace(r"\.\*", ""))
