"""`status.lastFailure` ends with its cause: a failure of the past explains nothing that is wrong now."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    DENIED,
    NO_ROOM,
    NOW,
    QUOTA,
    STARTING,
    decide,
    deployments,
    job,
    pod,
    pods,
    wish,
)
from tests.unit.core.seeing import silent as silent_gateway
from tests.unit.core.sides import SIDE_A, running
from tests.unit.core.story import BAD, GOOD, ONE, TWO, Story, asking, begun
from tritium.api.status import ModelDeploymentStatus, Phase
from tritium.core.reasons import Reason
from tritium.core.report import spec_invalid
from tritium.core.revision import revision_name
from tritium.core.seen import PodSeen, Refusal, RevisionSeen, Seen, Trouble

CRASHES: Final = Trouble("triton", Reason.OUT_OF_MEMORY, "It used more than its limit.")


def called(of: RevisionSeen, letter: str) -> str:
    return f"{revision_name('fraud', of.hash)}-6fd75dcdd8-{letter}"


def one(of: RevisionSeen, trouble: Trouble | None = None, letter: str = "p") -> PodSeen:
    """A pod with the name that a Deployment gives it."""
    name = called(of, letter)
    return pod(name, of, replace(trouble, pod=name) if trouble else None)


def sees(story: Story, *candidates: PodSeen) -> str | None:
    """What is the last failure when these are the pods of the candidate."""
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *candidates))
    story.run()
    return reason(story)


def reason(story: Story) -> str | None:
    failure = story.status.last_failure
    return failure.reason if failure else None


def preparing() -> Story:
    made = Story(asking(), follows=False)
    made.run()
    return made


def test_it_ends_when_the_pods_of_the_revision_are_ready() -> None:
    story = preparing()
    assert sees(story, one(TWO, NO_ROOM)) == Reason.UNSCHEDULABLE
    assert sees(story, one(TWO, STARTING)) == Reason.UNSCHEDULABLE
    assert sees(story) == Reason.UNSCHEDULABLE
    assert sees(story, one(TWO, STARTING, "q")) == Reason.UNSCHEDULABLE
    assert sees(story, one(TWO, letter="q")) is None
    assert story.status.phase == Phase.PROGRESSING


def test_what_comes_and_goes_is_told_once() -> None:
    story = preparing()
    sees(story, one(TWO, CRASHES))
    first = story.status.last_failure
    story.now += story.asks.bake_time
    for each in (one(TWO, STARTING), one(TWO, CRASHES)):
        story.sees = replace(story.sees, pods=(*pods(ONE, 10), each))
        assert [notice.reason for notice in story.run().notices if notice.reason == Reason.OUT_OF_MEMORY] == []
    assert story.status.last_failure == first


def test_of_a_candidate_that_is_left_it_ends() -> None:
    story = preparing()
    sees(story, one(TWO, NO_ROOM))
    story.asks = replace(story.asks, written="a")
    assert sees(story, one(TWO, NO_ROOM)) is None


def test_what_was_over_is_not_there_when_a_gate_fails() -> None:
    story = preparing()
    sees(story, one(TWO, NO_ROOM))
    assert sees(story, one(TWO)) is None
    story.window = BAD
    story.run()
    assert (story.status.phase, story.status.reason, reason(story)) == (Phase.ABORTED, Reason.GATE_FAILED, None)


@pytest.mark.parametrize("afterwards", [(), (one(TWO),)], ids=["its pods are gone", "its pod is ready again"])
def test_what_turned_a_revision_down_stays(afterwards: tuple[PodSeen, ...]) -> None:
    story = begun(GOOD)
    sees(story, one(TWO))
    assert sees(story, replace(one(TWO, CRASHES), restarts=1)) == Reason.OUT_OF_MEMORY
    assert (story.status.phase, story.status.reason) == (Phase.ABORTED, Reason.GATE_FAILED)
    assert sees(story, *afterwards) == Reason.OUT_OF_MEMORY
    story.now += 2 * story.asks.bake_time
    assert sees(story) == Reason.OUT_OF_MEMORY
    story.asks = replace(story.asks, written="a")
    assert sees(story) is None


def test_a_model_that_does_not_load_is_told_as_long_as_it_is_asked_for() -> None:
    story = preparing()
    assert sees(story, one(TWO, BROKEN)) == Reason.MODEL_LOAD_FAILED
    assert sees(story) == Reason.MODEL_LOAD_FAILED
    assert story.status.phase == Phase.ABORTED


def first(*alive: PodSeen, before: ModelDeploymentStatus | None = None, **changes: object) -> ModelDeploymentStatus:
    """Nothing has served yet."""
    snapshot = replace(Seen((ONE,), deployments(a=1), alive), **changes)  # type: ignore[arg-type]
    return decide(wish(), before or ModelDeploymentStatus(), snapshot, NOW).status


def test_before_anything_serves_it_stays_until_something_does() -> None:
    failing = first(one(ONE, CRASHES))
    assert failing.phase == Phase.INITIAL
    again = first(one(ONE, STARTING, "q"), before=failing)
    assert again.last_failure == failing.last_failure
    assert first(*pods(ONE, 10), before=again).last_failure is None


def test_a_source_that_is_listed_at_last_is_no_failure() -> None:
    denied = first(revisions=(), resolutions=(job(trouble=DENIED),))
    assert denied.last_failure
    while_trying = first(before=denied, revisions=(), resolutions=(job(trouble=DENIED), job(attempt=2)))
    assert while_trying.last_failure == denied.last_failure
    assert first(one(ONE, STARTING), before=denied).last_failure is None


def test_a_spec_that_is_read_again_is_no_failure() -> None:
    story = begun(GOOD)
    story.status = spec_invalid(story.status, 2, "spec.model.sauce: Extra inputs are not permitted", NOW)
    assert reason(story) == Reason.SPEC_INVALID
    story.run()
    assert reason(story) is None


def test_an_object_that_is_made_at_last_is_no_failure() -> None:
    story = begun(GOOD)
    refusal = Refusal("PodDisruptionBudget", "fraud-a", Reason.OBJECT_REFUSED, "It is wrong.")
    story.sees = replace(story.sees, refusals=(refusal,))
    story.run()
    assert reason(story) == Reason.OBJECT_REFUSED
    story.sees = replace(story.sees, refusals=())
    story.run()
    assert reason(story) is None


def test_where_no_pod_could_be_made_it_lasts_until_they_are_ready() -> None:
    story = preparing()
    short = tuple(
        replace(each, trouble=QUOTA if each.revision == TWO.hash else None) for each in story.sees.deployments
    )
    story.sees = replace(story.sees, deployments=short)
    plan = decide(story.asks, story.status, story.sees, story.now)
    assert plan.status.last_failure
    assert plan.status.last_failure.reason == Reason.QUOTA
    story.status = plan.status
    assert sees(story) == Reason.QUOTA
    assert sees(story, one(TWO)) is None


def test_of_the_gateway_it_ends_at_once() -> None:
    story = preparing()
    story.gateway = silent_gateway
    sees(story, one(TWO))
    assert reason(story) == Reason.GATEWAY_NOT_READY
    story.gateway = Story().gateway
    story.run()
    assert reason(story) is None


def test_of_an_arm_it_ends_with_its_cause_and_with_the_experiment() -> None:
    it = running(SIDE_A)
    assert sees(it, one(TWO, NO_ROOM), one(TWO, letter="q")) == Reason.UNSCHEDULABLE
    assert sees(it, one(TWO), one(TWO, letter="q")) is None
    assert sees(it, one(TWO, NO_ROOM), one(TWO, letter="q")) == Reason.UNSCHEDULABLE
    it.asks = replace(it.asks, experiment=None)
    assert sees(it, one(TWO, NO_ROOM), one(TWO, letter="q")) is None
