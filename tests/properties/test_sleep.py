"""A model that sleeps and wakes, in a small world: whoever asks for it is answered, or waits and wakes it.

The gateway's pods learn of the status and of endpoints in their own time, and are replaced; the operator is killed
between its writes, and begins with nothing in mind.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.properties.gateways import GatewayPod
from tests.unit.core.seeing import NOW, PORT, SIGNATURE, A, described, pod, revision, wish
from tritium.api.status import ModelDeploymentStatus
from tritium.core import ledger
from tritium.core.decide import decide
from tritium.core.revision import revision_name
from tritium.core.scaling.controller import Memory, Need, Why
from tritium.core.scaling.wish import ScalingWish
from tritium.core.scaling.work import Work
from tritium.core.seen import DeploymentSeen, GatewaySeen, Seen, ServiceSeen, Trouble

if TYPE_CHECKING:
    from tritium.core.plan import Plan
    from tritium.core.seen import PodSeen

ONE = revision(1)
SERVICE = revision_name("fraud", A)
IDLE = 600.0
MOST = 4
ASKED = wish(scaling=ScalingWish(0, 2, may_sleep=True, idle=IDLE))
STARTS = Trouble("pod", "Starting", "it starts")
PICKED = st.integers(min_value=0, max_value=50)


class Sleeps(RuleBasedStateMachine):
    """What clients, Kubernetes, and fate may do."""

    @initialize()
    def begins(self) -> None:
        self.now, self.quiet, self.made = NOW, 0.0, 0
        self.waited: int | None = None
        self.replicas, self.status = 1, ModelDeploymentStatus()
        self.pods: dict[str, PodSeen] = {}
        self.gateways: dict[str, GatewayPod] = {}
        self.waiting: dict[str, set[int]] = {}
        for _ in range(2):
            self.a_gateway_pod_is_made()
        self.settles()

    # ---- what is there ----------------------------------------------------------------------------------

    def seen(self, work: Work | None) -> Seen:
        pods = tuple(self.pods.values())
        return Seen(
            revisions=(ONE,),
            deployments=(DeploymentSeen(A, self.replicas),),
            pods=pods,
            service=ServiceSeen(1, PORT),
            signatures=described(SIGNATURE, *pods),
            gateways=tuple(GatewaySeen(name, ready=True, answer=each.answer()) for name, each in self.gateways.items()),
            port=PORT,
            work=work,
        )

    def work(self) -> Work:
        """As the scaler knows it: a model without a ready pod is not idle."""
        if not any(each.ready for each in self.pods.values()):
            self.quiet = 0.0
        return Work(Memory(began=-10_000.0), 0.0, Need(0.0, Why.DEMAND, 0.0), quiet=self.quiet, waited=self.waited)

    def endpoints(self) -> dict[str, frozenset[str]]:
        return {SERVICE: frozenset(uid for uid, each in self.pods.items() if each.ready)}

    # ---- what happens -----------------------------------------------------------------------------------

    @rule(number=PICKED)
    def a_request_comes(self, number: int) -> None:
        name = sorted(self.gateways)[number % len(self.gateways)]
        through = self.gateways[name]
        known = through.endpoints.get(SERVICE, frozenset())
        hold = through.runs.hold if through.runs else None
        if (sleep := through.holds()) is not None:
            self.waiting[name].add(sleep)
        elif known:
            assert known <= self.pods.keys(), "it was sent to a pod that is gone"
            self.quiet = 0.0
        else:
            assert hold, "it found no pod, and did not wait"

    @rule(seconds=st.sampled_from([10, 300, 700]))
    def nobody_comes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.quiet += seconds

    @rule()
    def the_operator_hears_who_waits(self) -> None:
        told = self.status.traffic.hold if self.status.traffic else None
        asked = {sleep for sleeps in self.waiting.values() for sleep in sleeps}
        if told and told.asleep and told.since in asked:
            self.waited, self.quiet = told.since, 0.0

    @rule(knows=st.booleans(), killed=st.booleans())
    def a_pass(self, *, knows: bool, killed: bool) -> None:
        plan = self.decides(self.work() if knows else None)
        if plan.course.ledger != ledger.read(self.status):
            self.status = plan.status
            if killed:
                return
            plan = self.decides(self.work() if knows else None)
        self.status, self.replicas = plan.status, plan.replicas[A]

    @rule()
    def another_operator_begins(self) -> None:
        self.quiet, self.waited = 0.0, None

    @rule()
    def kubernetes_follows(self) -> None:
        while len(self.pods) > self.replicas:
            self.pods.popitem()
        while len(self.pods) < self.replicas:
            self.made += 1
            uid = f"pod-{self.made}"
            self.pods[uid] = replace(pod(uid, ONE, STARTS), uid=uid)

    @rule()
    def the_pods_get_ready(self) -> None:
        self.pods = {uid: replace(each, ready=True, trouble=None) for uid, each in self.pods.items()}

    @rule(number=PICKED)
    def a_gateway_pod_learns(self, number: int) -> None:
        name = sorted(self.gateways)[number % len(self.gateways)]
        self.gateways[name].learn(self.status.traffic, self.endpoints())

    @rule()
    def a_gateway_pod_is_made(self) -> None:
        """It takes requests when it has learned everything."""
        if len(self.gateways) < MOST:
            self.made += 1
            made = self.gateways[f"gw-{self.made}"] = GatewayPod(ready=True)
            self.waiting[f"gw-{self.made}"] = set()
            made.learn(self.status.traffic, self.endpoints())

    @rule(number=PICKED)
    def a_gateway_pod_goes(self, number: int) -> None:
        """With all who wait there."""
        if len(self.gateways) > 1:
            name = sorted(self.gateways)[number % len(self.gateways)]
            del self.gateways[name], self.waiting[name]

    # ---- and comes to -----------------------------------------------------------------------------------

    def decides(self, work: Work | None) -> Plan:
        return decide(ASKED, self.status, self.seen(work), self.now)

    def settles(self) -> None:
        for _ in range(8):
            self.the_operator_hears_who_waits()
            self.a_pass(knows=True, killed=False)
            self.kubernetes_follows()
            self.the_pods_get_ready()
            for number in range(len(self.gateways)):
                self.a_gateway_pod_learns(number)

    def teardown(self) -> None:
        if not self.gateways:
            return
        self.settles()
        self.nobody_comes(700)
        self.settles()
        assert (self.replicas, self.pods) == (0, {}), "nobody comes, and it does not sleep"
        self.a_request_comes(0)
        self.settles()
        assert self.replicas == 1
        assert all(each.holds() is None and each.endpoints[SERVICE] for each in self.gateways.values())


TestSleeps = Sleeps.TestCase
TestSleeps.settings = settings(max_examples=200, stateful_step_count=40)
