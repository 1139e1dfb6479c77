"""Replicas that follow the work of a real Triton: more in seconds, fewer without a failed request."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from e2e import adders, serving, steady
from e2e.kubectl import Kubectl
from e2e.waiting import await_status, condition

NAME = "adder"
AT_ONCE = 50
"""Requests a second that one pod can do: it takes 20 ms for each, one after the other."""
RATE = 30
"""Of one of the clients; with the others it is a little more than one pod can do."""


@pytest.fixture(scope="module")
def stored(shared: Kubectl) -> Kubectl:
    """A model that takes its time, served by one pod."""
    serving.start_store(shared)
    for prefix in ("adder/slow", "adder/next"):
        serving.put(shared, adders.files(prefix, execute=f"time.sleep({1 / AT_ONCE} * len(requests))"))
    shared.apply(asked(shared, mode="Recommend", max=3, capacityRps=20))
    shared.wait("mdep", NAME, "condition=Ready")
    return shared


def asked(
    namespace: Kubectl, spec: dict[str, Any] | None = None, *, prefix: str = "adder/slow", **scaling: Any
) -> dict[str, Any]:
    return serving.small(namespace, NAME, prefix, scaling=scaling, **(spec or {}))


def ready(status: dict[str, Any]) -> int:
    return int(status["stable"].get("readyReplicas", 0))


def _recommends(status: dict[str, Any], signal: str) -> bool:
    scaling = status["scaling"]
    return bool(scaling.get("signal") == signal and scaling.get("recommended", 0) > 1)


def test_more_come_as_the_work_does_and_fewer_lose_nothing(stored: Kubectl) -> None:
    steady.start(stored, NAME, RATE)
    # First it only shows what it would do.
    status = await_status(stored, NAME, lambda status: status.get("scaling", {}).get("recommended", 0) > 1)
    assert (status["scaling"]["desired"], ready(status)) == (1, 1)
    assert condition(status, "ScalingActive")["reason"] == "Recommending"

    # By any one signal as well: they are read off the real gateway and the real Triton.
    for metric, target in (("requestRate", 10), ("concurrency", 0.3), ("queueTime", 1)):
        stored.apply(asked(stored, mode="Recommend", max=3, metric=metric, target=target))
        status = await_status(stored, NAME, partial(_recommends, signal=metric))
        print(status["scaling"]["message"])

    # Nobody says what a pod can do: it is seen.
    stored.apply(asked(stored, max=3))
    status = await_status(stored, NAME, lambda status: ready(status) > 1)
    assert condition(status, "ScalingActive")["status"] == "True"
    print(status["scaling"]["message"])
    events = stored("get", "events", "--field-selector=reason=Scaled", "-o", "jsonpath={.items[*].message}")
    assert "1 -> " in events

    # Another version: it gets its share of the pods, and in the end as many as the work needs.
    served = status["stable"]["revision"]
    steps = {"steps": [{"weight": 50, "minDuration": "5s", "minRequests": 20}], "bakeTime": "1s"}
    stored.apply(asked(stored, {"rollout": steps}, prefix="adder/next", max=3))
    status = await_status(stored, NAME, lambda status: (status.get("candidate") or {}).get("weight") == 50)
    assert status["stable"]["revision"] == served
    status = await_status(stored, NAME, lambda status: status["phase"] == "Idle" and ready(status) > 1, 180)
    assert status["stable"]["revision"] == served + 1

    # With another bound there is one at once, and what it has to do is as much as before.
    stored.apply(asked(stored, prefix="adder/next", max=1))
    status = await_status(stored, NAME, lambda status: ready(status) == 1 and status["replicas"] == 1)
    assert status["scaling"]["desired"] == 1
    steady.go_on(3)
    told = steady.stop(stored)
    stored("delete", "pod", "client")
    print(told)
    assert told.failures == {}


def test_somebody_else_writes_the_scale_subresource(stored: Kubectl) -> None:
    stored.apply(asked(stored, {"replicas": 1}, mode="External"))
    stored("scale", "mdep", NAME, "--replicas=2")
    status = await_status(stored, NAME, lambda status: ready(status) == 2)
    assert condition(status, "ScalingActive")["reason"] == "FixedReplicas"
