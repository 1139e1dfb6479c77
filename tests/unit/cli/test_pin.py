"""A pin on the screen."""

from __future__ import annotations

import pytest

from tests.unit.cli.revisions import KEPT
from tests.unit.cli.samples import CANARY, IDLE, NOW, Object, changed
from tritium.cli.facts.advice import advice
from tritium.cli.facts.model import read
from tritium.cli.printing import plain
from tritium.cli.views.status import status_view
from tritium.core.revision import written_hash

AWAY = """kubectl patch mdep fraud --type=merge -p '{"spec":{"pinRevision":null}}'"""
AS_PINNED = KEPT[1] | {"written": written_hash(IDLE["spec"])}
WAITS = KEPT[2] | {"written": written_hash(IDLE["spec"])}
OUT = {"rejectedRevisions": [{"revision": 3, "reason": "RolledBack"}]}

PINNED: dict[str, tuple[Object, str]] = {
    "as the spec": ({"revisions": [KEPT[0], AS_PINNED]}, "The pin holds what the spec asks for."),
    "before a new spec": ({"revisions": KEPT[:2]}, "what the spec asks for waits, and is rolled out without it."),
    "before what was left": (
        {"revisions": [*KEPT[:2], WAITS]} | OUT,
        "revision 3, which the spec asks for, was turned",
    ),
}


@pytest.mark.parametrize("case", PINNED)
def test_a_pin_says_what_it_holds_back_and_how_it_is_taken_away(case: str) -> None:
    status, expected = PINNED[case]
    facts = read(changed(IDLE, status, {"pinRevision": 2}))
    (found,) = advice(facts, "tritium")
    assert found.command == AWAY
    assert expected in found.why
    assert AWAY in plain(status_view(facts, NOW, "tritium")), "in one piece, to be copied"


def test_a_pin_that_has_not_taken_over_is_not_told_to_be_taken_away() -> None:
    under_way = changed(CANARY, spec={"pinRevision": 3})
    assert AWAY not in [each.command for each in advice(read(under_way), "tritium")]
