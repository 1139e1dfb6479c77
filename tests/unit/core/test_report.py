"""The status beside its conditions."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.core.seeing import (
    ALL,
    BAKE,
    BROKEN,
    CRASHED,
    DENIED,
    NO_ROOM,
    NOW,
    STARTING,
    A,
    after,
    decide,
    deployments,
    failed,
    job,
    pod,
    pods,
    revision,
    selecting,
    service,
    serving,
    status_of,
    unaware_of,
    wish,
)
from tritium.api.fetch import FetchProgress, FetchResult
from tritium.api.status import CandidateStatus, Failure, ModelDeploymentStatus, Phase, StableStatus
from tritium.api.traffic_status import RevisionObserved, TrafficObserved
from tritium.core import decide as deciding
from tritium.core.reasons import Reason
from tritium.core.report import spec_invalid
from tritium.core.seen import Refusal, Seen, ServiceSeen
from tritium.core.wish import SpecInvalid
from tritium.core.wish import wish as read_wish

ONE, TWO = revision(1), revision(2, "b")
SERVES = status_of(wish(), serving(ONE))
NOTHING = ModelDeploymentStatus()


def test_a_status_says_what_serves_and_what_is_next() -> None:
    fetched = FetchResult(digest="sha256:d")
    sees = serving(
        ONE,
        TWO,
        deployments=deployments(a=2, b=2),
        pods=(pod("p", ONE, fetched=fetched), pod("q", ONE, STARTING), pod("r", TWO, STARTING)),
    )
    status = decide(wish("b", replicas=2, generation=4), SERVES, sees, NOW).status
    assert (status.observed_generation, status.phase, status.url) == (4, Phase.PREPARING, "http://fraud.ml.svc:8000")
    assert status.stable == StableStatus(revision=1, digest="sha256:d", weight=100, replicas=2, ready_replicas=1)
    assert status.candidate == CandidateStatus(revision=2, weight=0, replicas=2, ready_replicas=0)
    assert status.replicas == 2
    assert status.selector == f"serving.tritium.dev/name=fraud,serving.tritium.dev/revision={A}"


def test_revisions_are_listed_by_number_with_their_times() -> None:
    moved = decide(wish("b"), SERVES, serving(TWO, ONE, service=None), after(hours=1)).status
    rows = [(each.revision, each.name, each.promoted_at, each.demoted_at) for each in moved.revisions or ()]
    assert rows == [(1, f"fraud-{A}", NOW, after(hours=1)), (2, f"fraud-{TWO.hash}", after(hours=1), None)]


def test_without_a_revision_there_is_nothing_to_say() -> None:
    status = status_of(wish(), Seen())
    assert (status.stable, status.candidate, status.revisions, status.url, status.selector) == (None,) * 5
    assert status.replicas == 0


def test_the_stable_revision_is_named_without_its_record() -> None:
    status = decide(wish(), SERVES, serving(ONE, revisions=()), NOW).status
    assert status.stable == StableStatus(revision=1, weight=100)


def test_what_serves_has_all_the_traffic_and_what_is_next_none() -> None:
    sees = serving(ONE, TWO, deployments=deployments(a=1, b=1), pods=(*pods(ONE), *pods(TWO)))
    ready = decide(wish("b"), SERVES, sees, NOW, unaware_of(TWO)).status
    assert ready.stable
    assert ready.candidate
    assert (ready.stable.revision, ready.stable.weight) == (1, 100)
    assert (ready.candidate.revision, ready.candidate.weight) == (2, 0)
    moved = decide(wish("b"), ready, sees, NOW).status
    assert moved.stable
    assert (moved.stable.revision, moved.stable.weight, moved.candidate) == (2, 100, None)


def test_without_a_gateway_nothing_has_traffic() -> None:
    status = deciding.decide(wish(), ModelDeploymentStatus(stable=StableStatus(revision=1)), serving(ONE), NOW).status
    assert status.stable
    assert (status.stable.weight, status.traffic, status.traffic_observed) == (0, None, None)


@pytest.mark.parametrize(
    ("to", "url"),
    [(None, None), (service(ONE), "http://fraud.ml.svc:8000"), (selecting(ONE), "http://fraud.ml.svc:8000")],
    ids=["no Service", "to the gateway", "as before there was a gateway"],
)
def test_the_address_is_told_when_there_is_one(to: ServiceSeen | None, url: str | None) -> None:
    assert decide(wish(), SERVES, serving(ONE, service=to), NOW).status.url == url


def test_what_the_gateway_runs_is_told_with_its_time() -> None:
    observed = decide(wish(), SERVES, serving(ONE), NOW).status
    assert observed.traffic
    assert observed.traffic_observed == TrafficObserved(
        version=observed.traffic.version,
        gateways=2,
        envoy="1.40.0",
        revisions=[RevisionObserved(revision=1, weight=ALL, endpoints=1)],
        since=NOW,
    )
    later = decide(wish(), observed, serving(ONE, count=2), after(hours=1)).status.traffic_observed
    assert later
    assert (later.since, later.revisions) == (NOW, [RevisionObserved(revision=1, weight=ALL, endpoints=2)])


def broken(*names: str, minutes: int = 0, before: ModelDeploymentStatus = NOTHING) -> Failure | None:
    failing = tuple(pod(f"fraud-{A}-{name}", ONE, replace(BROKEN, pod=f"fraud-{A}-{name}")) for name in names)
    sees = Seen((ONE,), deployments(a=1), failing)
    return decide(wish(), before, sees, after(minutes=minutes)).status.last_failure


def test_the_same_failure_keeps_its_time_and_its_pod() -> None:
    first = broken("p")
    assert first == Failure(
        component="triton", pod=f"fraud-{A}-p", reason=Reason.MODEL_LOAD_FAILED, message=BROKEN.message, at=NOW
    )
    before = ModelDeploymentStatus(last_failure=first)
    assert broken("q", minutes=5, before=before) == first
    assert broken(minutes=9, before=before) == first


def test_another_failure_has_a_time_of_its_own() -> None:
    before = ModelDeploymentStatus(last_failure=broken("p"))
    sees = Seen((ONE,), deployments(a=1), (pod("p", ONE, CRASHED),))
    failure = decide(wish(), before, sees, after(minutes=5)).status.last_failure
    assert failure
    assert (failure.reason, failure.at) == (Reason.SERVER_CRASHED, after(minutes=5))


def test_what_is_only_starting_is_no_failure() -> None:
    sees = Seen((ONE,), deployments(a=1), (pod("p", ONE, STARTING),))
    assert status_of(wish(), sees).last_failure is None


def reason_of_failure(sees: Seen) -> str | None:
    failure = decide(wish("b"), SERVES, sees, NOW).status.last_failure
    return failure.reason if failure else None


def test_a_failure_that_turns_a_revision_down_names_its_pod() -> None:
    turned_down = decide(wish("b"), SERVES, serving(ONE, TWO, pods=(*pods(ONE), pod("q", TWO, BROKEN))), NOW).status
    assert turned_down.candidate is None
    assert turned_down.last_failure
    assert (turned_down.last_failure.pod, turned_down.last_failure.reason) == ("pod", Reason.MODEL_LOAD_FAILED)
    asks, wrong = wish("b", smoke_tests="t1"), pod("q", TWO)
    sees = serving(ONE, TWO, deployments=deployments(a=1, b=1), pods=(*pods(ONE), wrong), smoke=failed(wrong))
    failure = decide(asks, SERVES, sees, NOW).status.last_failure
    assert failure
    assert (failure.component, failure.pod, failure.reason) == ("smokeTest", "q", Reason.SMOKE_TEST_FAILED)


def test_a_failure_is_of_the_candidate_the_source_a_refusal_or_the_stable_revision() -> None:
    both = (pod("p", ONE, CRASHED), pod("q", TWO, NO_ROOM))
    refusal = Refusal("PodDisruptionBudget", "fraud-a", Reason.OBJECT_REFUSED, "It is wrong.")
    assert reason_of_failure(serving(ONE, TWO, deployments=deployments(a=1, b=1), pods=both)) == Reason.UNSCHEDULABLE
    assert reason_of_failure(serving(ONE, resolutions=(job("b", trouble=DENIED),))) == DENIED.reason
    assert reason_of_failure(serving(ONE, refusals=(refusal,))) == Reason.OBJECT_REFUSED
    assert reason_of_failure(serving(ONE, pods=both[:1])) == Reason.SERVER_CRASHED
    assert reason_of_failure(serving(ONE)) is None


def test_the_bake_time_ends_with_the_phase_idle() -> None:
    sees = serving(TWO, ONE, deployments=deployments(a=1, b=1), pods=(*pods(ONE), *pods(TWO)))
    moved = decide(wish("b"), SERVES, sees, NOW).status
    assert moved.phase is Phase.PROMOTING
    assert decide(wish("b"), moved, sees, NOW + BAKE).status.phase is Phase.IDLE


def test_a_spec_that_nobody_understands_releases_nothing_and_leaves_what_serves() -> None:
    before = ModelDeploymentStatus(observed_generation=1, phase=Phase.IDLE, stable=StableStatus(revision=3))
    first = spec_invalid(before, 2, "spec.model.sauce: Extra inputs are not permitted", NOW)
    assert (first.observed_generation, first.reason, first.stable) == (2, "SpecInvalid", before.stable)
    found = {each.type: (each.status, each.observed_generation) for each in first.conditions or ()}
    assert found == {"Released": ("False", 2), "Reconciling": ("False", 2), "Stalled": ("True", 2)}
    assert first.last_failure is not None
    assert "spec.model.sauce" in first.last_failure.message
    again = spec_invalid(first, 2, first.last_failure.message, after(hours=1))
    assert again == first


def test_a_member_that_is_unknown_is_named_by_its_path() -> None:
    obj = {"metadata": {"namespace": "ml", "name": "fraud", "generation": 1}, "spec": {"model": {"sauce": 1}}}
    with pytest.raises(SpecInvalid) as raised:
        read_wish(obj)
    assert "spec.model.sauce: " in str(raised.value)
    assert "spec.model.source: " in str(raised.value)


def test_a_fetch_that_takes_long_is_told_until_it_is_over() -> None:
    quick, slow = (FetchProgress(there=there << 20, total=100 << 20, rate=1 << 20) for there in (90, 40))
    two = tuple(pod(name, TWO, STARTING, fetching=True) for name in "pq")

    def told(before: ModelDeploymentStatus, **changes: Any) -> str | None:
        sees = serving(ONE, TWO, deployments=deployments(a=1, b=2), **changes)
        return decide(wish("b", replicas=2), before, sees, NOW).status.fetching

    assert told(SERVES, pods=two) is None, "nobody was asked"
    said = told(SERVES, pods=two, progress={"uid-p": quick, "uid-q": slow})
    assert said == "40.0 MiB of 100.0 MiB, 1.0 MiB/s, 60 s to go; the slowest of 2 pods"
    fetches = SERVES.model_copy(update={"fetching": said})
    assert told(fetches, pods=two) == said, "who is just started has nothing newer to say"
    assert told(fetches, pods=two[:1], progress={"uid-p": quick}) == "90.0 MiB of 100.0 MiB, 1.0 MiB/s, 10 s to go"
    assert told(fetches, pods=two, progress={}) is None, "they do not say"
    assert told(fetches, pods=(pod("p", TWO, STARTING),), progress={"uid-p": quick}) is None
    still = FetchProgress(there=99, total=100, rate=0)
    assert told(SERVES, pods=two, progress={"uid-p": still, "uid-q": slow}) == (
        "99 B of 100 B, 0 B/s; the slowest of 2 pods"
    )
