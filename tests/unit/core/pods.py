"""Pods with statuses as a kubelet writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.controlplane.behaviour import Behaviour
from tests.controlplane.podstatus import pod_status
from tritium.api.fetch import FetchFailure, FetchReason, FetchResult

Object = dict[str, Any]

START = datetime(2026, 1, 1, tzinfo=UTC)
FOUND = FetchResult(fingerprint="sha256:aa", files=2, bytes=10, digest="sha256:bb")


def failed(reason: FetchReason) -> str:
    return FetchResult(failure=FetchFailure(reason=reason, message="it is so")).model_dump_json(by_alias=True)


def model_pod(*containers: Object) -> Object:
    return {
        "metadata": {
            "name": "fraud-0a1b2c3d-7f8b9c-xk2lp",
            "uid": "pod-1",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"serving.tritium.dev/revision": "0a1b2c3d"},
        },
        "spec": {
            "nodeName": "node-a",
            "initContainers": [{"name": "fetch", "image": "tritium"}],
            "containers": [
                {"name": "triton", "image": "triton:26.07", "resources": {"limits": {"memory": "2Gi"}}},
                *containers,
            ],
        },
    }


def resolve_pod() -> Object:
    pod = model_pod()
    pod["metadata"] |= {"ownerReferences": [{"uid": "job-1"}]}
    pod["spec"] = {"restartPolicy": "Never", "containers": [{"name": "resolve", "image": "tritium"}]}
    return pod


def behaving(behaviour: Behaviour, pod: Object | None = None, seconds: float = 60) -> Object:
    pod = pod or model_pod()
    now = START + timedelta(seconds=seconds)
    return pod | {"status": pod_status(pod, behaviour, START, now, ip="10.0.0.7", host_ip="192.0.2.1")}
