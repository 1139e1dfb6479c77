"""Actions that change nothing: nothing is counted anew, and an Event says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.core.seeing import job
from tests.unit.core.story import BAD, GOOD, ONE, THREE, TWO, Story, asking, begun, strategy
from tritium.api.status import Phase
from tritium.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable


def told(story: Story) -> list[str]:
    """What the next passes tell of an action in vain."""
    plans = [story.run(passes=1) for _ in range(3)]
    notices = [each for plan in plans for each in plan.notices]
    return [each.message for each in notices if each.reason == Reason.ACTION_WITHOUT_EFFECT]


def waiting_for_pods() -> Story:
    """All steps have passed, and the pods for all of the traffic do not come."""
    story = begun(GOOD)
    story.run(minutes=1)
    story.follows = False
    story.run(minutes=1)
    assert (story.step, story.stable, story.paused) == (2, 1, None)
    return story


def awaiting() -> Story:
    story = begun(GOOD, strategy=strategy(autoPromote=False))
    for _ in range(2):
        story.run(minutes=1)
    return story


def paused() -> Story:
    story = begun(GOOD)
    story.act("pause")
    story.run()
    return story


def baking() -> Story:
    story = begun(GOOD)
    for _ in range(2):
        story.run(minutes=1)
    assert story.status.phase is Phase.PROMOTING
    return story


def pinned() -> Story:
    story = Story(asking(pin=2), follows=False)
    story.run()
    return story


IN_VAIN: dict[str, tuple[Callable[[], Story], str, str]] = {
    "skip-step without one": (waiting_for_pods, "skip-step", "the rollout is Progressing (RollingOut), revision 2"),
    "skip-step instead of promote": (awaiting, "skip-step", "the rollout is Paused (AwaitsPromotion), revision 2"),
    "pause twice": (paused, "pause", "the rollout is Paused (PausedByHand), revision 2"),
    "pause what awaits promotion": (awaiting, "pause", "the rollout is Paused (AwaitsPromotion), revision 2"),
    "resume what goes on": (lambda: begun(GOOD), "resume", "the rollout is Progressing (RollingOut), revision 2"),
    "pause what bakes": (baking, "pause", "the rollout is Promoting"),
    "abort what is pinned": (pinned, "abort", "pinRevision names revision 2"),
    "nothing is rolled out": (lambda: Story(asking(written="a")), "abort", "the rollout is Idle (Serving)"),
}


@pytest.mark.parametrize("case", IN_VAIN)
def test_what_changes_nothing_is_told_and_counts_nothing_anew(case: str) -> None:
    place, verb, why = IN_VAIN[case]
    story = place()
    story.run(seconds=20)
    before = story.status.candidate
    story.act(verb)
    (said,) = told(story)
    assert said.startswith(f"the action {verb} has no effect: {why}")
    assert story.status.candidate == before


@pytest.mark.parametrize("verb", ["abort", "pause", "promote", "skip-step"])
def test_what_changes_something_is_not_told_to_be_in_vain(verb: str) -> None:
    story = begun(GOOD)
    story.act(verb)
    assert told(story) == []


def test_a_gate_that_has_failed_after_the_last_step_is_skipped_all_the_same() -> None:
    story = begun(GOOD, strategy=strategy(autoPromote=False, onFailure="Pause"))
    for _ in range(2):
        story.run(minutes=1)
    story.window = BAD
    story.run(seconds=5)
    assert story.paused == Reason.GATE_FAILED
    story.window = GOOD
    story.act("skip-step")
    story.run()
    assert story.paused == Reason.AWAITS_PROMOTION


@pytest.mark.parametrize("pin", [1, 9])
def test_a_retry_under_a_pin_is_not_made_up_for_without_it(pin: int) -> None:
    """It would roll out what somebody has pinned away from, when the pin goes."""
    story = begun(GOOD)
    story.window = BAD
    story.run(seconds=5)
    assert story.status.phase is Phase.ABORTED
    story.asks = replace(story.asks, pin=pin)
    story.run()
    story.act("retry")
    assert told(story) == [f"the action retry has no effect: pinRevision names revision {pin}"]
    story.asks = replace(story.asks, pin=None)
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE), resolutions=(job(f"b#{story.tokens}", found=2),))
    story.run()
    assert (story.status.phase, story.stable) == (Phase.ABORTED, 1)
