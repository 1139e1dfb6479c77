"""Why a pod is not ready: the first thing that is wrong, in the order in which a pod comes to life."""

import re
from dataclasses import replace
from typing import Final

from tritium.core.container_trouble import container_trouble
from tritium.core.pod_facts import (
    FETCH,
    TRITON,
    Object,
    condition,
    is_fetching,
    is_terminating,
    is_true,
    main_statuses,
    state,
    statuses,
)
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import Trouble
from tritium.core.wording import sentence, steady

POD: Final = "pod"

_DEVICE: Final = re.compile(r"Insufficient (?P<device>[\w.-]+/[\w.-]*\w)")
"""An extended resource has a domain; cpu, memory and the like have none."""

_VOLUME: Final = re.compile(
    r"unbound immediate PersistentVolumeClaims|persistentvolumeclaim \S+ not found"
    r"|didn't find available persistent volumes to bind",
    re.IGNORECASE,
)
_NOISE: Final = re.compile(
    r",? preemption: .*"  # whether other pods could be pushed out
    r"|(?<=\.),? no new claims to deallocate[,.]?"
    r"|(?<=not found\.) not found\.?",  # of a PersistentVolumeClaim it is said twice
    re.DOTALL,
)
"""What a scheduler says beside, and changes nothing for the reader."""

_NUMBERS: Final = re.compile(r"\b(?:Threshold quantity|Container \S+ was using|Pod \S+ was using|requested: )")
"""Where a kubelet goes on with what it measured."""


def pod_trouble(pod: Object) -> Trouble | None:
    """What keeps a pod from being ready; nothing for one that is ready or on its way out.

    A terminating pod has no trouble whatever its containers did: Triton ends with exit code 1 if a client keeps an
    idle connection open for longer than it drains.
    """
    if is_terminating(pod) or is_true(pod, "Ready"):
        return None
    found = _lost(pod) or _unplaced(pod) or _broken(pod) or _unanswering(pod) or _starting(pod)
    return replace(found, pod=pod["metadata"]["name"])


def _lost(pod: Object) -> Trouble | None:
    """The node gave the pod up: then the pod itself has a reason, beside those of its containers."""
    status = pod.get("status") or {}
    if status.get("phase") != "Failed" or not (why := status.get("reason")):
        return None
    words = _NUMBERS.split(status.get("message") or "")[0].strip(" ,")
    message = sentence(
        steady(f"The node ended the pod ({why}): {words}" if words else f"The node ended the pod ({why})")
    )
    return Trouble(POD, Reason.POD_LOST, f"{message} {REMEDIES[Reason.POD_LOST]}")


def _unplaced(pod: Object) -> Trouble | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    words = sentence(steady(_NOISE.sub("", scheduled.get("message") or "no node fits").rstrip(" ,")))
    reason = Reason.UNSCHEDULABLE
    if device := _DEVICE.search(words):
        reason, words = Reason.NO_GPU, f"No node has {device['device']} free: {words}"
    elif _VOLUME.search(words):
        reason = Reason.VOLUME_NOT_BOUND
    return Trouble(POD, reason, f"{words} {REMEDIES[reason]}")


def _broken(pod: Object) -> Trouble | None:
    return next((found for each in statuses(pod) if (found := container_trouble(pod, each))), None)


def _unanswering(pod: Object) -> Trouble | None:
    """The control plane marks the pods of a silent node: only their condition Ready changes."""
    silent = condition(pod, "Ready").get("status") in {"False", "Unknown"} and is_true(pod, "ContainersReady")
    if not silent or (pod.get("spec") or {}).get("readinessGates"):
        return None
    node = (pod.get("spec") or {}).get("nodeName", "of the pod")
    return Trouble(POD, Reason.POD_LOST, f"The node {node} does not answer. {REMEDIES[Reason.POD_LOST]}")


def _starting(pod: Object) -> Trouble:
    """Nothing is wrong: what the pod is doing."""
    component, doing = _doing(pod)
    return Trouble(component, Reason.STARTING, f"{doing} {REMEDIES[Reason.STARTING]}")


def _doing(pod: Object) -> tuple[str, str]:
    if not is_true(pod, "PodScheduled"):
        return POD, "The pod waits for a node."
    if is_fetching(pod):
        return FETCH, "The model is being fetched."
    if gate := _closed_gate(pod):
        return POD, f"The pod's readiness gate {gate} is not met yet."
    triton = next((each for each in main_statuses(pod) if each["name"] == TRITON), {})
    if state(triton, "running"):
        # The startup probe is content when an endpoint opens, which is when everything is loaded.
        loaded = "The model is loaded, and does not report that it is ready."
        return TRITON, loaded if triton.get("started") else "Triton is loading the model."
    return POD, "The pod's volumes and containers are being made."


def _closed_gate(pod: Object) -> str | None:
    gates = [gate["conditionType"] for gate in (pod.get("spec") or {}).get("readinessGates") or []]
    if not is_true(pod, "ContainersReady"):
        return None
    return next((gate for gate in gates if not is_true(pod, gate)), None)
