"""A rollout in steps, and what people do to it: pause, resume, promote, abort, edit, pin."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    NO_ROOM,
    NOW,
    following,
    job,
    lagging,
    pod,
    pods,
    serving,
    weights,
    wish,
)
from tests.unit.core.story import BAD, FEW, GOOD, MINUTE, ONE, THREE, TWO, TWO_STEPS, Story, asking, begun, strategy
from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus, Phase
from tritium.core.reasons import Reason

AT_ONCE = '{"strategy":"blueGreen"}'


def test_a_step_that_waits_for_a_person() -> None:
    story = begun(GOOD, strategy=strategy([TWO_STEPS[0], {"pause": {}}, TWO_STEPS[1]]))
    story.run(minutes=1)
    assert (story.paused, story.part, story.step) == (Reason.PAUSE_STEP, 1_000, 1)
    assert "serving.tritium.dev/action=resume@1" in story.says()
    assert "10 % of the traffic, step 1 of 2. It is paused" in story.says(), "a pause is no step"
    assert story.says(ConditionType.STALLED) == "nothing waits for a person"
    story.run(hours=9)
    assert story.step == 1
    story.act("resume")
    story.run()
    assert (story.paused, story.part, story.step) == (None, 5_000, 2)
    assert "step 2 of 2" in story.says()
    story.run(hours=9)
    assert story.stable == 2


def test_a_paused_rollout_can_still_fail() -> None:
    story = begun(GOOD)
    story.act("pause")
    story.run(hours=1)
    assert (story.paused, story.part, story.step) == (Reason.PAUSED_BY_HAND, 1_000, 0)
    story.window = BAD
    story.run()
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_a_resumed_step_begins_anew() -> None:
    story = begun(GOOD)
    story.act("pause")
    story.run(seconds=59)
    story.act("resume")
    story.run()
    assert (story.paused, story.judging) == (None, True)
    story.run(seconds=59)
    assert story.step == 0
    story.run(seconds=1)
    assert story.step == 1


def test_the_spec_pauses_as_long_as_it_says_so() -> None:
    story = begun(GOOD)
    story.asks = replace(story.asks, paused=True)
    story.run(hours=1)
    assert (story.status.phase, story.part, story.status.reason) == (Phase.PAUSED, 1_000, Reason.PAUSED_BY_HAND)
    assert "rollout.paused: set it to false" in story.says()
    story.asks = replace(story.asks, paused=False)
    story.run()
    assert story.step == 1


def test_paused_before_it_began_it_gets_nothing() -> None:
    story = Story(asking(paused=True), window=GOOD)
    story.run(hours=1)
    assert (story.status.phase, story.part, story.replicas(TWO)) == (Phase.PAUSED, 0, 1)


def test_without_auto_promotion_it_waits_for_a_person() -> None:
    story = begun(GOOD, strategy=strategy(autoPromote=False))
    story.run(minutes=1)
    story.run(minutes=1)
    assert (story.paused, story.part, story.stable) == (Reason.AWAITS_PROMOTION, 5_000, 1)
    assert "and all steps have passed. Finish with" in story.says()
    story.act("promote")
    story.run()
    assert (story.stable, story.part, story.replicas(TWO)) == (2, 10_000, 10)
    assert story.status.last_action
    assert story.status.last_action.verb == "promote"


def test_a_promotion_by_hand_needs_all_pods_and_nothing_else() -> None:
    story = begun(FEW)
    story.follows = False
    story.act("promote")
    story.run()
    assert (story.stable, story.part, story.replicas(TWO)) == (1, 1_000, 10)
    assert story.status.last_action
    assert story.status.last_action.verb == "promote"
    assert "revision 2 has 10 % of the traffic, and gets the rest as soon as all its pods are ready" in story.says()
    story.window = BAD
    story.run(minutes=1)
    assert story.stable == 1
    assert not story.status.rejected_revisions
    story.follows = True
    story.run()
    assert (story.stable, story.part, story.judging) == (2, 10_000, False)


@pytest.mark.parametrize("strategy_of", [strategy(), AT_ONCE], ids=["in steps", "at once"])
def test_a_pause_takes_a_promotion_back(strategy_of: str) -> None:
    story = Story(asking(strategy=strategy_of), follows=False, window=GOOD)
    story.act("promote")
    story.run()
    story.act("pause")
    story.run()
    story.follows = True
    story.run(minutes=9)
    assert (story.stable, story.part, story.status.phase) == (1, 0, Phase.PAUSED)


@pytest.mark.parametrize("strategy_of", [strategy(), AT_ONCE], ids=["in steps", "at once"])
@pytest.mark.parametrize("listed", [False, True])
def test_a_promotion_that_waits_is_not_that_of_another_revision(strategy_of: str, *, listed: bool) -> None:
    story = Story(asking(strategy=strategy_of), window=FEW)
    story.follows = False
    story.act("promote")
    story.run()
    story.asks = replace(story.asks, written="c")
    if not listed:
        story.run()
        assert story.status.phase is Phase.PREPARING
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    story.run(passes=1)
    assert story.status.candidate
    assert (story.status.candidate.revision, story.status.candidate.by_hand) == (3, None)
    story.follows = True
    if strategy_of != AT_ONCE:
        story.run(passes=20)
        assert (story.stable, weights(story.status.traffic)[3]) == (1, 1_000)


@pytest.mark.parametrize("of_before", [False, True])
def test_what_is_asked_while_a_revision_is_listed_waits_for_it(*, of_before: bool) -> None:
    """Unless it was asked while another one was rolled out: then it was of that."""
    story = begun(FEW) if of_before else Story(asking(written="a"))
    story.run()
    story.asks = replace(story.asks, written="c")
    story.act("promote")
    story.run()
    assert (story.status.last_action is not None) is of_before
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    story.run(passes=20)
    assert story.stable == (1 if of_before else 3)


def test_pinning_the_candidate_is_a_promotion() -> None:
    story = begun(FEW)
    story.asks = replace(story.asks, pin=2)
    story.run()
    assert (story.stable, story.part) == (2, 10_000)


def test_a_retry_of_what_was_stable_and_turned_down_begins_at_the_first_step() -> None:
    """Its pods may be there, and it may have served: it was turned down since, and its gates count again."""
    story = begun(GOOD)
    story.act("promote")
    story.run()
    story.asks = replace(story.asks, pin=1)
    story.run()
    story.asks = replace(story.asks, pin=None)
    story.run()
    assert (story.stable, story.status.phase) == (1, Phase.ABORTED)
    story.act("retry")
    story.run()
    token = f"{story.asks.written}#{story.tokens}"
    story.sees = replace(story.sees, resolutions=(job(token, found=1),))
    story.run()
    assert (story.stable, story.step, story.part, story.status.phase) == (1, 0, 1_000, Phase.PROGRESSING)
    story.window = BAD
    story.run(seconds=5)
    assert (story.stable, story.part, story.status.phase) == (1, 0, Phase.ABORTED)


def test_an_abort_by_hand() -> None:
    story = begun(GOOD)
    story.act("abort")
    story.run()
    assert (story.part, story.stable, story.status.phase) == (0, 1, Phase.ABORTED)
    assert (story.status.rejected_revisions or [])[0].reason == Reason.ABORTED_BY_HAND
    assert story.status.last_action
    story.run(hours=1)
    assert story.status.phase is Phase.ABORTED


def test_a_candidate_without_steps_can_be_given_up() -> None:
    story = Story(asking(strategy=""), follows=False)
    story.run()
    assert story.status.phase is Phase.PREPARING
    story.act("abort")
    story.run()
    assert (story.status.phase, story.stable) == (Phase.ABORTED, 1)


def test_a_first_revision_cannot() -> None:
    """There is nothing to go back to."""
    story = Story(replace(asking(), written="a"), ModelDeploymentStatus(), serving(ONE, count=10, service=None))
    story.act("abort")
    story.run()
    assert story.stable == 1


@pytest.mark.parametrize("verb", ["abort", "promote", "pause", "resume", "skip-step"])
def test_without_a_rollout_an_action_changes_nothing(verb: str) -> None:
    story = Story(wish(replicas=10))
    story.run()
    before = story.status
    story.act(verb)
    story.run()
    assert story.status.last_action
    assert story.status.last_action.verb == verb
    assert story.status.model_copy(update={"last_action": None}) == before
    assert story.replicas(ONE) == 10


def test_the_same_action_is_carried_out_once() -> None:
    story = begun(GOOD)
    story.act("skip-step")
    story.run()
    assert story.step == 1
    story.run(seconds=59)
    assert story.step == 1


def test_back_to_the_stable_revision_at_once() -> None:
    story = begun(GOOD)
    story.asks = wish(replicas=10)
    story.run()
    assert (story.part, story.stable, story.status.phase) == (0, 1, Phase.IDLE)
    assert not story.status.rejected_revisions
    assert story.replicas(TWO) == 0


def test_a_third_revision_never_comes_on_top_of_one_that_was_not_promoted() -> None:
    story = begun(GOOD)
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    story.asks = replace(story.asks, written="c")
    story.run()
    assert weights(story.status.traffic) == {3: 1_000, 1: 9_000}
    assert (story.step, story.stable, story.replicas(TWO)) == (0, 1, 0)


def test_pods_of_one_that_was_left_stay_until_no_gateway_pod_sends_to_it() -> None:
    story = begun(GOOD)
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    story.gateway, story.asks = lagging(story.status.traffic), replace(story.asks, written="c")
    story.run(hours=1)
    assert story.replicas(TWO) == 1
    story.gateway = following
    story.run()
    assert story.replicas(TWO) == 0


def test_a_strategy_that_is_changed_on_the_way_counts_from_the_next_rollout_on() -> None:
    story = begun(FEW)
    story.asks = replace(story.asks, strategy=strategy([{"weight": 10, "minDuration": "0s", "minRequests": 0}]))
    story.run(minutes=5)
    assert (story.part, story.step) == (1_000, 0)
    story.asks = replace(story.asks, strategy="")
    story.run(minutes=5)
    assert (story.part, story.stable) == (1_000, 1), "nor does taking the steps away let it through"


def test_nothing_goes_on_by_itself_while_the_stable_revision_is_short_of_pods() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 9), *pods(TWO, 1)))
    story.run(hours=1)
    assert (story.step, story.part) == (0, 1_000)
    story.window = BAD
    story.run()
    assert story.status.phase is Phase.ABORTED


def test_a_candidate_with_requests_keeps_its_pods_though_a_stable_pod_finds_no_room() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 9), pod("p", ONE, NO_ROOM), *pods(TWO, 1)))
    story.run()
    assert story.replicas(TWO) == 1


def test_one_that_served_before_comes_back_without_steps() -> None:
    story = begun(GOOD)
    story.run(minutes=1)
    story.run(minutes=1)
    assert story.stable == 2
    story.asks = replace(story.asks, written="a")
    story.run()
    assert (story.stable, weights(story.status.traffic)[1]) == (1, 10_000)


def test_the_first_revision_has_no_steps() -> None:
    story = Story(replace(asking(), written="a"), ModelDeploymentStatus(), serving(ONE, count=10, service=None))
    story.run()
    assert (story.stable, weights(story.status.traffic)) == (1, {1: 10_000})


def test_without_replicas_there_are_no_steps() -> None:
    story = Story(asking(replicas=0))
    story.run()
    assert story.stable == 2


def test_a_model_that_breaks_on_the_way_is_turned_down() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), pod("p", TWO, BROKEN)))
    story.run()
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_a_restart_is_too_many() -> None:
    story = begun(GOOD)
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), replace(pod("p", TWO), restarts=1)))
    story.run()
    assert (story.status.rejected_revisions or [])[0].reason == Reason.GATE_FAILED


def test_a_pause_before_all_of_the_traffic_goes_over_at_once_holds_it() -> None:
    story = Story(asking(strategy=json.dumps({"strategy": "blueGreen"})), window=GOOD, follows=False)
    story.run()
    story.act("pause")
    story.run()
    story.follows = True
    story.run(hours=9)
    assert (story.stable, story.status.phase, story.paused) == (1, Phase.PAUSED, Reason.PAUSED_BY_HAND)
    story.act("resume")
    story.run()
    assert (story.stable, story.status.phase) == (2, Phase.PROMOTING)


def test_it_wakes_when_a_step_may_end() -> None:
    story = begun(FEW)
    plan = story.run()
    assert plan.wake_at == NOW + MINUTE
    plan = story.run(minutes=1)
    assert plan.wake_at == NOW + 30 * MINUTE


def test_a_lost_window_judges_nothing() -> None:
    """As after a restart: what this process has not seen is neither good nor bad."""
    story = begun(GOOD)
    story.window = None
    story.run(minutes=5)
    assert (story.step, story.part) == (0, 1_000)
