"""A cache on a claim: three pods and two versions fetch once, and the way back needs no bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from e2e import adders, claims, serving
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition
from tritium.api import names

NAME = "kept"
CLAIM = "models"


@pytest.fixture(scope="module")
def stored(kubectl: Kubectl, shared: Kubectl) -> Iterator[Kubectl]:
    """A model in a bucket, and a claim."""
    serving.start_store(shared)
    serving.put(shared, adders.files("adder/1", offset=1))
    volume = claims.make(kubectl, shared, CLAIM)
    yield shared
    claims.remove(kubectl, volume)


def asked(namespace: Kubectl, replicas: int, config: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    model: dict[str, Any] = {"cache": {"claimName": CLAIM}}
    model |= {"config": config} if config else {}
    return serving.small(namespace, NAME, "adder/1", model=model, replicas=replicas, rollout={"bakeTime": "1s"}, **spec)


def fetched(namespace: Kubectl) -> dict[str, str]:
    """What the fetch of each pod said, by the pod's name."""
    found = {pod["metadata"]["name"] for pod in serving.pods(namespace, NAME)}
    return {name: namespace("logs", name, "--container=fetch") for name in found}


def test_three_pods_fetch_once(stored: Kubectl) -> None:
    stored.apply(asked(stored, 3))
    stored.wait("mdep", NAME, "condition=Released", seconds=240)
    said = list(fetched(stored).values())
    assert len(said) == 3
    assert sum("Fetched " in each for each in said) == 1
    assert sum(f"Claim {CLAIM} has model adder" in each for each in said) == 2
    assert serving.answer(stored, NAME) == [[5.0, 7.0]]
    anchor = stored.get("configmap", names.GATEWAY)
    [kept] = anchor["data"]["revisions"].split()
    assert kept.startswith(f"{NAME}-"), "who needs room on the claim leaves this one alone"


def test_another_version_and_the_way_back_without_the_bucket(stored: Kubectl) -> None:
    before = fetched(stored)
    colour = {"parameters": {"colour": "green"}}
    stored.apply(asked(stored, 1, colour))
    stored.wait("mdep", NAME, "jsonpath={.status.stable.revision}=2", seconds=240)
    new = [said for name, said in fetched(stored).items() if name not in before]
    assert new
    assert not any("Fetched " in said for said in new)
    stored("delete", "pod", "s3", "--wait=true")
    stored("delete", "service", "s3")
    stored.apply(asked(stored, 2, colour, pinRevision=1))
    await_status(
        stored,
        NAME,
        lambda status: (status["stable"]["revision"], status["stable"].get("readyReplicas")) == (1, 2),
        seconds=240,
    )
    assert serving.answer(stored, NAME) == [[5.0, 7.0]]


def test_a_claim_that_is_not_there(stored: Kubectl) -> None:
    obj = serving.small(stored, "nowhere", "adder/1")
    obj["spec"]["model"]["source"] = {"uri": "pvc://nothing/adder"}
    stored.apply(obj)
    await_status(stored, "nowhere", lambda status: "nothing" in condition(status, "SourceReady")["message"])
