"""A pin on the screen."""

from __future__ import annotations

import shlex

import pytest

from tests.unit.cli.revisions import KEPT
from tests.unit.cli.samples import CANARY, IDLE, NOW, Object, changed
from tritium.cli.facts.action import Verb
from tritium.cli.facts.advice import advice
from tritium.cli.facts.model import read
from tritium.cli.facts.senseless import senseless
from tritium.cli.printing import plain
from tritium.cli.views.status import status_view
from tritium.core.revision import written_hash

AWAY = """kubectl patch mdep fraud -n ml --type=merge -p '{"spec":{"pinRevision":null}}'"""
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
    screen = plain(status_view(facts, NOW, "tritium"))
    typed = screen.rpartition(found.why[-12:])[2].splitlines()[1:]
    copied = "\n".join(typed).replace("\\\n", "")
    assert shlex.split(copied) == shlex.split(AWAY)
    assert all(line.startswith(" " * 8) for line in typed)


def test_a_pin_that_has_not_taken_over_is_what_ends_it() -> None:
    """Abort does not: the spec asks for it."""
    blocked = {"phase": "Blocked", "reason": "Unschedulable", "revisions": [KEPT[0], AS_PINNED]}
    for status in (blocked, blocked | {"phase": "Preparing"}, {"phase": "Progressing"}):
        facts = read(changed(CANARY, status, {"pinRevision": 3}))
        *_, last = [each for each in advice(facts, "tritium") if each.command]
        assert last.command == AWAY
        assert last.why.startswith("The pin asks for revision 3, and abort does not end that. Without it revision 2")
        assert "tritium abort" not in plain(status_view(facts, NOW, "tritium"))
        refused = senseless(facts, Verb.ABORT)
        assert refused
        assert refused.endswith(f"Take the pin away first: {AWAY}")


@pytest.mark.parametrize("pin", [2, 77])
def test_under_a_pin_nothing_is_tried_again(pin: int) -> None:
    said = senseless(read(changed(IDLE, spec={"pinRevision": pin})), Verb.RETRY)
    assert said
    assert f"pinRevision is {pin}, and under a pin no source is listed" in said
    assert said.endswith(AWAY)
