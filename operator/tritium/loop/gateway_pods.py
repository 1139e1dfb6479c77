"""The gateway's own pods and Deployment, read for what a ModelDeployment has to know of them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tritium.core.gateway import GATEWAY
from tritium.core.pod_facts import condition, is_terminating, is_true
from tritium.core.pod_trouble import pod_trouble
from tritium.core.reasons import Reason
from tritium.core.refusals import refusal
from tritium.core.remedies import REMEDIES
from tritium.core.seen import GatewayAnswer, GatewaySeen, Trouble

Object = Mapping[str, Any]

_LOG: Final = "Its log says more: `kubectl logs POD --all-containers`."

ADVICE: Final[Mapping[str, str]] = {
    Reason.IMAGE_PULL: "Correct the chart's value gateway.image, or give the nodes access to its registry.",
    Reason.CONTAINER_CONFIG: "Look at the pod: `kubectl describe pod -l app.kubernetes.io/component=gateway`.",
    Reason.UNSCHEDULABLE: "Add a node or free one, or ask for less with the chart's value gateway.resources.",
    Reason.QUOTA: "Raise the ResourceQuota of the namespace, or ask for less with the chart's values "
    "gateway.resources and gateway.replicas.",
    Reason.POD_REFUSED: "Change the rule of the namespace that refuses the gateway's pods, or what the chart's values "
    "make of them.",
    Reason.OUT_OF_MEMORY: "Raise its limit with the chart's value gateway.resources.",
    Reason.CONTAINER_CRASHED: _LOG,
    Reason.OBJECT_REFUSED: "See what in the namespace forbids it: a policy, a webhook, or a rule that the operator's "
    "ClusterRole lacks.",
    Reason.NAME_TAKEN: "Delete or rename it.",
}
"""What to do about what keeps a gateway from working, where that is not what it would be for a model."""

_FOR_MODELS: Final = re.compile(
    r"(?:Raise the memory limit of the container \S+ in server\.podTemplate|Set that in server\.resources)\.$"
)
"""What is said in the place of a remedy."""

_STARTING: Final = f"The gateway's pods are being started. {REMEDIES[Reason.STARTING]}"


def gateway_seen(pod: Object, answer: GatewayAnswer | None, *, asked: bool) -> GatewaySeen:
    """A pod of the gateway.

    Args:
        pod: as the API server stores it.
        answer: the newest one.
        asked: it has been asked already.
    """
    ready = is_true(pod, "Ready") and not is_terminating(pod)
    trouble = pod_trouble(pod)
    if ready and not asked:
        trouble = Trouble(GATEWAY, Reason.STARTING, _STARTING, pod["metadata"]["name"])
    return GatewaySeen(
        name=pod["metadata"]["name"],
        ready=ready,
        terminating=is_terminating(pod),
        trouble=advised(trouble) if trouble else None,
        answer=answer,
        asked=asked,
    )


def deployment_trouble(deployment: Object) -> Trouble | None:
    """Why the gateway's Deployment cannot make pods."""
    failure = condition(deployment, "ReplicaFailure")
    if failure.get("status") != "True":
        return None
    return advised(refusal("Deployment", failure.get("message") or ""))


def advised(trouble: Trouble) -> Trouble:
    """The same of a gateway: what to do about it is not in the spec of a model.

    >>> pulled = Trouble("envoy", Reason.IMAGE_PULL, f"Not found. {REMEDIES[Reason.IMAGE_PULL]}")
    >>> advised(pulled).message
    "Not found. Correct the chart's value gateway.image, or give the nodes access to its registry."
    """
    reason = trouble.reason
    if reason == Reason.STARTING:
        return replace(trouble, component=GATEWAY, message=_STARTING)
    if reason not in ADVICE:
        return replace(trouble, component=GATEWAY, rejects=False)
    words = _FOR_MODELS.sub("", trouble.message.removesuffix(REMEDIES[Reason(reason)])).rstrip()
    return replace(trouble, component=GATEWAY, message=f"{words} {ADVICE[reason]}", rejects=False)
