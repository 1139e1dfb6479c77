"""The scalar types of the API: text with a pattern and a sentence, quantities, durations, counts.

A pattern alone would greet the user with a regular expression. Here each pattern comes with a sentence; the API
server says the sentence (CEL), and so does pydantic where an object is checked without a server.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Text:
    r"""A string with a pattern, matched whole, and the sentence that explains it.

    A pattern must mean the same in RE2, which the API server uses, and in Python: so no `\s`, `\w` or `\d`, which
    know more than ASCII in one of the two.
    """

    pattern: str
    says: str
    max_length: int

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        rule = {"rule": f"self.matches({cel_string(self.pattern)})", "message": self.says}
        return handler(core) | {"maxLength": self.max_length, "x-kubernetes-validations": [rule]}

    def check(self, value: str) -> str:
        """Return the value, or raise the sentence."""
        if len(value) > self.max_length:
            raise ValueError(f"must have at most {self.max_length} characters")
        if not re.fullmatch(self.pattern, value):
            raise ValueError(self.says)
        return value


def cel_string(text: str) -> str:
    r"""A CEL raw string, so that a pattern reads the same in both languages.

    >>> print(cel_string(r"^\d+$"))
    r'^\d+$'
    """
    if "'" in text:
        raise ValueError(f"a pattern with a quote needs escaping: {text}")
    return f"r'{text}'"


def _quantity() -> Any:
    """Kubernetes' own grammar for amounts, without a sign: an amount is never negative here."""
    return WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            "x-kubernetes-validations": [
                {
                    "rule": "isQuantity(string(self)) && !string(self).startsWith('-')",
                    "message": "must be a quantity of zero or more, such as 2, 500m or 16Gi",
                }
            ],
        }
    )


Quantity = Annotated[int | str, _quantity()]
"""An amount of a resource: `2`, `500m`, `16Gi`."""

Duration = Annotated[
    str,
    Text(r"^([0-9]{1,6}(ms|s|m|h))+$", "must be a duration such as 500ms, 30s or 1h30m", max_length=32),
]
"""How long; zero where the member says what zero means."""

Delay = Annotated[
    str,
    Text(r"^([0-9]{1,6}(us|ms|s))+$", "must be a short duration such as 100us, 5ms or 1s", max_length=32),
]

Limit = Annotated[
    str,
    Text(
        r"^(0{1,6}(ms|s|m|h))*0{0,5}[1-9][0-9]{0,5}(ms|s|m|h)([0-9]{1,6}(ms|s|m|h))*$",
        "must be a duration above zero, such as 500ms, 30s or 1h30m",
        max_length=32,
    ),
]
"""How long at most."""

VISIBLE: Final = r"[^\x00-\x20\x7f-\xa0/?#@]"
"""A character of a name in a URI: no blank or control of ASCII and Latin-1, and nothing that has a meaning there."""

HttpAddress = Annotated[
    str,
    Text(
        rf"^https?://{VISIBLE}+(/{VISIBLE}*)*$",
        "must be an address such as https://mlflow.example.com, without user, query or fragment",
        max_length=1024,
    ),
]

Digest = Annotated[
    str,
    Text(
        r"^sha256:[0-9a-f]{64}$",
        "must be sha256: and 64 lower-case hexadecimal digits; `tritium digest DIR` prints it",
        max_length=71,
    ),
]

_DNS_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"

ObjectName = Annotated[
    str,
    Text(
        rf"^{_DNS_LABEL}(\.{_DNS_LABEL})*$",
        "must be a Kubernetes object's name: lower-case letters, digits, - and .",
        max_length=253,
    ),
]

Label = Annotated[
    str,
    Text(rf"^{_DNS_LABEL}$", "must be lower-case letters, digits and -, such as control", max_length=63),
]

HeaderName = Annotated[
    str,
    Text(r"^[A-Za-z0-9][A-Za-z0-9-]*$", "must be an HTTP header's name, such as x-user-id", max_length=64),
]

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, 0 to 1."""

Percent = Annotated[int, Field(ge=0, le=100)]

Revision = Annotated[int, Field(ge=1)]
"""The number of a revision: 1, 2, 3 …, as `status.revisions[].revision` shows it."""

Word = Annotated[str, Field(max_length=128)]
"""Of the status: a name, or why in one word."""

Sentence = Annotated[str, Field(max_length=4096)]
"""Of the status: for people."""

HashOf = Annotated[str, Field(max_length=80)]
"""A hash as the status shows it, with or without the name of its kind."""

Count = Annotated[int, Field(ge=0)]
"""How many."""

FreeForm = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
"""A part that Kubernetes itself defines. It is handed on as written, and what the API server refuses of it becomes
a condition."""

Element = Annotated[
    Any,
    # A schema without a type takes any value. These two refuse lists and objects that hold something; null and what is
    # empty cannot be refused here, and are by whoever makes the request from them.
    WithJsonSchema({"x-kubernetes-preserve-unknown-fields": True, "maxItems": 0, "maxProperties": 0}),
]
"""One element of a tensor: a number, a string or a boolean."""

Unique = Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]})
"""On a list: no two entries may have the same name, and managers can own entries of their own."""
