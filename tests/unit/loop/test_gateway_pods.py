"""What is wrong with a gateway's pods, in words for who looks after a gateway and not after a model."""

from __future__ import annotations

from typing import Any

import pytest

from tritium.api import names
from tritium.core.reasons import Reason
from tritium.core.seen import GatewayAnswer
from tritium.loop.gateway_pods import ADVICE, deployment_trouble, gateway_seen

Object = dict[str, Any]


def pod(*, ready: bool = False, deleted: bool = False, containers: Object | None = None, **status: Any) -> Object:
    """A pod of a gateway; `containers` is the state of each."""
    metadata: Object = {"name": "tritium-gateway-x", "namespace": "ml", "uid": "uid-x"}
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": str(ready)}]
    states = [
        {"name": name, "image": "i", "restartCount": 1, "state": state} for name, state in (containers or {}).items()
    ]
    spec = {"containers": [{"name": "envoy"}], "initContainers": [{"name": "agent", "restartPolicy": "Always"}]}
    return {
        "metadata": metadata,
        "spec": spec,
        "status": {"conditions": conditions, "containerStatuses": states} | status,
    }


def unschedulable(message: str) -> Object:
    return pod(conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}])


def test_a_pod_that_answers() -> None:
    answer = GatewayAnswer(synced=True)
    seen = gateway_seen(pod(ready=True), answer, asked=True)
    assert (seen.name, seen.ready, seen.terminating) == ("tritium-gateway-x", True, False)
    assert (seen.trouble, seen.answer) == (None, answer)


def test_a_pod_that_is_deleted_is_not_ready() -> None:
    seen = gateway_seen(pod(ready=True, deleted=True), None, asked=True)
    assert (seen.ready, seen.terminating, seen.trouble) == (False, True, None)


def test_a_pod_that_was_not_asked_yet_is_being_started() -> None:
    trouble = gateway_seen(pod(ready=True), None, asked=False).trouble
    assert trouble
    assert (trouble.component, trouble.reason) == ("gateway", Reason.STARTING)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            pod(containers={"envoy": {"waiting": {"reason": "ImagePullBackOff", "message": "no such"}}}),
            "ImagePullFailed",
        ),
        (pod(containers={"agent": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}), "OutOfMemory"),
        (pod(containers={"envoy": {"terminated": {"exitCode": 1, "reason": "Error"}}}), "ContainerCrashed"),
        (pod(containers={"envoy": {"waiting": {"reason": "CreateContainerError"}}}), "ContainerConfigInvalid"),
        (unschedulable("0/3 nodes are available: 3 Insufficient cpu."), "Unschedulable"),
        (pod(), "Starting"),
    ],
)
def test_nobody_is_sent_to_the_spec_of_a_model(seen: Object, reason: str) -> None:
    trouble = gateway_seen(seen, None, asked=True).trouble
    assert trouble
    assert (trouble.component, trouble.reason, trouble.pod) == ("gateway", reason, "tritium-gateway-x")
    assert "server." not in trouble.message
    assert not trouble.rejects
    if reason != "Starting":
        assert trouble.message.endswith(ADVICE[reason])


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            'pods "x" is forbidden: exceeded quota: room, requested: pods=1, used: pods=3, limited: pods=3',
            "QuotaExceeded",
        ),
        ('pods "x" is forbidden: failed quota: room: must specify limits.cpu for: envoy', "QuotaExceeded"),
        ('pods "x" is forbidden: violates PodSecurity "restricted:latest": nothing', "PodRefused"),
    ],
)
def test_a_deployment_that_can_make_no_pods(said: str, reason: str) -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "message": said}
    trouble = deployment_trouble({"metadata": {"name": names.GATEWAY}, "status": {"conditions": [failure]}})
    assert trouble
    assert (trouble.component, trouble.reason) == ("gateway", reason)
    assert trouble.message.startswith("No pod can be made: ")
    assert trouble.message.endswith(ADVICE[reason])
    assert "server." not in trouble.message


def test_a_deployment_that_can() -> None:
    assert deployment_trouble({"metadata": {"name": names.GATEWAY}, "status": {}}) is None
