"""Who serves, who is next, and who is not tried again."""

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from tests.unit.core.advancing import BAD_MODEL, GOOD, LEFT, MOVED, ONE, SERVES, THREE, TWO, advance, making
from tests.unit.core.seeing import (
    BROKEN,
    CRASHED,
    NO_GPU,
    NO_IMAGE,
    NO_ROOM,
    NOW,
    QUOTA,
    STARTING,
    Gateway,
    absent,
    after,
    answer,
    beside,
    deployments,
    failed,
    following,
    passed,
    pod,
    pods,
    saying,
    selecting,
    service,
    serving,
    silent,
    unaware_of,
    unready,
    wish,
)
from tritium.api.status import Phase
from tritium.core.ledger import Ledger
from tritium.core.plan import Resolution, Target
from tritium.core.reasons import Reason
from tritium.core.seen import DeploymentSeen, Refusal, Seen, ServiceSeen, Trouble
from tritium.core.target import target
from tritium.core.wish import Wish


@dataclass(frozen=True)
class Case:
    """What is seen, and what comes of it: phase, stable, candidate, rejected revisions, and the reason of a trouble."""

    asks: Wish
    ledger: Ledger
    sees: Seen
    comes: tuple[Phase, int | None, int | None]
    rejected: tuple[int, ...] = ()
    trouble: str | None = None
    now: datetime = NOW
    gateway: Gateway = following


CASES = {
    # The first revision.
    "before there is a revision": Case(wish(), Ledger(), Seen(), (Phase.INITIAL, None, None)),
    "the first revision is made ready": Case(
        wish(), Ledger(), Seen((ONE,), deployments(a=1), (pod("p", ONE, STARTING),)),
        (Phase.INITIAL, None, 1), trouble=Reason.STARTING,
    ),
    "the first revision serves as soon as its pods are ready": Case(
        wish(), Ledger(), Seen((ONE,), deployments(a=1), pods(ONE)), (Phase.IDLE, 1, None)
    ),
    "the first revision waits for all its pods": Case(
        wish(replicas=2), Ledger(), Seen((ONE,), deployments(a=2), pods(ONE)), (Phase.INITIAL, None, 1)
    ),
    "the first revision is never turned down": Case(
        wish(), Ledger(), Seen((ONE,), deployments(a=1), (pod("p", ONE, BROKEN),)),
        (Phase.INITIAL, None, 1), trouble=Reason.MODEL_LOAD_FAILED,
    ),
    "the first revision is not turned down by its smoke test either": Case(
        wish("b", smoke_tests="t1"), Ledger(), Seen((TWO,), deployments(b=1), (GOOD,), smoke=failed(GOOD)),
        (Phase.INITIAL, None, 2), trouble=Reason.SMOKE_TEST_FAILED,
    ),
    "without replicas the first revision serves without pods": Case(
        wish(replicas=0), Ledger(), Seen((ONE,), deployments(a=0)), (Phase.IDLE, 1, None)
    ),
    # A version change.
    "a new spec is resolved while the old revision serves": Case(
        wish("b"), SERVES, serving(ONE), (Phase.PREPARING, 1, None)
    ),
    "a new revision is a candidate": Case(wish("b"), SERVES, serving(ONE, TWO), (Phase.PREPARING, 1, 2)),
    "a candidate whose pods are starting is no trouble": Case(
        wish("b"), SERVES, making(pod("p", TWO, STARTING)), (Phase.PREPARING, 1, 2), trouble=Reason.STARTING
    ),
    "a candidate takes over when its pods are ready": Case(
        wish("b"), SERVES, making(GOOD), (Phase.PROMOTING, 2, None)
    ),
    "a candidate needs as many pods as are asked for": Case(
        wish("b", replicas=2), SERVES, making(GOOD, replicas=2), (Phase.PREPARING, 1, 2)
    ),
    "a candidate needs a Deployment with as many replicas as are asked for now": Case(
        wish("b", replicas=1), SERVES, making(GOOD, replicas=0), (Phase.PREPARING, 1, 2)
    ),
    "a candidate that has more than are asked for does not wait until it has fewer": Case(
        wish("b", replicas=1), SERVES, making(GOOD, replicas=2), (Phase.PROMOTING, 2, None)
    ),
    "a pod that is being deleted does not count": Case(
        wish("b"), SERVES, making(pod("p", TWO, ready=False, terminating=True)), (Phase.PREPARING, 1, 2)
    ),
    "a candidate without an answer to its smoke test waits": Case(
        wish("b", smoke_tests="t1"), SERVES, making(GOOD), (Phase.PREPARING, 1, 2)
    ),
    "a candidate that passed its smoke test takes over": Case(
        wish("b", smoke_tests="t1"), SERVES, making(GOOD, smoke=passed(GOOD)), (Phase.PROMOTING, 2, None)
    ),
    "every ready pod has to pass the smoke test": Case(
        wish("b", smoke_tests="t1"), SERVES, making(GOOD, pod("more", TWO), smoke=passed(GOOD)),
        (Phase.PREPARING, 1, 2),
    ),
    "a spec that is changed on the way is the new candidate": Case(
        wish("c"), SERVES, serving(ONE, TWO, THREE, pods=(*pods(ONE), GOOD)), (Phase.PREPARING, 1, 3)
    ),
    "the bake time ends": Case(
        wish("b"), MOVED, serving(TWO, ONE), (Phase.IDLE, 2, None), now=after(minutes=10)
    ),
    "the bake time is not over": Case(
        wish("b"), MOVED, serving(TWO, ONE), (Phase.PROMOTING, 2, None), now=after(minutes=9, seconds=59)
    ),
    # What turns a revision down.
    "a model that cannot be loaded is turned down": Case(
        wish("b"), SERVES, making(pod("p", TWO, BROKEN)), (Phase.ABORTED, 1, None), rejected=(2,)
    ),
    "a wrong answer to the smoke test turns a revision down": Case(
        wish("b", smoke_tests="t1"), SERVES, making(GOOD, smoke=failed(GOOD)), (Phase.ABORTED, 1, None), rejected=(2,)
    ),
    "an answer to a smoke test that is no longer asked for counts for nothing": Case(
        wish("b"), SERVES, making(GOOD, smoke=failed(GOOD)), (Phase.PROMOTING, 2, None)
    ),
    "one pod that shows a broken model is enough": Case(
        wish("b", replicas=2), SERVES, making(GOOD, pod("p", TWO, BROKEN), replicas=2),
        (Phase.ABORTED, 1, None), rejected=(2,),
    ),
    "what was turned down stays so": Case(
        wish("b"), replace(SERVES, rejected=(BAD_MODEL,)), making(GOOD), (Phase.ABORTED, 1, None), rejected=(2,)
    ),
    "a revision that fails when it comes back is turned down as well": Case(
        wish("b"), replace(MOVED, stable=1, demoted={2: NOW}), making(pod("p", TWO, BROKEN)),
        (Phase.ABORTED, 1, None), rejected=(2,),
    ),
    "a broken pod of the stable revision turns nothing down": Case(
        wish(), SERVES, serving(ONE, pods=(pod("p", ONE, BROKEN),)), (Phase.IDLE, 1, None)
    ),
    "a new spec leaves a revision that was turned down": Case(
        wish("c"), replace(SERVES, rejected=(BAD_MODEL,)), serving(ONE, TWO, THREE),
        (Phase.PREPARING, 1, 3), rejected=(2,),
    ),
    # Back again.
    "going back to a revision whose pods are ready is done at once": Case(
        wish(), MOVED, making(GOOD, service=service(TWO)), (Phase.PROMOTING, 1, None)
    ),
    "going back needs no smoke test": Case(
        wish(smoke_tests="t1"), MOVED, making(GOOD, service=service(TWO)), (Phase.PROMOTING, 1, None)
    ),
    "going back to a revision without pods waits for them": Case(
        wish(), MOVED, serving(TWO, ONE), (Phase.PREPARING, 2, 1)
    ),
    "a pin is rolled out": Case(
        wish("b", pin=1), MOVED, serving(TWO, ONE), (Phase.PREPARING, 2, 1), rejected=(2,)
    ),
    "a pin that serves is settled, and what was left is not rolled out again": Case(
        wish("b", pin=1), MOVED, making(GOOD, service=service(TWO)), (Phase.PROMOTING, 1, None), rejected=(2,)
    ),
    "after the pin the revision that was left is not rolled out again": Case(
        wish("b"), replace(SERVES, rejected=(LEFT,)), making(GOOD), (Phase.ABORTED, 1, None), rejected=(2,)
    ),
    "a pin to the stable revision stops what is under way": Case(
        wish("b", pin=1), SERVES, making(GOOD), (Phase.IDLE, 1, None), rejected=(2,)
    ),
    "a pin leaves alone what has no pods": Case(
        wish("b", pin=1), SERVES, serving(ONE, TWO), (Phase.IDLE, 1, None)
    ),
    "a pin to the running candidate goes on with it": Case(
        wish("b", pin=2), SERVES, making(pod("p", TWO, STARTING)), (Phase.PREPARING, 1, 2), trouble=Reason.STARTING
    ),
    "a pin to what was turned down tries it again": Case(
        wish("b", pin=2), replace(SERVES, rejected=(BAD_MODEL,)), making(GOOD), (Phase.PROMOTING, 2, None)
    ),
    "a pin to what was once left tries it again, whatever the spec says": Case(
        wish("c", pin=2), replace(SERVES, rejected=(LEFT,)), serving(ONE, TWO, THREE), (Phase.PREPARING, 1, 2)
    ),
    "a pinned revision is not turned down": Case(
        wish("b", pin=2), SERVES, making(pod("p", TWO, BROKEN)),
        (Phase.BLOCKED, 1, 2), trouble=Reason.MODEL_LOAD_FAILED,
    ),
    "a pin that is not kept changes nothing": Case(
        wish("b", pin=9), SERVES, making(GOOD), (Phase.IDLE, 1, None)
    ),
    "a pin that is not kept rejects nothing": Case(
        wish("b", pin=9), MOVED, serving(TWO, ONE), (Phase.PROMOTING, 2, None)
    ),
    "what was left is wanted again when it is stable without a pin": Case(
        wish("b"), replace(MOVED, rejected=(LEFT,)), serving(TWO, ONE), (Phase.PROMOTING, 2, None)
    ),
    # Adoption.
    "a lost status is adopted from what the Service tells of": Case(
        wish("b"), Ledger(), serving(ONE, TWO), (Phase.PREPARING, 1, 2)
    ),
    "a lost status is adopted from the revision that a Service selects": Case(
        wish("b"), Ledger(), serving(ONE, TWO, service=selecting(ONE)), (Phase.PREPARING, 1, 2)
    ),
    "what a Service selects counts more than its annotation": Case(
        wish("b"), Ledger(), serving(ONE, TWO, service=ServiceSeen(2, revision=ONE.hash)), (Phase.PREPARING, 1, 2)
    ),
    "a lost status is adopted from the Service's annotation if its selector leads nowhere": Case(
        wish("b"), Ledger(), serving(ONE, TWO, service=ServiceSeen(1, revision="00000000")), (Phase.PREPARING, 1, 2)
    ),
    "a Service that names no kept revision is not adopted": Case(
        wish("b"), Ledger(), serving(ONE, TWO, service=ServiceSeen()), (Phase.INITIAL, None, 2)
    ),
    "a known stable revision is not replaced by what the Service tells of": Case(
        wish("b"), MOVED, serving(TWO, ONE, service=service(ONE)), (Phase.PROMOTING, 2, None)
    ),
    "a known stable revision is not replaced by what the Service selects": Case(
        wish("b"), MOVED, serving(TWO, ONE, service=selecting(ONE)), (Phase.PROMOTING, 2, None)
    ),
    # The gateway.
    "a candidate waits until each gateway pod knows its pods": Case(
        wish("b"), SERVES, making(GOOD), (Phase.PREPARING, 1, 2), trouble=Reason.STARTING, gateway=unaware_of(TWO)
    ),
    "a candidate waits until each gateway pod knows all of its pods": Case(
        wish("b", replicas=2), SERVES, making(GOOD, pod("more", TWO), replicas=2),
        (Phase.PREPARING, 1, 2), trouble=Reason.STARTING, gateway=saying(endpoints={1: 1, 2: 1}),
    ),
    "a candidate does not wait for more endpoints than pods are asked for": Case(
        wish("b"), SERVES, making(GOOD, pod("more", TWO)), (Phase.PROMOTING, 2, None),
        gateway=saying(endpoints={1: 1, 2: 1}),
    ),
    "endpoints that a gateway pod knows are no pods that are ready": Case(
        wish("b", replicas=2), SERVES, making(GOOD, pod("p", TWO, STARTING), replicas=2),
        (Phase.PREPARING, 1, 2), trouble=Reason.STARTING, gateway=saying(endpoints={1: 1, 2: 2}),
    ),
    "a gateway pod that does not answer knows nothing": Case(
        wish("b"), SERVES, making(GOOD), (Phase.BLOCKED, 1, 2), trouble=Reason.GATEWAY_NOT_READY, gateway=silent
    ),
    "a gateway pod that is not ready takes no requests, and need not know": Case(
        wish("b"), SERVES, making(GOOD), (Phase.PROMOTING, 2, None),
        gateway=beside(lambda each: replace(each, ready=False, answer=None)),
    ),
    "a gateway pod that ends still has requests, and must know": Case(
        wish("b"), SERVES, making(GOOD), (Phase.PREPARING, 1, 2), trouble=Reason.STARTING,
        gateway=beside(lambda each: replace(each, ready=False, terminating=True, answer=answer(None))),
    ),
    "a gateway pod that ends and does not answer is gone": Case(
        wish("b"), SERVES, making(GOOD), (Phase.PROMOTING, 2, None),
        gateway=beside(lambda each: replace(each, ready=False, terminating=True, answer=None)),
    ),
    "a candidate waits for the gateway": Case(
        wish("b"), SERVES, making(GOOD), (Phase.PREPARING, 1, 2), trouble=Reason.STARTING, gateway=absent
    ),
    "a candidate waits for a gateway that finds no room": Case(
        wish("b"), SERVES, making(GOOD), (Phase.BLOCKED, 1, 2), trouble=Reason.UNSCHEDULABLE, gateway=unready(NO_ROOM)
    ),
    "a candidate waits for a gateway whose pods are starting": Case(
        wish("b"), SERVES, making(GOOD), (Phase.PREPARING, 1, 2), trouble=Reason.STARTING, gateway=unready(STARTING)
    ),
    "a candidate waits for a gateway that cannot be made": Case(
        wish("b"), SERVES, making(GOOD, gateway_trouble=QUOTA), (Phase.BLOCKED, 1, 2), trouble=Reason.QUOTA,
        gateway=absent,
    ),
    "a gateway in trouble is nothing against a candidate whose pods are not ready": Case(
        wish("b"), SERVES, making(), (Phase.PREPARING, 1, 2), gateway=unready(NO_ROOM)
    ),
    "the first revision waits for the gateway": Case(
        wish(), Ledger(), Seen((ONE,), deployments(a=1), pods(ONE)), (Phase.INITIAL, None, 1),
        trouble=Reason.UNSCHEDULABLE, gateway=unready(NO_ROOM),
    ),
    "going back waits for the gateway as well": Case(
        wish(), MOVED, making(GOOD, service=service(TWO)), (Phase.PREPARING, 2, 1), trouble=Reason.STARTING,
        gateway=unaware_of(ONE),
    ),
    "without replicas a revision waits for a gateway as well": Case(
        wish(replicas=0), Ledger(), Seen((ONE,), deployments(a=0)), (Phase.INITIAL, None, 1),
        trouble=Reason.STARTING, gateway=absent,
    ),
    "the record of the stable revision was deleted by hand": Case(
        wish(), SERVES, serving(ONE, revisions=()), (Phase.PREPARING, 1, None)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_advance(case: Case) -> None:
    asked = target(case.asks, case.ledger, case.sees, case.now)
    course = advance(case.asks, case.ledger, asked, case.sees, case.now, gateway=case.gateway)
    candidate = course.candidate.number if course.candidate else None
    assert (course.phase, course.ledger.stable, candidate) == case.comes
    assert tuple(each.revision for each in course.ledger.rejected) == case.rejected
    assert (course.trouble.reason if course.trouble else None) == case.trouble


BLOCKING = {
    "the image cannot be pulled": (making(pod("p", TWO, NO_IMAGE)), NO_IMAGE),
    "no node has room": (making(pod("p", TWO, NO_ROOM)), NO_ROOM),
    "no node has a GPU": (making(pod("p", TWO, NO_GPU)), NO_GPU),
    "Triton ended for an unknown reason": (making(pod("p", TWO, CRASHED)), CRASHED),
    "a quota refuses the pods": (
        making(deployments=(*deployments(a=1), DeploymentSeen(TWO.hash, 1, QUOTA))), QUOTA,
    ),
    "the Deployment is refused": (
        making(refusals=(Refusal("Deployment", "fraud-b", Reason.OBJECT_REFUSED, "It is wrong."),)),
        Trouble("Deployment", Reason.OBJECT_REFUSED, "It is wrong."),
    ),
    "a pod of the stable revision finds no room": (
        making(pods=(pod("r", ONE), pod("s", ONE, NO_ROOM), pod("crashed", ONE, CRASHED))),
        replace(NO_ROOM, message=f"revision 1 comes first: {NO_ROOM.message}"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sees", "trouble"), BLOCKING.values(), ids=BLOCKING)
def test_what_is_not_the_models_fault_blocks_and_rejects_nothing(sees: Seen, trouble: Trouble) -> None:
    course = advance(wish("b"), SERVES, Target(TWO), sees, NOW)
    assert (course.phase, course.trouble, course.ledger) == (Phase.BLOCKED, trouble, SERVES)


def test_a_source_that_cannot_be_listed_blocks() -> None:
    failing = Target(resolution=Resolution("b", 1), trouble=NO_IMAGE)
    assert advance(wish("b"), SERVES, failing, serving(ONE), NOW).phase is Phase.BLOCKED
