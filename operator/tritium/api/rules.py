"""CEL rules: what a schema cannot say, in sentences that help.

The API server evaluates them, so there is no webhook. Each rule stands at the object whose members it compares,
and points to the member that is wrong, so that the user reads a path and a remedy.
"""

from dataclasses import dataclass
from typing import Literal

Reason = Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `x-kubernetes-validations`.

    Attributes:
        rule: a CEL expression over `self` (and `oldSelf`); true means valid.
        message: a whole sentence for the user. Constant: a computed message costs over 100 times as much.
        field: the member the error is reported at, such as `.uri`; empty for the object itself.
        reason: how Kubernetes words the error (`Invalid value`, `Forbidden`, `Required value`).
    """

    rule: str
    message: str
    field: str = ""
    reason: Reason = "FieldValueInvalid"

    def validation(self) -> dict[str, str]:
        """The entry as the API server reads it.

        >>> Rule("self.max >= self.min", "max must not be below min", field=".max").validation()
        {'rule': 'self.max >= self.min', 'message': 'max must not be below min', 'fieldPath': '.max'}
        """
        entry = {"rule": self.rule, "message": self.message}
        if self.field:
            entry["fieldPath"] = self.field
        if self.reason != "FieldValueInvalid":
            entry["reason"] = self.reason
        return entry


def not_yet(member: str, instead: str) -> Rule:
    """Refuse a member that the schema knows and this version does not honour: nothing is silently ignored.

    >>> not_yet("scaling", "set spec.replicas").message
    'scaling is not available in this version; set spec.replicas'
    """
    return Rule(
        f"!has(self.{member})",
        f"{member} is not available in this version; {instead}",
        field=f".{member}",
        reason="FieldValueForbidden",
    )


def exactly_one(first: str, second: str, hint: str) -> Rule:
    """Require one of two members, and not both.

    >>> exactly_one("version", "alias", "an alias moves, a version does not").rule
    'has(self.version) != has(self.alias)'
    """
    return Rule(f"has(self.{first}) != has(self.{second})", f"set exactly one of {first} and {second}: {hint}")
