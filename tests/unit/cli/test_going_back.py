"""Which revision undo leads to, which pair a diff is of, and what neither does."""

from __future__ import annotations

import pytest

from tests.unit.cli.golden import with_revisions
from tests.unit.cli.revisions import KEPT, REVISIONS
from tests.unit.cli.samples import (
    ABORTED,
    CANARY,
    EXPERIMENTING,
    IDLE,
    NEW,
    OVER,
    Object,
    candidate,
    changed,
    served,
)
from tests.unit.cli.stories import told
from tritium.cli.complaints import Complaint
from tritium.cli.facts.advice import advice
from tritium.cli.facts.going_back import going_back
from tritium.cli.facts.history import history, pair
from tritium.cli.facts.model import read
from tritium.cli.printing import plain
from tritium.cli.views.going_back import going_back_data, going_back_view

PINS: dict[str, tuple[Object, int | None, tuple[int | None, int]]] = {
    "while a rollout goes on, to the stable one": (with_revisions(CANARY), None, (3, 2)),
    "otherwise to the one before": (with_revisions(IDLE), None, (2, 1)),
    "to a chosen one": (with_revisions(CANARY), 1, (3, 1)),
    "to where it is": (with_revisions(IDLE), 2, (None, 2)),
}


@pytest.mark.parametrize("case", PINS)
def test_undo_goes_back(case: str) -> None:
    obj, to, expected = PINS[case]
    change = going_back(read(obj), to)
    assert (change.left, change.to) == expected
    assert change.patch() == {"spec": {"pinRevision": expected[1]}}


def test_undo_goes_back_to_what_was_turned_down_only_if_it_is_named() -> None:
    facts = read(told("bake-failed")[0])
    with pytest.raises(
        Complaint, match=r"revision 2 was turned down \(BakeFailed\) and is out already, and revision 1"
    ):
        going_back(facts, None)
    settled = read(changed(told("bake-failed")[0], {"phase": "Idle"}))
    with pytest.raises(Complaint, match=r"revision 2, which served before, was turned down \(BakeFailed\); name it"):
        going_back(settled, None)
    change = going_back(facts, 2)
    assert change.despite
    screen = " ".join(plain(going_back_view(facts, change, "tritium")).split())
    assert "It had been turned down, and is not judged again: BakeFailed: 20 of 100 requests failed" in screen
    assert [each.command for each in advice(facts, "tritium")] == ["tritium history fraud", "tritium retry fraud"]


def test_who_says_undo_twice_does_not_take_it_back() -> None:
    """Neither while it is under way, nor when it is done."""
    left = {"rejectedRevisions": [{"revision": 3, "reason": "RolledBack"}]}
    under_way = changed(
        with_revisions(CANARY), left | {"stable": served(3)} | candidate(revision=2), {"pinRevision": 2}
    )
    assert (going_back(read(under_way), None).left, going_back(read(under_way), None).to) == (None, 2)
    kept = [KEPT[0], KEPT[1], KEPT[2] | {"demotedAt": "2026-03-01T11:50:00Z"}]
    done = changed(with_revisions(IDLE), left | {"revisions": kept}, {"pinRevision": 2})
    assert going_back(read(done), None).to == 1, "one further back"


def test_undo_leaves_what_serves_beside_a_revision_that_is_out_only_for_one_that_is_named() -> None:
    facts = read(with_revisions(ABORTED))
    with pytest.raises(Complaint, match=r"nothing to undo: revision 3 was turned down \(SmokeTestFailed\) and is out"):
        going_back(facts, None)
    assert going_back(facts, 1).to == 1


@pytest.mark.parametrize("pin", [None, 2, 77])
def test_a_pin_that_is_taken_away_is_not_followed_by_the_one_before(pin: int | None) -> None:
    facts = read(changed(with_revisions(IDLE), spec={"pinRevision": pin} if pin else {}))
    change = going_back(facts, 1)
    assert change.was == pin
    said = plain(going_back_view(facts, change, "tritium"), 200)
    assert (
        """to take the pin away:
    kubectl patch mdep fraud -n ml --type=merge -p '{"spec":{"pinRevision":null}}'"""
        in said
    )


SENT_BACK = {"lastRollback": {"fromRevision": 3, "toRevision": 2, "reason": "GateFailed"}}
LEFT = [KEPT[0], KEPT[1] | {"demotedAt": "2026-03-01T11:50:00Z"}, KEPT[2]]
AGAIN: dict[str, tuple[Object, int, int | None]] = {
    "what is left": (with_revisions(CANARY), 2, 3),
    "what serves, of what is on its way and was sent back": (changed(with_revisions(CANARY), SENT_BACK), 1, 2),
    "what served before, of what serves and was sent back": (
        changed(with_revisions(IDLE), SENT_BACK | {"stable": served(3), "revisions": LEFT}, {"pinRevision": 3}),
        1,
        2,
    ),
    "nothing, where that is where it goes": (
        changed(with_revisions(IDLE), SENT_BACK | {"stable": served(3), "revisions": LEFT}, {"pinRevision": 3}),
        2,
        None,
    ),
    "nothing, of what it is at": (with_revisions(IDLE), 2, None),
}


@pytest.mark.parametrize("case", AGAIN)
def test_nobody_is_led_back_to_what_was_turned_down(case: str) -> None:
    """A pin lifts that it was turned down; that its requests went back is known."""
    obj, to, expected = AGAIN[case]
    change = going_back(read(obj), to)
    assert change.again == expected
    assert (f"undo fraud -n ml --to {expected}" in plain(going_back_view(read(obj), change, "tritium"))) == bool(
        expected
    )


def test_undo_says_that_it_ends_an_experiment() -> None:
    for obj, ends in ((EXPERIMENTING, True), (OVER, False)):
        facts = read(with_revisions(obj))
        change = going_back(facts, 1)
        said = plain(going_back_view(facts, change, "tritium"))
        assert ("The experiment that runs ends with that" in said) == ends
        assert going_back_data(facts, change)["endsExperiment"] == ends


def test_of_pods_only_what_was_left_last_is_sure() -> None:
    """After `undo` from 3 to 2, revision 1 has served before as well, and may have lost its pods since."""
    kept = [KEPT[0], KEPT[1], KEPT[2] | {"demotedAt": "2026-03-01T11:58:00Z"}]
    left = {"phase": "Promoting", "revisions": kept, "rejectedRevisions": [{"revision": 3, "reason": "RolledBack"}]}
    found = advice(read(changed(with_revisions(IDLE), left)), "tritium")
    assert [(each.command, each.why) for each in found] == [
        ("tritium undo fraud --to 3", "go back to revision 3, which still has its pods")
    ]
    failed = left | {"rejectedRevisions": [{"revision": 3, "reason": "BakeFailed"}]}
    assert advice(read(changed(with_revisions(IDLE), failed)), "tritium") == ()


NO_WAY_BACK: dict[str, tuple[Object, int | None, str]] = {
    "not kept": (with_revisions(IDLE), 9, "revision 9 of fraud is not kept; kept are: 1, 2, 3"),
    "nothing before": (changed(IDLE, {"revisions": KEPT[1:2]}), None, "only revision 2 has ever served"),
    "nothing at all": (NEW, None, "nothing has served yet"),
}


@pytest.mark.parametrize("case", NO_WAY_BACK)
def test_undo_refuses(case: str) -> None:
    obj, to, message = NO_WAY_BACK[case]
    with pytest.raises(Complaint, match=message):
        going_back(read(obj), to)


PAIRS: dict[str, tuple[Object, int | None, int | None, tuple[int, int]]] = {
    "stable and candidate": (CANARY, None, None, (2, 3)),
    "stable and what was turned down": (ABORTED, None, None, (2, 3)),
    "what served before and now": (changed(IDLE, {"stable": served(3)}), None, None, (2, 3)),
    "one and the stable one": (CANARY, 1, None, (1, 2)),
    "a newer one and the stable one": (CANARY, 3, None, (2, 3)),
    "as they are named": (CANARY, 3, 1, (3, 1)),
}


@pytest.mark.parametrize("case", PAIRS)
def test_a_diff_is_of(case: str) -> None:
    obj, first, second, expected = PAIRS[case]
    obj = with_revisions(obj)
    if case == "what served before and now":
        kept = [KEPT[0], KEPT[1] | {"demotedAt": "2026-03-01T11:50:00Z"}, KEPT[2]]
        obj = changed(obj, {"revisions": kept})
    facts = read(obj)
    old, new = pair(facts, history(obj, facts, REVISIONS), first, second)
    assert (old.number, new.number) == expected


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [(7, None, "revision 7 of fraud is not kept"), (1, 7, "revision 7"), (2, None, "no two revisions to compare")],
)
def test_a_diff_of_what_is_not_there(first: int, second: int | None, message: str) -> None:
    obj = with_revisions(IDLE)
    facts = read(obj)
    with pytest.raises(Complaint, match=message):
        pair(facts, history(obj, facts, REVISIONS), first, second)
