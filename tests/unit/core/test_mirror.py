"""Copies of requests: for whom, how many, and which pods; they take nothing from anybody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.seeing import NO_ROOM, following, passed, pod, pods, unaware_of
from tests.unit.core.sides import SIDE_A, Experiments, running, story
from tests.unit.core.story import GOOD, ONE, THREE, TWO, begun
from tritium.api.conditions import ConditionType
from tritium.api.status import MirrorTraffic
from tritium.core.wish import MirrorWish, RoutingWish


def copying(percent: int, revision: int | None = None) -> RoutingWish:
    return RoutingWish(mirror=MirrorWish(percent, revision))


def told(it: Experiments) -> MirrorTraffic | None:
    return it.status.traffic.mirror if it.status.traffic else None


def test_a_kept_revision_gets_pods_first_and_then_copies() -> None:
    it = story()
    it.follows = False
    it.asks = replace(it.asks, routing=copying(25, 2))
    plan = it.run()
    assert (plan.replicas[TWO.hash], plan.replicas[ONE.hash], told(it)) == (3, 10, None)
    it.follows = True
    it.gateway = unaware_of(TWO)
    it.run()
    assert told(it) is None
    it.gateway = following
    it.run()
    assert told(it) == MirrorTraffic(revision=2, percent=25)
    assert (it.share(1), it.share(2)) == (100, 0)


def test_no_more_than_its_pods_carry() -> None:
    it = story()
    it.asks = replace(it.asks, routing=copying(100, 2))
    it.run()
    assert (told(it), it.replicas(TWO)) == (MirrorTraffic(revision=2, percent=100), 10)
    it.follows = False
    it.sees = replace(it.sees, pods=(*pods(ONE, 10), *pods(TWO, 4)))
    it.run()
    assert told(it) == MirrorTraffic(revision=2, percent=40)
    it.sees = replace(it.sees, pods=(*pods(ONE, 9), pod("p", ONE, NO_ROOM)))
    it.run()
    assert (told(it), it.replicas(TWO)) == (None, 0)


def test_an_arm_has_pods_for_its_share_and_for_its_copies() -> None:
    it = running(SIDE_A, routing=copying(10, 2))
    assert (it.share(2), it.replicas(TWO), told(it)) == (20, 3, MirrorTraffic(revision=2, percent=10))


def test_the_candidate_of_a_rollout_gets_them_and_nobody_afterwards() -> None:
    made = begun(GOOD, routing=copying(30))
    it = Experiments(made.asks, status=made.status, sees=made.sees, window=GOOD)
    assert (it.share(2), it.replicas(TWO), told(it)) == (10, 4, MirrorTraffic(revision=2, percent=30))
    it.run(minutes=2)
    it.run(minutes=2)
    it.run()
    assert (it.stable, told(it)) == (2, None)


@pytest.mark.parametrize("number", [1, None], ids=["the stable revision", "no candidate"])
def test_nobody_gets_copies(number: int | None) -> None:
    it = story()
    it.asks = replace(it.asks, routing=copying(50, number))
    it.run()
    assert told(it) is None
    assert it.says(ConditionType.RECONCILING) == "nothing is under way"


def test_a_revision_that_is_not_kept_is_said() -> None:
    it = story()
    it.asks = replace(it.asks, routing=copying(50, 9))
    it.run()
    assert "spec.traffic.mirror: revision 9 is not kept (kept: 1, 2, 3)" in it.says(ConditionType.RECONCILING)


def test_it_is_asked_the_smoke_test_before_any_copy() -> None:
    it = story()
    it.asks = replace(it.asks, routing=copying(20, 3), smoke_tests="t")
    plan = it.run()
    mine = [each for each in it.sees.pods if each.revision == THREE.hash]
    assert plan.ask == {each.uid for each in mine}
    assert told(it) is None
    it.sees = replace(it.sees, smoke=passed(*mine))
    it.run()
    assert told(it) == MirrorTraffic(revision=3, percent=20)


def test_its_revision_is_kept_and_its_pods_go_with_the_copies() -> None:
    it = story()
    it.asks = replace(it.asks, routing=copying(20, 2), history_limit=1)
    assert TWO.hash in it.run().kept
    it.asks = replace(it.asks, routing=RoutingWish())
    plan = it.run()
    assert (told(it), it.replicas(TWO), TWO.hash in plan.kept) == (None, 0, False)
