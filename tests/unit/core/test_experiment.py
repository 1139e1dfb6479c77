"""An experiment beside the stable revision: pods, shares, headers, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.seeing import (
    NO_ROOM,
    NOW,
    PORT,
    SIGNATURE,
    decide,
    described,
    failed,
    passed,
    pod,
    pods,
    serving,
    with_gateway,
)
from tests.unit.core.sides import SIDE_A, SIDE_B, Experiments, comparing, experiment, running, story
from tests.unit.core.story import GOOD, ONE, THREE, TWO, begun
from tritium.api.conditions import ConditionType
from tritium.api.status import Phase
from tritium.core.arms import weights
from tritium.core.ledger import Ledger
from tritium.core.plan import Arm, Course
from tritium.core.reasons import Reason
from tritium.core.signature import Signature
from tritium.core.traffic import traffic
from tritium.core.wish import ArmWish, RoutingWish

PARTS = st.integers(min_value=0, max_value=12)


def test_each_arm_has_the_pods_that_its_share_takes_and_the_stable_revision_all_of_its_own() -> None:
    it = running()
    assert [it.replicas(each) for each in (ONE, TWO, THREE)] == [10, 2, 3]
    it.asks = comparing(replace(SIDE_A, percent=40), SIDE_B)
    it.run()
    assert [it.replicas(each) for each in (ONE, TWO, THREE)] == [10, 4, 3]
    it.asks = comparing(replace(SIDE_A, percent=0), SIDE_B)
    it.run()
    assert [it.replicas(each) for each in (ONE, TWO, THREE)] == [10, 1, 3]


def test_an_arm_that_only_headers_lead_to_has_a_pod() -> None:
    it = running(replace(SIDE_B, percent=0))
    assert (it.replicas(THREE), it.share(3), it.led) == (1, 0, [3])
    it.follows = False
    it.sees = replace(it.sees, pods=pods(ONE, 10))
    it.run()
    assert it.led == [], "its requests go where all others go"


def test_pods_that_a_header_leads_to_go_after_the_header() -> None:
    it = running(replace(SIDE_B, percent=0))
    it.asks = replace(it.asks, replicas=0)
    first = decide(it.asks, it.status, it.sees, NOW)
    assert [each.matches for each in (first.status.traffic and first.status.traffic.revisions) or ()] == [None, None]
    assert first.replicas[THREE.hash] == 1
    it.run()
    assert (it.led, it.replicas(THREE)) == ([], 0)


def test_a_stable_pod_without_room_takes_none_from_an_arm_that_headers_lead_to() -> None:
    it = running(replace(SIDE_B, percent=0))
    it.follows = False
    it.sees = replace(it.sees, pods=(*pods(ONE, 9), pod("p", ONE, NO_ROOM), *pods(THREE)))
    it.run()
    assert (it.led, it.replicas(THREE)) == ([3], 1)


def test_pods_go_only_when_no_gateway_pod_leads_there_any_more() -> None:
    it = running()
    follows, it.gateway = it.gateway, lambda *_: with_gateway(it.sees, it.status.traffic, follows).gateways[:0]
    it.asks = replace(it.asks, experiment=None)
    it.run()
    assert (it.share(2), it.replicas(TWO), it.replicas(THREE)) == (0, 2, 3)
    it.gateway = follows
    it.run()
    assert (it.replicas(TWO), it.replicas(THREE)) == (0, 0)


def test_an_arm_may_be_the_stable_revision() -> None:
    it = running(ArmWish("control", 70, revision=1, matches=(("x-arm", "control"),)), SIDE_A)
    assert (it.share(1), it.share(2), it.replicas(ONE), it.led) == (80, 20, 10, [1])
    assert [each.name for each in it.status.arms or ()] == ["control", "a"]


def test_an_arm_never_leads_though_it_has_most_of_the_requests_and_was_stable_once() -> None:
    it = story()
    revisions = [each.model_copy(update={"promoted_at": NOW}) for each in it.status.revisions or ()]
    it.status = it.status.model_copy(update={"revisions": revisions})
    it.asks = comparing(replace(SIDE_A, percent=60))
    it.run()
    it.follows = False
    it.sees = replace(it.sees, pods=pods(TWO, 6))
    it.run()
    assert (it.share(1), it.share(2)) == (40, 60)
    it.asks = replace(it.asks, experiment=None)
    it.run()
    assert (it.share(1), it.share(2)) == (100, 0)


def test_its_sticky_header_holds_while_it_runs() -> None:
    it = running(routing=RoutingWish(sticky_header="x-session"), experiment=experiment(sticky_header="x-user"))
    assert it.status.traffic
    assert it.status.traffic.sticky_header == "x-user"
    it.asks = replace(it.asks, experiment=None)
    it.run()
    assert it.status.traffic.sticky_header == "x-session"


def test_where_users_stay_the_place_of_an_arm_is_told_while_it_lacks_pods() -> None:
    it = running(experiment=experiment(sticky_header="x-user"))
    assert lacking(it) == {2: None, 3: None, 1: None}
    it.follows = False
    it.sees = replace(it.sees, pods=(*pods(ONE, 10), *pods(THREE, 3)))
    it.run()
    assert (it.share(2), it.share(3), lacking(it)) == (0, 30, {2: 2_000, 3: None, 1: None})
    it.asks = replace(it.asks, experiment=experiment())
    it.run()
    assert lacking(it) == {2: None, 3: None, 1: None}


def lacking(it: Experiments) -> dict[int, int | None]:
    told = it.status.traffic.revisions or () if it.status.traffic else ()
    return {each.revision: each.lacks for each in told}


def test_what_the_status_says_of_the_arms() -> None:
    it = running()
    a, b, stable = (it.arm(name) for name in ("a", "b", "stable"))
    assert (a.revision, a.weight, a.replicas, a.ready_replicas, a.message) == (2, 20, 2, 2, None)
    assert (b.revision, b.weight, b.replicas, b.ready_replicas) == (3, 30, 3, 3)
    assert (stable.revision, stable.weight, stable.replicas, stable.ready_replicas) == (1, 50, 10, 10)


TROUBLES = {
    "no room": (SIDE_A, (pod("p", TWO, NO_ROOM),), NO_ROOM.message, Reason.UNSCHEDULABLE),
    "not kept": (replace(SIDE_A, revision=9), (), "revision 9 is not kept (kept: 1, 2, 3)", Reason.ARM_INVALID),
    "other tensors": (SIDE_A, pods(TWO, 2), "cannot go on with revision 2: input X is gone", Reason.SIGNATURE_CHANGED),
    "starting": (SIDE_A, (), "its pods are being made ready", Reason.STARTING),
}


@pytest.mark.parametrize(("arm", "its", "says", "reason"), TROUBLES.values(), ids=TROUBLES)
def test_what_keeps_an_arm_from_its_part_is_said(
    arm: ArmWish, its: tuple[object, ...], says: str, reason: Reason
) -> None:
    it = story()
    it.follows = False
    known = described(SIGNATURE, *pods(ONE, 10)) | described(Signature(), *pods(TWO, 2))
    it.sees = replace(it.sees, pods=(*pods(ONE, 10), *its), signatures=known)  # type: ignore[arg-type]
    it.asks = comparing(arm)
    it.run()
    assert says in it.arm("a").message
    assert f"arm a: {it.arm('a').message}" == it.says(ConditionType.RECONCILING)
    condition = next(each for each in it.status.conditions or () if each.type is ConditionType.RECONCILING)
    assert (condition.status, condition.reason) == ("True", reason)
    assert bool(it.status.last_failure) is (reason is not Reason.STARTING)


def test_a_smoke_test_comes_before_any_request_and_a_failed_one_rejects_nothing() -> None:
    it = story()
    it.asks = comparing(SIDE_A, smoke_tests="t")
    plan = it.run()
    mine = [each for each in it.sees.pods if each.revision == TWO.hash]
    assert plan.ask == {each.uid for each in mine}
    it.sees = replace(it.sees, smoke=failed(*mine))
    it.run()
    assert (it.share(2), it.arm("a").message) == (0, "y: 2 is not 3.")
    assert not it.status.rejected_revisions
    it.sees = replace(it.sees, smoke=passed(*mine))
    it.run()
    assert it.share(2) == 20


def test_two_arms_of_one_revision_are_told_apart_by_the_first() -> None:
    it = running(SIDE_A, replace(SIDE_A, name="again"))
    assert it.share(2) == 20
    assert it.arm("again").revision is None
    assert it.arm("again").message


def test_of_an_overlay_and_a_number_that_are_the_same_revision_the_first_has_it() -> None:
    it = running(ArmWish("deep", 20, overlay="x", written="b"), ArmWish("two", 20, revision=2))
    assert (it.share(2), it.arm("two").revision) == (20, None)
    assert it.arm("two").message.startswith("revision 2 is another arm's. ")


def test_a_rollout_that_has_requests_goes_on_and_the_experiment_waits_for_it() -> None:
    it = begun()
    it.asks = replace(it.asks, experiment=experiment(replace(SIDE_B, revision=1)))
    it.run()
    assert (it.status.phase, it.part, it.status.arms) == (Phase.PROGRESSING, 1_000, None)
    assert "the experiment waits for it" in it.says()
    it.act("abort")
    it.run()
    assert it.status.arms


def test_it_waits_until_the_stable_revision_has_baked() -> None:
    it = begun()
    it.window = GOOD
    it.run(minutes=2)
    it.run(minutes=2)
    assert (it.stable, it.status.phase) == (2, Phase.PROMOTING)
    it.asks = replace(it.asks, experiment=experiment(ArmWish("x", 10, revision=1)))
    it.run()
    assert it.status.arms is None
    assert it.says(ConditionType.RECONCILING) == "the experiment waits until revision 2 has baked"
    arms = it.run(minutes=11).status.arms
    assert [each.weight for each in arms or ()] == [10, 90]


def test_rollouts_in_steps_wait_too_and_begin_at_the_first_one_afterwards() -> None:
    it = begun()
    later = Experiments(replace(it.asks, written="a"), status=it.status, sees=it.sees)
    later.run()
    later.asks = replace(later.asks, experiment=experiment(ArmWish("x", 10, revision=1)))
    later.run()
    later.asks = replace(later.asks, written="b")
    later.run()
    assert (later.status.phase, later.status.reason) == (Phase.BLOCKED, Reason.EXPERIMENT_RUNNING)
    later.asks = replace(later.asks, experiment=None)
    later.run()
    assert (later.status.phase, later.part) == (Phase.PROGRESSING, 1_000)


def test_its_revisions_are_not_pruned_while_it_is_in_the_spec() -> None:
    it = running(history_limit=1)
    hashes = {each.hash for each in (ONE, TWO, THREE)}
    assert it.run().kept == hashes
    it.act("abort")
    assert it.run().kept == hashes
    it.asks = replace(it.asks, experiment=None)
    assert it.run().kept == {ONE.hash, THREE.hash}


NEVER_RAN = {
    "a pin ends it": {"pin": 1},
    "its time is over": {"experiment": experiment(SIDE_A, ends_at=NOW)},
    "it is an overlay, and its time is over": {
        "experiment": experiment(ArmWish("d", 20, overlay="other bytes", written="b"), ends_at=NOW)
    },
    "the strategy is recreate": {"strategy": '{"strategy":"recreate"}'},
}


@pytest.mark.parametrize("asks", NEVER_RAN.values(), ids=NEVER_RAN)
def test_its_revisions_are_not_pruned_either_if_it_never_ran(asks: dict[str, Any]) -> None:
    it = story(history_limit=1)
    it.asks = replace(it.asks, **{"experiment": experiment(SIDE_A)} | asks)
    plan = it.run()
    assert not plan.course.arms
    assert plan.kept == {ONE.hash, TWO.hash, THREE.hash}


def test_a_record_that_is_gone_has_no_part() -> None:
    it = running()
    it.sees = replace(it.sees, revisions=(ONE, THREE))
    it.follows = False
    it.run()
    assert (it.share(2), it.share(3), it.arm("a").revision) == (0, 30, None)


def test_a_lost_status_begins_the_same_experiment_and_takes_no_pod() -> None:
    it = running()
    again = decide(
        it.asks, it.status.model_copy(update={"arms": None, "stable": None, "revisions": None}), it.sees, NOW
    )
    assert [again.replicas[each.hash] for each in (ONE, TWO, THREE)] == [10, 2, 3]


def test_it_is_told_when_it_begins_and_ends() -> None:
    it = story()
    before = it.status
    it.asks = comparing()
    begins = decide(it.asks, before, it.sees, NOW)
    assert [each.message for each in begins.notices] == ["an experiment runs with the arms a, b; rollouts wait"]
    it.run()
    it.act("abort")
    ends = decide(it.asks, it.status, it.sees, NOW)
    said = "all requests go to revision 1: AbortedByHand; it runs again when spec.experiment is changed"
    assert [(each.reason, each.message) for each in ends.notices] == [(Reason.EXPERIMENT_ENDED, said)]
    it = running()
    removed = decide(replace(it.asks, experiment=None), it.status, it.sees, NOW)
    assert [each.message for each in removed.notices] == ["all requests go to revision 1: it was removed"]


def test_who_waits_is_told_when_it_ends() -> None:
    it = running(written="b", experiment=experiment(SIDE_B, ends_at=NOW + timedelta(hours=1)))
    assert "revision 2 waits for the experiment, which ends at 2026-01-01 13:00 UTC, when spec" in it.says()
    assert it.run().wake_at == NOW + timedelta(seconds=30)
    it.now += timedelta(minutes=59, seconds=45)
    assert it.run().wake_at == NOW + timedelta(hours=1)


# Shares, whatever is there.


@given(
    st.integers(min_value=1, max_value=12),
    st.lists(st.tuples(PARTS, st.integers(min_value=0, max_value=50)), min_size=2, max_size=2),
    PARTS,
)
def test_shares_never_exceed_what_ready_pods_carry(replicas: int, sides: list[tuple[int, int]], stable: int) -> None:
    arms = tuple(
        Arm(ArmWish(name, percent, revision=each.number), each)
        for name, each, (_, percent) in zip("ab", (TWO, THREE), sides, strict=True)
    )
    asked = comparing(replicas=replicas, experiment=experiment(*(each.wish for each in arms), sticky_header="x-user"))
    ready = [(ONE, stable), *((each, count) for each, (count, _) in zip((TWO, THREE), sides, strict=True))]
    sees = serving(ONE, TWO, THREE, pods=tuple(one for each, count in ready for one in pods(each, count)))
    course = Course(Phase.IDLE, Ledger(1), ONE, arms=arms, tried=frozenset({2, 3}))
    seen = with_gateway(sees, None)
    told = traffic(asked, course, seen)
    assert told
    assert told.port == PORT
    parts = weights(asked, course, seen)
    shares = {each.revision: each.weight for each in told.revisions or ()}
    assert sum(shares.values()) == 10_000
    assert shares == parts | {1: 10_000 - sum(parts.values())}
    for each, (count, percent) in zip((TWO, THREE), sides, strict=True):
        assert parts[each.number] <= percent * 100
        assert parts[each.number] * replicas <= 10_000 * count
        assert parts[each.number] == percent * 100 or count < replicas
    places = [each.weight + (each.lacks or 0) for each in told.revisions or () if each.revision in parts]
    assert places == [percent * 100 for _, percent in sides]
    assert shares[1] >= 10_000 - sum(percent for _, percent in sides) * 100
