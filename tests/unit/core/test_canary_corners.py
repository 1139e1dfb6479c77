"""A rollout in steps where several things come together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.seeing import (
    following,
    lagging,
    passed,
    pod,
    pods,
    silent,
    weights,
    wish,
)
from tests.unit.core.story import BAD, FEW, GOOD, ONE, THREE, TWO, Story, asking, begun, strategy
from tritium.api.status import ModelDeploymentStatus, Phase
from tritium.core.reasons import Reason
from tritium.core.sample import Sample
from tritium.core.seen import WindowSeen


@pytest.mark.parametrize("verb", ["gate", "abort", "back"])
def test_nobody_falls_back_to_what_was_only_tried(verb: str) -> None:
    """Though it has more pods than the stable revision has left."""
    story = begun(GOOD, strategy=strategy([{"weight": 10, "minDuration": "1m"}, {"weight": 100, "minDuration": "9m"}]))
    story.run(minutes=1)
    assert story.part == 10_000
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 9), *pods(TWO, 10)))
    match verb:
        case "gate":
            story.window = BAD
        case "abort":
            story.act("abort")
        case _:
            story.asks = wish(replicas=10)
    story.run()
    assert weights(story.status.traffic)[1] == 10_000


def test_no_replicas_promote_nothing() -> None:
    story = begun(BAD, strategy=strategy(onFailure="Pause"))
    story.run()
    assert story.paused == Reason.GATE_FAILED
    story.asks = replace(story.asks, replicas=0)
    story.run(minutes=5)
    assert (story.stable, story.part) == (1, 0)
    story.asks = replace(story.asks, replicas=10)
    story.run(minutes=5)
    assert (story.stable, story.paused) == (1, Reason.GATE_FAILED)


def test_what_was_resumed_or_skipped_is_judged_while_it_waits() -> None:
    for verb, step in (("resume", 0), ("skip-step", 1)):
        story = begun(GOOD)
        story.act("pause")
        story.run()
        story.follows = False
        story.act(verb)
        story.gateway = silent
        story.run()
        assert (story.step, story.part, story.judging) == (step, 1_000, True)
        story.window = BAD
        story.run()
        assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_resuming_what_awaits_its_promotion_judges_the_last_step_again() -> None:
    story = begun(GOOD, strategy=strategy(autoPromote=False, onFailure="Pause"))
    story.run(minutes=1)
    story.run(minutes=1)
    assert story.paused == Reason.AWAITS_PROMOTION
    story.window = BAD
    story.run()
    assert story.paused == Reason.GATE_FAILED, "that is more than somebody's wish"
    story.act("resume")
    story.window = GOOD
    story.run()
    assert (story.step, story.part, story.stable) == (1, 5_000, 1)


def test_what_is_likely_bad_does_not_go_on_for_want_of_proof() -> None:
    likely = WindowSeen(Sample(100, failed=4), Sample(900))
    story = Story(asking(smoke_tests="t"), window=likely)
    story.sees = replace(story.sees, smoke=passed(*pods(TWO, 10)))
    story.run()
    story.run(minutes=30)
    assert (story.paused, story.part) == (Reason.INSUFFICIENT_DATA, 1_000)


def test_what_was_lost_is_not_promoted_because_it_was_tried() -> None:
    story = begun(GOOD)
    runs = story.status.traffic
    story.status, story.gateway = ModelDeploymentStatus(), lagging(runs)
    story.run(passes=2)
    assert (story.stable, story.status.stable and story.status.stable.revision) == (1, 1)
    assert story.replicas(TWO) == 1, "a gateway pod may still send there"
    story.gateway = following
    story.run()
    assert story.stable == 1
    assert story.part in {0, 1_000}


def test_restarts_from_before_do_not_count() -> None:
    story = Story(window=GOOD, follows=False)
    story.run()
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), replace(pod("p", TWO), restarts=3)))
    story.run()
    assert (story.part, story.judging) == (1_000, True)
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), replace(pod("p", TWO), restarts=4)))
    story.run()
    assert story.status.phase is Phase.ABORTED


def test_another_process_looks_as_long_as_the_first() -> None:
    story = begun(FEW)
    story.run(minutes=20)
    story.window = replace(GOOD, since=story.now)
    story.run(seconds=59)
    assert story.step == 0
    story.run(seconds=1)
    assert story.step == 1


def test_a_rollout_that_waits_for_the_stable_revision_says_so() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 9), *pods(TWO, 1)))
    story.run(hours=1)
    assert story.status.reason == Reason.STABLE_SHORT
    assert "the action promote goes on all the same" in story.says()


def test_a_candidate_with_requests_has_a_budget() -> None:
    story = begun(GOOD)
    story.run(minutes=1)
    assert TWO.hash in story.run().budgeted


def test_what_was_asked_of_one_candidate_is_not_done_to_the_next() -> None:
    story = begun(FEW)
    story.follows = False
    story.act("promote")
    story.run()
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    story.asks = replace(story.asks, written="c")
    story.follows = True
    story.run()
    assert (story.stable, weights(story.status.traffic)[3]) == (1, 1_000)


def test_what_is_asked_while_the_source_is_listed_waits() -> None:
    story = Story(asking(written="new"))
    story.act("abort")
    story.run()
    assert story.status.last_action is None


def test_a_pin_that_is_not_kept_changes_nothing() -> None:
    story = begun(GOOD)
    story.asks = replace(story.asks, pin=9)
    story.run(hours=1)
    assert (story.part, story.step, story.stable) == (1_000, 0, 1)
    story.window = BAD
    story.run()
    assert (story.part, story.stable) == (0, 1)


def test_a_paused_rollout_gets_back_what_it_had_come_to() -> None:
    story = begun(GOOD)
    story.act("pause")
    story.run()
    story.follows = False
    story.sees = replace(story.sees, pods=pods(ONE, 10))
    story.run()
    assert (story.part, story.status.phase) == (0, Phase.PAUSED)
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *pods(TWO, 1)))
    story.run()
    assert story.part == 1_000


def test_no_step_ends_without_its_weight() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=pods(ONE, 10))
    story.run(hours=1)
    assert story.step == 0


def test_resuming_what_is_not_paused_changes_nothing() -> None:
    story = begun(GOOD)
    story.run(seconds=30)
    story.act("resume")
    story.run()
    story.run(seconds=30)
    assert story.step == 1
