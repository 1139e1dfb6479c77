"""What the gateway's pods are seen to do: who counts, what they know, what they run, and what is wrong with them."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.core.seeing import (
    ALL,
    NO_ROOM,
    NOW,
    STARTING,
    absent,
    after,
    answer,
    beside,
    following,
    gateway,
    lagging,
    pod,
    pods,
    revision,
    saying,
    selecting,
    service,
    serving,
    silent,
    told,
    unready,
    unsynced,
    wish,
    with_gateway,
)
from tritium.api.traffic_status import RevisionObserved, TrafficObserved
from tritium.core.gateway import (
    available,
    counted,
    gateway_trouble,
    known_to_gateway,
    observed,
    reached,
    refused_by_envoy,
    runs,
)
from tritium.core.reasons import Reason
from tritium.core.seen import GatewayAnswer, GatewaySeen, Seen, Trouble

ONE, TWO = revision(1), revision(2, "b")
OLD, NEW = told(6, (ONE, ALL)), told(7, (TWO, ALL), (ONE, 0))
TERMINATING = gateway(answer(OLD), ready=False, terminating=True)


def seen(*gateways: GatewaySeen, **others: Any) -> Seen:
    return serving(ONE, TWO, gateways=gateways, **others)


def knowing(*endpoints: int) -> tuple[GatewaySeen, ...]:
    """Gateway pods that know so many of revision 1."""
    return tuple(gateway(answer(OLD, {1: count}), f"gw-{place}") for place, count in enumerate(endpoints))


# Who counts.

COUNTS = {
    "a pod that is ready": (gateway(answer(OLD)), True),
    "a pod that is ready and does not answer": (gateway(None), True),
    "a pod that is not ready": (gateway(answer(OLD), ready=False), False),
    "a pod that ends, and answers": (TERMINATING, True),
    "a pod that ends, and does not answer": (replace(TERMINATING, answer=None), False),
}


@pytest.mark.parametrize(("each", "counts"), COUNTS.values(), ids=COUNTS)
def test_who_counts(each: GatewaySeen, *, counts: bool) -> None:
    assert list(counted(seen(each))) == ([each] if counts else [])


# What it knows.

AVAILABLE = {
    "as many as are ready and known": (pods(ONE, 2), knowing(2, 2), 2),
    "no more than the pod knows that knows the fewest": (pods(ONE, 2), knowing(2, 1), 1),
    "no more than are ready": (pods(ONE, 1), knowing(2, 2), 1),
    "none without a gateway pod": (pods(ONE, 2), (), 0),
    "none while a gateway pod does not answer": (pods(ONE, 2), (*knowing(2), gateway(None)), 0),
    "a gateway pod that is not ready does not matter": (pods(ONE, 2), (*knowing(2), gateway(None, ready=False)), 2),
    "none while one that ends knows none": (pods(ONE, 2), (*knowing(2), TERMINATING), 0),
    "pods that end are not counted": (
        (*pods(ONE), pod("p", ONE, ready=False, terminating=True)),
        knowing(2, 2),
        1,
    ),
}


@pytest.mark.parametrize(("there", "gateways", "number"), AVAILABLE.values(), ids=AVAILABLE)
def test_available(there: tuple[Any, ...], gateways: tuple[GatewaySeen, ...], number: int) -> None:
    assert available(ONE, seen(*gateways, pods=there)) == number


def test_a_revision_that_a_gateway_pod_says_nothing_of_is_unknown_to_it() -> None:
    assert available(TWO, seen(*knowing(2), pods=pods(TWO, 2))) == 0


def test_a_revision_is_known_when_as_many_are_as_are_asked_for_and_a_gateway_pod_is_ready() -> None:
    both = pods(ONE, 2)
    assert known_to_gateway(wish(replicas=2), ONE, seen(*knowing(2, 2), pods=both))
    assert not known_to_gateway(wish(replicas=3), ONE, seen(*knowing(2, 2), pods=both))
    ending = replace(knowing(2)[0], ready=False, terminating=True)
    assert not known_to_gateway(wish(replicas=2), ONE, seen(ending, pods=both))
    assert not known_to_gateway(wish(replicas=0), ONE, seen())
    assert known_to_gateway(wish(replicas=0), ONE, seen(gateway(answer(None))))


# What it runs.

RUNS = {
    "all do": (following, True),
    "one runs what was told before": (lagging(OLD), False),
    "one runs what another object was told": (saying(version=8), False),
    "one has nothing": (saying(version=None, weights={}), False),
    "one does not answer": (silent, False),
    "one does not follow the API server": (unsynced, False),
    "none is there": (absent, False),
    "none is ready": (unready(), False),
    "one is not ready, and has nothing": (beside(lambda each: replace(each, ready=False, answer=answer(None))), True),
    "one ends, and runs what was told before": (
        beside(lambda each: replace(each, ready=False, terminating=True, answer=answer(OLD))),
        False,
    ),
    "one ends, and does not answer": (
        beside(lambda each: replace(each, ready=False, terminating=True, answer=None)),
        True,
    ),
    "all end": (
        lambda wanted, sees: tuple(replace(each, ready=False, terminating=True) for each in following(wanted, sees)),
        False,
    ),
    "one refuses something newer, and runs this": (saying(rejected="no such field"), True),
}


@pytest.mark.parametrize(("behaving", "does"), RUNS.values(), ids=RUNS)
def test_whether_every_gateway_pod_runs_what_it_is_told(behaving: Any, *, does: bool) -> None:
    assert runs(NEW, with_gateway(serving(TWO, ONE), NEW, behaving)) is does


def test_nobody_runs_nothing() -> None:
    assert not runs(None, with_gateway(serving(ONE), None))


# What is wrong with it.

NO_GATEWAY = Trouble("Deployment", Reason.QUOTA, "No pod can be made.")
TROUBLES: dict[str, tuple[tuple[GatewaySeen, ...], Reason, str | None]] = {
    "there is no pod": ((), Reason.STARTING, None),
    "the pods are starting": ((gateway(None, ready=False, trouble=STARTING),), Reason.STARTING, None),
    "a pod finds no room": (
        (gateway(None, ready=False, trouble=STARTING), gateway(None, "gw-b", ready=False, trouble=NO_ROOM)),
        Reason.UNSCHEDULABLE,
        None,
    ),
    "one pod is ready and the other finds no room": (
        (gateway(answer(OLD)), gateway(None, "gw-b", ready=False, trouble=NO_ROOM)),
        Reason.STARTING,
        None,
    ),
    "a pod does not answer": ((gateway(answer(OLD)), gateway(None, "gw-b")), Reason.GATEWAY_NOT_READY, "gw-b"),
    "two pods do not": ((gateway(None, "gw-b"), gateway(None, "gw-a")), Reason.GATEWAY_NOT_READY, "gw-a"),
    "a pod does not follow the API server": ((gateway(answer(OLD, synced=False)),), Reason.GATEWAY_NOT_READY, "gw-a"),
    "a pod has just become ready, and was not asked yet": (
        (gateway(answer(OLD)), gateway(None, "gw-b", trouble=replace(STARTING, pod="gw-b"))),
        Reason.STARTING,
        "gw-b",
    ),
    "a pod was not asked yet, and another does not answer": (
        (gateway(None, "gw-a", trouble=STARTING), gateway(None, "gw-b")),
        Reason.GATEWAY_NOT_READY,
        "gw-b",
    ),
    "all is well": ((gateway(answer(OLD)),), Reason.STARTING, None),
}


@pytest.mark.parametrize(("gateways", "reason", "name"), TROUBLES.values(), ids=TROUBLES)
def test_what_is_wrong_with_it(gateways: tuple[GatewaySeen, ...], reason: Reason, name: str | None) -> None:
    found = gateway_trouble(seen(*gateways))
    assert (found.component, found.reason, found.pod) == ("gateway", reason, name)
    assert gateway_trouble(seen(*reversed(gateways))) == found


def test_a_gateway_that_cannot_be_made_is_what_is_wrong() -> None:
    assert gateway_trouble(seen(gateway(None), gateway_trouble=NO_GATEWAY)) == NO_GATEWAY


def test_what_envoy_refuses_is_the_same_whichever_pod_is_asked() -> None:
    a, b = gateway(answer(OLD, rejected="b: no")), gateway(answer(OLD, rejected="a: no"), "gw-b")
    assert refused_by_envoy(seen(a, b, gateway(None))) == refused_by_envoy(seen(b, a)) == "a: no"
    assert refused_by_envoy(seen(gateway(answer(OLD)), gateway(None))) is None


# Whom requests reach.

REACHED: dict[str, tuple[Seen, int | None]] = {
    "what the gateway sends requests to": (seen(gateway(answer(NEW, {1: 1, 2: 1}))), 2),
    "nobody without a Service": (seen(gateway(answer(NEW, {2: 1})), service=None), None),
    "nobody while the gateway knows no pod of it": (seen(gateway(answer(NEW, {1: 1, 2: 0}))), None),
    "nobody through a gateway pod that is not ready": (seen(gateway(answer(NEW, {2: 1}), ready=False)), None),
    "nobody through one that ends": (seen(replace(TERMINATING, answer=answer(OLD, {1: 1}))), None),
    "nobody through one that does not answer": (seen(gateway(None)), None),
    "what the other pod sends to, where one knows none": (
        seen(gateway(answer(OLD, {1: 1})), gateway(answer(NEW, {1: 1}), "gw-b")),
        1,
    ),
    "what most are sent to": (
        seen(gateway(answer(told(7, (TWO, 2_500), (ONE, 7_500)), {1: 1, 2: 1}))),
        1,
    ),
    "what a Service selects": (seen(gateway(answer(NEW, {2: 1})), service=selecting(ONE), pods=pods(ONE)), 1),
    "nobody while a Service selects pods that are not ready": (seen(service=selecting(ONE), pods=()), None),
    "nobody while a Service selects what is unknown": (
        seen(service=selecting(revision(9, "z")), pods=pods(revision(9, "z"))),
        None,
    ),
}


@pytest.mark.parametrize(("sees", "number"), REACHED.values(), ids=REACHED)
def test_whom_requests_reach(sees: Seen, number: int | None) -> None:
    assert reached(sees) == number


# What is told of it.


def running(*answers: GatewayAnswer | None) -> Seen:
    return seen(*(gateway(each, f"gw-{place}") for place, each in enumerate(answers)), service=service(ONE))


def test_nothing_is_told_where_nothing_is_known() -> None:
    assert observed(running(), None, NOW) is None
    assert observed(running(None, answer(None)), None, NOW) is None
    assert observed(seen(gateway(answer(NEW), ready=False)), None, NOW) is None


def test_the_oldest_version_is_told_and_the_fewest_endpoints() -> None:
    sees = running(answer(OLD, {1: 3}), answer(NEW, {1: 1, 2: 1}), answer(OLD, {1: 2}))
    assert observed(sees, None, NOW) == TrafficObserved(
        version=6,
        gateways=3,
        envoy="1.40.0",
        revisions=[RevisionObserved(revision=1, weight=ALL, endpoints=2)],
        since=NOW,
    )


def test_a_revision_without_endpoints_has_none() -> None:
    found = observed(running(answer(NEW, {2: 1})), None, NOW)
    assert found
    assert found.revisions == [
        RevisionObserved(revision=2, weight=ALL, endpoints=1),
        RevisionObserved(revision=1, weight=0, endpoints=0),
    ]


def test_the_time_is_that_of_the_version() -> None:
    first = observed(running(answer(OLD)), None, NOW)
    assert first
    later = observed(running(answer(OLD, {1: 5})), first, after(hours=1))
    assert later
    assert later.since == NOW
    moved = observed(running(answer(NEW)), later, after(hours=2))
    assert moved
    assert (moved.version, moved.since) == (7, after(hours=2))


@pytest.mark.parametrize("other", [None, answer(None)])
def test_while_one_is_silent_what_was_known_of_all_stays(other: GatewayAnswer | None) -> None:
    assert observed(running(answer(NEW), other), None, NOW) is None
    before = observed(running(answer(OLD), answer(OLD)), None, NOW)
    assert before
    found = observed(running(answer(NEW), other), before, after(hours=1))
    assert found == before.model_copy(update={"gateways": 1})


def test_an_envoy_that_has_not_told_its_version_has_none() -> None:
    found = observed(running(answer(OLD, envoy="")), None, NOW)
    assert found
    assert found.envoy is None
