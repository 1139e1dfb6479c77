"""What is wrong stands in the object: on a real cluster, with real images, buckets and models.

Everything is asked for at once and looked at afterwards, first what can be mended: Kubernetes tries again the later,
the longer it has been in vain. A mistake has to be told within 30 seconds of when it can be known. The clock here
starts when the object is made, and before a mistake can be known a pod has to be placed, to start, to fetch and, for
some, to load a model: with 20 others on two cores that takes up to 30 more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import pytest

from e2e import broken, namespaces, serving
from e2e.broken import CASES, Broken
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition
from tritium.api.fetch import FetchReason
from tritium.core.reasons import Reason

Object = dict[str, Any]
WITHIN: Final = 60
SUM: Final = [[4.0, 6.0]]
SECOND: Final = {
    "key": Reason.RESOLVE_FAILED,
    "load": Reason.ABORTED,
    "warm-up": Reason.ABORTED,
    "smoke-test": Reason.ABORTED,
    "image": Reason.ROLLING_OUT,
    "room": Reason.ROLLING_OUT,
}
"""Mistakes that are also made in a second version, and the reason of Released then."""

QUOTA: Final = Broken(
    Reason.QUOTA,
    ("No pod can be made: exceeded quota: small", "Raise the ResourceQuota of the namespace, or ask for less"),
    "Deployment",
)
LIMIT: Final = Broken(
    Reason.POD_REFUSED,
    ("No pod can be made:", "maximum memory usage per Container is 300Mi", "or the rule of the namespace"),
    "Deployment",
    server={"resources": {"requests": {"cpu": "10m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}}},
)
TAKEN: Final = Broken(
    Reason.NAME_TAKEN,
    ("Service taken", "Delete or rename it"),
    "Service",
)


@pytest.fixture(scope="module")
def here(shared: Kubectl) -> Kubectl:
    """A namespace in which every mistake is made, and beside it first versions that will serve."""
    serving.start_store(shared)
    serving.put(shared, broken.FILES)
    foreign = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "taken"}, "spec": {"ports": [{"port": 80}]}}
    shared.apply(foreign, *broken.further_objects())
    shared.apply(
        *(case.deployment(shared, name) for name, case in CASES.items()),
        TAKEN.deployment(shared, "taken"),
        serving.small(shared, "slow", broken.SLOW),
        *(serving.small(shared, f"second-{name}", broken.GOOD) for name in SECOND),
    )
    return shared


@pytest.fixture(scope="module")
def with_quota(here: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """A namespace whose quota has room for the pod that lists, and not for one that serves."""
    for inside in namespaces.fresh(here, request):
        inside.apply(quota("200Mi"), serving.keys())
        inside.apply(QUOTA.deployment(here, "quota"))
        yield inside


@pytest.fixture(scope="module")
def with_limit(here: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """A namespace in which no container may have as much memory as fetch wants."""
    spec = {"limits": [{"type": "Container", "max": {"memory": "300Mi"}}]}
    limit = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": spec}
    for inside in namespaces.fresh(here, request):
        inside.apply(limit, serving.keys())
        inside.apply(LIMIT.deployment(here, "limit"))
        yield inside


@pytest.fixture(scope="module", autouse=True)
def _all_at_once(here: Kubectl, with_quota: Kubectl, with_limit: Kubectl) -> None:
    """So that the tests wait for one thing while the next is under way."""


@pytest.fixture(scope="module")
def replaced(here: Kubectl) -> dict[str, tuple[set[tuple[str, str]], float]]:
    """By mistake: the lives of the first version's containers, when the second was asked for."""
    for name in SECOND:
        here.wait("mdep", f"second-{name}", "condition=Ready")
    lives = {name: serving.lives(here, f"second-{name}") for name in SECOND}
    here.apply(*(CASES[name].deployment(here, f"second-{name}") for name in SECOND))
    return {name: (each, time.time()) for name, each in lives.items()}


def quota(memory: str) -> Object:
    """A quota on the memory that pods ask for."""
    spec = {"hard": {"requests.memory": memory}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": spec}


def test_a_model_that_takes_long_to_load_is_starting_and_not_started_again(here: Kubectl) -> None:
    """First of all, so that it is looked at while it loads."""
    loading = await_status(here, "slow", lambda status: "Triton is loading the model" in str(status))
    assert condition(loading, "Ready")["reason"] == Reason.STARTING
    here.wait("mdep", "slow", "condition=Released", seconds=90)
    # On a full node its pods may have had to wait; Triton itself has never failed.
    assert here.get("mdep", "slow")["status"].get("lastFailure", {}).get("component") != "triton"
    (pod,) = serving.pods(here, "slow")
    assert [each["restartCount"] for each in pod["status"]["containerStatuses"]] == [0]


def test_a_quota_that_refuses_the_pod_is_told_and_raising_it_helps(with_quota: Kubectl) -> None:
    tells(with_quota, "quota", QUOTA)
    assert serving.pods(with_quota, "quota") == []
    with_quota.apply(quota("2Gi"))
    with_quota.wait("mdep", "quota", "condition=Released", seconds=90)
    assert serving.answer(with_quota, "quota") == SUM


def test_a_service_of_somebody_else_is_told_and_left_alone(here: Kubectl) -> None:
    tells(here, "taken", TAKEN)
    foreign = here.get("service", "taken")
    assert "ownerReferences" not in foreign["metadata"]
    assert "selector" not in foreign["spec"]
    here("delete", "service", "taken")
    here.wait("mdep", "taken", "condition=Released", seconds=90)
    assert serving.answer(here, "taken") == SUM


def test_a_missing_secret_is_told_and_found_once_it_is_there(here: Kubectl) -> None:
    """Without a touch to the object: the source is listed again by itself, after a minute at most."""
    tells(here, "secret", CASES["secret"])
    here.apply(serving.keys("made-later"))
    here.wait("mdep", "secret", "condition=Released", seconds=90)
    assert serving.answer(here, "secret") == SUM


@pytest.mark.parametrize("name", [name for name in CASES if name != "secret"])
def test_a_mistake_is_told(here: Kubectl, name: str) -> None:
    tells(here, name, CASES[name])
    stalled = condition(here.get("mdep", name)["status"], "Stalled")
    assert stalled["status"] == "False", "a first version goes on trying"


def test_a_limit_range_that_refuses_fetch_is_told(with_limit: Kubectl) -> None:
    tells(with_limit, "limit", LIMIT)


@pytest.mark.parametrize("name", list(SECOND))
def test_a_mistake_in_a_second_version_leaves_the_first_serving(
    here: Kubectl, replaced: dict[str, tuple[set[tuple[str, str]], float]], name: str
) -> None:
    case, owner = CASES[name], f"second-{name}"
    lives, asked = replaced[name]

    def settled(status: Object) -> bool:
        # A model that could not be loaded is loaded once more before its revision is turned down.
        return failure_is(status, case) and condition(status, "Released")["reason"] == SECOND[name]

    status = await_status(here, owner, settled)
    told(here, owner, case, status)
    assert datetime.fromisoformat(status["lastFailure"]["at"]).timestamp() - asked < WITHIN
    assert condition(status, "Ready")["reason"] == Reason.SERVING
    assert all(each in condition(status, "Released")["message"] for each in case.says)
    assert condition(status, "Stalled")["status"] == str(SECOND[name] == Reason.ABORTED)
    assert serving.answer(here, owner) == SUM
    assert lives <= serving.lives(here, owner)


def tells(namespace: Kubectl, name: str, case: Broken) -> None:
    """A first version tells what is wrong with it, soon and everywhere."""

    def is_told(status: Object) -> bool:
        return failure_is(status, case) and condition(status, "Ready")["reason"] == case.reason

    status = await_status(namespace, name, is_told)
    told(namespace, name, case, status)
    ready = condition(status, "Ready")
    assert ready["status"] == "False"
    assert all(each in ready["message"] for each in case.says), ready["message"]
    made = datetime.fromisoformat(namespace.get("mdep", name)["metadata"]["creationTimestamp"])
    took = (datetime.fromisoformat(status["lastFailure"]["at"]) - made).total_seconds()
    print(f"{name}: {took:.0f} s")
    assert took < WITHIN
    source = {"reason": condition(status, "SourceReady")["reason"]}
    assert (source["reason"] == case.reason) is (case.reason in set(FetchReason))


def told(namespace: Kubectl, name: str, case: Broken, status: Object) -> None:
    """It stands in `lastFailure`, in an Event, and in what `kubectl describe` prints."""
    failure = status["lastFailure"]
    assert failure["component"] == case.component
    assert all(each in failure["message"] for each in case.says), failure["message"]
    selector = f"involvedObject.kind=ModelDeployment,involvedObject.name={name},reason={case.reason}"
    events = namespace("get", "events", f"--field-selector={selector}", "-o", "jsonpath={.items[*].message}")
    assert failure["message"] in events
    described = " ".join(namespace("describe", "mdep", name).split())
    assert f"Reason: {case.reason}" in described
    assert failure["message"] in described


def failure_is(status: Object, case: Broken) -> bool:
    """Whether the last failure is that mistake's."""
    return bool(status.get("lastFailure", {}).get("reason") == case.reason)
