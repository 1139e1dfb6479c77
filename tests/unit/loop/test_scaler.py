"""From counts of the gateway and of Triton to a pass, and to what that pass is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.unit.loop.test_gateway_counting import counted
from tritium.api.gateway import GatewayCounters
from tritium.api.status import CapacityStatus
from tritium.core.scaling.at_once import AtOnce
from tritium.core.scaling.capacity import Capacity
from tritium.core.scaling.controller import Why
from tritium.core.scaling.priority import Claim
from tritium.core.scaling.wish import ScalingWish
from tritium.core.scaling.work import Work
from tritium.kube.store import Key
from tritium.loop.arrivals import Arrivals
from tritium.loop.scaler import NEWS_EVERY, SILENT_AFTER, Scaler, Subject
from tritium.loop.servers import Server, Servers
from tritium.probes.triton_http import Load, Unanswered

FRAUD = Key("ml", "fraud")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECT = Subject(
    uid="1",
    asked=ScalingWish(1, 8, capacity=20.0),
    model="fraud",
    stable=1,
    revisions=(1,),
    servers=(Server("one", "10.0.0.1"), Server("two", "10.0.0.2")),
    desired=2,
    since=BEGAN,
)


@dataclass
class Triton:
    """What the servers say, each the same; None: they do not answer."""

    waiting: int | None = 0
    gpu: float | None = None
    queue_ms: float = 0.0
    answers: int = 50
    configured: bool = True
    at_the_same_time: AtOnce = field(default_factory=lambda: AtOnce(instances=2, batch=8))
    load_so_far: Load = field(default_factory=lambda: Load(0))

    async def load(self, _ip: str, _model: str) -> Load:
        if self.waiting is None:
            raise Unanswered("it does not answer")
        before = self.load_so_far
        queued = before.queued_us + 1000 * self.queue_ms * self.answers
        self.load_so_far = Load(self.waiting, queued, before.requests + self.answers, self.gpu)
        return self.load_so_far

    async def at_once(self, _ip: str, _model: str) -> AtOnce:
        if not self.configured:
            raise Unanswered("a NetworkPolicy is in the way")
        return self.at_the_same_time


@dataclass
class World:
    """One ModelDeployment, a gateway that gets `rps` for it and has as many answered, and a clock."""

    rps: float = 20.0
    seconds: float = 0.0
    requests: float = 0.0
    gateways: tuple[str, ...] = ("gw",)
    triton: Triton = field(default_factory=Triton)
    woken: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        servers = Servers(self.triton, lambda: self.seconds)  # type: ignore[arg-type]
        self.scaler = Scaler(
            Arrivals(),
            lambda _: self.gateways,
            servers,
            lambda _: self.woken.append(self.seconds),
            lambda: self.seconds,
            lambda: BEGAN + timedelta(seconds=self.seconds),
        )

    async def go_on(self, seconds: int, *, tells: bool = True) -> None:
        """Time goes on, a second at a time; every five the servers are asked."""
        for _ in range(seconds):
            self.seconds += 1
            self.requests += self.rps / 2  # `counted` counts each for HTTP and for gRPC
            if tells:
                self.scaler.arrivals.take_in("gw", "ml", counted(round(self.requests)), self.seconds, of={"fraud"})
            if self.seconds % 5 == 0:
                await self.scaler.servers.ask(self.scaler.asked())
            self.scaler.look()

    def work(self) -> Work:
        found = self.scaler.work(FRAUD)
        assert found
        return found


def world(subject: Subject = SUBJECT, rps: float = 20.0) -> World:
    made = World(rps)
    made.scaler.follow(FRAUD, subject)
    return made


async def test_a_load_that_stays_wakes_nobody_after_the_first_numbers() -> None:
    it = world()
    await it.go_on(1000)
    assert len(it.woken) == 1
    need = it.work().need
    assert need
    assert (need.why, round(need.pods, 2)) == (Why.DEMAND, 1.33)


async def test_a_load_of_hardly_anything_is_told_once_too() -> None:
    it = world(replace(SUBJECT, desired=1), rps=0.6)
    await it.go_on(1000)
    assert len(it.woken) == 1
    assert it.woken[0] < 60


async def test_a_step_wakes_within_two_looks() -> None:
    it = world()
    await it.go_on(100)
    it.woken.clear()
    it.rps = 100.0
    await it.go_on(2)
    assert it.woken
    assert it.woken[0] <= 102
    need = it.work().need
    assert need
    assert need.pods > 2.2


async def test_until_a_pass_has_asked_for_more_it_is_woken_again_and_not_each_second() -> None:
    it = world(rps=100.0)
    await it.go_on(100)
    it.woken.clear()
    await it.go_on(100)
    assert 5 < len(it.woken) <= 10 + 100 / NEWS_EVERY
    it.scaler.follow(FRAUD, replace(SUBJECT, desired=7))
    it.woken.clear()
    await it.go_on(100)
    assert len(it.woken) <= 100 / NEWS_EVERY


async def test_what_waits_in_the_servers_counts() -> None:
    it = world()
    it.triton.waiting = 100
    await it.go_on(30)
    need = it.work().need
    assert need
    assert need.why is Why.BACKLOG
    assert need.value == 192  # of 200 those are none of a backlog that four for each pod are


async def test_what_a_pod_can_do_is_learned_while_each_is_full() -> None:
    it = world(replace(SUBJECT, asked=ScalingWish(1, 8)))
    it.triton.waiting = 7
    await it.go_on(60)
    assert it.work().memory.capacity.rps is None  # two instances that take eight each have four waiting at once
    it.triton.waiting = 8
    await it.go_on(60)
    assert it.work().memory.capacity.rps == 10.0


async def test_a_pod_that_is_not_full_shows_nothing() -> None:
    """Without batches, one or two wait at any load that is uneven."""
    it = world(replace(SUBJECT, asked=ScalingWish(1, 8)))
    it.triton.at_the_same_time, it.triton.waiting = AtOnce(1, 1), 3
    await it.go_on(120)
    assert it.work().memory.capacity.rps is None


async def test_a_server_of_which_only_the_metrics_can_be_read_tells_what_waits() -> None:
    it = world(replace(SUBJECT, asked=ScalingWish(1, 8)))
    it.triton.waiting, it.triton.configured = 80, False
    await it.go_on(60)
    last = it.work().memory.last
    assert last
    assert last.pending == 160
    assert it.work().memory.capacity.rps is None, "nobody knows when it is full"


async def test_servers_that_do_not_answer_show_nothing() -> None:
    it = world(replace(SUBJECT, asked=ScalingWish(1, 8)))
    it.triton.waiting = 8
    await it.go_on(9)
    it.triton.waiting = None
    await it.go_on(60)
    assert it.work().memory.capacity.rps is None
    last = it.work().memory.last
    assert last
    assert last.pending is None


async def test_what_the_gpus_do_is_known_as_long_as_the_servers_tell() -> None:
    it = world()
    it.triton.gpu = 0.5
    await it.go_on(10)
    assert it.work().gpu == 0.5
    it.triton.waiting = None
    await it.go_on(20)
    assert it.work().gpu is None


async def test_a_pod_of_the_gateway_that_was_never_heard_may_have_as_many_requests() -> None:
    """As after a change of the leader, while one of two pods cannot be reached."""
    it = world()
    await it.go_on(10)
    assert not it.work().partial
    it.gateways = ("gw", "never heard")
    assert it.work().partial
    it.gateways = ("gw",)  # such as one that was evicted, of which only the object is left
    assert not it.work().partial


async def test_of_a_new_revision_less_is_known() -> None:
    known = CapacityStatus(revision=1, rps=30.0, windows=5)
    it = world(replace(SUBJECT, capacity=known))
    assert it.work().memory.capacity == Capacity(30.0, 5)
    it.scaler.follow(FRAUD, replace(SUBJECT, stable=2, capacity=known))
    assert it.work().memory.capacity == Capacity(24.0)


async def test_another_of_the_same_name_begins_with_nothing_known() -> None:
    it = world(replace(SUBJECT, capacity=CapacityStatus(revision=1, rps=500.0, windows=5)))
    it.scaler.follow(FRAUD, replace(SUBJECT, uid="2"))
    assert it.work().memory.capacity == Capacity()


async def test_without_counts_a_person_is_told_and_nothing_is_needed() -> None:
    it = world()
    await it.go_on(30)
    it.woken.clear()
    await it.go_on(round(SILENT_AFTER) - 5, tells=False)
    assert not it.woken
    assert it.work().need
    await it.go_on(10, tells=False)
    assert len(it.woken) == 1
    assert it.work().need is None
    assert it.work().silent
    await it.go_on(5)
    assert not it.work().silent
    assert len(it.woken) == 2


async def test_what_is_not_followed_has_no_work() -> None:
    it = world()
    assert it.scaler.scales("ml") == {"fraud"}
    assert not it.scaler.scales("other")
    it.scaler.forget(FRAUD)
    assert not it.scaler.scales("ml")
    assert it.scaler.work(FRAUD) is None
    await it.go_on(5)
    assert not it.woken


async def test_by_what_the_gpus_do_and_nothing_is_needed_while_they_do_not_tell() -> None:
    it = world(replace(SUBJECT, asked=ScalingWish(1, 8, metric="gpuUtilization", target=0.5)))
    it.triton.gpu = 0.75
    await it.go_on(60)
    need = it.work().need
    assert need
    assert (need.why, round(need.pods, 2)) == (Why.GPU, 3.0)
    it.triton.gpu = None
    await it.go_on(round(SILENT_AFTER) + 30)
    assert it.work().need is None
    assert it.work().silent == "the pods' Triton does not tell the metric gpuUtilization; the replicas stay"


async def test_by_how_long_requests_wait_in_triton() -> None:
    it = world(replace(SUBJECT, asked=ScalingWish(1, 8, metric="queueTime", target=20.0)))
    it.triton.queue_ms = 30.0
    await it.go_on(60)
    need = it.work().need
    assert need
    assert (need.why, round(need.pods, 2)) == (Why.QUEUE_TIME, 3.0)
    it.triton.answers = 0
    await it.go_on(120)
    need = it.work().need
    assert need
    assert round(need.pods, 1) == 0.0, "nobody asks, and nobody waits"


def of_two(first: int, second: int, shed: int = 0) -> GatewayCounters:
    """What a pod tells that has answered so many requests of each revision, and turned away some of the second."""
    one, two = counted(first), counted(second, revision=2)
    turned = two.revisions[0].model_copy(update={"none_healthy": shed})
    return one.model_copy(update={"revisions": [*one.revisions, turned]})


async def seconds(it: World, *told: GatewayCounters) -> None:
    for each in told:
        it.seconds += 1
        it.scaler.arrivals.take_in("gw", "ml", each, it.seconds, of={"fraud"})
        it.scaler.look()


async def test_one_that_gets_requests_since_now_does_not_add_what_it_has_ever_had() -> None:
    """The revision before serves again, or a candidate comes and goes."""
    it = world()
    await seconds(it, *(of_two(10 * each, 90_000) for each in range(60)))
    it.scaler.follow(FRAUD, replace(SUBJECT, revisions=(1, 2)))
    await seconds(it, *(of_two(10 * each, 90_000) for each in range(60, 120)))
    it.scaler.follow(FRAUD, SUBJECT)
    await seconds(it, *(of_two(10 * each, 90_000) for each in range(120, 180)))
    rate = it.work().memory.demand.rate
    assert 15 < rate < 25


async def test_copies_of_requests_are_no_demand() -> None:
    it = world()
    await seconds(it, *(of_two(10 * each, 10 * each) for each in range(100)))
    assert 15 < it.work().memory.demand.rate < 25


async def test_what_a_candidate_without_pods_turns_away_asks_for_none_of_the_stable_one() -> None:
    it = world(replace(SUBJECT, revisions=(1, 2)))
    await seconds(it, *(of_two(10 * each, each, shed=each) for each in range(100)))
    need = it.work().need
    assert need
    assert need.why is Why.DEMAND


GPU = frozenset({"nvidia.com/gpu"})
NIGHT = Key("ml", "night")


async def test_who_comes_first_is_told_and_wakes_a_pass() -> None:
    it = world(replace(SUBJECT, claim=Claim(10, GPU)))
    it.scaler.follow(NIGHT, replace(SUBJECT, uid="2", claim=Claim(0, GPU)))
    await it.go_on(60)
    assert (work := it.scaler.work(NIGHT))
    assert work.first == ""
    before = len(it.woken)
    it.scaler.follow(FRAUD, replace(SUBJECT, claim=Claim(10, GPU, GPU)))
    await it.go_on(5)
    assert len(it.woken) == before + 1
    assert (work := it.scaler.work(NIGHT))
    assert work.first == "ml/fraud"
    assert it.work().first == ""
