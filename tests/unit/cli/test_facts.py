"""What the commands make of a ModelDeployment: steps, advice, what to go back to, what an action did."""

from __future__ import annotations

import pytest

from tests.unit.cli.golden import with_revisions
from tests.unit.cli.revisions import KEPT, REVISIONS
from tests.unit.cli.samples import (
    ABORTED,
    CANARY,
    COMPARED,
    COPIED,
    EXPERIMENTING,
    IDLE,
    NEW,
    NOW,
    OVER,
    WELL,
    Object,
    candidate,
    changed,
    condition,
    model,
    served,
)
from tests.unit.cli.stories import STORIES, told
from tritium.api import names
from tritium.cli.complaints import Complaint
from tritium.cli.facts.action import Verb, standing
from tritium.cli.facts.advice import advice
from tritium.cli.facts.conditions import that_matter
from tritium.cli.facts.going_back import going_back
from tritium.cli.facts.history import history, pair
from tritium.cli.facts.model import read
from tritium.cli.facts.senseless import senseless
from tritium.cli.facts.steps import steps
from tritium.cli.printing import plain
from tritium.cli.views.answer import answer_view
from tritium.cli.views.going_back import going_back_data, going_back_view
from tritium.cli.views.status import status_view
from tritium.cli.views.status_data import status_data
from tritium.cli.views.status_list import status_line, status_list
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES

TO_HALF: list[Object] = [{"weight": 50}]
STEPS: dict[str, tuple[Object, list[tuple[int | None, str]]]] = {
    "in the middle": (CANARY, [(5, "done"), (25, "current"), (50, "next"), (100, "next")]),
    "not begun": (changed(CANARY, candidate(step=None)), [(5, "next"), (25, "next"), (50, "next"), (100, "next")]),
    "through": (
        changed(CANARY, candidate(step=3) | {"phase": "Promoting"}),
        [(5, "done"), (25, "done"), (50, "done"), (100, "done")],
    ),
    "with a pause": (
        changed(CANARY, candidate(settings='{"steps":[{"weight":10},{"pause":{}}]}')),
        [(10, "done"), (None, "current"), (100, "next")],
    ),
    "of the spec": (
        changed(CANARY, candidate(settings=None), spec={"rollout": {"steps": [{"weight": 10}]}}),
        [(10, "done"), (100, "current")],
    ),
    "behind the last, for a person": (
        changed(CANARY, candidate(settings='{"steps":[{"weight":10}]}') | {"reason": "AwaitsPromotion"}),
        [(10, "done"), (100, "next")],
    ),
    "pinned": (changed(CANARY, spec={"pinRevision": 3}), []),
    "back to where it was": (
        changed(CANARY, candidate(revision=1, settings=None) | {"revisions": KEPT}, {"rollout": {"steps": TO_HALF}}),
        [],
    ),
    "the first one": (changed(CANARY, {"phase": "Initial", "stable": None}), []),
    "skipped before it had requests": (
        changed(CANARY, candidate(weight=0)),
        [(5, "skipped"), (25, "current"), (50, "next"), (100, "next")],
    ),
    "without a share for now": (
        changed(CANARY, candidate(weight=0) | {"revisions": [KEPT[2] | {"exposedAt": "2026-03-01T11:50:00Z"}]}),
        [(5, "done"), (25, "current"), (50, "next"), (100, "next")],
    ),
    "all at once": (changed(CANARY, candidate(settings=None)), []),
    "no rollout": (IDLE, []),
}


@pytest.mark.parametrize("case", STEPS)
def test_steps(case: str) -> None:
    obj, expected = STEPS[case]
    assert [(each.weight, each.place) for each in steps(read(obj))] == expected


COMMANDS: dict[str, tuple[Object, list[str]]] = {
    "a rollout goes on": (CANARY, ["promote", "pause", "abort"]),
    "it is paused": (changed(CANARY, {"phase": "Paused"}), ["resume", "promote", "abort"]),
    "a gate failed": (changed(CANARY, {"phase": "Paused", "reason": "GateFailed"}), ["abort", "skip-step"]),
    "too few requests": (
        changed(CANARY, {"phase": "Paused", "reason": "InsufficientData"}),
        ["skip-step", "resume", "abort"],
    ),
    "all steps passed": (changed(CANARY, {"phase": "Paused", "reason": "AwaitsPromotion"}), ["promote", "abort"]),
    "the spec pauses it": (
        changed(CANARY, {"phase": "Paused", "reason": "PausedByHand"}, {"rollout": {"paused": True}}),
        ["promote", "abort"],
    ),
    "a person aborted it": (
        changed(
            ABORTED, {"reason": "AbortedByHand", "rejectedRevisions": [{"revision": 3, "reason": "AbortedByHand"}]}
        ),
        ["retry"],
    ),
    "an experiment comes first": (EXPERIMENTING, ["abort"]),
    "it waits for a GPU": (changed(CANARY, {"phase": "Blocked", "reason": "InsufficientGPU"}), ["", "abort"]),
    "it bakes": (changed(IDLE, {"phase": "Promoting", "revisions": KEPT}), ["undo"]),
    "it was turned down": (ABORTED, ["", "history", "retry"]),
    "the first one waits": (model({"phase": "Blocked", "reason": "ImagePullFailed"}), [""]),
    "all is well": (IDLE, []),
    "the operator is away": (NEW, [""]),
    "the spec is newer": (changed(IDLE, {"observedGeneration": 3}), [""]),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_what_to_do_next(case: str) -> None:
    obj, expected = COMMANDS[case]
    assert [each.command for each in advice(read(obj), "tritium")] == [
        f"tritium {verb} fraud" if verb else "" for verb in expected
    ]


def test_a_remedy_that_a_condition_tells_is_not_told_twice() -> None:
    remedy = REMEDIES[Reason.NO_GPU]
    alone = changed(CANARY, {"phase": "Blocked", "reason": "InsufficientGPU"})
    told = condition("Released", "False", "InsufficientGPU", f"no node has a GPU free. {remedy}")
    assert advice(read(alone), "tritium")[0].why == remedy
    twice = changed(alone, {"conditions": [*WELL, told]})
    assert remedy not in [each.why for each in advice(read(twice), "tritium")]


def test_conditions_with_the_same_cause_are_told_once() -> None:
    same = "no node has room"
    kinds = ("Ready", "Released", "ModelLoaded")
    bad = [condition(kind, "False", "Unschedulable", same) for kind in kinds]
    stalled = condition("Stalled", "True", "Unschedulable", "add a node")
    found = that_matter(read(model({"conditions": [*bad, stalled, *WELL[2:3]]})))
    assert [each.type for each in found] == ["Ready", "Stalled"]


def test_a_status_of_a_newer_version_is_one_complaint() -> None:
    with pytest.raises(Complaint, match=r"ml/fraud has a phase that this version does not know: upgrade tritium"):
        read(model({"phase": "Meditating"}))


def test_what_pods_print_gives_a_terminal_no_commands() -> None:
    said = "[bold]no[/red] \x1b]0;title\x07 model\r\n"
    failure = {"component": "triton", "reason": "ModelLoadFailed", "message": said}
    screen = plain(status_view(read(changed(CANARY, {"lastFailure": failure})), NOW, "tritium"))
    assert "[bold]no[/red]  ]0;title  model" in screen
    answer = plain(answer_view("fraud", {"outputs": [{"name": "[/X]", "data": ["\x1b[2J[/b]"]}]}, None, 1.0))
    assert r'"\u001b[2J[/b]"' in answer
    assert all(each.isprintable() for each in (screen + answer).replace("\n", ""))


def test_members_of_a_newer_version_do_no_harm() -> None:
    assert read(model({"mood": "good"}, mood="better")).status.phase == "Idle"


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


@pytest.mark.parametrize("story", STORIES)
def test_what_the_operator_says_can_be_typed(story: str) -> None:
    obj, now = told(story)
    assert names.ACTION not in plain(status_view(read(obj), now, "tritium")), (
        "the command does what the annotation does"
    )


def test_a_share_is_that_of_the_gateways_until_they_follow() -> None:
    obj, now = told("gateway-lags")
    screen = plain(status_view(read(obj), now, "tritium"))
    assert "90 → 50 %" in screen
    assert "10 → 50 %" in screen
    silent = changed(obj, {"trafficObserved": None})
    assert "→ 50 %  " not in plain(status_view(read(silent), now, "tritium")), "nothing is known of what they run"


def test_what_bakes_is_told_once() -> None:
    obj, now = told("bakes")
    facts = read(obj)
    assert standing(facts) == "Promoting, revision 2 serves"
    assert [each.command for each in advice(facts, "tritium")] == ["tritium abort fraud"]
    assert "candidate" not in plain(status_view(facts, now, "tritium"))
    assert "candidate" not in status_line(facts)
    assert plain(status_list([facts], now)).splitlines()[1].split()[:6] == [
        "fraud", "Promoting", "Serving", "2", "10/10", "-"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("RolledBack", ["roll revision 3 out after all"]),
        ("BakeFailed", ["try revision 3 again, if it was not at fault"]),
        ("ModelLoadFailed", ["try revision 3 again, once the cause outside of the spec is mended"]),
    ],
)
def test_why_somebody_would_retry(reason: str, expected: list[str]) -> None:
    out = {"reason": reason, "rejectedRevisions": [{"revision": 3, "reason": reason}]}
    found = advice(read(changed(ABORTED, out)), "tritium")
    assert [each.why for each in found if "retry" in each.command] == expected


def test_a_failure_of_the_past_is_not_told_where_all_is_well() -> None:
    old = {"lastFailure": ABORTED["status"]["lastFailure"]}
    assert "last failure" not in plain(status_view(read(changed(IDLE, old)), NOW, "tritium"))
    assert "last failure" in plain(status_view(read(changed(CANARY, old)), NOW, "tritium"))
    copies = {"conditions": [*WELL, condition("Reconciling", "True", "ArmInvalid", "traffic.mirror names nothing")]}
    assert "last failure" in plain(status_view(read(changed(IDLE, old | copies)), NOW, "tritium"))
    unwell = {"conditions": [condition("Ready", "False", "NoPods", "no pod is ready")]}
    assert "last failure" in plain(status_view(read(changed(IDLE, old | unwell)), NOW, "tritium"))


def test_what_is_not_judged_is_not_aborted_but_undone() -> None:
    promoted = changed(with_revisions(IDLE), {"phase": "Promoting"})
    said = senseless(read(promoted), Verb.ABORT)
    assert said
    assert said.endswith("There is nothing to abort; undo goes back to revision 1")
    assert senseless(read(told("bakes")[0]), Verb.ABORT) is None
    assert [each.why for each in advice(read(promoted), "tritium")] == [
        "go back to revision 1, which still has its pods"
    ]
    for rollout in ({"strategy": "recreate"}, {"capacity": "replace"}):
        facts = read(changed(promoted, spec={"rollout": rollout}))
        assert [each.why for each in advice(facts, "tritium")] == [
            "go back to revision 1, as soon as it has pods again"
        ]


def test_the_list_shows_pins_and_experiments() -> None:
    pinned = changed(IDLE, spec={"pinRevision": 2})
    beside = changed(COMPARED, {"arms": [COMPARED["status"]["arms"][1], {"name": "stable", "revision": 2}]})
    lines = plain(status_list([read(each) for each in (pinned, COMPARED, beside, OVER)], NOW), 120).splitlines()
    assert [line.split()[3:-1] for line in lines[1:]] == [
        ["2", "(pinned)", "3/3", "-"],
        ["2", "3/3", "2", "arms"],
        ["2", "3/3", "1", "arm"],
        ["2", "3/3", "-"],
    ]


def test_an_experiment_is_shown_with_its_numbers_and_its_end() -> None:
    screen = plain(status_view(read(COMPARED), NOW, "tritium"))
    rows = [line.split() for line in screen.splitlines()]
    assert ["arm", "failed", "bounds", "median", "p95"] in rows
    assert ["control", "70", "of", "18204", "0.3-0.49", "%", "4.1", "ms", "(2-5)", "18.5", "ms", "(10-25)"] in rows
    assert ["deep", "no", "node", "has", "a", "GPU", "free"] in rows
    assert ["ends", "2026-03-08", "00:00", "UTC"] in rows
    over = plain(status_view(read(OVER), NOW, "tritium"))
    assert "ended  1m ago: AbortedByHand. Its arms get no requests any more" in over
    assert "control    2  70 of 18204" in over
    assert "share" not in over
    assert "ends " not in over
    assert status_data(read(OVER), "tritium")["experimentEnded"]["reason"] == "AbortedByHand"


def test_who_gets_copies_is_shown() -> None:
    facts = read(COPIED)
    assert "copies  3  ██░░░░░░░░░░░░░░   10 %  of the requests" in plain(status_view(facts, NOW, "tritium"))
    assert status_line(facts).endswith("copies of 10 % to 3")
    assert status_data(facts, "tritium")["mirror"] == {"revision": 3, "percent": 10}
    assert "mirror" not in status_data(read(CANARY), "tritium")


def test_json_has_what_the_screen_has() -> None:
    data = status_data(read(CANARY), "tritium")
    assert (data["phase"], data["stable"]["weight"], data["candidate"]["weight"]) == ("Progressing", 75, 25)
    assert data["candidate"]["gates"][0]["verdict"] == "Inconclusive"
    assert data["steps"][1] == {"weight": 25, "minDuration": "5m", "place": "current"}
    assert data["next"][0]["command"] == "tritium promote fraud"
    assert "lastFailure" not in data
