"""A candidate that nobody asks: its smoke test is asked again and again, and counts for as much as a gate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.core.seeing import failed, passed, pods
from tests.unit.core.story import FEW, GOOD, NONE, ONE, TWO, Story, asking
from tritium.api.status import Phase
from tritium.core.reasons import Reason


def quiet(window: Any = NONE) -> Story:
    """In its first step, its smoke test passed."""
    story = Story(asking(smoke_tests="t"), window=window)
    story.sees = replace(story.sees, smoke=passed(*pods(TWO, 10)))
    story.run()
    assert story.part == 1_000
    return story


def test_it_is_asked_again_while_too_few_requests_came() -> None:
    for window in (NONE, FEW, None):
        assert quiet(window).run(seconds=5).ask == {each.uid for each in pods(TWO, 1)}
    assert quiet(GOOD).run(seconds=5).ask == frozenset()


def test_an_answer_that_is_wrong_now_takes_all_of_the_traffic_back() -> None:
    story = quiet()
    story.sees = replace(story.sees, smoke=failed(*pods(TWO, 1)))
    story.run(seconds=5)
    assert (story.stable, story.part, story.status.phase) == (1, 0, Phase.ABORTED)
    assert [each.reason for each in story.status.rejected_revisions or ()] == [Reason.SMOKE_TEST_FAILED]
    back = story.status.last_rollback
    assert back
    assert (back.from_revision, back.to_revision, back.reason) == (2, 1, Reason.SMOKE_TEST_FAILED)


def test_a_paused_one_is_left_alone() -> None:
    story = quiet()
    story.act("pause")
    story.run()
    assert story.run(minutes=1).ask == frozenset()


def test_what_is_turned_down_before_it_had_a_request_is_no_rollback() -> None:
    story = Story(asking(smoke_tests="t"), follows=False)
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *pods(TWO, 1)), smoke=failed(*pods(TWO, 1)))
    story.run()
    assert story.status.phase is Phase.ABORTED
    assert story.status.last_rollback is None
