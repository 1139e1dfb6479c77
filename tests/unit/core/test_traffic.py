"""What the gateway is told, when that is settled, and where the Service leads."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from tests.unit.core.seeing import (
    ALL,
    NO_ROOM,
    NOW,
    PORT,
    Gateway,
    absent,
    answer,
    deployments,
    following,
    gateway,
    lagging,
    pod,
    pods,
    revision,
    saying,
    selecting,
    serving,
    silent,
    told,
    unaware_of,
    unready,
    unsynced,
    weights,
    wish,
    with_gateway,
)
from tritium.api.status import Phase
from tritium.api.traffic_status import TrafficLimits, TrafficStatus
from tritium.core import traffic as traffics
from tritium.core.ledger import Ledger
from tritium.core.plan import Course, ServiceWish
from tritium.core.seen import RevisionSeen, Seen, ServiceSeen
from tritium.core.traffic import MOST_REVISIONS, leading, leads_to, settled, traffic
from tritium.core.wish import RoutingWish

ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")
BOTH = serving(ONE, TWO, deployments=deployments(a=1, b=1), pods=(*pods(ONE), *pods(TWO)))
ALONE, BESIDE = told(4, (ONE, ALL)), told(5, (TWO, 0), (ONE, ALL))


def course(
    stable: RevisionSeen | None = ONE,
    candidate: RevisionSeen | None = None,
    before: TrafficStatus | None = None,
    held: dict[int, datetime] | None = None,
) -> Course:
    ledger = Ledger(stable.number if stable else None, traffic=before)
    return Course(Phase.IDLE, ledger, stable, candidate, held=held or {})


def tell(decided: Course, sees: Seen = BOTH, behaving: Gateway = following, **asked: Any) -> TrafficStatus | None:
    """What is told, where the gateway runs what it was told before."""
    return traffic(wish(**asked), decided, with_gateway(sees, decided.ledger.traffic, behaving))


# What is told.

TOLD: dict[str, tuple[Course, list[tuple[int, int]]]] = {
    "a candidate without a stable revision has no weight yet": (course(None, TWO), [(2, 0)]),
    "the stable revision has it all": (course(ONE), [(1, ALL)]),
    "a candidate comes first, without a weight": (course(ONE, TWO), [(2, 0), (1, ALL)]),
    "what is held is known, the newest first": (
        course(THREE, held={1: NOW, 2: NOW}),
        [(3, ALL), (2, 0), (1, 0)],
    ),
    "nobody is told twice": (course(ONE, TWO, held={1: NOW, 2: NOW}), [(2, 0), (1, ALL)]),
    "what is held and not kept is not told": (course(ONE, held={9: NOW}), [(1, ALL)]),
    "the weight moves with the pointer": (course(TWO, before=BESIDE, held={1: NOW}), [(2, ALL), (1, 0)]),
}


@pytest.mark.parametrize(("decided", "shares"), TOLD.values(), ids=TOLD)
def test_who_is_told_of(decided: Course, shares: list[tuple[int, int]]) -> None:
    sees = replace(BOTH, revisions=(ONE, TWO, THREE))
    found = tell(decided, sees)
    assert found
    assert list(weights(found).items()) == shares
    hashes = {1: ONE.hash, 2: TWO.hash, 3: THREE.hash}
    assert [each.service for each in found.revisions or ()] == [f"fraud-{hashes[number]}" for number, _ in shares]


def test_the_same_is_told_with_the_same_version() -> None:
    assert tell(course(before=ALONE)) == ALONE
    assert tell(course(candidate=TWO, before=BESIDE)) == BESIDE


def test_whatever_changes_has_a_higher_version() -> None:
    moved = tell(course(candidate=TWO, before=ALONE))
    assert moved == told(5, (TWO, 0), (ONE, ALL))
    asked = RoutingWish("x-user-id", TrafficLimits(timeout_ms=1000), "models.example.com", "/fraud")
    limited = tell(course(before=ALONE), routing=asked)
    assert limited == told(
        5,
        (ONE, ALL),
        sticky_header="x-user-id",
        limits=TrafficLimits(timeout_ms=1000),
        host="models.example.com",
        path="/fraud",
    )
    assert tell(course(before=limited)) == told(6, (ONE, ALL))


def test_the_first_version_is_1() -> None:
    assert tell(course(None, ONE)) == told(1, (ONE, 0))


def test_a_version_is_above_any_that_a_gateway_pod_runs() -> None:
    lost = tell(course(), behaving=lambda _, sees: following(told(7, (TWO, ALL)), sees))
    assert lost == told(8, (ONE, ALL))
    ending = saying(version=9)
    assert tell(course(candidate=TWO, before=ALONE), behaving=ending) == told(10, (TWO, 0), (ONE, ALL))
    not_ready = gateway(answer(told(11, (ONE, ALL))), ready=False)
    found = traffic(wish(), course(), replace(BOTH, gateways=(not_ready,), port=PORT))
    assert found == told(12, (ONE, ALL))


def test_without_a_port_nothing_is_told_and_what_was_told_keeps_its_own() -> None:
    nowhere = replace(with_gateway(BOTH, None), port=None)
    assert traffic(wish(), course(), nowhere) is None
    assert traffic(wish(), course(before=ALONE), nowhere) == ALONE
    moved = traffic(wish(), course(candidate=TWO, before=ALONE), nowhere)
    assert moved
    assert (moved.port, moved.version) == (PORT, 5)


def test_without_a_revision_what_was_told_stays() -> None:
    assert tell(course(None)) is None
    assert tell(course(None, before=told(3, (TWO, 0)))) == told(3, (TWO, 0))


def test_where_the_record_of_what_serves_is_gone_it_goes_on_as_it_was_told() -> None:
    gone = replace(course(None, before=BESIDE), ledger=Ledger(1, traffic=BESIDE))
    sees = replace(BOTH, revisions=(TWO,))
    assert tell(gone, sees) == told(6, (ONE, ALL))
    assert tell(replace(gone, candidate=TWO), sees) == BESIDE
    elsewhere = told(5, (ONE, 0), (TWO, ALL))
    assert tell(replace(gone, candidate=TWO, ledger=Ledger(1, traffic=elsewhere)), sees) == told(6, (TWO, ALL))
    again = revision(4)
    shares = told(6, (again, 0), (ONE, ALL), (THREE, 0))
    assert tell(replace(gone, candidate=again, held={3: NOW}), replace(BOTH, revisions=(again, THREE))) == shares


def test_no_more_is_told_than_the_api_takes() -> None:
    many = [revision(number, str(number)) for number in range(1, 41)]
    decided = course(many[0], many[1], held=dict.fromkeys(range(3, 41), NOW))
    found = tell(decided, replace(BOTH, revisions=tuple(many)))
    assert found
    assert found.revisions
    assert len(found.revisions) == MOST_REVISIONS
    assert [each.revision for each in found.revisions[:3]] == [2, 1, 40]
    gone = replace(decided, stable=None, ledger=Ledger(1, traffic=ALONE))
    assert weights(tell(gone, replace(BOTH, revisions=tuple(many[1:]))))[1] == ALL


# Which revision leads.

LEADING: dict[str, tuple[Course, Seen, RevisionSeen | None]] = {
    "nobody without a stable revision": (course(None, ONE, told(1, (ONE, 0))), BOTH, None),
    "the stable one": (course(ONE, TWO, BESIDE), BOTH, ONE),
    "the stable one, though it has no pods": (course(ONE, TWO, BESIDE), replace(BOTH, pods=pods(TWO)), ONE),
    "the one that became stable": (course(TWO, before=BESIDE), BOTH, TWO),
    "the stable one, where nobody had a weight before": (
        course(TWO, before=told(5, (ONE, 0))),
        replace(BOTH, pods=pods(ONE)),
        TWO,
    ),
    "the one before, while it has more to give": (course(TWO, before=BESIDE), replace(BOTH, pods=pods(ONE)), ONE),
    "the stable one, if it has as many as there were": (
        course(TWO, before=BESIDE),
        replace(BOTH, pods=(*pods(ONE, 1), *pods(TWO, 1))),
        TWO,
    ),
    "the stable one, if it has as many as are asked for": (
        course(TWO, before=BESIDE),
        replace(BOTH, pods=(*pods(ONE, 5), *pods(TWO, 2))),
        TWO,
    ),
    "the stable one, where the one before is gone": (course(TWO, before=BESIDE), replace(BOTH, revisions=(TWO,)), TWO),
    "the stable one, where the one before has nothing left": (
        course(TWO, before=BESIDE),
        replace(BOTH, pods=(pod("p", ONE, NO_ROOM),)),
        TWO,
    ),
}


@pytest.mark.parametrize(("decided", "sees", "to"), LEADING.values(), ids=LEADING)
def test_leading(decided: Course, sees: Seen, to: RevisionSeen | None) -> None:
    assert leading(wish(replicas=2), decided, with_gateway(sees, decided.ledger.traffic)) == to


# When it is settled, and when requests lead to a revision.


@dataclass(frozen=True)
class Case:
    settled: bool
    leads: bool
    """To revision 1."""
    gateway: Gateway = following
    sees: Seen = BOTH
    before: TrafficStatus | None = ALONE
    stable: RevisionSeen | None = ONE


CASES = {
    "every gateway pod runs what it is told": Case(settled=True, leads=True),
    "a gateway pod lags": Case(settled=False, leads=False, gateway=lagging(told(3, (TWO, ALL)))),
    "a gateway pod lags that sends requests to the same revision": Case(
        settled=False, leads=True, gateway=lagging(told(3, (ONE, ALL)))
    ),
    "a gateway pod does not answer": Case(settled=False, leads=True, gateway=silent),
    "a gateway pod does not follow the API server": Case(settled=False, leads=True, gateway=unsynced),
    "no gateway pod is ready": Case(settled=False, leads=True, gateway=unready()),
    "there is no gateway pod": Case(settled=False, leads=True, gateway=absent),
    "a gateway pod does not know the pods": Case(settled=False, leads=True, gateway=unaware_of(ONE)),
    "there is no pod to know": Case(settled=True, leads=True, sees=replace(BOTH, pods=())),
    "there is no Service": Case(settled=True, leads=False, sees=replace(BOTH, service=None)),
    "the Service leads elsewhere": Case(settled=True, leads=False, sees=replace(BOTH, service=ServiceSeen(1, 10_001))),
    "the Service selects pods": Case(settled=False, leads=False, sees=replace(BOTH, service=selecting(ONE))),
    "nothing was told": Case(settled=False, leads=False, before=None),
    "another revision is stable": Case(settled=True, leads=False, stable=TWO, before=told(4, (TWO, ALL))),
    "nothing is stable": Case(settled=False, leads=False, stable=None),
    "another revision goes on for want of the stable one's pods": Case(
        settled=False, leads=True, stable=TWO, sees=replace(BOTH, pods=pods(ONE))
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_settled(case: Case) -> None:
    decided = course(case.stable, before=case.before)
    sees = with_gateway(case.sees, case.before, case.gateway)
    assert settled(wish(), decided, sees) is case.settled
    assert leads_to(wish(), decided, ONE, sees) is case.leads


def test_it_is_settled_when_each_gateway_pod_knows_as_many_as_there_are() -> None:
    sees = with_gateway(replace(BOTH, pods=pods(ONE, 2)), ALONE)
    assert settled(wish(replicas=5), course(before=ALONE), sees)
    assert not settled(wish(replicas=5), course(before=ALONE), with_gateway(sees, ALONE, saying(endpoints={1: 1})))
    assert settled(wish(replicas=1), course(before=ALONE), with_gateway(sees, ALONE, saying(endpoints={1: 1})))


# Where the Service leads.

UPGRADED = replace(BOTH, service=selecting(ONE))
SERVICE: dict[str, tuple[Course, Seen, Gateway, ServiceWish | None]] = {
    "to the gateway once that runs it": (
        course(before=ALONE), replace(BOTH, service=None), following, ServiceWish(PORT, 1),
    ),
    "nowhere before that": (course(before=ALONE), replace(BOTH, service=None), lagging(None), None),
    "nowhere while a gateway pod does not answer": (course(before=ALONE), replace(BOTH, service=None), silent, None),
    "nowhere without a stable revision": (
        course(None, ONE, told(1, (ONE, 0))), replace(BOTH, service=None), following, None,
    ),
    "nowhere while nothing is told": (course(), replace(BOTH, service=None), following, None),
    "where it leads, whatever the gateway does": (course(before=ALONE), BOTH, absent, ServiceWish(PORT, 1)),
    "where it leads, for another revision": (course(TWO, before=BESIDE), BOTH, silent, ServiceWish(PORT, 2)),
    "where it leads, while the record of what serves is gone": (
        replace(course(None, before=ALONE), ledger=Ledger(1, traffic=ALONE)), BOTH, following, ServiceWish(PORT, 1),
    ),
    "to another port once the gateway runs that": (
        course(before=ALONE), replace(BOTH, service=ServiceSeen(1, 10_001)), following, ServiceWish(PORT, 1),
    ),
    "to the old port before that": (
        course(before=ALONE), replace(BOTH, service=ServiceSeen(1, 10_001)), lagging(None), None,
    ),
    "from pods to the gateway": (course(before=ALONE), UPGRADED, following, ServiceWish(PORT, 1)),
    "from pods to the gateway not before that runs it": (course(before=ALONE), UPGRADED, lagging(None), None),
    "from pods to the gateway not before that knows them": (course(before=ALONE), UPGRADED, unaware_of(ONE), None),
    "from pods to the gateway once that knows as many as it selects": (
        course(before=ALONE), replace(UPGRADED, pods=pods(ONE, 3)), saying(endpoints={1: 2}), ServiceWish(PORT, 1),
    ),
    "from pods of another revision not before the stable one has as many": (
        course(TWO, before=told(4, (TWO, ALL))), replace(UPGRADED, pods=pods(ONE)), following, None,
    ),
    "from no pods to the gateway": (
        course(before=ALONE), replace(UPGRADED, pods=()), following, ServiceWish(PORT, 1),
    ),
    "from pods whose record is gone nowhere": (
        replace(course(None, TWO), ledger=Ledger(1, traffic=told(4, (TWO, 0)))), UPGRADED, following, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("decided", "sees", "behaving", "to"), SERVICE.values(), ids=SERVICE)
def test_where_the_service_leads(decided: Course, sees: Seen, behaving: Gateway, to: ServiceWish | None) -> None:
    snapshot = with_gateway(sees, decided.ledger.traffic, behaving)
    assert traffics.service(wish(replicas=2), decided, snapshot) == to
