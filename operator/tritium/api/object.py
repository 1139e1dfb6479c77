"""What all objects of the API have in common: camelCase names, described members, rules of their own."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tritium.api.rules import Rule


class ApiObject(BaseModel):
    """An object inside a ModelDeployment. The docstring under a member is its `kubectl explain` text."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """CEL rules over the members; only the API server evaluates them."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        if cls.rules:
            schema["x-kubernetes-validations"] = [rule.validation() for rule in cls.rules]
        return schema


class Observed(ApiObject):
    """An object inside the status. It ignores members of a newer version, so that going back is possible."""

    model_config = ConfigDict(extra="ignore")
