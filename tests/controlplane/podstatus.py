"""From what has become of a pod to the status a kubelet writes: phase, conditions, containers, addresses. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.controlplane.behaviour import Behaviour, Outcome, outcome
from tests.controlplane.containers import WELL, Container, main_containers, start_containers, stopped, timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Object = dict[str, Any]


def pod_status(pod: Object, behaviour: Behaviour, started: datetime, now: datetime, *, ip: str, host_ip: str) -> Object:
    """The whole status of a pod that began at `started` to behave like this.

    `pod["status"]` is only read for what others own or decide: when a condition last changed, and the
    readiness gates.
    """
    became = outcome(pod, behaviour, (started, now))
    return _written(pod, became, started, now) | {
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
    }


def ended_status(pod: Object, started: datetime, now: datetime) -> Object:
    """The last status before a deleted pod goes: every container stopped by a signal it obeyed."""
    span = (started, now)
    containers = tuple(stopped(spec, span, WELL) for spec in main_containers(pod))
    init = start_containers(pod, lambda spec: stopped(spec, span, WELL))
    return _written(pod, Outcome("Succeeded", init, containers), started, now)


def unschedulable(pod: Object, message: str, now: datetime) -> Object:
    """What the scheduler writes if no node will do."""
    wanted = {"PodScheduled": (False, "Unschedulable", message)}
    return {"phase": "Pending", "conditions": _conditions(pod, wanted, now)}


def _written(pod: Object, became: Outcome, started: datetime, now: datetime) -> Object:
    uid = pod["metadata"]["uid"]
    over = became.phase in {"Succeeded", "Failed"}
    conditions = _conditions(pod, _wanted(pod, became, over=over), now)
    return {
        "phase": became.phase,
        "observedGeneration": pod["metadata"].get("generation", 1),
        "reason": became.reason,
        "message": became.message,
        "startTime": pod.get("status", {}).get("startTime") or timestamp(started),
        "conditions": conditions,
        "initContainerStatuses": [each.status(uid) for each in became.init],
        "containerStatuses": [each.status(uid) for each in became.main],
    }


def _wanted(pod: Object, became: Outcome, *, over: bool) -> dict[str, tuple[bool, str, str]]:
    """Condition type to (true, reason, message)."""
    containers = (*became.main, *(each for each in became.init if each.is_sidecar))
    initialized = all(each.is_sidecar or _ended_well(each) for each in became.init)
    unready = [each.spec["name"] for each in containers if not each.ready]
    reason, message = "", ""
    if over:
        reason = "PodCompleted" if became.phase == "Succeeded" else "PodFailed"
    elif unready:
        reason, message = "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    ready = not over and not unready and initialized
    gates_open = all(_is_true(pod, gate["conditionType"]) for gate in pod["spec"].get("readinessGates", []))
    gate_reason = reason if reason or gates_open else "ReadinessGatesNotReady"
    started = "" if initialized else "ContainersNotInitialized"
    wanted = {
        "PodScheduled": (True, "", ""),
        "PodReadyToStartContainers": (not over, "", ""),
        "Initialized": (initialized, started, ""),
        "ContainersReady": (ready, reason, message),
        "Ready": (ready and gates_open, gate_reason, message),
    }
    if became.disrupted:
        wanted["DisruptionTarget"] = (True, "TerminationByKubelet", became.message or "")
    return wanted


def _ended_well(container: Container) -> bool:
    return bool(container.state.get("terminated", {}).get("exitCode") == 0)


def _is_true(pod: Object, kind: str) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def _conditions(pod: Object, wanted: Mapping[str, tuple[bool, str, str]], now: datetime) -> list[Object]:
    before = {each["type"]: each for each in pod.get("status", {}).get("conditions", [])}
    written = []
    for kind, (true, reason, message) in wanted.items():
        condition: Object = {"type": kind, "status": str(true)}
        # In a strategic merge patch null is what clears a reason that was there before.
        condition |= {"reason": reason or None, "message": message or None}
        earlier = before.get(kind, {})
        since = earlier.get("lastTransitionTime") if earlier.get("status") == str(true) else None
        written.append(condition | {"lastTransitionTime": since or timestamp(now)})
    return written
