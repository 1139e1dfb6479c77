"""A model that falls asleep and wakes: when a pass is woken for it, and what that pass is told."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.loop.test_gateway_counting import counted
from tests.unit.loop.test_scaler import FRAUD, SUBJECT, world
from tritium.api.gateway import GatewayCounters, Held, ModelCounters
from tritium.core.scaling.wish import ScalingWish

SLEEPY = replace(SUBJECT, asked=ScalingWish(0, 4, may_sleep=True, idle=120.0), desired=1, servers=SUBJECT.servers[:1])
ASLEEP = replace(SLEEPY, desired=0, servers=(), sleep=7)


async def test_a_pass_is_woken_when_it_may_fall_asleep() -> None:
    it = world(SLEEPY, rps=0.0)
    await it.go_on(100)
    before = len(it.woken)
    await it.go_on(15)
    assert it.woken[before:] == []
    await it.go_on(20)
    assert 120 <= it.woken[before] <= 123
    assert it.work().quiet >= 120


async def test_a_request_is_a_new_beginning() -> None:
    it = world(SLEEPY, rps=0.0)
    await it.go_on(100)
    it.requests += 1
    await it.go_on(100)
    assert it.work().quiet <= 100


async def test_who_looks_at_its_health_asks_it_nothing() -> None:
    it = world(SLEEPY, rps=0.0)
    for second in range(200):
        it.seconds += 1
        told = looked_at(second, inferences=second // 150)
        it.scaler.arrivals.take_in("gw", "ml", told, it.seconds, of={"fraud"})
        it.scaler.look()
    assert 45 <= it.work().quiet <= 51, "only the request that came after 150 s was one"


async def test_an_agent_that_does_not_tell_them_apart_is_believed_to_have_been_asked() -> None:
    it = world(SLEEPY, rps=0.0)
    for second in range(200):
        it.seconds += 1
        it.scaler.arrivals.take_in("gw", "ml", looked_at(second, inferences=None), it.seconds, of={"fraud"})
        it.scaler.look()
    assert it.work().quiet <= 1


def looked_at(times: int, inferences: int | None) -> GatewayCounters:
    """Somebody looks at its health each second; every third time that is in flight."""
    model = ModelCounters(name="fraud", requests=times, routed=times, answered=0, inferences=inferences)
    revision = counted(times).revisions[0].model_copy(update={"active": int(times % 3 == 0)})
    return GatewayCounters(models=[model], revisions=[revision])


async def test_what_is_in_flight_is_no_rest() -> None:
    it = world(SLEEPY, rps=0.0)
    busy = GatewayCounters(models=[], revisions=[counted(0).revisions[0].model_copy(update={"active": 1})])
    for _ in range(200):
        it.seconds += 1
        it.scaler.arrivals.take_in("gw", "ml", busy, it.seconds, of={"fraud"})
        it.scaler.look()
    assert it.work().quiet <= 1


async def test_without_a_pod_nobody_can_tell_that_it_is_idle() -> None:
    it = world(replace(SLEEPY, servers=()), rps=0.0)
    await it.go_on(200)
    assert it.work().quiet <= 1


async def test_what_nobody_tells_is_no_rest() -> None:
    it = world(SLEEPY, rps=0.0)
    await it.go_on(100)
    await it.go_on(100, tells=False)
    assert it.work().quiet == 0


async def test_who_waits_wakes_a_pass_at_once_and_once() -> None:
    it = world(ASLEEP, rps=0.0)
    await it.go_on(30)
    before = len(it.woken)
    for _ in range(3):
        it.scaler.waited(FRAUD, Held(name="fraud", uid="1", since=7))
    assert it.woken[before:] == [30.0]
    assert (it.work().waited, it.work().quiet) == (7, 0)


async def test_until_something_comes_of_it_a_pass_is_woken_again() -> None:
    it = world(ASLEEP, rps=0.0)
    it.scaler.waited(FRAUD, Held(name="fraud", uid="1", since=7))
    await it.go_on(60)
    assert len(it.woken) >= 5


async def test_nobody_waits_for_another_one_of_the_same_name() -> None:
    it = world(ASLEEP, rps=0.0)
    it.scaler.waited(FRAUD, Held(name="fraud", uid="2", since=7))
    assert it.work().waited is None


async def test_a_request_that_was_refused_wakes_it_as_well() -> None:
    """With `holdFor: 0s` nobody is held, and who comes is counted at the cluster that has no pod."""
    it = world(ASLEEP, rps=0.0)
    await it.go_on(30)
    it.requests += 1
    await it.go_on(2)
    assert it.work().waited == 7


async def test_one_that_sleeps_costs_no_pass() -> None:
    it = world(ASLEEP, rps=0.0)
    await it.go_on(1000)
    assert len(it.woken) <= 2


def test_where_models_sleep() -> None:
    it = world(ASLEEP)
    assert it.scaler.sleeps() == {"ml"}
    it.scaler.follow(FRAUD, SLEEPY)
    assert it.scaler.sleeps() == set()


async def test_what_keeps_it_awake_for_long_costs_few_passes() -> None:
    it = world(replace(SLEEPY, desired=2), rps=0.0)
    await it.go_on(400)
    before = len(it.woken)
    await it.go_on(600)
    assert len(it.woken) - before <= 600 / 10 + 600 / 30
