"""From pydantic's JSON schema to the structural schema that a CustomResourceDefinition takes.

Kubernetes accepts a narrow dialect: no references, no unions, no titles. What this module does not know it
refuses, with the path: a keyword that slipped through would be dropped by the server or refuse the whole CRD.
It also refuses what would be unbounded: CEL is budgeted by the largest possible object.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

Schema = dict[str, Any]

_KEPT: Final = frozenset(
    {
        "type", "description", "enum", "format", "pattern", "properties", "required", "items", "additionalProperties",
        "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
        "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations",
        "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    }
)  # fmt: skip
_DROPPED: Final = frozenset({"title", "$defs", "default"})
_RULES: Final = "x-kubernetes-validations"
_ANYTHING: Final = "x-kubernetes-preserve-unknown-fields"


class NotStructural(ValueError):
    """A schema that no API server would take, with the path to the member."""


def structural(schema: Mapping[str, Any]) -> Schema:
    """The structural schema of a pydantic model's JSON schema.

    >>> structural({"type": "object", "title": "Gpu", "additionalProperties": False, "properties": {
    ...     "count": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}], "default": None}}})
    {'type': 'object', 'properties': {'count': {'type': 'integer', 'minimum': 0, 'exclusiveMinimum': True}}}
    """
    return _node(dict(schema), schema.get("$defs", {}), path="")


def _node(node: Schema, defs: Mapping[str, Schema], path: str) -> Schema:
    node = _inline(node, defs, path)
    result: Schema = {}
    for key, value in node.items():
        if key in _DROPPED:
            continue
        result |= _keyword(key, value, defs, path)
    _demand_bounds(result, path)
    for name in _closed(result):
        result["properties"][name] = _unread(result["properties"][name])
    return result


def _closed(node: Schema) -> list[str]:
    """Members that a rule refuses whatever they hold (`rules.not_yet`)."""
    rules = {each["rule"] for each in node.get(_RULES, ())}
    return [name for name in node.get("properties", {}) if f"!has(self.{name})" in rules]


def _unread(node: Schema) -> Schema:
    """What is refused in any case needs no schema of its own: the CRD has a limit.

    >>> _unread({"type": "array", "description": "By time.", "items": {"type": "object"}, "maxItems": 4})
    {'type': 'array', 'description': 'By time.', 'maxItems': 4, 'items': {'type': 'object', \
'x-kubernetes-preserve-unknown-fields': True}}
    """
    plain = {key: value for key, value in node.items() if key not in {"properties", "required", "items", _RULES}}
    if node["type"] == "array":
        return plain | {"items": {"type": node["items"]["type"], _ANYTHING: True}}
    return plain | ({_ANYTHING: True} if node["type"] == "object" else {})


def _inline(node: Schema, defs: Mapping[str, Schema], path: str) -> Schema:
    """The node without references and without null: siblings override what they refer to."""
    while "$ref" in node or "anyOf" in node:
        rest = {key: value for key, value in node.items() if key not in {"$ref", "anyOf"}}
        if "$ref" in node:
            node = defs[node["$ref"].removeprefix("#/$defs/")] | rest
            continue
        options = [option for option in node["anyOf"] if option.get("type") != "null"]
        if len(options) != 1:
            raise NotStructural(f"{path}: a union of {len(options)} types has no structural schema")
        node = options[0] | rest
    return node


def _keyword(key: str, value: Any, defs: Mapping[str, Schema], path: str) -> Schema:
    match key:
        case "properties" | "items" | "additionalProperties":
            return _children(key, value, defs, path)
        case "const":
            return {"enum": [value]}
        case "description":
            return {key: " ".join(value.split())}
        case "exclusiveMinimum" | "exclusiveMaximum":
            # Numbers in today's JSON schema, booleans beside the bound in OpenAPI v3.0.
            return {key.replace("exclusiveM", "m"): value, key: True}
        case _ if key in _KEPT:
            # A copy: what two members refer to stands twice in the result, and must not change together.
            return {key: deepcopy(value)}
    raise NotStructural(f"{path}: {key} has no place in a structural schema")


def _children(key: str, value: Any, defs: Mapping[str, Schema], path: str) -> Schema:
    match key:
        case "properties":
            return {key: {name: _node(dict(each), defs, f"{path}.{name}") for name, each in value.items()}}
        case "items":
            # The list's own text is what `kubectl explain` shows; the text of its items would be seen nowhere.
            item = _node(dict(value), defs, f"{path}[]")
            return {key: {name: each for name, each in item.items() if name != "description"}}
        case _ if isinstance(value, bool):
            return {}  # the server prunes or refuses what it does not know
        case _:
            return {key: _node(dict(value), defs, f"{path}.*")}


def _demand_bounds(node: Schema, path: str) -> None:
    if node.get("type") == "array" and "maxItems" not in node:
        raise NotStructural(f"{path}: a list needs maxItems")
    if "additionalProperties" in node and "maxProperties" not in node:
        raise NotStructural(f"{path}: a map needs maxProperties")
    if node.get("type") == "string" and not {"maxLength", "enum", "format"} & node.keys():
        raise NotStructural(f"{path}: a string needs maxLength")
