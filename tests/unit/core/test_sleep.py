"""A model that nobody asks anything falls asleep, and wakes for whoever asks; as a pass decides it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.core.seeing import (
    NOW,
    STARTING,
    A,
    B,
    Gateway,
    after,
    decide,
    following,
    lagging,
    pod,
    pods,
    revision,
    saying,
    serving,
    silent,
    status_of,
    weights,
    wish,
)
from tritium.api.conditions import ConditionType
from tritium.api.status import RejectedRevision
from tritium.core.reasons import Reason
from tritium.core.scaling.controller import Memory, Need, Why
from tritium.core.scaling.schedule import Entry
from tritium.core.scaling.wish import ScalingWish
from tritium.core.scaling.work import Work
from tritium.core.seen import Seen
from tritium.core.wish import SpecInvalid, Wish
from tritium.core.wish import wish as read_wish

if TYPE_CHECKING:
    from tritium.api.status import ModelDeploymentStatus
    from tritium.api.traffic_status import HoldTraffic
    from tritium.core.plan import Plan

ONE, TWO = revision(1), revision(2, "b")


def asked(written: str = "a", **others: Any) -> Wish:
    return wish(written, scaling=replace(ScalingWish(0, 4, may_sleep=True, idle=600.0), **others))


def quiet(seconds: float = 600.0, **others: Any) -> Work:
    return Work(Memory(began=-10_000.0), 0.0, Need(0.0, Why.DEMAND, 0.0), quiet=seconds, **others)


def awake(count: int = 1, wanted: Wish | None = None) -> ModelDeploymentStatus:
    return status_of(wanted or asked(), serving(ONE, count=count), after(hours=-1))


def without_pods(work: Work | None = None, **changes: Any) -> Seen:
    return serving(ONE, count=0, work=work, **changes)


def asleep(wanted: Wish | None = None) -> ModelDeploymentStatus:
    """The status of one that has slept for some minutes."""
    wanted = wanted or asked()
    falls = decide(wanted, awake(wanted=wanted), serving(ONE, work=quiet()), after(minutes=-9)).status
    rests = decide(wanted, falls, serving(ONE, work=quiet()), after(minutes=-8)).status
    return decide(wanted, rests, without_pods(quiet()), after(minutes=-7)).status


def held(plan: Plan) -> HoldTraffic:
    assert plan.status.traffic
    assert plan.status.traffic.hold
    return plan.status.traffic.hold


def desired(plan: Plan) -> tuple[int, str | None]:
    assert plan.status.scaling
    return plan.status.scaling.desired, plan.status.scaling.limited_by


def condition(status: ModelDeploymentStatus, kind: ConditionType) -> tuple[str, str, str]:
    found = next(each for each in status.conditions or () if each.type == kind)
    return found.status, found.reason, found.message


def test_the_gateway_is_told_before_the_pods_go() -> None:
    before = awake(2)
    plan = decide(asked(), before, serving(ONE, count=2, work=quiet()), NOW)
    assert desired(plan) == (0, "idle")
    assert held(plan).asleep
    assert plan.replicas[A] == 2, "no gateway pod holds anything yet"
    assert before.traffic
    late = decide(asked(), plan.status, serving(ONE, count=2, work=quiet()), NOW, lagging(before.traffic))
    assert late.replicas[A] == 2
    done = decide(asked(), plan.status, serving(ONE, count=2, work=quiet()), NOW)
    assert done.replicas[A] == 0
    (notice,) = plan.notices
    assert notice.reason == Reason.SCALED
    why = "no request came for 10m, and the next one wakes the model"
    assert notice.message == f"2 -> 0 pods: 0 requests a second need 0 pods; 0 are asked for: {why}"


def test_a_gateway_pod_of_an_older_version_keeps_it_awake() -> None:
    plan = decide(asked(), awake(), serving(ONE, work=quiet()), NOW, saying(holds=None))
    assert desired(plan)[0] == 1
    assert not held(plan).asleep


def test_one_that_comes_later_keeps_the_pods() -> None:
    falls = decide(asked(), awake(), serving(ONE, work=quiet()), NOW)
    assert held(falls).asleep
    for holds in (None, 0, held(falls).since - 1):
        plan = decide(asked(), falls.status, serving(ONE, work=quiet()), NOW, saying(holds=holds))
        assert plan.replicas[A] == 1, holds


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (serving(ONE, work=quiet(599.0)), following),
        (serving(ONE), following),
        (serving(ONE, work=quiet(partial=True)), following),
        (serving(ONE, work=quiet(gpu=0.95)), following),
        (serving(ONE, work=quiet()), silent),
        (serving(ONE, work=quiet(), pods=(*pods(ONE), pod("new", ONE, STARTING))), following),
    ],
    ids=["a request came", "nothing is known", "a gateway pod does not tell", "the GPU is busy", "one lags", "starts"],
)
def test_it_stays_awake(seen: Seen, says: Gateway) -> None:
    plan = decide(asked(), awake(), seen, NOW, says)
    assert desired(plan)[0] == 1
    assert not held(plan).asleep
    assert plan.replicas[A] == 1


def test_one_that_is_awake_says_until_when() -> None:
    plan = decide(asked(), awake(2), serving(ONE, count=2, work=quiet(30.0)), NOW)
    assert desired(plan) == (1, "awake")
    assert plan.status.scaling
    assert plan.status.scaling.message == (
        "0 requests a second need 0 pods; 1 is asked for: the model is awake until no request came for 10m"
    )


def test_it_sleeps_and_says_so() -> None:
    status = asleep()
    plan = decide(asked(), status, without_pods(quiet()), NOW)
    assert plan.status == status, "nothing is written while it sleeps"
    assert (desired(plan), plan.replicas[A]) == ((0, "idle"), 0)
    says = "revision 1 sleeps: the next request wakes it, and waits for that up to 1m"
    assert condition(status, ConditionType.READY) == ("True", Reason.ASLEEP, says)
    assert condition(status, ConditionType.SCALING_ACTIVE)[:2] == ("True", Reason.ASLEEP)
    assert condition(status, ConditionType.MODEL_LOADED)[:2] == ("Unknown", Reason.ASLEEP)
    assert condition(status, ConditionType.RECONCILING)[0] == "False"


def test_it_is_ready_as_long_as_one_gateway_pod_holds() -> None:
    status = decide(asked(), asleep(), without_pods(quiet()), NOW, silent).status
    assert condition(status, ConditionType.READY)[:2] == ("True", Reason.ASLEEP)
    assert condition(status, ConditionType.TRAFFIC_CONFIGURED)[0] == "False"


def test_it_is_not_ready_while_no_gateway_pod_holds_anything() -> None:
    status = decide(asked(), asleep(), without_pods(quiet()), NOW, lambda *_: ()).status
    assert condition(status, ConditionType.READY)[0] == "False"


def test_who_waits_wakes_it() -> None:
    before = asleep()
    assert before.traffic
    assert before.traffic.hold
    calls = quiet(0.0, waited=before.traffic.hold.since)
    plan = decide(asked(), before, without_pods(calls), NOW)
    assert desired(plan) == (1, "awake")
    assert held(plan) == before.traffic.hold.model_copy(update={"asleep": False}), "they wait until there is a pod"
    assert plan.replicas[A] == 1


def test_who_waited_for_another_sleep_does_not() -> None:
    before = asleep()
    assert before.traffic
    assert before.traffic.hold
    for work in (quiet(waited=before.traffic.hold.since - 1), quiet(), None):
        assert decide(asked(), before, without_pods(work), NOW).status == before


def test_each_sleep_has_a_number_of_its_own() -> None:
    before, numbers = asleep(), []
    for minute in range(5):
        assert before.traffic
        assert before.traffic.hold
        numbers.append(before.traffic.hold.since)
        calls = quiet(0.0, waited=before.traffic.hold.since)
        woken = decide(asked(), before, without_pods(calls), after(minutes=minute)).status
        serves = decide(asked(), woken, serving(ONE, work=quiet(5.0)), after(minutes=minute)).status
        again = decide(asked(), serves, serving(ONE, work=quiet()), after(minutes=minute)).status
        before = decide(asked(), again, without_pods(quiet()), after(minutes=minute)).status
    assert numbers == sorted(set(numbers))


def test_another_version_wakes_it_and_is_judged_as_always() -> None:
    plan = decide(asked("b"), asleep(), replace(without_pods(quiet()), revisions=(ONE, TWO)), NOW)
    assert desired(plan)[0] == 1
    assert plan.replicas[B] == 1


def test_a_version_that_was_turned_down_does_not() -> None:
    before = asleep()
    rejected = RejectedRevision(revision=2, reason="GateFailed", message="it failed", at=NOW)
    turned_down = before.model_copy(update={"rejected_revisions": [rejected]})
    plan = decide(asked("b"), turned_down, replace(without_pods(quiet()), revisions=(ONE, TWO)), NOW)
    assert desired(plan)[0] == 0


@pytest.mark.parametrize("strategy", ["", '{"strategy":"recreate"}', '{"strategy":"blueGreen"}'])
def test_a_rollout_that_is_paused_does_not_and_begins_nothing(strategy: str) -> None:
    wanted = replace(asked("b"), strategy=strategy, paused=True)
    before = asleep()
    sees = replace(without_pods(quiet()), revisions=(ONE, TWO))
    plan = decide(wanted, before, sees, NOW)
    assert (desired(plan)[0], plan.replicas.get(B, 0)) == (0, 0)
    assert before.traffic
    assert before.traffic.hold
    called = decide(wanted, before, replace(sees, work=quiet(0.0, waited=before.traffic.hold.since)), NOW)
    assert called.replicas[A] == 1
    assert weights(called.status.traffic).get(2, 0) == 0
    if "recreate" in strategy:
        assert called.replicas.get(B, 0) == 0, "only one may run, and nobody has let it"


def test_a_schedule_wakes_it_and_lets_it_sleep() -> None:
    hours = (Entry("0 7 * * *", "UTC", 2), Entry("0 20 * * *", "UTC", 0))
    wanted = asked(least=1, schedules=hours)
    night, morning = NOW.replace(hour=22, minute=0), NOW.replace(hour=7, minute=0)
    falls = decide(wanted, awake(wanted=wanted), serving(ONE, work=quiet()), night)
    assert desired(falls) == (0, "idle")
    assert falls.wake_at is not None
    wakes = decide(wanted, falls.status, without_pods(quiet()), morning)
    assert desired(wakes) == (2, "schedule")


def test_with_the_status_lost_it_is_awake() -> None:
    lost = asleep().model_copy(update={"scaling": None})
    assert desired(decide(asked(), lost, without_pods(), NOW))[0] == 1


def test_another_operator_lets_it_sleep() -> None:
    before = asleep()
    begun = Work(Memory(began=0.0), 1.0)
    for work in (None, begun):
        assert decide(asked(), before, without_pods(work), NOW).status == before


def test_replicas_that_are_fixed_from_now_on_are_waited_for() -> None:
    before, fixed = asleep(), wish(replicas=2)
    begins = decide(fixed, before, without_pods(), NOW)
    assert begins.replicas[A] == 2
    assert not held(begins).asleep
    serves = decide(fixed, begins.status, serving(ONE, count=2), NOW)
    assert serves.status.traffic
    assert serves.status.traffic.hold is None


def test_recommend_never_lets_it_sleep() -> None:
    wanted = replace(asked(acts=False), replicas=1)
    plan = decide(wanted, awake(wanted=wanted), serving(ONE, work=quiet()), NOW)
    assert plan.replicas[A] == 1
    assert plan.status.traffic
    assert plan.status.traffic.hold is None


@pytest.mark.parametrize(
    ("scaling", "says"),
    [
        ({"idleAfter": "5m"}, "idleAfter: has no meaning for a model that never sleeps; set min to 0, or remove it"),
        ({"holdFor": "5s"}, "holdFor: has no meaning for a model that never sleeps; set min to 0, or remove it"),
        ({"min": 0, "idleAfter": "9s"}, "idleAfter: must be 10s or more"),
        ({"min": 0, "holdFor": "9s"}, "holdFor: must be 0s, or 10s or more"),
        ({"min": 0, "holdFor": "11m"}, "holdFor: must be 10m or less"),
    ],
)
def test_what_would_be_ignored_is_refused(scaling: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecInvalid, match=rf"^spec\.scaling\.{says}"):
        read_wish(_object(scaling))


def test_what_is_absent() -> None:
    found = read_wish(_object({"min": 0, "max": 3, "holdFor": "0s"})).scaling
    assert found
    assert (found.may_sleep, found.idle, found.hold) == (True, 1800.0, 0)


def _object(scaling: dict[str, Any]) -> dict[str, Any]:
    spec = {"model": {"source": {"uri": "s3://a/b"}}, "scaling": scaling}
    return {"metadata": {"namespace": "ml", "name": "fraud", "generation": 3}, "spec": spec}
