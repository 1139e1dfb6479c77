"""The statuses the stub kubelet writes, without a server."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.controlplane.behaviour import (
    Behaviour,
    CrashLoop,
    Evicted,
    Failed,
    ImagePullBackOff,
    InitFailure,
    NeverReady,
    OOMKilled,
    Ready,
    Succeeded,
    next_change,
    usual,
)
from tests.controlplane.podstatus import ended_status, pod_status, unschedulable
from tests.controlplane.scheduling import Node, extended_requests, place

Object = dict[str, Any]

START = datetime(2026, 1, 1, tzinfo=UTC)


def pod(*, restart: str = "Always", init: bool = False, sidecar: bool = False, **spec: Any) -> Object:
    starters = [{"name": "fetch", "image": "i"}] if init else []
    starters += [{"name": "agent", "image": "i", "restartPolicy": "Always"}] if sidecar else []
    containers = [{"name": "main", "image": "i"}]
    spec |= {"restartPolicy": restart, "containers": containers, "initContainers": starters}
    return {"metadata": {"uid": "u", "generation": 3, "labels": {}}, "spec": spec}


def status(pod: Object, behaviour: Behaviour, seconds: float = 0.0) -> Object:
    now = START + timedelta(seconds=seconds)
    return pod_status(pod, behaviour, START, now, ip="10.0.0.1", host_ip="192.0.2.1")


def conditions(status: Object) -> dict[str, str]:
    return {each["type"]: each["status"] for each in status["conditions"]}


@pytest.mark.parametrize(
    ("behaviour", "seconds", "phase", "ready"),
    [
        (Ready(), 0, "Running", "True"),
        (Ready(after=2), 1.9, "Running", "False"),
        (Ready(after=2), 2, "Running", "True"),
        (Ready(init=1, after=2), 0.9, "Pending", "False"),
        (Ready(init=1, after=2), 2.9, "Running", "False"),
        (Ready(init=1, after=2), 3, "Running", "True"),
        (NeverReady(), 10_000, "Running", "False"),
        (NeverReady(init=5), 4, "Pending", "False"),
        (ImagePullBackOff(), 5, "Pending", "False"),
        (CrashLoop(), 5, "Running", "False"),
        (OOMKilled(), 5, "Running", "False"),
        (InitFailure(), 5, "Pending", "False"),
        (Succeeded(after=3), 2, "Running", "True"),
        (Succeeded(after=3), 3, "Succeeded", "False"),
        (Failed(after=3), 2, "Running", "True"),
        (Failed(after=3), 3, "Failed", "False"),
        (Evicted(after=3), 2, "Running", "True"),
        (Evicted(after=3), 3, "Failed", "False"),
    ],
)
def test_phase_and_readiness(behaviour: Behaviour, seconds: float, phase: str, ready: str) -> None:
    seen = status(pod(init=True), behaviour, seconds)
    assert (seen["phase"], conditions(seen)["Ready"]) == (phase, ready)
    assert seen["observedGeneration"] == 3


@pytest.mark.parametrize("behaviour", [Ready(1, 1), CrashLoop(), InitFailure(), Succeeded(after=1), Evicted(after=1)])
def test_nothing_changes_by_itself_after_the_last_change(behaviour: Behaviour) -> None:
    elapsed = 0.0
    while (step := next_change(behaviour, elapsed)) is not None:
        elapsed += step
    one = pod(init=True)
    one["status"] = status(one, behaviour, elapsed)
    assert status(one, behaviour, elapsed) == status(one, behaviour, elapsed + 1000)


@pytest.mark.parametrize(
    ("behaviour", "last", "restarts"),
    [
        (CrashLoop(3, "no model", 4), {"exitCode": 3, "reason": "Error", "message": "no model"}, 4),
        (OOMKilled(2), {"exitCode": 137, "reason": "OOMKilled"}, 2),
    ],
)
def test_containers_that_end_again_and_again(behaviour: Behaviour, last: Object, restarts: int) -> None:
    (main,) = status(pod(), behaviour)["containerStatuses"]
    assert main["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert last.items() <= main["lastState"]["terminated"].items()
    assert main["restartCount"] == restarts
    never = status(pod(restart="Never"), behaviour)
    (main,) = never["containerStatuses"]
    assert (never["phase"], main["restartCount"]) == ("Failed", 0)
    assert last.items() <= main["state"]["terminated"].items()


def test_a_failing_init_container_keeps_the_others_waiting() -> None:
    seen = status(pod(init=True, sidecar=True), InitFailure(7, "x" * 5000, 2))
    fetch, agent = seen["initContainerStatuses"]
    ended = fetch["lastState"]["terminated"]
    assert (ended["exitCode"], len(ended["message"]), fetch["restartCount"]) == (7, 4096, 2)
    waiting = {"waiting": {"reason": "PodInitializing"}}
    assert agent["state"] == seen["containerStatuses"][0]["state"] == waiting
    assert conditions(seen)["Initialized"] == "False"


def test_sidecars_run_on() -> None:
    _, agent = status(pod(init=True, sidecar=True), Ready())["initContainerStatuses"]
    assert "running" in agent["state"]
    assert agent["ready"] is True


def test_an_evicted_pod_says_why() -> None:
    seen = status(pod(), Evicted("no memory"))
    assert (seen["reason"], seen["message"]) == ("Evicted", "no memory")
    assert conditions(seen)["DisruptionTarget"] == "True"


def test_a_readiness_gate_keeps_a_pod_from_being_ready() -> None:
    one = pod(readinessGates=[{"conditionType": "warm"}])
    assert conditions(status(one, Ready()))["Ready"] == "False"
    assert conditions(status(one, Ready()))["ContainersReady"] == "True"
    one["status"] = {"conditions": [{"type": "warm", "status": "True"}]}
    assert conditions(status(one, Ready()))["Ready"] == "True"


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    one = pod()
    one["status"] = status(one, Ready(after=5))
    later = {each["type"]: each["lastTransitionTime"] for each in status(one, Ready(after=5), 9)["conditions"]}
    assert later["PodScheduled"] == "2026-01-01T00:00:00Z"
    assert later["Ready"] == "2026-01-01T00:00:09Z"


def test_the_last_status_and_one_without_a_node() -> None:
    assert ended_status(pod(init=True), START, START)["phase"] == "Succeeded"
    (scheduled,) = unschedulable(pod(), "0/1 nodes", START)["conditions"]
    assert (scheduled["status"], scheduled["reason"], scheduled["message"]) == (
        "False",
        "Unschedulable",
        "0/1 nodes",
    )


def test_the_usual() -> None:
    assert usual(pod()) == Ready()
    assert usual(pod(restart="Never")) == usual(pod(restart="OnFailure")) == Succeeded()


GPU = {"resources": {"requests": {"nvidia.com/gpu": "1", "cpu": "500m"}}}


def gpu_pod(count: int = 1, **spec: Any) -> Object:
    return {"metadata": {}, "spec": {"containers": [GPU] * count, **spec}}


def test_room_is_counted() -> None:
    nodes = [Node("a", {"nvidia.com/gpu": 2}), Node("b", {"nvidia.com/gpu": 1}), Node("c")]
    placed: list[tuple[str, Counter[str]]] = []
    for _ in range(3):
        name, refusal = place(gpu_pod(), nodes, placed)
        assert refusal == ""
        placed.append((name, extended_requests(gpu_pod())))
    assert sorted(name for name, _ in placed) == ["a", "a", "b"]
    assert place(gpu_pod(), nodes, placed) == (
        "",
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
    )


def test_a_node_selector_counts() -> None:
    nodes = [Node("a", {"nvidia.com/gpu": 1}), Node("b", {"nvidia.com/gpu": 1}, {"zone": "x"})]
    assert place(gpu_pod(nodeSelector={"zone": "x"}), nodes, []) == ("b", "")
    name, refusal = place(gpu_pod(nodeSelector={"zone": "y"}), nodes, [])
    assert (name, "didn't match" in refusal) == ("", True)


def test_init_containers_need_room_too() -> None:
    big = {"resources": {"requests": {"nvidia.com/gpu": "4"}}}
    assert extended_requests(gpu_pod(2, initContainers=[big])) == {"nvidia.com/gpu": 4}
    assert extended_requests(gpu_pod(2, initContainers=[{**GPU, "restartPolicy": "Always"}])) == {"nvidia.com/gpu": 3}
