"""The generator refuses what an API server would refuse, or would silently drop, and says where."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from tritium.api.object import ApiObject
from tritium.api.schema import NotStructural, structural


def of(member: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = structural({"type": "object", "properties": {"it": member}})["properties"]["it"]
    return schema


@pytest.mark.parametrize(
    ("member", "complaint"),
    [
        ({"type": "array", "items": {"type": "integer"}}, ".it: a list needs maxItems"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ".it: a map needs maxProperties"),
        ({"type": "string"}, ".it: a string needs maxLength"),
        ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, ".it: a union of 2 types"),
        ({"type": "array", "maxItems": 1, "uniqueItems": True, "items": {"type": "integer"}}, ".it: uniqueItems"),
        ({"type": "integer", "examples": [1]}, ".it: examples has no place"),
        ({"type": "array", "maxItems": 1, "prefixItems": []}, ".it: prefixItems has no place"),
        ({"type": "array", "maxItems": 1, "items": {"type": "string"}}, ".it[]: a string needs maxLength"),
        (
            {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}},
            ".it.*: a string needs maxLength",
        ),
    ],
)
def test_what_is_not_structural_is_refused(member: dict[str, Any], complaint: str) -> None:
    with pytest.raises(NotStructural) as refused:
        of(member)
    assert complaint in str(refused.value)


def test_a_reference_is_inlined_and_its_siblings_win() -> None:
    class Inner(ApiObject):
        """The class speaks."""

        count: int = Field(ge=1)
        """How many."""

    class Outer(ApiObject):
        first: Inner | None = None
        """The member speaks."""
        second: Inner

    members = structural(Outer.model_json_schema(by_alias=True))["properties"]
    assert members["first"]["description"] == "The member speaks."
    assert members["second"]["description"] == "The class speaks."
    assert members["first"]["properties"] == members["second"]["properties"]
    assert members["first"]["properties"]["count"] == {"minimum": 1, "type": "integer", "description": "How many."}


def test_constants_and_strict_bounds_take_the_form_of_openapi_3() -> None:
    assert of({"const": "a", "type": "string"}) == {"enum": ["a"], "type": "string"}
    assert of({"type": "number", "exclusiveMaximum": 5}) == {"type": "number", "maximum": 5, "exclusiveMaximum": True}
