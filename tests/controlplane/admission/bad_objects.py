"""The table of bad objects: each CEL rule, bound, type, choice, unknown field and bad name.

`tests/unit/api/test_bad_object_table.py` holds it against the CRD: a new rule or list needs a new line here.
"""

from __future__ import annotations

from typing import Final

from tests.controlplane.admission.bad_meanings import CLOSED, RULES, TEXTS
from tests.controlplane.admission.bad_shapes import CHOICES, LENGTHS, NAMES, NUMBERS, TYPES, UNKNOWN
from tests.controlplane.admission.objects import Bad
from tests.controlplane.admission.schema import pattern

BAD_OBJECTS: Final = (*NAMES, *UNKNOWN, *TYPES, *CHOICES, *NUMBERS, *LENGTHS, *TEXTS, *RULES, *CLOSED)


def against_rule(path: str, rule: dict[str, str]) -> list[Bad]:
    """The bad objects that only this rule, at this node of the schema, refuses with these words."""
    at = pattern(path + rule.get("fieldPath", ""))
    return [
        bad
        for bad in BAD_OBJECTS
        if bad.says.removeprefix("Forbidden: ").removeprefix("Required value: ") in rule["message"]
        and at.fullmatch(bad.named)
    ]


def against_bound(path: str, bound: str, limit: int) -> list[Bad]:
    """The bad objects that have too many or too few entries for this node of the schema."""
    words = f"at {'least' if bound.startswith('min') else 'most'} {limit}"
    return [bad for bad in BAD_OBJECTS if words in bad.says and pattern(path).fullmatch(bad.named)]
