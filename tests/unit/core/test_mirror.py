"""Copies of requests: for whom, how many, and which pods; they take nothing from anybody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.seeing import BROKEN, NO_ROOM, STARTING, failed, following, passed, pod, pods, silent, unaware_of
from tests.unit.core.sides import SIDE_A, Experiments, running, story
from tests.unit.core.story import GOOD, ONE, THREE, TWO, begun
from tritium.api.conditions import ConditionType
from tritium.api.traffic_status import MirrorTraffic
from tritium.core.reasons import Reason
from tritium.core.seen import PodSeen, SmokeSeen
from tritium.core.wish import MirrorWish, RoutingWish

RECREATE = '{"strategy":"recreate"}'


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


QUIET = "nothing is under way"
NOBODY = {
    "no candidate": (None, "", QUIET),
    "the stable revision": (1, "", f"{QUIET}; spec.traffic.mirror: revision 1 serves, and gets no copies"),
    "recreate": (2, RECREATE, f"{QUIET}; spec.traffic.mirror: with rollout.strategy recreate only one revision runs"),
}


@pytest.mark.parametrize(("number", "strategy", "says"), NOBODY.values(), ids=NOBODY)
def test_nobody_gets_copies(number: int | None, strategy: str, says: str) -> None:
    it = story(strategy=strategy)
    it.asks = replace(it.asks, routing=copying(50, number))
    it.run()
    assert told(it) is None
    assert it.says(ConditionType.RECONCILING) == says


def test_what_is_not_kept_is_said_during_a_rollout_too() -> None:
    failure = begun(GOOD, routing=copying(50, 9)).status.last_failure
    assert failure
    assert "spec.traffic.mirror: revision 9 is not kept (kept: 1, 2)" in failure.message


TROUBLES: dict[str, tuple[PodSeen, dict[str, SmokeSeen], Reason, str]] = {
    "it cannot load the model": (pod("p", TWO, BROKEN), {}, Reason.MODEL_LOAD_FAILED, BROKEN.message),
    "it finds no room": (pod("p", TWO, NO_ROOM), {}, Reason.UNSCHEDULABLE, NO_ROOM.message),
    "it fails its smoke test": (pod("p", TWO), failed(pod("p", TWO)), Reason.SMOKE_TEST_FAILED, "y: 2 is not 3."),
    "it is starting": (pod("p", TWO, STARTING), {}, Reason.STARTING, STARTING.message),
    "it was not asked yet": (pod("p", TWO), {}, Reason.STARTING, "its pods are being made ready"),
}


@pytest.mark.parametrize(("its", "smoke", "reason", "says"), TROUBLES.values(), ids=TROUBLES)
def test_what_keeps_a_revision_from_its_copies_is_said(
    its: PodSeen, smoke: dict[str, SmokeSeen], reason: Reason, says: str
) -> None:
    it = story()
    it.follows = False
    it.sees = replace(it.sees, pods=(*pods(ONE, 10), its), smoke=smoke)
    it.asks = replace(it.asks, routing=copying(10, 2), smoke_tests="t")
    it.run()
    assert (told(it), it.status.phase) == (None, "Idle")
    condition = next(each for each in it.status.conditions or () if each.type is ConditionType.RECONCILING)
    assert (condition.status, condition.reason) == ("True", reason)
    assert condition.message == f"spec.traffic.mirror: revision 2: {says}"
    assert bool(it.status.last_failure) is (reason is not Reason.STARTING)


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


def test_another_operator_and_a_silent_gateway_pod_take_no_copies_away_and_write_nothing() -> None:
    it = running(SIDE_A, routing=copying(10, 3), smoke_tests="t")
    for _ in range(2):
        it.sees = replace(it.sees, smoke=passed(*it.sees.pods))
        it.run()
    assert told(it) == MirrorTraffic(revision=3, percent=10)
    before = it.status.traffic
    known = it.sees.smoke
    it.sees = replace(it.sees, smoke={})
    it.run()
    it.gateway = silent
    it.run()
    assert it.status.traffic == before
    it.sees = replace(it.sees, smoke={**known, **failed(*pods(THREE))})
    it.run()
    assert told(it) is None


def test_copies_go_down_with_their_pods_and_with_what_is_asked_for() -> None:
    it = running(SIDE_A, routing=copying(30, 3))
    assert told(it) == MirrorTraffic(revision=3, percent=30)
    it.follows, it.gateway = False, silent
    it.sees = replace(it.sees, pods=(*pods(ONE, 10), *pods(TWO, 2), *pods(THREE, 2)))
    it.run()
    assert told(it) == MirrorTraffic(revision=3, percent=20)
    it.asks = replace(it.asks, routing=copying(5, 3))
    it.run()
    assert told(it) == MirrorTraffic(revision=3, percent=5)


def test_the_reason_says_that_copies_are_sent() -> None:
    it = story(routing=copying(25, 2))
    assert (it.status.phase, it.status.reason) == ("Idle", Reason.MIRRORING)
    assert it.says(ConditionType.TRAFFIC_CONFIGURED).endswith("requests to revision 1, and copies to revision 2")
    it.asks = replace(it.asks, routing=copying(25, 1))
    it.run()
    assert it.status.reason == Reason.SERVING
