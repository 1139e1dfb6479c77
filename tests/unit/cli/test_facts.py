"""What the commands make of a ModelDeployment: steps, advice, what to go back to, what an action did."""

from __future__ import annotations

import pytest

from tests.unit.cli.golden import with_revisions
from tests.unit.cli.revisions import KEPT
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
)
from tests.unit.cli.stories import STORIES, told
from tritium.api import names
from tritium.cli.complaints import Complaint
from tritium.cli.facts.action import Verb, standing
from tritium.cli.facts.advice import advice
from tritium.cli.facts.conditions import that_matter
from tritium.cli.facts.model import read
from tritium.cli.facts.senseless import senseless
from tritium.cli.facts.steps import steps
from tritium.cli.printing import plain
from tritium.cli.views.answer import answer_view
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
