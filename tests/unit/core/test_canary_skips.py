"""`skip-step`, and what holds a rollout afterwards: a paused one gets no more of the traffic than it had come to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.core.seeing import pods
from tests.unit.core.story import BAD, FEW, GOOD, ONE, TWO, TWO_STEPS, Story, asking, begun, strategy
from tritium.api.status import Phase
from tritium.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

ONE_STEP: list[dict[str, Any]] = [{"weight": 20, "minDuration": "1m"}]


def with_pods(story: Story, candidates: int) -> Story:
    """Of the candidate there are so many, whatever is asked for."""
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *pods(TWO, candidates)))
    return story


def says(story: Story, *verbs: str) -> Story:
    for verb in verbs:
        story.act(verb)
        story.run()
    return story


def by_pause(story: Story) -> None:
    says(story, "pause")


def by_spec(story: Story) -> None:
    story.asks = replace(story.asks, paused=True)
    story.run()


def by_deadline(story: Story) -> None:
    story.run(minutes=31)
    assert story.paused == Reason.DEADLINE


HELD = pytest.mark.parametrize("held", [by_pause, by_spec, by_deadline])


@HELD
def test_what_was_skipped_before_it_began_gives_nothing(held: Callable[[Story], None]) -> None:
    story = says(with_pods(Story(asking(), window=GOOD), 0), "skip-step")
    assert (story.part, story.step) == (0, 1)
    held(story)
    with_pods(story, 5).run()
    assert (story.status.phase, story.part) == (Phase.PAUSED, 0)


@HELD
def test_two_steps_skipped_at_once_give_no_more_than_the_one_before_them(held: Callable[[Story], None]) -> None:
    story = says(with_pods(begun(GOOD), 1), "skip-step", "skip-step")
    assert (story.part, story.step) == (1_000, 2)
    held(story)
    with_pods(story, 5).run()
    assert (story.status.phase, story.part) == (Phase.PAUSED, 1_000)
    with_pods(story, 0).run()
    with_pods(story, 5).run()
    assert story.part == 1_000, "what it had comes back with its pods"


def test_a_second_skip_goes_no_further_while_the_spec_pauses_it() -> None:
    story = begun(GOOD)
    by_spec(story)
    says(story, "skip-step", "skip-step")
    assert (story.status.phase, story.part, story.step, story.replicas(TWO)) == (Phase.PAUSED, 1_000, 2, 10)


def test_a_resumed_step_that_is_paused_once_more_keeps_what_it_had() -> None:
    story = begun(GOOD)
    story.run(minutes=1)
    assert (story.part, story.step) == (5_000, 1)
    says(story, "pause")
    with_pods(story, 0)
    says(story, "resume", "pause")
    with_pods(story, 5).run()
    assert (story.paused, story.part) == (Reason.PAUSED_BY_HAND, 5_000)


def test_it_awaits_promotion_with_the_last_steps_part_and_is_judged() -> None:
    story = says(with_pods(Story(asking(strategy=strategy(ONE_STEP, autoPromote=False)), window=FEW), 0), "skip-step")
    assert (story.status.phase, story.paused, story.part) == (Phase.PREPARING, None, 0)
    with_pods(story, 2).run()
    assert (story.paused, story.part, story.judging) == (Reason.AWAITS_PROMOTION, 2_000, True)
    with_pods(story, 0).run()
    with_pods(story, 2).run()
    assert (story.paused, story.part) == (Reason.AWAITS_PROMOTION, 2_000), "what it had comes back with its pods"
    story.window = BAD
    story.run()
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_a_pause_between_steps_begins_with_the_part_of_the_step_before_it() -> None:
    steps: list[dict[str, Any]] = [TWO_STEPS[0], {"pause": {}}, TWO_STEPS[1]]
    story = says(with_pods(Story(asking(strategy=strategy(steps)), window=GOOD), 0), "skip-step")
    assert (story.paused, story.part, story.step) == (None, 0, 1)
    with_pods(story, 1).run()
    assert (story.paused, story.part, story.step, story.judging) == (Reason.PAUSE_STEP, 1_000, 1, True)


def test_a_step_that_an_older_operator_began_keeps_its_part() -> None:
    """It did not write down which step has begun."""
    story = says(begun(GOOD), "pause")
    assert story.status.candidate
    older = story.status.candidate.model_copy(update={"begun": None})
    story.status = story.status.model_copy(update={"candidate": older})
    with_pods(story, 0).run()
    with_pods(story, 1).run()
    assert (story.paused, story.part) == (Reason.PAUSED_BY_HAND, 1_000)
