"""How many pods each revision has: capacity first, and what serves is never touched."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from tests.unit.core.seeing import (
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
    after,
    deployments,
    pod,
    pods,
    revision,
    service,
    wish,
)
from tritium.api.status import Phase, RejectedRevision
from tritium.core.capacity import budgeted, kept, replicas, selected
from tritium.core.ledger import Ledger
from tritium.core.plan import Course, Target
from tritium.core.reasons import Reason
from tritium.core.seen import DeploymentSeen, RevisionSeen, Seen, ServiceSeen
from tritium.core.wish import Wish

ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")
HELD = {1: after(minutes=10)}


def course(
    stable: RevisionSeen | None = None,
    candidate: RevisionSeen | None = None,
    held: dict[int, datetime] | None = None,
    **ledger: Any,
) -> Course:
    decided = Ledger(stable.number if stable else None, **ledger)
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
    "a revision that the Service still selects keeps its pods, though it is not held": Case(
        course(TWO), sees(ONE, TWO, deployments=deployments(a=2, b=2), service=service(ONE)), {A: 2, B: 2}
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
    "a candidate that the Service selects keeps its pods in any case": Case(
        course(ONE, TWO),
        sees(ONE, TWO, deployments=deployments(a=2, b=2), pods=(pod("p", ONE, NO_ROOM),), service=service(TWO)),
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


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_replicas(case: Case) -> None:
    assert replicas(case.asks, case.target, case.course, case.sees) == case.wanted


def test_the_newest_revisions_are_kept_beside_those_with_a_part() -> None:
    all_of_them = [revision(number, str(number)) for number in range(1, 9)]
    stable, candidate, held = all_of_them[0], all_of_them[1], all_of_them[2]
    stays = kept(
        wish(history_limit=2),
        Target(candidate),
        course(stable, candidate, held={held.number: NOW}),
        sees(*all_of_them, service=service(all_of_them[3])),
    )
    assert stays == {each.hash for each in [*all_of_them[:4], *all_of_them[-2:]]}


def test_what_the_service_selects_stays_without_a_record() -> None:
    assert kept(wish(), Target(), course(), sees(service=ServiceSeen(A, 1))) == {A}


def test_what_serves_or_may_have_to_is_budgeted_if_it_can_give_a_pod_up() -> None:
    wanted = {A: 2, B: 2, C: 2}
    assert budgeted(course(TWO, THREE, held=HELD), sees(ONE, TWO, THREE), wanted) == {A, B}
    assert budgeted(course(TWO), sees(ONE, TWO), {A: 2, B: 1}) == frozenset()
    assert budgeted(course(candidate=TWO), sees(TWO), {B: 2}) == frozenset()


SELECTED = {
    "the first Service leads to the stable revision, ready or not": (course(ONE), sees(ONE), ONE),
    "without a stable revision the Service is left alone": (course(), sees(ONE, service=service(ONE)), None),
    "the Service is led to a stable revision that is ready": (
        course(TWO), sees(ONE, TWO, pods=(*pods(ONE, 2), *pods(TWO, 2)), service=service(ONE)), TWO,
    ),
    "a stable revision that lost its pods before clients were led to it has to wait": (
        course(TWO), sees(ONE, TWO, pods=(*pods(ONE, 2), *pods(TWO, 1)), service=service(ONE)), ONE,
    ),
    "a stable revision need not have more than there is": (
        course(TWO), sees(ONE, TWO, pods=(*pods(ONE, 1), *pods(TWO, 1)), service=service(ONE)), TWO,
    ),
    "a stable revision need not have more than is asked for": (
        course(TWO), sees(ONE, TWO, pods=(*pods(ONE, 5), *pods(TWO, 2)), service=service(ONE)), TWO,
    ),
    "the Service is led away from what has no pods at all": (
        course(TWO), sees(ONE, TWO, service=service(ONE)), TWO,
    ),
    "the Service is led away from what is not kept": (
        course(TWO), sees(TWO, service=ServiceSeen("00000000", 9)), TWO,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("decided", "snapshot", "to"), SELECTED.values(), ids=SELECTED)
def test_selected(decided: Course, snapshot: Seen, to: RevisionSeen | None) -> None:
    assert selected(wish(replicas=2), decided, snapshot) == to
