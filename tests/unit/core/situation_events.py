"""Events of the first table of `docs/architecture.md`: what there is after one."""

from collections.abc import Callable
from dataclasses import replace

from tests.unit.core.seeing import (
    ALL,
    BAKE,
    BROKEN,
    DENIED,
    NO_IMAGE,
    NO_ROOM,
    NOW,
    QUOTA,
    RETRY,
    SIGNATURE,
    STARTING,
    A,
    B,
    absent,
    after,
    deployments,
    described,
    failed,
    following,
    job,
    lagging,
    pod,
    pods,
    selecting,
    service,
    serving,
    silent,
    told,
    unaware_of,
    unready,
    unsynced,
)
from tests.unit.core.situation import ONE, SERVES, THREE, TWO, Situation
from tritium.api.status import ModelDeploymentStatus
from tritium.core.reasons import Reason
from tritium.core.seen import DeploymentSeen, Refusal, RevisionSeen, Seen, SignatureSeen, Trouble
from tritium.core.signature import Signature


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
