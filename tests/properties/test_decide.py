"""The decision in a small world: events in any order, a process killed after any write, old pictures after a restart.

The gateway's pods learn of the status and of endpoints in any order, fall silent, and come and go. What any of them
sends requests to never loses its pods (`checks.py`), and in the end there is what was asked for.
"""

import hashlib
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.properties.checks import shares
from tests.properties.cluster import BAKE, BROKEN, NO_ROOM, PORT, START, Cluster
from tests.properties.world import BAD, FEW, GOOD, World
from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus, Phase
from tritium.core.plan import Plan
from tritium.core.reasons import Reason
from tritium.core.seen import ServiceSeen, WindowSeen
from tritium.core.wish import Action, ArmWish, ExperimentWish, Wish

STRATEGIES = [
    "",
    '{"steps":[{"weight":10,"minDuration":"10s"},{"weight":50,"minDuration":"10s"}]}',
    '{"steps":[{"weight":50,"minDuration":"10s","minRequests":0},{"weight":100}],"onFailure":"Pause"}',
    '{"strategy":"recreate"}',
    '{"steps":[{"weight":20,"minDuration":"10s"}],"analysis":{"maxWait":"1m","onInsufficientData":"Abort"}}',
    '{"steps":[{"weight":5,"minDuration":"10s"},{"weight":100,"minDuration":"10s"}],"progressDeadline":"1m"}',
    '{"strategy":"blueGreen"}',
    '{"strategy":"blueGreen","onFailure":"Pause","progressDeadline":"1m"}',
    '{"autoPromote":false,"strategy":"blueGreen"}',
    '{"autoPromote":false,"strategy":"blueGreen","progressDeadline":"1m"}',
    '{"steps":[{"weight":20,"minDuration":"10s"}],"autoPromote":false}',
]
ARMS = st.builds(
    ArmWish,
    name=st.sampled_from("ab"),
    percent=st.sampled_from([0, 10, 50]),
    revision=st.integers(min_value=1, max_value=4),
    matches=st.sampled_from([(), (("x-arm", "a"),)]),
) | st.builds(
    lambda name, written: ArmWish(name, 50, overlay=f"like {written}", written=written),
    name=st.sampled_from("ab"),
    written=st.sampled_from("abc"),
)
EXPERIMENTS = st.builds(
    lambda arms, ends: ExperimentWish(
        hashlib.sha256(f"{arms} {ends}".encode()).hexdigest()[:16],
        tuple(arms),
        ends_at=None if ends is None else START + ends,
    ),
    st.lists(ARMS, min_size=1, max_size=2, unique_by=(lambda arm: arm.name, lambda arm: arm.revision or arm.written)),
    st.none() | st.timedeltas(min_value=timedelta(), max_value=2 * BAKE),
)
PICKED = st.integers(min_value=0, max_value=50)
REPLICAS = st.integers(min_value=0, max_value=3)
CAPACITY = st.sampled_from(["surge", "replace"])
MOST_GATEWAYS = 4
KILL_AFTER = st.none() | st.integers(min_value=0, max_value=6)


def wish(written: str = "a", replicas: int = 1, *, smoke_tests: bool = False) -> Wish:
    return Wish(
        "ml", "fraud", 1, "fraud", written, replicas, BAKE, history_limit=2, smoke_tests="t1" if smoke_tests else ""
    )


class Rollouts(RuleBasedStateMachine):
    """Everything that users, Kubernetes, and fate may do."""

    world: World

    @property
    def cluster(self) -> Cluster:
        return self.world.cluster

    @initialize(
        smoke_tests=st.booleans(),
        deployed=st.sampled_from(["", "a", "ab", "aba", "abc"]),
        replicas=REPLICAS,
        strategy=st.sampled_from(STRATEGIES),
        upgraded=st.booleans(),
        capacity=CAPACITY,
    )
    def begins(
        self, deployed: str, replicas: int, strategy: str, capacity: str, *, smoke_tests: bool, upgraded: bool
    ) -> None:
        self.world = World(Cluster(wish(replicas=replicas, smoke_tests=smoke_tests)))
        self.wants(capacity=capacity)
        for written in deployed:
            self.wants(written=written)
            for _ in range(5):
                self.world.goes_on()
        self.wants(strategy=strategy)
        if upgraded:
            self.world.comes_from_before_the_gateway()

    def wants(self, **changes: object) -> None:
        generation = self.cluster.wish.generation + 1
        self.cluster.wish = replace(self.cluster.wish, generation=generation, **changes)  # type: ignore[arg-type]

    @rule(written=st.sampled_from("abc"))
    def edits(self, written: str) -> None:
        self.wants(written=written)

    @rule(written=st.sampled_from("abc"))
    def edits_and_is_served(self, written: str) -> None:
        """So far that the new version has requests, or nearly."""
        self.wants(written=written)
        for _ in range(4):
            self.world.goes_on()

    @rule(pin=st.none() | st.integers(min_value=1, max_value=4))
    def pins(self, pin: int | None) -> None:
        self.wants(pin=pin)

    @rule(replicas=REPLICAS)
    def scales(self, replicas: int) -> None:
        self.wants(replicas=replicas)

    @rule(strategy=st.sampled_from(STRATEGIES))
    def other_steps(self, strategy: str) -> None:
        self.wants(strategy=strategy)

    @rule(capacity=CAPACITY)
    def other_room(self, capacity: str) -> None:
        self.wants(capacity=capacity)

    @rule(experiment=st.none() | EXPERIMENTS)
    def tests(self, experiment: ExperimentWish | None) -> None:
        self.wants(experiment=experiment)

    @rule(window=st.sampled_from([GOOD, BAD, FEW, None]))
    def requests_come(self, window: WindowSeen | None) -> None:
        self.cluster.window = window

    @rule(paused=st.booleans())
    def pauses(self, *, paused: bool) -> None:
        self.wants(paused=paused)

    @rule(refused=st.booleans())
    def a_name_is_taken(self, *, refused: bool) -> None:
        self.cluster.refused = refused

    @rule(enforces=st.booleans())
    def lets_other_tensors_through(self, *, enforces: bool) -> None:
        self.wants(enforces=enforces)

    @rule(verb=st.sampled_from(["promote", "abort", "pause", "resume", "skip-step"]))
    def acts(self, verb: str) -> None:
        self.world.asks_for(Action(verb, f"{verb} {self.cluster.count()}"))

    @rule(token=st.sampled_from("123"))
    def retries(self, token: str) -> None:
        self.world.asks_for(Action("retry", token))

    @rule(written=st.sampled_from("abc"), change=st.integers(min_value=0, max_value=1))
    def source_changes(self, written: str, change: int) -> None:
        self.cluster.sources[written] = change

    @rule(follows=st.booleans())
    def changes_are_followed(self, *, follows: bool) -> None:
        self.wants(follows=follows)

    @rule()
    def changes_are_looked_for(self) -> None:
        self.cluster.look_for_changes()

    @rule(seconds=st.sampled_from([1, 11, 61, 700]))
    def time_passes(self, seconds: int) -> None:
        self.cluster.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.cluster.objects.jobs)
    @rule(number=PICKED, well=st.booleans())
    def a_job_ends(self, number: int, *, well: bool) -> None:
        jobs = sorted(self.cluster.objects.jobs)
        key = jobs[number % len(jobs)]
        if self.cluster.objects.jobs[key].finished is None:
            self.cluster.answer_job(key, well=well)

    @rule()
    def pods_are_made(self) -> None:
        self.cluster.make_pods()

    @rule()
    def all_goes_well(self) -> None:
        self.world.goes_on()

    @precondition(lambda self: self.cluster.objects.pods)
    @rule(number=PICKED, fate=st.sampled_from(["ready", "gone", "broken", "no room"]))
    def a_pod_changes(self, number: int, fate: str) -> None:
        pods = sorted(self.cluster.objects.pods)
        uid = pods[number % len(pods)]
        match fate:
            case "ready":
                self.cluster.ready(uid)
            case "gone":
                del self.cluster.objects.pods[uid]
            case _:
                self.cluster.pod(uid, ready=False, trouble=BROKEN if fate == "broken" else NO_ROOM)

    @precondition(lambda self: self.cluster.objects.pods)
    @rule(number=PICKED)
    def a_revision_loses_its_pods(self, number: int) -> None:
        """As with the nodes that they are on."""
        pods = self.cluster.objects.pods
        revisions = sorted({each.revision for each in pods.values()})
        lost = revisions[number % len(revisions)]
        self.cluster.objects.pods = {uid: each for uid, each in pods.items() if each.revision != lost}

    @precondition(lambda self: self.cluster.objects.gateways)
    @rule(number=PICKED, fate=st.sampled_from(["learns", "silent", "heard", "unsynced", "ends", "gone", "ready"]))
    def a_gateway_pod_changes(self, number: int, fate: str) -> None:
        names = sorted(self.cluster.objects.gateways)
        name = names[number % len(names)]
        pod = self.cluster.objects.gateways[name]
        match fate:
            case "learns":
                self.cluster.gateway_learns(name)
            case "silent" | "heard":
                pod.silent = fate == "silent"
                self.world.hear(name)
            case "unsynced":
                pod.synced = False
            case "ends":
                pod.ready, pod.terminating = False, True
            case "gone" if pod.terminating:
                del self.cluster.objects.gateways[name]
            case "ready" if not pod.terminating:
                self.cluster.gateway_is_ready(name)

    @rule()
    def a_gateway_pod_is_made(self) -> None:
        if len(self.cluster.objects.gateways) < MOST_GATEWAYS:
            self.cluster.start_gateway()

    @rule()
    def the_gateway_learns(self) -> None:
        for name in self.cluster.objects.gateways:
            self.cluster.gateway_learns(name)

    @precondition(lambda self: not self.cluster.damaged)
    @precondition(lambda self: not any(each.silent for each in self.cluster.objects.gateways.values()))
    @rule(kill_after=KILL_AFTER)
    def the_status_is_lost(self, kill_after: int | None) -> None:
        """What it told the gateway is known from the gateway alone: so it does not happen while that is silent."""
        self.cluster.status, self.cluster.lost = ModelDeploymentStatus(), True
        self.cluster.differ.clear()
        self.world.look()
        self.world.hear_all()
        self.world.run(kill_after=kill_after)

    @precondition(lambda self: self.cluster.stable() and not self.cluster.lost and not self.cluster.damaged)
    @rule()
    def the_record_of_what_serves_is_deleted(self) -> None:
        """By hand. Its number is remembered only as long as it serves."""
        self.cluster.damaged = True
        number = self.cluster.stable() or 0
        self.cluster.numbered.pop(number, None)
        self.cluster.differ.clear()
        left = {name: each for name, each in self.cluster.revisions.items() if each.number != number}
        self.cluster.revisions = left

    @precondition(lambda self: not self.cluster.lost)
    @rule()
    def the_service_is_deleted(self) -> None:
        self.cluster.damaged = True
        self.cluster.objects.service = self.world.operator.store.service = None

    @rule(kill_after=KILL_AFTER, asks=st.booleans())
    def a_pass(self, kill_after: int | None, *, asks: bool) -> None:
        self.world.look()
        if asks:
            self.world.hear_all()
        self.world.run(kill_after=kill_after)
        self.cluster.make_pods()

    @rule(back=st.integers(min_value=0, max_value=4), kill_after=KILL_AFTER)
    def a_restart(self, back: int, kill_after: int | None) -> None:
        self.world.restart(back)
        self.world.run(kill_after=kill_after)

    @rule()
    def a_second_pass_writes_nothing(self) -> None:
        plan = self.world.quiet_pass()
        for _ in range(4):  # what gates see is news, the step that they let it go on to, and which revision an arm is
            plan = self.world.quiet_pass() if self.cluster.status.candidate or self.cluster.status.arms else plan
        if plan.ask or plan.describe or plan.replace:
            return  # answers, and pods that are replaced, are news
        before = len(self.world.operator.writes)
        self.world.run()
        assert self.world.operator.writes[before:] == []
        assert len(self.cluster.objects.jobs) <= 1 + len(plan.course.arms)

    @invariant()
    def numbers_are_given_once(self) -> None:
        numbers = [each.number for each in self.cluster.revisions.values()]
        assert len(numbers) == len(set(numbers))

    def teardown(self) -> None:
        """It ends as it would have without a crash on the last stretch, and in what was asked for."""
        self.world.pictures.clear()  # older ones may show what would be decided otherwise, such as a broken pod
        disturbed = deepcopy(self.world)
        number = iter(range(100))

        def kill() -> None:
            disturbed.look()
            disturbed.hear_all()
            disturbed.run(kill_after=next(number) % 3)
            disturbed.restart(back=2)
            disturbed.run()

        plan = self.world.settle()
        assert outcome(plan) == outcome(disturbed.settle(kill))
        is_what_was_asked_for(self.world, plan)


def outcome(plan: Plan) -> tuple[object, ...]:
    conditions = sorted((each.type, each.status, each.reason) for each in plan.status.conditions or ())
    stable = plan.course.stable
    told = sorted(shares(plan.status.traffic).values())
    # No pods of a revision that has a Deployment, or that never got so far: what is kept of the past is as long.
    wanted = {name: number for name, number in plan.replicas.items() if number}
    if plan.target.pin_missing and stable:
        # What waits for the pin to be right keeps the pods it has, and gives them up for want of room: also where an
        # old picture shows that.
        wanted = {stable.hash: wanted.get(stable.hash, 0)}
    return stable and (stable.written, stable.fingerprint), plan.status.phase, conditions, wanted, told


def is_what_was_asked_for(world: World, plan: Plan) -> None:
    asked, cluster, stable = world.cluster.wish, world.cluster, plan.course.stable
    conditions = {each.type: each for each in plan.status.conditions or ()}
    assert set(conditions) == set(ConditionType) - {ConditionType.REQUESTS_LOGGED}
    released = conditions[ConditionType.RELEASED]
    if released.reason in {Reason.ABORTED, Reason.PIN_NOT_FOUND}:
        assert released.status == "False"
        return
    if released.status != "True":
        assert asked.replicas == 0
        if plan.course.ledger.progress:
            return  # a rollout in steps that has begun waits for pods
        assert asked.smoke_tests  # without a pod nobody can pass them
        assert plan.status.reason == Reason.NO_REPLICAS
        return
    assert stable is not None
    assert stable.number == asked.pin if asked.pin else stable.written == asked.written
    if asked.follows and not asked.pin:
        assert stable.fingerprint == cluster.fingerprint(stable.written), "the source has another state"
    assert plan.status.phase is Phase.IDLE
    assert cluster.objects.service == ServiceSeen(stable.number, PORT)
    for each in cluster.objects.gateways.values():
        assert each.runs == plan.status.traffic
        assert each.sends_to(cluster.service_of(stable.hash))
    with_pods = {name: number for name, (number, _) in cluster.objects.deployments.items() if number}
    assert with_pods == ({stable.hash: asked.replicas} if asked.replicas else {})
    assert (conditions[ConditionType.READY].status == "True") is (asked.replicas > 0)
    assert cluster.objects.jobs == {}


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(max_examples=60, stateful_step_count=30)


@pytest.mark.parametrize("capacity", ["surge", "replace"])
@pytest.mark.parametrize("smoke_tests", [False, True])
def test_a_version_change_ends_the_same_wherever_the_operator_is_killed(
    capacity: Literal["surge", "replace"], *, smoke_tests: bool
) -> None:
    def changed(kill_after: int | None) -> tuple[Plan, int]:
        asked = replace(wish(replicas=2, smoke_tests=smoke_tests), capacity=capacity, strategy=STRATEGIES[1])
        world = World(Cluster(asked))
        world.settle()
        world.cluster.wish = replace(world.cluster.wish, written="b", generation=2)
        left, written = kill_after, 0
        for _ in range(8):
            world.look()
            world.hear_all()
            running, before = world.operator, len(world.operator.writes)
            ended = world.run(kill_after=left)
            done = len(running.writes) - before
            written += done
            left = left - done if ended and left is not None else None
            world.cluster.all_goes_well()
        return world.settle(), written

    undisturbed, writes = changed(None)
    assert undisturbed.course.stable is not None
    assert undisturbed.course.stable.written == "b"
    assert writes >= 8
    for kill_after in range(writes):
        assert outcome(changed(kill_after)[0]) == outcome(undisturbed)
