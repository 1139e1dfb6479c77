"""The operators are killed in the middle of a change of version: it goes on, and clients do not notice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from e2e import adders, operator, serving, steady
from e2e.kubectl import Kubectl
from tritium.api import names
from tritium.app import LEASE

Object = dict[str, Any]
NAME: Final = "adder"
VERSIONS: Final = range(1, 5)


def is_listing(namespace: Kubectl) -> bool:
    """The source of the next version is being listed."""
    return bool(namespace.items("jobs", f"{names.OWNER}={NAME}"))


def is_made(namespace: Kubectl) -> bool:
    """The pod of the next version is there, and not ready."""
    return bool(candidates(namespace))


def is_ready(namespace: Kubectl) -> bool:
    """The pod of the next version is ready: clients are about to be led to it, or have been at this very moment."""
    return any(serving.is_ready(pod) for pod in candidates(namespace)) or serves(namespace, 4)


def serves(namespace: Kubectl, revision: int) -> bool:
    """Whether the operator has led clients to a revision already, which takes it some milliseconds."""
    return bool(namespace.get("mdep", NAME)["status"]["stable"]["revision"] == revision)


MOMENTS: Final[Mapping[int, Callable[[Kubectl], bool]]] = {2: is_listing, 3: is_made, 4: is_ready}
"""By the version that is being changed to: when the operators are killed."""


def candidates(namespace: Kubectl) -> list[Object]:
    """Pods of revisions that clients were not led to when the last was made."""
    known = {each["name"][-8:] for each in namespace.get("mdep", NAME)["status"]["revisions"] if "promotedAt" in each}
    return [pod for pod in serving.pods(namespace, NAME) if pod["metadata"]["labels"][names.REVISION] not in known]


@pytest.fixture
def stored(shared: Kubectl) -> Kubectl:
    """A namespace with a bucket of the versions; version n adds n."""
    serving.start_store(shared)
    files = [adders.files(f"adder/{each}", offset=each) for each in VERSIONS]
    serving.put(shared, {key: text for each in files for key, text in each.items()})
    return shared


def ask_for(namespace: Kubectl, version: int) -> None:
    """Apply a version, and wait for nothing."""
    namespace.apply(serving.small(namespace, NAME, f"adder/{version}", rollout={"bakeTime": "2s"}))


def leader_after(system: Kubectl, former: str) -> str:
    """Who leads, once it is another one."""
    until = time.monotonic() + 60
    while (holder := system.get("lease", LEASE)["spec"]["holderIdentity"]) == former:
        assert time.monotonic() < until, f"{former} holds the Lease still"
        time.sleep(0.5)
    return str(holder)


def await_moment(namespace: Kubectl, has_come: Callable[[Kubectl], bool]) -> None:
    """Look again and again."""
    until = time.monotonic() + 60
    while not has_come(namespace):
        assert time.monotonic() < until, namespace("describe", "mdep", NAME)


def test_a_change_outlives_its_operators_and_no_request_fails(operated: Kubectl, stored: Kubectl) -> None:
    ask_for(stored, 1)
    stored.wait("mdep", NAME, "condition=Released")
    steady.start(stored, NAME)
    leaders = [leader_after(operated, "")]
    for version, moment in MOMENTS.items():
        ask_for(stored, version)
        await_moment(stored, moment)
        operator.kill(operated)
        stored.wait("mdep", NAME, "condition=Released")
        leaders.append(leader_after(operated, leaders[-1]))
    told = steady.stop(stored)

    print(told)
    assert told.failures == {}
    assert sorted(told.new_connections.answers) == [4.0 + version for version in VERSIONS]
    assert len(set(leaders)) == len(leaders)
    as_if_nothing_had_happened(stored)


def as_if_nothing_had_happened(namespace: Kubectl) -> None:
    """Everything is there once, each version served once, and what is over is cleared away."""
    namespace.wait("mdep", NAME, "jsonpath={.status.phase}=Idle")
    status = namespace.get("mdep", NAME)["status"]
    *old, last = status["revisions"]
    assert [each["revision"] for each in status["revisions"]] == list(VERSIONS)
    assert all("digest" in each and "promotedAt" in each and "demotedAt" in each for each in old)
    assert "demotedAt" not in last
    assert (status["stable"]["revision"], status["stable"]["readyReplicas"]) == (last["revision"], 1)
    assert not status.keys() & {"candidate", "rejectedRevisions", "lastRollback", "lastFailure"}
    owned = f"{names.OWNER}={NAME}"
    replicas = {each["metadata"]["name"]: each["spec"]["replicas"] for each in namespace.items("deployments", owned)}
    assert replicas == {each["name"]: int(each is last) for each in status["revisions"]}
    for kind in ("controllerrevisions", "configmaps"):
        assert {each["metadata"]["name"] for each in namespace.items(kind, owned)} == replicas.keys()
    assert namespace.items("jobs", owned) == []
    assert last["name"] == f"{NAME}-{serving.leading(namespace, NAME)}"
