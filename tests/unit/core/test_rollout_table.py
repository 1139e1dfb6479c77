"""The table of `docs/architecture.md`, row by row: what a phase and an event come to."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.core.seeing import (
    ALL,
    BAKE,
    BROKEN,
    DENIED,
    NO_IMAGE,
    NO_ROOM,
    NOW,
    PORT,
    QUOTA,
    RETRY,
    SIGNATURE,
    STARTING,
    A,
    B,
    Gateway,
    absent,
    after,
    decide,
    deployments,
    described,
    failed,
    following,
    job,
    lagging,
    pod,
    pods,
    revision,
    selecting,
    service,
    serving,
    silent,
    status_of,
    told,
    unaware_of,
    unready,
    unsynced,
    weights,
    wish,
)
from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus
from tritium.core.plan import Plan, ServiceWish
from tritium.core.reasons import Reason
from tritium.core.seen import (
    DeploymentSeen,
    PodSeen,
    Refusal,
    RevisionSeen,
    Seen,
    ServiceSeen,
    SignatureSeen,
    Trouble,
)
from tritium.core.signature import Signature
from tritium.core.wish import Wish

PAGE = Path(__file__).parents[3] / "docs" / "architecture.md"
ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")


@dataclass(frozen=True)
class Situation:
    """What there is before an event."""

    asks: Wish
    status: ModelDeploymentStatus
    sees: Seen
    now: datetime = NOW
    gateway: Gateway = following

    def with_pods(self, *replaced: PodSeen) -> "Situation":
        """Other pods of those revisions, with the others as they were."""
        theirs = {each.revision for each in replaced}
        others = tuple(each for each in self.sees.pods if each.revision not in theirs)
        return self.but(pods=(*others, *replaced))

    def but(self, **seen: Any) -> "Situation":
        return replace(self, sees=replace(self.sees, **seen))

    def asking(self, **wanted: Any) -> "Situation":
        return replace(self, asks=replace(self.asks, **wanted))

    def through(self, gateway: Gateway) -> "Situation":
        """Where not all is well with the gateway."""
        return replace(self, gateway=gateway)

    def later(self) -> "Situation":
        """After the pass that this calls for: the status is written, and the gateway has read it."""
        return replace(self, status=self.decided().status)

    def decided(self) -> Plan:
        return decide(self.asks, self.status, self.sees, self.now, self.gateway)


def settled(asks: Wish, sees: Seen, before: ModelDeploymentStatus | None = None) -> Situation:
    return Situation(asks, decide(asks, before or ModelDeploymentStatus(), sees, NOW).status, sees)


SERVES = status_of(wish(), serving(ONE, TWO))
BOTH = serving(ONE, TWO, deployments=deployments(a=1, b=1))


def upgrading(candidate: PodSeen) -> Seen:
    return replace(BOTH, pods=(*pods(ONE), candidate))


FIRST = Seen((TWO,), deployments(b=1), (pod("p", TWO, STARTING),))
PHASES = {
    "Initial": settled(wish("b"), FIRST),
    "Idle": settled(wish(), serving(ONE, TWO)),
    "Preparing": settled(wish("b"), upgrading(pod("p", TWO, STARTING)), SERVES),
    "Blocked": settled(wish("b"), upgrading(pod("p", TWO, NO_IMAGE)), SERVES),
    "Promoting": settled(wish("b"), upgrading(pod("p", TWO)), SERVES).but(service=service(TWO)),
    "Aborted": settled(wish("b"), upgrading(pod("p", TWO, BROKEN)), SERVES),
}


def another_without_room(before: Situation) -> Situation:
    crowded = before.asking(written="c").with_pods(pod("r", THREE, NO_ROOM))
    return crowded.but(revisions=(ONE, TWO, THREE), deployments=deployments(a=1, b=1, c=1)).later()


def stable_without_room(before: Situation) -> Situation:
    stable = TWO if serves(before, TWO) else ONE
    return before.asking(replicas=2).with_pods(pod("r", stable), pod("s", stable, NO_ROOM))


def serves(before: Situation, which: RevisionSeen) -> bool:
    return before.sees.service == service(which)


def from_before_the_gateway(before: Situation) -> Situation:
    """As a release without one left it."""
    return replace(
        before.but(service=selecting(ONE)), status=before.status.model_copy(update={"traffic": None})
    ).through(absent)


def ready(before: Situation) -> Situation:
    return before.with_pods(pod("p", TWO))


def differs(before: Situation) -> Situation:
    """The candidate's tensors are not those of what serves."""
    mine = [each for each in before.sees.pods if each.revision == TWO.hash]
    theirs = [each for each in before.sees.pods if each.revision != TWO.hash]
    return before.but(signatures=described(SIGNATURE, *theirs) | described(Signature(), *mine))


def half_done(before: Situation) -> Situation:
    """A release without a gateway had decided, and did not come to change the Service."""
    return from_before_the_gateway(before).with_pods(pod("p", TWO, STARTING))


UNASKED = {"nobody": SignatureSeen()}
COLD = Trouble("triton", Reason.WARMUP_FAILED, "Triton cannot warm the model up.", "p", rejects=True)
LAGGING = lagging(SERVES.traffic)
REJECTING = lagging(SERVES.traffic, rejected="no such field: 'x'")
NO_PORT = Trouble("gateway", Reason.NO_PORT, "All ports are in use.")
REFUSED = Refusal("Deployment", f"fraud-{B}", Reason.OBJECT_REFUSED, "It is wrong.")
EVENTS: dict[str, Callable[[Situation], Situation]] = {
    "nothing": lambda it: it,
    "the object is new": lambda it: replace(it, sees=Seen(), status=ModelDeploymentStatus()),
    "the source was listed": lambda it: it.asking(written="n").but(resolutions=(job("n", found=1),)),
    "the source cannot be listed": lambda it: it.asking(written="n").but(resolutions=(job("n", trouble=DENIED),)),
    "the candidate's pods are ready": ready,
    "the candidate's pods are ready, and a gateway pod does not know them yet": lambda it: ready(it).through(
        unaware_of(TWO)
    ),
    "the candidate's pods are ready, and a gateway pod does not answer": lambda it: ready(it).through(silent),
    "the candidate's pods are ready, and the gateway's find no room": lambda it: ready(it).through(unready(NO_ROOM)),
    "the candidate's pods are ready, and the gateway's are starting": lambda it: ready(it).through(unready(STARTING)),
    "the candidate's pods are ready, and the gateway has no port left": lambda it: (
        ready(it).but(gateway_trouble=NO_PORT).through(unaware_of(TWO))
    ),
    "some of the candidate's pods are ready": lambda it: (
        it.asking(replicas=2).with_pods(pod("p", TWO)).but(deployments=deployments(a=2, b=2))
    ),
    "the candidate's pods are ready, and not all have passed the smoke test": lambda it: it.asking(
        smoke_tests="t1"
    ).with_pods(pod("p", TWO)),
    "a pod of the candidate fails the smoke test": lambda it: (
        it.asking(smoke_tests="t1").with_pods(pod("p", TWO)).but(smoke=failed(pod("p", TWO)))
    ),
    "the candidate's model is at fault": lambda it: it.with_pods(pod("p", TWO, BROKEN)),
    "the candidate's pods are ready, and its tensors are not known yet": lambda it: ready(it).but(signatures=UNASKED),
    "the candidate's pods are ready, and it has other tensors": lambda it: differs(ready(it)),
    "that, and `rollout.compatibility` is Warn": lambda it: differs(ready(it)).asking(enforces=False),
    "the candidate's pods are ready, and do not say which tensors it has": lambda it: ready(it).but(
        signatures=described(SIGNATURE, *pods(ONE)) | {"uid-p": SignatureSeen(message="No.")}
    ),
    "it has other tensors, and the stable revision loses its pods": lambda it: (
        differs(ready(it)).later().with_pods(pod("o", ONE, STARTING))
    ),
    "the spec is changed back, and the tensors are others": lambda it: differs(it).asking(written="a"),
    "a warm-up request of the candidate fails": lambda it: it.with_pods(pod("p", TWO, COLD)),
    "the candidate's image cannot be pulled": lambda it: it.with_pods(pod("p", TWO, NO_IMAGE)),
    "the candidate's pods find no room": lambda it: it.with_pods(pod("p", TWO, NO_ROOM)),
    "a quota refuses the candidate's pods": lambda it: it.but(
        deployments=(DeploymentSeen(A, 1), DeploymentSeen(B, 1, QUOTA))
    ),
    "an object of the candidate is refused": lambda it: it.but(refusals=(REFUSED,)),
    "a stable pod finds no room": stable_without_room,
    "another candidate finds no room": another_without_room,
    "the spec is changed to an unknown one": lambda it: it.asking(written="n"),
    "the spec is changed to a kept one": lambda it: it.asking(written="b"),
    "the spec is changed back": lambda it: it.asking(written="a"),
    "`replicas` is changed": lambda it: it.asking(replicas=3),
    "`replicas` is 0": lambda it: it.asking(replicas=0),
    "`pinRevision` names a kept revision": lambda it: it.asking(pin=1 if serves(it, TWO) else 2),
    "`pinRevision` names the candidate": lambda it: it.asking(pin=2),
    "`pinRevision` names the stable revision": lambda it: it.asking(pin=1),
    "`pinRevision` names the rejected revision": lambda it: it.asking(pin=2),
    "`pinRevision` names none that is kept": lambda it: it.asking(pin=9),
    "`retry`, and the source is the same": lambda it: (
        replace(it, now=after(minutes=1))
        .asking(action=RETRY)
        .but(resolutions=(job(f"{it.asks.written}#{RETRY.token}", found=1),))
    ),
    "`retry`, and the source has changed": lambda it: it.asking(action=RETRY).but(
        resolutions=(job(f"{it.asks.written}#{RETRY.token}", found=2),)
    ),
    "the bake time ends": lambda it: replace(it, now=NOW + BAKE),
    "the bake time ends, and each gateway pod does without": lambda it: replace(it, now=NOW + BAKE).later(),
    "the bake time ends while a gateway pod lags": lambda it: replace(it, now=NOW + BAKE).later().through(LAGGING),
    "the bake time ends while a gateway pod does not answer": lambda it: (
        replace(it, now=NOW + BAKE).later().through(silent)
    ),
    "the bake time ends while a gateway pod does not follow the API server": lambda it: (
        replace(it, now=NOW + BAKE).later().through(unsynced)
    ),
    "a gateway pod lags": lambda it: it.through(LAGGING),
    "a gateway pod does not answer": lambda it: it.through(silent),
    "no gateway pod is ready": lambda it: it.through(unready(STARTING)),
    "Envoy refuses what it is told": lambda it: it.through(REJECTING),
    "a stable pod finds no room while a gateway pod lags": lambda it: stable_without_room(it).through(LAGGING),
    "`replicas` is 0 while a gateway pod does not answer": lambda it: it.asking(replicas=0).through(silent),
    "there is no Service": lambda it: it.but(service=None),
    "there is no Service, and a gateway pod does not answer": lambda it: it.but(service=None).through(silent),
    "the Service selects pods, as before there was a gateway": from_before_the_gateway,
    "the Service selects pods, and each gateway pod runs what it is told": lambda it: (
        from_before_the_gateway(it).later().through(following)
    ),
    "the Service selects pods, and a gateway pod lags": lambda it: (
        from_before_the_gateway(it).later().through(lagging(None))
    ),
    "the Service selects pods that a gateway pod does not know yet": lambda it: (
        from_before_the_gateway(it).later().through(unaware_of(ONE))
    ),
    "the Service selects the old revision's pods, and the stable one has lost its own": half_done,
    "that, and each gateway pod runs what it is told": lambda it: half_done(it).later().through(following),
    "that, and the bake time ends": lambda it: (
        replace(half_done(it).later(), now=NOW + BAKE).later().through(following)
    ),
    "the status was lost while a Service leads to the gateway": lambda it: replace(
        it, status=ModelDeploymentStatus(), sees=serving(ONE, TWO)
    ).through(lambda _, sees: following(told(7, (ONE, ALL)), sees)),
    "the status was lost while a Service selects a revision": lambda it: replace(
        it, status=ModelDeploymentStatus(), sees=serving(ONE, TWO, service=selecting(ONE))
    ),
}


def shows_why(before: Situation, plan: Plan) -> None:
    assert plan.course.ledger.rejected == ()
    assert plan.status.last_failure
    conditions = {each.type: each for each in plan.status.conditions or ()}
    kinds = (ConditionType.MODEL_LOADED, ConditionType.RELEASED, ConditionType.RECONCILING)
    shown = " ".join(conditions[each].message for each in kinds)
    assert plan.status.last_failure.message in shown


def nothing(before: Situation, plan: Plan) -> None:
    assert (plan.target.create, plan.target.resolution, plan.notices) == (None, None, ())
    has = {each.revision: each.replicas for each in before.sees.deployments}
    assert {name: number for name, number in plan.replicas.items() if number != before.asks.replicas} == {
        name: number for name, number in has.items() if number != before.asks.replicas
    }
    assert plan.status.traffic == before.status.traffic
    assert service_then(before, plan) == before.sees.service


def service_then(before: Situation, plan: Plan) -> ServiceSeen | None:
    """The Service as it is when the plan is carried out."""
    return ServiceSeen(plan.service.number, plan.service.port) if plan.service else before.sees.service


def lists(before: Situation, plan: Plan) -> None:
    assert plan.target.resolution
    assert (plan.target.resolution.attempt, plan.target.create) == (1, None)


def waits(before: Situation, plan: Plan) -> None:
    assert plan.wake_at == plan.target.retry_at == after(seconds=10)


def records(before: Situation, plan: Plan) -> None:
    assert plan.target.create
    assert plan.target.create.number == max(each.number for each in before.sees.revisions) + 1


def sends(before: Situation, plan: Plan) -> None:
    assert plan.course.stable is not None
    assert weights(before.status.traffic)[plan.course.stable.number] == 0
    assert weights(plan.status.traffic)[plan.course.stable.number] == ALL
    assert version(plan.status) == version(before.status) + 1


def version(status: ModelDeploymentStatus) -> int:
    return status.traffic.version if status.traffic else 0


def tells(before: Situation, plan: Plan) -> None:
    assert plan.status.traffic == told(1, (ONE, ALL))


def drops(before: Situation, plan: Plan) -> None:
    assert (weights(before.status.traffic), weights(plan.status.traffic)) == ({2: ALL, 1: 0}, {2: ALL})


def leads(before: Situation, plan: Plan) -> None:
    assert before.sees.service is None or before.sees.service.port is None
    assert plan.service == ServiceWish(PORT, 1)


def no_service(before: Situation, plan: Plan) -> None:
    assert plan.service is None
    assert before.sees.service is None


def says_what_envoy_said(before: Situation, plan: Plan) -> None:
    conditions = {each.type: each for each in plan.status.conditions or ()}
    traffic = conditions[ConditionType.TRAFFIC_CONFIGURED]
    assert (traffic.status, traffic.reason) == ("False", Reason.GATEWAY_REJECTED)
    assert "no such field: 'x'" in traffic.message


def rejected_are(*numbers: int) -> Callable[[Situation, Plan], None]:
    def check(before: Situation, plan: Plan) -> None:
        assert tuple(each.revision for each in plan.course.ledger.rejected) == numbers

    return check


def left_is_rejected(before: Situation, plan: Plan) -> None:
    (left,) = plan.course.ledger.rejected
    assert (left.reason, left.revision) == (Reason.ROLLED_BACK, {"a": 1, "b": 2}[before.asks.written])


def pods_are(**wanted: int) -> Callable[[Situation, Plan], None]:
    def check(before: Situation, plan: Plan) -> None:
        assert {letter: plan.replicas.get(revision(0, letter).hash, 0) for letter in wanted} == wanted

    return check


def adopts(before: Situation, plan: Plan) -> None:
    assert plan.course.stable == ONE
    assert weights(plan.status.traffic) == {2: 0, 1: ALL}
    assert plan.status.traffic
    assert plan.status.traffic.port == PORT


def tells_higher(before: Situation, plan: Plan) -> None:
    assert version(plan.status) == 8
    assert plan.service == ServiceWish(PORT, 1)


def scales(before: Situation, plan: Plan) -> None:
    assert plan.replicas[A] == before.asks.replicas


def says_which_are_kept(before: Situation, plan: Plan) -> None:
    assert "kept: 1, 2" in next(each.message for each in plan.status.conditions or () if each.type == "Released")
    assert plan.replicas.get(B, 0) == next((each.replicas for each in before.sees.deployments if each.revision == B), 0)


def is_done(before: Situation, plan: Plan) -> None:
    assert plan.status.last_action
    assert plan.status.last_action.token == RETRY.token


def replaces(before: Situation, plan: Plan) -> None:
    assert plan.replace == {"uid-p"}


def stays(before: Situation, plan: Plan) -> None:
    assert plan.service is None
    assert before.sees.service == selecting(ONE)


def stable_keeps(before: Situation, plan: Plan) -> None:
    assert (plan.replicas[A], plan.kept, before.asks.replicas) == (1, frozenset({A, B}), 0)


def asks_one_of_each(before: Situation, plan: Plan) -> None:
    assert plan.describe == {"uid-p", pods(ONE)[0].uid}
    assert plan.status.traffic == before.status.traffic


def asks_those(before: Situation, plan: Plan) -> None:
    assert plan.ask == {"uid-p"}


ACTIONS: dict[str, Callable[[Situation, Plan], None]] = {
    "nothing": nothing,
    "list the source": lists,
    "wait, then list it again": waits,
    "record the revision": records,
    "send the requests to the candidate": sends,
    "tell the gateway what serves": tells,
    "tell the gateway without the old revision": drops,
    "lead the Service to the gateway": leads,
    "make no Service": no_service,
    "say what Envoy said": says_what_envoy_said,
    "show why, reject nothing": shows_why,
    "adopt that revision as stable": adopts,
    "tell it with a version above the gateway's": tells_higher,
    "give the candidate its pods": pods_are(a=1, b=1),
    "the old revision keeps its pods": pods_are(a=1),
    "the stable revision keeps its pods": stable_keeps,
    "scale the stable revision": scales,
    "scale the candidate to 0": pods_are(b=0),
    "reject the one that is left": left_is_rejected,
    "reject the candidate": rejected_are(2),
    "lift the rejection": rejected_are(),
    "its pods stay for `bakeTime`": pods_are(a=1, b=1),
    "the pods of what was being made go": pods_are(b=0),
    "the pods of the old revision go": pods_are(a=0),
    "the pods of the rejected revision go": pods_are(a=1, b=0),
    "replace the pods that spoke against it": replaces,
    "the Service stays where it is": stays,
    "ask those that have not": asks_those,
    "ask one pod of each of the two": asks_one_of_each,
    "say which are kept": says_which_are_kept,
    "note that it is done": is_done,
}


def rows() -> list[tuple[str, ...]]:
    """The cells of the table, without its head."""
    section = PAGE.read_text().partition("\n## Rollout\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\|(.*)\|$", section, re.MULTILINE)
    return [tuple(cell.strip() for cell in line.split("|")) for line in lines[2:]]


ROWS = rows()


@pytest.mark.parametrize(("phase", "event", "then", "action"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_the_table_is_true(phase: str, event: str, then: str, action: str) -> None:
    before = EVENTS[event](PHASES[phase])
    plan = before.decided()
    assert plan.status.phase == then
    for each in action.split("; "):
        ACTIONS[each](before, plan)
    stable = plan.course.stable
    if stable and "the stable revision keeps its pods" not in action:
        assert plan.replicas[stable.hash] == before.asks.replicas
    if stable and "the Service stays where it is" not in action:
        assert weights(plan.status.traffic)[stable.number] == ALL
        if before.sees.service and before.sees.service.port:
            assert plan.service == ServiceWish(PORT, stable.number)


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_is_what_it_is_called(phase: str) -> None:
    assert PHASES[phase].decided().status.phase == phase


def test_the_table_says_everything_that_is_known_here() -> None:
    assert {row[0] for row in ROWS} == set(PHASES)
    assert {row[1] for row in ROWS} == set(EVENTS)
    assert {part for row in ROWS for part in row[3].split("; ")} == set(ACTIONS)
    assert len(ROWS) == len({row[:2] for row in ROWS})
