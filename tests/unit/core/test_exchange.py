"""`capacity: replace`: pods change hands one by one. What must hold in every pass, `Story` looks at itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.seeing import BROKEN, NO_GPU, Gateway, lagging, passed, pod, pods, silent
from tests.unit.core.story import BAD, MINUTE, ONE, TWO, counts, four, replacing, strategy
from tritium.api.status import Phase
from tritium.core.reasons import Reason


def test_one_by_one_to_the_end() -> None:
    story = replacing()
    assert counts(story) == (3, 1, 5)
    story.run(passes=20, minutes=1)
    assert counts(story) == (2, 2, 50)
    story.run(passes=20, minutes=1)
    assert counts(story) == (1, 3, 75)
    assert story.status.phase is Phase.PROGRESSING
    story.run(passes=20, minutes=1)
    assert (story.stable, counts(story)) == (2, (0, 4, 100))
    story.run(minutes=11)
    assert (story.status.phase, counts(story)) == (Phase.IDLE, (0, 4, 100))


def test_the_next_is_given_up_when_every_gateway_pod_sends_the_last_its_share() -> None:
    story = replacing(strategy=strategy([{"weight": 5, "minDuration": "1m"}, {"weight": 75, "minDuration": "1m"}]))
    seen = [counts(story)]
    story.now += MINUTE
    for _ in range(20):
        story.run(passes=1)
        if counts(story) != seen[-1]:
            seen.append(counts(story))
    assert seen == [
        (3, 1, 5), (3, 1, 25), (2, 1, 25), (2, 2, 25), (2, 2, 50), (1, 2, 50), (1, 3, 50), (1, 3, 75),
    ]  # fmt: skip


@pytest.mark.parametrize("gateway", [silent, lagging(None)])
def test_no_pod_is_given_up_while_a_gateway_pod_may_send_it_more(gateway: Gateway) -> None:
    story = replacing()
    story.gateway = gateway
    story.run(passes=20, minutes=1)
    assert counts(story)[:2] == (3, 1)


def test_no_other_is_given_up_before_the_last_one_has_passed_its_smoke_test() -> None:
    story = four(smoke_tests="t", strategy=strategy([{"weight": 75, "minDuration": "1m"}]))
    story.run(passes=20, minutes=5)
    assert counts(story) == (3, 1, 0)
    story.sees = replace(story.sees, smoke=passed(*pods(TWO, 4)))
    story.run(passes=20)
    assert counts(story) == (1, 3, 75)


def test_the_last_pod_of_the_one_before_ends_before_the_new_one_gets_its_own() -> None:
    story = replacing()
    story.run(passes=20, minutes=1)
    story.run(passes=20, minutes=1)
    story.follows = False
    story.run(passes=20, minutes=1)
    assert (story.stable, counts(story)) == (2, (0, 3, 100))
    ending = replace(pods(ONE, 1)[0], ready=False, terminating=True)
    story.sees = replace(story.sees, pods=(*pods(TWO, 3), ending))
    story.run()
    assert counts(story) == (0, 3, 100)
    story.sees = replace(story.sees, pods=pods(TWO, 3))
    story.run()
    assert counts(story) == (0, 4, 100)


def test_a_candidate_that_never_gets_ready_costs_one_pod() -> None:
    story = four(follows=False)
    story.run()
    assert counts(story) == (3, 0, 0), "the pod is still there"
    story.sees = replace(story.sees, pods=(*pods(ONE, 3), replace(pods(ONE, 4)[3], ready=False, terminating=True)))
    story.run()
    assert counts(story) == (3, 0, 0), "it ends"
    story.sees = replace(story.sees, pods=pods(ONE, 3))
    story.run()
    assert counts(story) == (3, 1, 0)
    story.sees = replace(story.sees, pods=(*pods(ONE, 3), pod("p", TWO, NO_GPU)))
    story.run(minutes=29)
    assert (counts(story), story.status.phase) == ((3, 1, 0), Phase.BLOCKED)
    story.sees = replace(story.sees, pods=(*pods(ONE, 3), pod("p", TWO, BROKEN)))
    story.run()
    assert (counts(story), story.status.phase) == ((4, 0, 0), Phase.ABORTED)


@pytest.mark.parametrize("back", ["gate", "abort", "edit"])
def test_back_at_once_with_all_pods(back: str) -> None:
    story = replacing()
    story.run(passes=20, minutes=1)
    story.run(passes=20, minutes=1)
    assert counts(story) == (1, 3, 75)
    match back:
        case "gate":
            story.window = BAD
        case "abort":
            story.act("abort")
        case _:
            story.asks = replace(story.asks, written="a")
    plan = story.run(passes=1)
    assert counts(story)[2] == 0
    assert (plan.replicas[ONE.hash], plan.replicas[TWO.hash]) == (4, 3), "its pods go when nobody is led there"
    story.run()
    assert counts(story) == (4, 0, 0)
    assert story.stable == 1


def test_promoted_by_hand_it_still_goes_one_by_one() -> None:
    story = replacing()
    story.act("promote")
    story.run(passes=30)
    assert (story.stable, counts(story)) == (2, (0, 4, 100))


@pytest.mark.parametrize("paused", ["action", "spec"])
def test_what_is_paused_gives_nothing_up(paused: str) -> None:
    story = replacing()
    if paused == "action":
        story.act("pause")
    else:
        story.asks = replace(story.asks, paused=True)
    story.run(passes=20, hours=1)
    assert (counts(story), story.status.phase) == ((3, 1, 5), Phase.PAUSED)
    begins = four(paused=True)
    begins.run()
    assert counts(begins) == (4, 0, 0)


def test_a_stable_revision_that_has_lost_a_pod_gives_up_none() -> None:
    story = replacing()
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 2), *pods(TWO, 1)))
    story.run(passes=20, minutes=5)
    assert (counts(story), story.status.reason) == ((3, 1, 5), Reason.STABLE_SHORT)


def test_the_way_back_to_a_revision_that_was_stable_before_goes_one_by_one_too() -> None:
    story = replacing()
    for _ in range(3):
        story.run(passes=20, minutes=1)
    assert story.stable == 2
    story.asks = replace(story.asks, written="a")
    seen: list[tuple[int, int]] = []
    for _ in range(40):
        story.run(passes=1)
        if not seen or counts(story)[:2] != seen[-1]:
            seen.append(counts(story)[:2])
    assert story.stable == 1
    assert seen == [(0, 4), (0, 3), (1, 3), (1, 2), (2, 2), (2, 1), (3, 1), (3, 0), (4, 0)]
    assert story.status.last_rollback
    assert story.status.last_rollback.to_revision == 1


@pytest.mark.parametrize("share", [1, 2, 3])
def test_the_way_back_is_left_again_at_once(share: int) -> None:
    """Though the one that is left was stable before, and has more pods by then."""
    story = replacing()
    for _ in range(3):
        story.run(passes=20, minutes=1)
    story.asks = replace(story.asks, written="a")
    while story.replicas(ONE) < share:
        story.run(passes=1)
    story.run(passes=3)
    story.asks = replace(story.asks, written="b")
    story.run(passes=20)
    assert (story.stable, counts(story)) == (2, (0, 4, 100))


def test_a_revision_whose_pods_are_not_ready_gives_all_of_them_up_for_the_way_back() -> None:
    story = replacing()
    for _ in range(3):
        story.run(passes=20, minutes=1)
    story.follows = False
    story.sees = replace(story.sees, pods=tuple(pod(f"p{number}", TWO, BROKEN) for number in range(4)))
    story.asks = replace(story.asks, written="a")
    story.run()
    assert counts(story)[:2] == (0, 1)
    story.sees = replace(story.sees, pods=story.sees.pods[:1])
    story.run()
    assert counts(story)[:2] == (3, 1)
    story.follows = True
    story.run(passes=20)
    assert (story.stable, counts(story)) == (1, (4, 0, 0))


def test_more_and_fewer_replicas_in_the_middle() -> None:
    story = replacing()
    story.run(passes=20, minutes=1)
    assert counts(story) == (2, 2, 50)
    story.asks = replace(story.asks, replicas=8)
    story.run(passes=20)
    assert counts(story) == (4, 4, 50)
    story.asks = replace(story.asks, replicas=2)
    story.run(passes=20)
    assert story.replicas(ONE) == 1
    story.asks = replace(story.asks, replicas=1)
    story.run(passes=20)
    assert story.replicas(ONE) == 1


def test_one_pod_gives_none_up() -> None:
    story = four(replicas=1)
    story.run(passes=20)
    assert counts(story) == (1, 1, 5)


@pytest.mark.parametrize("replicas", [2, 3, 5, 7])
def test_any_number_of_pods_gets_there(replicas: int) -> None:
    """Also where a pod's part of the traffic is no whole number."""
    story = replacing(replicas=replicas)
    for _ in range(3):
        story.run(passes=90, minutes=1)
    assert (story.stable, counts(story)) == (2, (0, replicas, 100))
