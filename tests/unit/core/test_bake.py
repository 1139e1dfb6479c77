"""The bake: what has become stable is judged on, and goes back while the one before still has its pods."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.core.seeing import BROKEN, NO_ROOM, NOW, pod, pods, serving, silent, weights, wish
from tests.unit.core.story import BAD, GOOD, ONE, THREE, TWO, Story, asking, begun, strategy
from tritium.api.conditions import ConditionType
from tritium.api.status import Phase
from tritium.core.reasons import Reason
from tritium.core.wish import RoutingWish

AT_ONCE = json.dumps({"strategy": "blueGreen"})


def baking(**asks: Any) -> Story:
    """Promoted after its two steps."""
    return through_steps(begun(GOOD, **asks))


def through_steps(story: Story) -> Story:
    story.window = GOOD
    story.run(minutes=1)
    story.run(minutes=1)
    assert (story.stable, story.status.phase, story.part) == (2, Phase.PROMOTING, 10_000)
    return story


def all_at_once(**asks: Any) -> Story:
    story = Story(asking(strategy=AT_ONCE, **asks), window=GOOD)
    story.run()
    assert (story.stable, story.status.phase, story.part) == (2, Phase.PROMOTING, 10_000)
    return story


@pytest.mark.parametrize("story", [baking, all_at_once], ids=["in steps", "at once"])
def test_what_fails_goes_back_and_says_why(story: Any) -> None:
    story = story()
    story.window = BAD
    plan = story.run(seconds=5)
    assert (story.stable, story.part, story.status.phase) == (1, 0, Phase.ABORTED)
    [rejected] = story.status.rejected_revisions or []
    assert (rejected.revision, rejected.reason) == (2, Reason.BAKE_FAILED)
    assert "20 of 100 requests failed" in (rejected.message or "")
    assert "revision 2 was turned down: BakeFailed" in story.says()
    assert story.status.reason == Reason.BAKE_FAILED
    assert plan.replicas[ONE.hash] == plan.replicas[TWO.hash] == 10  # its pods stay to be looked at
    assert not story.judging


def test_it_is_told_as_one_warning_and_one_promotion() -> None:
    story = baking()
    story.window = BAD
    story.now += timedelta(seconds=5)
    told = [(each.reason, each.message) for each in story.run(passes=1).notices]
    assert [reason for reason, _ in told] == [Reason.PROMOTED, Reason.ABORTED]
    assert told[0][1].startswith("revision 1 serves")
    assert "revision 2 is not tried again: BakeFailed: 20 of 100 requests failed" in told[1][1]


def test_the_gates_are_shown_while_it_bakes_and_not_afterwards() -> None:
    story = baking()
    story.run(seconds=30)
    assert story.status.candidate
    assert [each.name for each in story.status.candidate.gates or ()] == ["errors", "refused", "restarts"]
    assert story.says(ConditionType.RELEASED) == "revision 2 is the one that the spec asks for"
    story.run(minutes=10)
    assert story.status.phase is Phase.IDLE
    assert not story.judging


def test_time_ends_it_without_anything_happening() -> None:
    story = baking()
    plan = story.run(seconds=1)
    assert plan.wake_at is not None
    assert plan.wake_at <= story.now + timedelta(minutes=10)


def test_a_retry_begins_at_the_first_step_again() -> None:
    story = baking()
    story.window = BAD
    story.run(seconds=5)
    story.window = GOOD
    story.status = story.status.model_copy(
        update={"rejected_revisions": None}
    )  # as a retry that was answered leaves it
    story.run(seconds=5)
    assert (story.stable, story.step, story.part) == (1, 0, 1_000)


def test_what_a_person_promoted_is_not_judged() -> None:
    story = begun(GOOD)
    story.act("promote")
    story.run()
    assert (story.stable, story.judging) == (2, False)
    story.window = BAD
    story.run(minutes=1)
    assert story.stable == 2


@pytest.mark.parametrize("verb", ["promote", "resume", "skip-step"])
def test_a_person_can_end_it(verb: str) -> None:
    story = baking()
    story.act(verb)
    story.run()
    assert (story.stable, story.judging, story.status.phase) == (2, False, Phase.PROMOTING)
    assert story.replicas(ONE) == 10


def test_without_a_bake_time_there_is_none() -> None:
    story = begun(GOOD, bake_time=timedelta())
    story.run(minutes=1)
    story.run(minutes=1)
    assert (story.stable, story.judging, story.status.phase) == (2, False, Phase.IDLE)


def test_what_comes_back_is_not_judged() -> None:
    story = baking()
    story.asks = wish(replicas=10, strategy=strategy())
    story.run()
    assert (story.stable, story.judging) == (1, False)
    story.window = BAD
    story.run(minutes=1)
    assert story.stable == 1


def test_the_first_revision_has_nothing_to_go_back_to() -> None:
    story = Story(wish(replicas=2, strategy=AT_ONCE), sees=replace(serving(ONE, count=2), service=None))
    story.status = story.status.model_copy(update={"stable": None, "revisions": None, "traffic": None})
    story.run()
    assert (story.stable, story.judging) == (1, False)


def test_a_failure_that_waits_for_a_person_keeps_the_old_pods_as_long_as_it_takes() -> None:
    story = baking(strategy=strategy(onFailure="Pause"))
    story.window = BAD
    story.run(seconds=5)
    story.run(hours=9)
    assert (story.stable, story.status.phase, story.status.reason) == (2, Phase.PAUSED, Reason.GATE_FAILED)
    assert story.replicas(ONE) == 10
    assert story.says(ConditionType.STALLED).startswith("revision 2 is the one that the spec asks for. 20 of 100")
    assert "abort@1" in story.says(ConditionType.STALLED)
    story.act("abort")
    story.run()
    assert (story.stable, story.part, story.status.phase) == (1, 0, Phase.ABORTED)


def test_a_new_candidate_is_compared_with_the_one_that_was_baking() -> None:
    story = baking()
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    story.asks = asking(written="c")
    story.run()
    assert story.status.candidate
    assert (story.stable, story.status.candidate.revision, story.step) == (2, 3, 0)


def test_the_next_process_goes_on() -> None:
    story = baking()
    assert story.status.candidate
    assert story.status.candidate.judged_since == NOW + timedelta(minutes=2)
    stored = type(story.status).model_validate(story.status.model_dump(mode="json", by_alias=True))
    again = Story(story.asks, stored, story.sees, story.now, BAD)
    again.run(seconds=5)
    assert again.stable == 1


def test_the_way_back_from_cold_says_who_serves_and_what_it_waits_for() -> None:
    story = baking()
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(TWO, 10), pod("p", ONE, NO_ROOM)))
    story.act("abort")
    told = [each.message for each in story.run(passes=1).notices]
    assert "revision 1 is stable again, and revision 2 serves what it has no pods for yet" in told
    story.run()
    assert (story.stable, story.part, story.replicas(ONE), story.replicas(TWO)) == (1, 10_000, 10, 10)
    assert story.says(ConditionType.READY) == "revision 2 serves"
    waits = "Revision 1 has not pods enough yet (No node has room): until it has, revision 2 serves the rest"
    assert waits in story.says()
    story.run(hours=1)
    assert story.replicas(TWO) == 10, "what serves keeps its pods"
    story.follows = True
    story.run()
    assert (story.part, story.replicas(ONE), story.replicas(TWO)) == (0, 10, 0)
    assert "Revision 1 goes on" in story.says()


def test_on_the_way_back_nobody_is_sent_to_where_the_last_pod_was_lost() -> None:
    story = baking()
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(TWO, 10), *pods(ONE, 3)))
    story.act("abort")
    story.run()
    assert (story.stable, story.part) == (1, 4_000)
    story.sees = replace(story.sees, pods=pods(TWO, 10))
    story.run()
    assert (story.stable, story.part) == (1, 10_000)
    story.sees = replace(story.sees, pods=(*pods(TWO, 10), *pods(ONE, 5)))
    story.run()
    assert story.part == 0


@pytest.mark.parametrize("story", [baking, all_at_once], ids=["in steps", "at once"])
def test_an_abort_moves_the_pointer_at_once_and_no_request_to_where_no_pod_is(story: Any) -> None:
    story = story()
    story.follows = False
    story.sees = replace(story.sees, pods=pods(TWO, 10))
    story.act("abort")
    story.run()
    assert (story.stable, story.part, story.status.phase) == (1, 10_000, Phase.ABORTED)


@pytest.mark.parametrize("story", [baking, all_at_once], ids=["in steps", "at once"])
def test_where_neither_has_a_pod_on_the_way_back_it_serves_who_gets_one_first(story: Any) -> None:
    story = story()
    story.follows = False
    for first, part in ((TWO, 10_000), (ONE, 0)):
        story.sees = replace(story.sees, pods=pods(TWO, 10))
        story.act("abort")
        story.run()
        story.sees = replace(story.sees, pods=())
        story.run()
        assert (story.stable, story.part) == (1, 10_000), "nobody is better off with the other one"
        story.sees = replace(story.sees, pods=pods(first, 1))
        story.run()
        assert (story.stable, story.part) == (1, part)


def test_where_neither_has_a_pod_on_the_way_back_broken_ones_do_not_take_the_room() -> None:
    story = baking()
    story.follows = False
    story.sees = replace(story.sees, pods=pods(TWO, 10))
    story.act("abort")
    story.run()
    broken, short = (
        tuple(pod(f"{of}{at}", of, why) for at in range(10)) for of, why in ((TWO, BROKEN), (ONE, NO_ROOM))
    )
    story.sees = replace(story.sees, pods=(*broken, *short))
    story.run()
    assert (story.part, story.replicas(ONE), story.replicas(TWO)) == (0, 10, 0)


def test_what_was_only_tried_gets_no_more_than_it_had() -> None:
    story = begun()
    story.follows = False
    story.sees = replace(story.sees, pods=pods(TWO, 1))
    story.run()
    story.act("abort")
    story.run()
    assert (story.stable, story.part) == (1, 1_000)


@pytest.mark.parametrize("story", [baking, begun], ids=["bakes", "in steps"])
def test_a_gateway_pod_that_falls_silent_keeps_nobody_from_going_back(story: Any) -> None:
    story = story()
    story.gateway = silent
    story.run()
    story.window = BAD
    story.run(seconds=5)
    assert (story.stable, story.part, story.status.phase) == (1, 0, Phase.ABORTED)


def test_who_serves_until_others_can_makes_room_for_them() -> None:
    story = baking()
    story.follows = False
    short = tuple(pod(f"p{number}", ONE, NO_ROOM) for number in range(7))
    story.sees = replace(story.sees, pods=(*pods(TWO, 10), *pods(ONE, 3), *short))
    story.act("abort")
    plan = story.run()
    assert (story.part, story.replicas(TWO)) == (4_000, 4)
    story.sees = replace(story.sees, pods=(*pods(TWO, 4), *pods(ONE, 3), *short))
    plan = story.run(hours=1)
    assert (story.part, story.replicas(TWO)) == (4_000, 4)
    assert TWO.hash in plan.budgeted, "a drain must leave who serves"
    story.sees = replace(story.sees, pods=(*pods(TWO, 4), *pods(ONE, 9), short[0]))
    story.run()
    assert (story.part, story.replicas(TWO)) == (0, 0)


def test_users_keep_their_places_on_the_way_back() -> None:
    """Sticky shares stand in the order in which they are told: who had the first keeps it, as far as it goes."""
    story = begun(routing=RoutingWish(sticky_header="x-user"))
    assert [*weights(story.status.traffic).items()] == [(2, 1_000), (1, 9_000)]
    story.follows = False
    story.sees = replace(story.sees, pods=pods(TWO, 1))
    story.run()
    story.act("abort")
    story.run()
    assert [*weights(story.status.traffic).items()] == [(2, 1_000), (1, 9_000)]
