"""The ring does what a real cluster does: controllers, admission, authorization, server-side apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controlplane.api import Api, ApiError, Object
from tests.controlplane.behaviour import Succeeded
from tests.controlplane.crd import install_crd
from tests.controlplane.manifests import (
    config_map,
    custom_resource_definition,
    deployment,
    job,
    pod,
    pod_spec,
    service,
)
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.ring import ControlPlane

DEPLOYMENTS = "apps/v1/deployments"
SLICES = "discovery.k8s.io/v1/endpointslices"


async def conditions(api: Api, resource: str, name: str, namespace: str) -> dict[str, Object]:
    """The conditions of an object by type."""
    status = (await api.get(resource, name, namespace)).get("status", {})
    return {each["type"]: each for each in status.get("conditions", [])}


async def ready_addresses(api: Api, name: str, namespace: str) -> set[str]:
    """Addresses to which a Service would send a request."""
    slices = await api.list(SLICES, namespace, labelSelector=f"kubernetes.io/service-name={name}")
    endpoints = [endpoint for each in slices for endpoint in each["endpoints"] or []]
    return {each["addresses"][0] for each in endpoints if each["conditions"]["ready"]}


async def pod_addresses(api: Api, namespace: str) -> set[str]:
    """Addresses of all pods that are not being deleted."""
    pods = await api.list("v1/pods", namespace)
    alive = [each for each in pods if "deletionTimestamp" not in each["metadata"]]
    return {each["status"].get("podIP", "") for each in alive}


@pytest.mark.usefixtures("kubelet")
async def test_a_deployment_becomes_available_and_its_service_follows_its_pods(api: Api, namespace: str) -> None:
    await api.create(service("web"), namespace)
    await api.create(deployment("web", 3), namespace)
    available = await wait_for(
        lambda: conditions(api, DEPLOYMENTS, "web", namespace),
        15,
        "Deployment available",
        until=lambda seen: seen.get("Available", {}).get("status") == "True",
    )
    assert available["Available"]["reason"] == "MinimumReplicasAvailable"
    three = await pod_addresses(api, namespace)
    assert len(three) == 3
    await wait_for(
        lambda: ready_addresses(api, "web", namespace),
        10,
        "the pods as endpoints",
        until=lambda seen: seen == three,
    )

    await api.patch(DEPLOYMENTS, "web", namespace, {"spec": {"replicas": 1}})
    left = await wait_for(
        lambda: ready_addresses(api, "web", namespace),
        10,
        "one endpoint",
        until=lambda seen: len(seen) == 1,
    )
    assert left < three
    await wait_for(lambda: api.list("v1/pods", namespace), 10, "one pod", until=lambda seen: len(seen) == 1)
    assert await pod_addresses(api, namespace) == left


async def test_what_an_object_owned_is_collected_with_it(api: Api, namespace: str) -> None:
    owner = await api.create(config_map("owner"), namespace)
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
    }
    await api.create(config_map("owned", ownerReferences=[reference]), namespace)
    await api.create(config_map("free"), namespace)
    await api.delete("v1/configmaps", "owner", namespace)
    await wait_for(
        lambda: api.find("v1/configmaps", "owned", namespace),
        15,
        "the owned object gone",
        until=lambda seen: seen is None,
    )
    assert await api.find("v1/configmaps", "free", namespace)


async def test_what_a_custom_resource_owned_is_collected_with_it(
    control_plane: ControlPlane, api: Api, namespace: str
) -> None:
    await install_crd(control_plane, custom_resource_definition("ring.test", "widgets", "Widget"), collected=True)
    widget = {"apiVersion": "ring.test/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"a": 1}}
    owner = await api.create(widget, namespace)
    reference = {
        "apiVersion": "ring.test/v1",
        "kind": "Widget",
        "name": "w",
        "uid": owner["metadata"]["uid"],
    }
    await api.create(config_map("owned", ownerReferences=[reference]), namespace)
    await api.delete("ring.test/v1/widgets", "w", namespace)
    await wait_for(
        lambda: api.find("v1/configmaps", "owned", namespace),
        20,
        "the owned object gone",
        until=lambda seen: seen is None,
    )


async def test_a_job_completes_with_its_termination_message(api: Api, namespace: str, kubelet: Kubelet) -> None:
    kubelet.rule({"app": "warm"}, Succeeded(message='{"warm": true}'))
    await api.create(job("warm"), namespace)
    await wait_for(
        lambda: conditions(api, "batch/v1/jobs", "warm", namespace),
        15,
        "Job complete",
        until=lambda seen: seen.get("Complete", {}).get("status") == "True",
    )
    (only,) = await api.list("v1/pods", namespace)
    assert only["status"]["phase"] == "Succeeded"
    ended = only["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["message"]) == (0, '{"warm": true}')


@pytest.mark.usefixtures("kubelet")
async def test_an_autoscaler_reads_the_scale_of_its_target(api: Api, namespace: str) -> None:
    await api.create(deployment("web", 1, pod_spec(resources={"requests": {"cpu": "1"}})), namespace)
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2,
            "maxReplicas": 3,
        },
    }
    await api.create(scaler, namespace)
    # Below minReplicas it acts without any metric.
    await wait_for(lambda: api.list("v1/pods", namespace), 15, "a second pod", until=lambda seen: len(seen) == 2)
    seen = await conditions(api, "autoscaling/v2/horizontalpodautoscalers", "web", namespace)
    assert seen["AbleToScale"]["status"] == "True"


async def test_a_quota_refuses_what_is_too_much(api: Api, namespace: str) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "two"},
        "spec": {"hard": {"count/configmaps": "2"}},
    }
    await wait_for(
        lambda: api.find("v1/configmaps", "kube-root-ca.crt", namespace), 10, "the namespace's first ConfigMap"
    )
    await api.create(quota, namespace)
    await wait_for(
        lambda: api.get("v1/resourcequotas", "two", namespace),
        10,
        "quota counted",
        until=lambda seen: seen["status"].get("used") == {"count/configmaps": "1"},
    )
    await api.create(config_map("second"), namespace)
    with pytest.raises(ApiError, match="exceeded quota: two") as refused:
        await api.create(config_map("third"), namespace)
    assert refused.value.status == 403


@pytest.mark.usefixtures("kubelet")
async def test_a_quota_stops_a_deployment_and_says_so(api: Api, namespace: str) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "gpus"},
        "spec": {"hard": {"requests.nvidia.com/gpu": "0"}},
    }
    await api.create(quota, namespace)
    await wait_for(
        lambda: api.get("v1/resourcequotas", "gpus", namespace),
        10,
        "quota counted",
        until=lambda seen: "used" in seen["status"],
    )
    gpu = pod_spec(resources={"limits": {"nvidia.com/gpu": "1"}})
    await api.create(deployment("big", 1, gpu), namespace)
    seen = await wait_for(
        lambda: conditions(api, DEPLOYMENTS, "big", namespace),
        10,
        "ReplicaFailure",
        until=lambda seen: "ReplicaFailure" in seen,
    )
    assert "exceeded quota: gpus" in seen["ReplicaFailure"]["message"]


async def test_pod_security_refuses_a_pod_that_is_not_restricted(api: Api, namespace: str) -> None:
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    await api.patch("v1/namespaces", namespace, None, {"metadata": {"labels": label}})
    with pytest.raises(ApiError, match='violates PodSecurity "restricted:latest"') as refused:
        await api.create(pod("bad"), namespace)
    assert refused.value.status == 403
    good = pod_spec(
        securityContext={"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    )
    good["containers"][0]["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    created = await api.create(pod("good", good), namespace)
    assert created["spec"]["serviceAccountName"] == "default"  # ServiceAccount admission is on too


async def test_two_managers_of_a_field_conflict(api: Api, namespace: str) -> None:
    await api.apply(config_map("shared", {"a": "1"}), namespace, manager="first")
    with pytest.raises(ApiError) as refused:
        await api.apply(config_map("shared", {"a": "2"}), namespace, manager="second")
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    assert refused.value.body["details"]["causes"][0]["field"] == ".data.a"
    forced = await api.apply(config_map("shared", {"a": "2"}), namespace, manager="second", force=True)
    assert forced["data"] == {"a": "2"}
    again = await api.apply(config_map("shared", {"a": "2"}), namespace, manager="second")
    assert again["metadata"]["resourceVersion"] == forced["metadata"]["resourceVersion"]


async def test_a_stale_write_and_a_stale_delete_are_refused(api: Api, namespace: str) -> None:
    old = await api.create(config_map("a", {"n": "1"}), namespace)
    new = await api.update(old | {"data": {"n": "2"}})
    with pytest.raises(ApiError) as refused:
        await api.update(old | {"data": {"n": "3"}})
    assert refused.value.status == 409
    with pytest.raises(ApiError) as refused:
        await api.delete("v1/configmaps", "a", namespace, preconditions={"uid": "00000000-0000-0000-0000-000000000000"})
    assert refused.value.status == 409
    await api.delete("v1/configmaps", "a", namespace, preconditions={"uid": new["metadata"]["uid"]})
    assert await api.find("v1/configmaps", "a", namespace) is None


async def test_a_service_account_may_do_what_its_role_says_and_no_more(api: Api, namespace: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}}
    await api.create(account, namespace)
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}
    async with Api(await api.token(namespace, "reader")) as reader:
        await rights_come_with_a_role(api, reader, subject, namespace)
        with pytest.raises(ApiError) as refused:
            await reader.create(config_map("a"), namespace)
    assert f'User "system:serviceaccount:{namespace}:reader" cannot create' in refused.value.message


async def test_a_person_has_no_rights_but_those_of_a_role(
    control_plane: ControlPlane, api: Api, namespace: str
) -> None:
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}
    async with Api(control_plane.user("alice")) as alice:
        await rights_come_with_a_role(api, alice, subject, namespace)


async def rights_come_with_a_role(api: Api, other: Api, subject: Object, namespace: str) -> None:
    """Refused before, allowed after a role with `list` on ConfigMaps is bound."""
    with pytest.raises(ApiError) as refused:
        await other.list("v1/configmaps", namespace)
    assert refused.value.status == 403
    rbac = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": "read"}, "rules": rules}
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "read"},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "read"},
        "subjects": [subject],
    }
    await api.create(role, namespace)
    await api.create(binding, namespace)

    async def answer() -> int:
        try:
            await other.list("v1/configmaps", namespace)
        except ApiError as error:
            return error.status
        return 200

    await wait_for(answer, 5, "the role to count", until=lambda seen: seen == 200)


async def test_kubectl_works(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("-n", namespace, "create", "configmap", "by-hand", "--from-literal=a=1")
    assert control_plane.kubectl("-n", namespace, "get", "cm", "by-hand", "-ojsonpath={.data.a}").stdout == "1"
    with pytest.raises(AssertionError, match="NotFound"):
        control_plane.kubectl("-n", namespace, "get", "cm", "nobody")
