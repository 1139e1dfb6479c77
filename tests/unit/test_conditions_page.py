"""The page about conditions is what the code says now, and says of each reason what to do."""

from enum import StrEnum

import pytest

from hack.conditions import PAGE, documented, page, table
from tritium.api.conditions import ConditionType
from tritium.api.fetch import FetchReason
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES


class Letter(StrEnum):
    A = "Alpha"
    """The first | one,
    on two lines."""
    B = "Beta"
    C = "Gamma"
    """The third."""


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == page(), "run `make generate`"


@pytest.mark.parametrize("kind", [ConditionType, Reason, FetchReason])
def test_everything_is_on_the_page(kind: type[StrEnum]) -> None:
    assert [each for each in kind if f"\n| `{each.value}` | " not in page()] == []


def test_each_reason_of_fetch_has_a_remedy() -> None:
    assert [reason for reason in FetchReason if reason not in REMEDIES] == []


def test_a_docstring_belongs_to_the_member_above_it() -> None:
    assert list(documented(Letter).values()) == ["The first | one,\non two lines.", "", "The third."]


def test_a_cell_stays_in_its_row() -> None:
    assert table(("a",), [("x | y\nz",)]) == "| a |\n|---|\n| x \\| y z |\n"
