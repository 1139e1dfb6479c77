"""How many pods each revision has: capacity first, and what serves is never touched."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from tests.unit.core.seeing import (
    ALL,
    BROKEN,
    CRASHED,
    NO_GPU,
    NO_IMAGE,
    NO_ROOM,
    NOW,
    QUOTA,
    A,
    B,
    C,
    Gateway,
    absent,
    after,
    answer,
    deployments,
    following,
    gateway,
    lagging,
    pod,
    pods,
    revision,
    selecting,
    service,
    silent,
    told,
    unaware_of,
    unready,
    unsynced,
    wish,
    with_gateway,
)
from tritium.api.status import Phase, RejectedRevision
from tritium.core.capacity import budgeted, kept, replicas
from tritium.core.ledger import Ledger
from tritium.core.plan import Course, Target
from tritium.core.reasons import Reason
from tritium.core.seen import DeploymentSeen, RevisionSeen, Seen
from tritium.core.wish import Wish

ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")
HELD = {1: after(minutes=10)}


def course(
    stable: RevisionSeen | None = None,
    candidate: RevisionSeen | None = None,
    held: dict[int, datetime] | None = None,
    **ledger: Any,
) -> Course:
    """The gateway was told to send all requests to the stable revision; those that are held were stable before."""
    number = stable.number if stable else None
    promoted = {each: NOW for each in [number, *(held or {})] if each is not None}
    traffic = told(3, (stable, ALL)) if stable else None
    decided = Ledger(number, **{"promoted": promoted, "traffic": traffic, **ledger})
    return Course(Phase.PREPARING, decided, stable, candidate, held=held or {})


def sees(*revisions: RevisionSeen, **others: Any) -> Seen:
    return Seen(revisions=revisions, **others)


@dataclass(frozen=True)
class Case:
    course: Course
    sees: Seen
    wanted: dict[str, int]
    asks: Wish = wish("b", replicas=2)  # noqa: RUF009 - frozen
    target: Target = Target(TWO)  # noqa: RUF009 - frozen
    gateway: Gateway = following


BOTH = {1: NOW, 2: NOW}
SCALED = sees(ONE, TWO, deployments=deployments(a=2, b=2), pods=(*pods(ONE, 2), *pods(TWO, 2)), service=service(TWO))
CASES = {
    "the first revision gets its pods": Case(course(candidate=TWO), sees(TWO), {B: 2}),
    "a candidate gets as many as the stable revision, which keeps them": Case(
        course(ONE, TWO), sees(ONE, TWO, deployments=deployments(a=2), service=service(ONE)), {A: 2, B: 2}
    ),
    "a kept revision without a Deployment gets none": Case(course(TWO), sees(ONE, TWO), {B: 2}),
    "a kept revision with a Deployment has no pods": Case(
        course(TWO), sees(ONE, TWO, deployments=deployments(a=2, b=2), service=service(TWO)), {A: 0, B: 2}
    ),
    "a held revision keeps its pods": Case(
        course(TWO, held=HELD), sees(ONE, TWO, deployments=deployments(a=2, b=2), service=service(TWO)), {A: 2, B: 2}
    ),
    "a held revision is not scaled up": Case(
        course(TWO, held=HELD), sees(ONE, TWO, deployments=deployments(a=1, b=2), service=service(TWO)), {A: 1, B: 2}
    ),
    "a held revision without pods gets none": Case(
        course(TWO, held=HELD), sees(ONE, TWO, deployments=deployments(a=0, b=2), service=service(TWO)), {A: 0, B: 2}
    ),
    "a held revision is scaled down with the others": Case(
        course(TWO, held=HELD), sees(ONE, TWO, deployments=deployments(a=5, b=2), service=service(TWO)), {A: 2, B: 2}
    ),
    "a revision that a gateway pod still sends requests to keeps its pods, though it is not held": Case(
        course(TWO, promoted=BOTH), SCALED, {A: 2, B: 2}, gateway=lagging(told(2, (ONE, ALL)))
    ),
    "a revision that served keeps its pods while a gateway pod does not answer": Case(
        course(TWO, promoted=BOTH), SCALED, {A: 2, B: 2}, gateway=silent
    ),
    "it keeps them while a gateway pod does not follow the API server": Case(
        course(TWO, promoted=BOTH), SCALED, {A: 2, B: 2}, gateway=unsynced
    ),
    "it keeps them while no gateway pod is ready": Case(
        course(TWO, promoted=BOTH), SCALED, {A: 2, B: 2}, gateway=unready()
    ),
    "it keeps them while there is no gateway pod": Case(
        course(TWO, promoted=BOTH), SCALED, {A: 2, B: 2}, gateway=absent
    ),
    "it keeps them while a gateway pod does not know its successor's pods": Case(
        course(TWO, promoted=BOTH), SCALED, {A: 2, B: 2}, gateway=unaware_of(TWO)
    ),
    "it keeps them while a gateway pod that ends sends requests to it": Case(
        course(TWO, promoted=BOTH), SCALED, {A: 2, B: 2},
        gateway=lambda wanted, snapshot: (
            *following(wanted, snapshot), gateway(answer(told(2, (ONE, ALL))), "gw-c", ready=False, terminating=True)
        ),
    ),
    "it gives them up when the gateway pod that sent requests to it is gone": Case(
        course(TWO, promoted=BOTH), SCALED, {A: 0, B: 2},
        gateway=lambda wanted, snapshot: (
            *following(wanted, snapshot), gateway(None, "gw-c", ready=False, terminating=True)
        ),
    ),
    "it keeps them while the Service selects pods, as before there was a gateway": Case(
        course(TWO, promoted=BOTH), replace(SCALED, service=selecting(ONE)), {A: 2, B: 2}
    ),
    "it keeps them while the requests go to it for want of the stable one's pods": Case(
        course(TWO, promoted=BOTH, traffic=told(3, (ONE, ALL), (TWO, 0))), replace(SCALED, pods=pods(ONE, 2)),
        {A: 2, B: 2},
    ),
    "a held revision does not give way while a gateway pod lags": Case(
        course(TWO, held=HELD), replace(SCALED, pods=(*pods(ONE, 2), pod("p", TWO, NO_ROOM))), {A: 2, B: 2},
        gateway=lagging(told(2, (ONE, ALL))),
    ),
    "a revision that never served goes at any time": Case(
        course(ONE), SCALED, {A: 2, B: 0}, wish("a", replicas=2), gateway=silent
    ),
    "a candidate that never served makes room at any time": Case(
        course(ONE, TWO), replace(SCALED, pods=(pod("r", ONE), pod("p", ONE, NO_ROOM))), {A: 2, B: 0}, gateway=silent
    ),
    "a candidate that served makes room only when no request can reach it": Case(
        course(ONE, TWO, promoted=BOTH), replace(SCALED, pods=(pod("r", ONE), pod("p", ONE, NO_ROOM))), {A: 2, B: 2},
        gateway=silent,
    ),
    "the stable revision is not scaled down while a gateway pod does not answer": Case(
        course(ONE), SCALED, {A: 2, B: 0}, wish("a"), gateway=silent
    ),
    "it is scaled up in any case": Case(
        course(ONE), SCALED, {A: 3, B: 0}, wish("a", replicas=3), gateway=silent
    ),
    "the stable revision is scaled as the spec says": Case(
        course(TWO), sees(TWO, deployments=deployments(b=5), service=service(TWO)), {B: 2}
    ),
    "without replicas nothing has pods": Case(
        course(TWO, held=HELD), sees(ONE, TWO, deployments=deployments(a=2, b=2), service=service(TWO)),
        {A: 0, B: 0}, wish("b", replicas=0),
    ),
    "a stable pod without room comes before all pods of the candidate": Case(
        course(ONE, TWO),
        sees(
            ONE, TWO, deployments=deployments(a=2, b=2), pods=(pod("r", ONE), pod("p", ONE, NO_ROOM)),
            service=service(ONE),
        ),
        {A: 2, B: 0},
    ),
    "a stable pod without room is found beside another that crashed": Case(
        course(ONE, TWO),
        sees(
            ONE, TWO, deployments=deployments(a=2, b=2),
            pods=(pod("r", ONE), pod("q", ONE, CRASHED), pod("p", ONE, NO_GPU)),
        ),
        {A: 2, B: 0},
    ),
    "a stable revision with a quota against it comes first": Case(
        course(ONE, TWO),
        sees(ONE, TWO, deployments=(DeploymentSeen(A, 2, QUOTA), *deployments(b=2)), pods=(pod("r", ONE),)),
        {A: 2, B: 0},
    ),
    "a stable pod with another trouble takes nothing from the candidate": Case(
        course(ONE, TWO), sees(ONE, TWO, deployments=deployments(a=2, b=2), pods=(pod("p", ONE, NO_IMAGE),)),
        {A: 2, B: 2},
    ),
    "a held revision gives way to a candidate without room": Case(
        course(TWO, THREE, held=HELD),
        sees(ONE, TWO, THREE, deployments=deployments(a=2, b=2, c=2), pods=(pod("p", THREE, NO_ROOM),)),
        {A: 0, B: 2, C: 2},
    ),
    "a held revision gives way to the stable one": Case(
        course(TWO, held=HELD), sees(ONE, TWO, deployments=deployments(a=2, b=2), pods=(pod("p", TWO, NO_ROOM),)),
        {A: 0, B: 2},
    ),
    "a held revision does not give way to what only crashes": Case(
        course(TWO, THREE, held=HELD),
        sees(ONE, TWO, THREE, deployments=deployments(a=2, b=2, c=2), pods=(pod("p", THREE, BROKEN),)),
        {A: 2, B: 2, C: 2},
    ),
    "a pin that is not kept leaves the pods of what was under way": Case(
        course(ONE), sees(ONE, TWO, deployments=deployments(a=2, b=1), service=service(ONE)), {A: 2, B: 1},
        target=Target(pin_missing=True),
    ),
    "a pin that is not kept holds nothing for what was turned down": Case(
        course(ONE, rejected=(RejectedRevision(revision=2, reason=Reason.MODEL_LOAD_FAILED),)),
        sees(ONE, TWO, deployments=deployments(a=2, b=1), service=service(ONE)), {A: 2, B: 0},
        target=Target(pin_missing=True),
    ),
    "a pin that is not kept holds nothing against the stable revision": Case(
        course(ONE), sees(ONE, TWO, deployments=deployments(a=2, b=1), pods=(pod("r", ONE), pod("p", ONE, NO_ROOM))),
        {A: 2, B: 0}, target=Target(pin_missing=True),
    ),
}  # fmt: skip


def through_the_gateway(decided: Course, snapshot: Seen, behaving: Gateway = following) -> Seen:
    return with_gateway(snapshot, decided.ledger.traffic, behaving)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_replicas(case: Case) -> None:
    snapshot = through_the_gateway(case.course, case.sees, case.gateway)
    assert replicas(case.asks, case.target, case.course, snapshot) == case.wanted


ALL_OF_THEM = [revision(number, str(number)) for number in range(1, 9)]
KEPT = {
    "those with a part, and the newest": (following, [*ALL_OF_THEM[:3], *ALL_OF_THEM[-2:]]),
    "also what has pods, while a gateway pod does not answer": (silent, [*ALL_OF_THEM[:4], *ALL_OF_THEM[-2:]]),
}


@pytest.mark.parametrize(("behaving", "stays"), KEPT.values(), ids=KEPT)
def test_which_revisions_are_kept(behaving: Gateway, stays: list[RevisionSeen]) -> None:
    stable, candidate, held, old, empty = ALL_OF_THEM[:5]
    decided = course(stable, candidate, held={held.number: NOW})
    scaled = (DeploymentSeen(old.hash, 1), DeploymentSeen(empty.hash, 0))
    snapshot = through_the_gateway(decided, sees(*ALL_OF_THEM, deployments=scaled), behaving)
    assert kept(wish(history_limit=2), Target(candidate), decided, snapshot) == {each.hash for each in stays}


def test_what_has_pods_stays_without_a_record() -> None:
    decided = replace(course(), ledger=Ledger(1))
    assert kept(wish(), Target(), decided, sees(deployments=deployments(a=1, b=0))) == {A}


def test_what_requests_are_sent_to_stays_whatever_is_seen_of_it() -> None:
    """Neither its record nor its Deployment need be there: a picture may be old."""
    decided = replace(course(), ledger=Ledger(1, traffic=told(3, (TWO, 0), (ONE, ALL))))
    assert kept(wish(), Target(), decided, through_the_gateway(decided, sees())) == {A}
    assert kept(wish(), Target(), course(), sees(service=selecting(ONE))) == {A}


def test_what_serves_or_may_have_to_is_budgeted_if_it_can_give_a_pod_up() -> None:
    wanted = {A: 2, B: 2, C: 2}
    assert budgeted(course(TWO, THREE, held=HELD), sees(ONE, TWO, THREE), wanted) == {A, B}
    assert budgeted(course(TWO), sees(ONE, TWO), {A: 2, B: 1}) == frozenset()
    assert budgeted(course(candidate=TWO), sees(TWO), {B: 2}) == frozenset()
