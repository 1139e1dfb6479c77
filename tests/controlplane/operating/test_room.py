"""No room for the pods: quotas and limits of the namespace, nodes, GPUs, volumes. What serves goes on serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.behaviour import NeverReady
from tests.controlplane.operating.harness import SERVES, Models, Operator, condition
from tests.controlplane.operating.looking import (
    DEPLOYMENTS,
    PODS,
    is_told,
    pods_of,
    reached,
    told,
)
from tests.controlplane.scheduling import Node
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from tests.controlplane.api import Api, Object
    from tests.controlplane.kubelet import Kubelet

QUOTAS = "v1/resourcequotas"


async def test_a_quota_that_refuses_the_next_version(operator: Operator, models: Models) -> None:
    await models.apply()
    await models.settled(revision=1)
    before = await reached(models)
    await _quota(
        models, "requests.memory", "1312Mi"
    )  # 513Mi and the gateway's 512Mi are taken, and the listing wants 128Mi
    await models.apply(uri="s3://models/fraud/2")
    status = await models.until("the Deployment gets no pod", Released="RollingOut", phase="Blocked")
    assert condition(status, "ModelLoaded")["reason"] == "QuotaExceeded"
    assert (status["lastFailure"]["component"], status["lastFailure"]["reason"]) == ("Deployment", "QuotaExceeded")
    assert "exceeded quota: room, requested: requests.memory=" in status["lastFailure"]["message"]
    await is_told(models, "QuotaExceeded")
    assert await reached(models) == before
    assert condition(status, "Ready")["status"] == "True"
    await _quota(models, "requests.memory", "64Gi")
    await models.settled(revision=2)


async def test_a_quota_that_refuses_the_listing(operator: Operator, models: Models) -> None:
    """No pod exists, and the Job's status says nothing: only its Events do."""
    await _quota(models, "pods", "0")
    await models.apply()
    status = await models.until("the Job gets no pod", Ready="QuotaExceeded", Released="ResolveFailed")
    assert condition(status, "SourceReady")["reason"] == "QuotaExceeded"
    assert (status["lastFailure"]["component"], status["lastFailure"]["reason"]) == ("Job", "QuotaExceeded")
    assert "limited: pods=0" in status["lastFailure"]["message"]
    await is_told(models, "QuotaExceeded")
    await _quota(models, "pods", "20")
    await models.settled(revision=1, timeout=45)
    assert len([1 for _, reason, _ in await told(models) if reason == "QuotaExceeded"]) == 1


@pytest.mark.parametrize(
    ("most", "message"),
    [("200Mi", "maximum memory usage per Container is 200Mi"), ("300Mi", "maximum memory usage per Container")],
    ids=["the listing", "the fetch"],
)
async def test_a_limit_range_below_what_is_needed(operator: Operator, models: Models, most: str, message: str) -> None:
    await models.apply()
    await models.settled(revision=1)
    before = await reached(models)
    limit = {"type": "Container", "max": {"memory": most}}
    metadata = {"name": "small", "namespace": models.namespace}
    await models.api.create(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [limit]}}
    )
    await models.apply(uri="s3://models/fraud/2")
    status = await models.until("it waits", phase="Blocked", timeout=20)
    assert status["lastFailure"]["reason"] == "PodRefused"
    assert message in status["lastFailure"]["message"]
    kind, shown_by = ("Job", "SourceReady") if most == "200Mi" else ("Deployment", "ModelLoaded")
    assert status["lastFailure"]["component"] == kind
    assert condition(status, shown_by)["reason"] == "PodRefused"
    await is_told(models, "PodRefused")
    assert await reached(models) == before
    assert condition(status, "Ready")["status"] == "True"
    await models.api.delete("v1/limitranges", "small", models.namespace)
    await models.settled(revision=2, timeout=45)


async def test_no_node_fits(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    server = {"nodeSelector": {"disk": "fast"}}
    await models.apply("first", server=server)
    await models.apply("next")
    await models.settled("next", revision=1)
    before = await reached(models, "next")
    await models.apply("next", server=server)
    status = await models.until("it waits", "next", phase="Blocked", ModelLoaded="Unschedulable")
    assert "didn't match Pod's node affinity/selector" in condition(status, "Released")["message"]
    assert (status["lastFailure"]["component"], status["lastFailure"]["reason"]) == ("pod", "Unschedulable")
    assert await reached(models, "next") == before
    await models.until("it waits", "first", phase="Initial", Ready="Unschedulable")
    await is_told(models, "Unschedulable", "first")
    await is_told(models, "Unschedulable", "next")
    await kubelet.add_node(Node("fast", labels={"disk": "fast"}))
    await models.settled("first", revision=1)
    await models.settled("next", revision=2)


async def test_a_volume_that_is_not_bound(operator: Operator, models: Models) -> None:
    """The claim is missing, then it is pending, then the controller manager finds a volume for it."""
    claim = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    await models.apply()
    await models.settled(revision=1)
    before = await reached(models)
    await models.apply(server={"podTemplate": {"spec": {"volumes": [claim]}}})
    status = await models.until("there is no claim", phase="Blocked", ModelLoaded="VolumeNotBound")
    assert 'persistentvolumeclaim "data" not found' in status["lastFailure"]["message"]
    await is_told(models, "VolumeNotBound")
    space = {"storage": "1Mi"}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": models.namespace}
    await _create(
        models, "PersistentVolumeClaim", "data", {**common, "resources": {"requests": space}}, models.namespace
    )

    def unbound(status: Object) -> bool:
        return "unbound immediate PersistentVolumeClaims" in status["lastFailure"]["message"]

    status = await wait_for(models.status, 30, "the claim is pending", until=unbound)
    assert condition(status, "ModelLoaded")["reason"] == status["lastFailure"]["reason"] == "VolumeNotBound"
    assert condition(status, "Ready")["status"] == "True"
    assert await reached(models) == before
    volume = {**common, "capacity": space, "hostPath": {"path": "/nowhere"}, "persistentVolumeReclaimPolicy": "Retain"}
    await _create(models, "PersistentVolume", f"data-{models.namespace}", volume)
    await models.settled(revision=2, timeout=45)


GPU = {"gpu": {"count": 1}}


async def test_pods_ask_for_gpus_as_written(operator: Operator, models: Models, kubelet: Kubelet, api: Api) -> None:
    runtime = f"nvidia-{models.namespace}"
    cls = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": runtime}, "handler": "nvidia"}
    await api.create(cls)
    taint = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    server = {
        "gpu": {"count": 2, "resourceName": "nvidia.com/mig-1g.10gb"},
        "nodeSelector": {"gpu": "h100"},
        "tolerations": [taint],
        "runtimeClassName": runtime,
    }
    await kubelet.add_node(Node("gpu", {"nvidia.com/mig-1g.10gb": 2}, {"gpu": "h100"}))
    await models.apply(server=server)
    await models.settled(revision=1)
    (pod,) = await models.api.list(PODS, models.namespace, labelSelector=_labels(SERVES))
    (triton,) = pod["spec"]["containers"]
    amount = {"nvidia.com/mig-1g.10gb": "2"}
    assert amount.items() <= triton["resources"]["limits"].items()
    assert amount.items() <= triton["resources"]["requests"].items()
    assert not any("nvidia.com" in str(each["resources"]) for each in pod["spec"]["initContainers"])
    assert pod["spec"]["nodeSelector"] == {"gpu": "h100"}
    assert taint in pod["spec"]["tolerations"]
    assert pod["spec"]["runtimeClassName"] == runtime
    assert pod["spec"]["nodeName"].endswith("-gpu")
    await api.delete("node.k8s.io/v1/runtimeclasses", runtime)


async def test_two_gpus_have_room_for_two_versions(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    """And for a third the second's predecessor, which only bakes, gives its GPU up."""
    await kubelet.add_node(Node("gpu", {"nvidia.com/gpu": 2}))
    await models.apply(server=GPU)
    await models.settled(revision=1)
    await models.apply(uri="s3://models/fraud/2", server=GPU)
    await models.settled(revision=2)
    before = await reached(models)
    assert await _replicas(models) == {1: 1, 2: 1}
    await models.apply(uri="s3://models/fraud/3", server=GPU)
    status = await models.settled(revision=3)
    assert await _replicas(models) == {1: 0, 2: 1, 3: 1}
    assert (await reached(models)).pods.keys().isdisjoint(before.pods)
    assert "lastFailure" not in status, "its pod found no GPU for a while, and that is over"


async def test_the_only_gpu_stays_with_what_serves(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    await kubelet.add_node(Node("gpu", {"nvidia.com/gpu": 1}))
    await models.apply(server=GPU)
    await models.settled(revision=1)
    before = await reached(models)
    await models.apply(uri="s3://models/fraud/2", server=GPU)
    status = await models.until("it waits", phase="Blocked", ModelLoaded="InsufficientGPU", Released="RollingOut")
    assert (status["lastFailure"]["component"], status["lastFailure"]["reason"]) == ("pod", "InsufficientGPU")
    assert "No node has nvidia.com/gpu free" in condition(status, "Released")["message"]
    assert condition(status, "Ready")["status"] == "True"
    await is_told(models, "InsufficientGPU")
    assert await reached(models) == before
    await kubelet.add_node(Node("another-gpu", {"nvidia.com/gpu": 1}))
    await models.settled(revision=2)


async def test_a_serving_pod_that_lost_its_gpu_comes_first(
    operator: Operator, models: Models, kubelet: Kubelet
) -> None:
    """The node has one GPU. The serving pod is replaced, and the candidate's, which is not ready, gives way."""
    await kubelet.add_node(Node("gpu", {"nvidia.com/gpu": 1}))
    kubelet.rule(pods_of("fraud", "fraud/2"), NeverReady())
    await models.apply(server=GPU)
    await models.settled(revision=1)
    await models.apply(uri="s3://models/fraud/2", server=GPU)
    await models.until("it waits", phase="Blocked", ModelLoaded="InsufficientGPU")
    (pod,) = (await reached(models)).pods
    (serving,) = [each for each in await models.api.list(PODS, models.namespace) if each["metadata"]["uid"] == pod]
    await models.api.delete(PODS, serving["metadata"]["name"], models.namespace)

    async def served_again() -> bool:
        pods = (await reached(models)).pods
        return bool(pods) and pod not in pods

    await wait_for(served_again, 30, "revision 1 has its GPU back")
    assert (await models.status())["stable"]["revision"] == 1


async def _quota(models: Models, resource: str, amount: str) -> None:
    """Have that quota, known to the admission of the API server and counted by the controller manager."""
    metadata = {"name": "room", "namespace": models.namespace}
    spec = {"hard": {resource: amount}}
    await models.api.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec})

    async def counted() -> bool:
        quota = await models.api.get(QUOTAS, "room", models.namespace)
        return bool(quota.get("status", {}).get("hard") == spec["hard"])

    await wait_for(counted, 20, "the quota is counted")


async def _create(models: Models, kind: str, name: str, spec: Object, namespace: str | None = None) -> None:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    await models.api.create({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec})


async def _replicas(models: Models) -> dict[int, int]:
    """By the revision's number."""
    names = {each["name"]: each["revision"] for each in (await models.status())["revisions"]}
    deployments = await models.children(DEPLOYMENTS)
    return {names[each["metadata"]["name"]]: each["spec"]["replicas"] for each in deployments}


def _labels(wanted: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in wanted.items())
