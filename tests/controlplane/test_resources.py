"""The objects that the operator makes, before a real API server: admitted as they are, and stored as wanted."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.controlplane.api import Api, ApiError
from tests.controlplane.crd import install_crd
from tests.unit.resources.golden import NAMES, case, objects
from tritium.api import names
from tritium.api.crd import custom_resource_definition
from tritium.core.drift import covers
from tritium.core.seen import RevisionSeen
from tritium.resources.controller_revision import read_controller_revision
from tritium.resources.deployment import deployment
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.controlplane.ring import ControlPlane

Object = dict[str, Any]

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The ring with the CRD, and with the RuntimeClass of the samples: without it no pod is taken that names one."""
    asyncio.run(install_crd(control_plane, custom_resource_definition()))
    return control_plane


@pytest_asyncio.fixture
async def strict(api: Api) -> AsyncIterator[str]:
    """A namespace under the standard `restricted`, with the ServiceAccount and the RuntimeClass of the samples."""
    runtime = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nvidia"}}
    await api.apply(runtime | {"handler": "nvidia"}, force=True)
    name = f"t-{secrets.token_hex(4)}"
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    for account in ("default", "model-reader"):
        await api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}, name)
    yield name
    await api.delete("v1/namespaces", name)


async def owner_in(api: Api, namespace: str, model: Object) -> Owner:
    """The ModelDeployment on the server: without it the garbage collector would take what names it as its owner."""
    head = {"apiVersion": names.API_VERSION, "kind": names.KIND}
    return Owner.of(await api.create(model | head, namespace, fieldValidation="Strict"))


async def apply(api: Api, obj: Object) -> Object:
    return await api.apply(obj, manager=names.FIELD_MANAGER)


def pod_of(workload: Object) -> Object:
    """A pod from the template of a Deployment or a Job: only pods are refused by the standard."""
    template = workload["spec"]["template"]
    metadata = template["metadata"] | {
        "name": workload["metadata"]["name"],
        "namespace": workload["metadata"]["namespace"],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", NAMES)
async def test_every_object_is_admitted_and_a_second_apply_changes_nothing(name: str, api: Api, strict: str) -> None:
    model = case(name)
    owner = await owner_in(api, strict, model)
    for wanted in objects(owner, model["spec"]):
        first = await apply(api, wanted)
        assert covers(wanted, first), wanted["kind"]
        # A Job's status may be written meanwhile, and with it its version; what is applied has a generation.
        second = await apply(api, wanted)
        assert covers(wanted, second), wanted["kind"]
        assert applied_at(second) == applied_at(first), wanted["kind"]
        assert second["metadata"].get("generation") == first["metadata"].get("generation")


def applied_at(obj: Object) -> list[Object]:
    """What the server noted of the operator's own apply: fields, and when they last changed."""
    return [entry for entry in obj["metadata"]["managedFields"] if entry["manager"] == names.FIELD_MANAGER]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", NAMES)
async def test_the_pods_are_admitted_under_the_standard_restricted(name: str, api: Api, strict: str) -> None:
    model = case(name)
    owner = await owner_in(api, strict, model)
    for workload in objects(owner, model["spec"]):
        if workload["kind"] in {"Deployment", "Job"}:
            pod = pod_of(workload)
            await api.create(pod, fieldValidation="Strict")
            careless = pod | {"spec": pod["spec"] | {"securityContext": {}}}
            careless["metadata"] = pod["metadata"] | {"name": "careless"}
            with pytest.raises(ApiError, match="violates PodSecurity"):
                await api.create(careless)


@pytest.mark.usefixtures("installed")
async def test_a_revision_comes_back_as_it_was_written_and_nobody_can_change_it(api: Api, strict: str) -> None:
    model = case("pod-template")
    owner = await owner_in(api, strict, model)
    built = {each["kind"]: each for each in objects(owner, model["spec"])}
    wanted = built["ControllerRevision"]
    stored = await apply(api, wanted)
    revision = read_controller_revision(stored)
    assert isinstance(revision, RevisionSeen)
    assert (revision.number, revision.template) == (1, wanted["data"]["template"])
    # The Deployment made from what is read is the one that was made at first.
    again = deployment(owner, hash=revision.hash, replicas=1, template=revision.template)
    assert again == built["Deployment"]
    with pytest.raises(ApiError, match="immutable"):
        await apply(api, wanted | {"data": wanted["data"] | {"bytes": 1}})


@pytest.mark.usefixtures("installed")
async def test_the_facts_of_a_revision_cannot_be_changed(api: Api, strict: str) -> None:
    model = case("short")
    owner = await owner_in(api, strict, model)
    facts = next(each for each in objects(owner, model["spec"]) if each["kind"] == "ConfigMap")
    await apply(api, facts)
    with pytest.raises(ApiError, match="immutable"):
        await apply(api, facts | {"data": {"digest": "sha256:" + "0" * 64}})


@pytest.mark.usefixtures("installed")
async def test_what_somebody_else_changes_is_drift_and_an_apply_mends_it(api: Api, strict: str) -> None:
    model = case("short")
    owner = await owner_in(api, strict, model)
    wanted = next(each for each in objects(owner, model["spec"]) if each["kind"] == "Deployment")
    name = wanted["metadata"]["name"]
    await apply(api, wanted)
    scaled = await api.patch("apps/v1/deployments", name, strict, {"spec": {"replicas": 5}})
    assert not covers(wanted, scaled)
    sidecar = {"name": "sidecar", "image": "example.invalid/sidecar:1"}
    foreign: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": strict, "annotations": {"team": "risk"}},
        "spec": {"template": {"spec": {"containers": [sidecar]}}},
    }
    await api.apply(foreign, manager="somebody")
    mended = await api.apply(wanted, manager=names.FIELD_MANAGER, force=True)
    assert covers(wanted, mended)
    assert mended["metadata"]["annotations"]["team"] == "risk"
    assert "sidecar" in [each["name"] for each in mended["spec"]["template"]["spec"]["containers"]]


@pytest.mark.usefixtures("installed")
async def test_a_member_that_is_wanted_no_longer_is_seen_and_goes_away(api: Api, strict: str) -> None:
    model = case("short")
    owner = await owner_in(api, strict, model)
    wanted = next(each for each in objects(owner, model["spec"]) if each["kind"] == "Service")
    more = sealed(wanted | {"spec": wanted["spec"] | {"sessionAffinity": "ClientIP"}})
    stored = await apply(api, more)
    assert not covers(wanted, stored)
    assert (await apply(api, wanted))["spec"]["sessionAffinity"] == "None"


FREE_FORM: Object = {
    "env": [
        {"name": "EMPTY", "value": ""},
        {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0.001"}}},
    ],
    "affinity": {"nodeAffinity": {}},
    "resources": {"requests": {"cpu": "0.5", "memory": "1.5Gi"}, "limits": {"memory": "2e9", "example.com/npu": 1}},
    "shmSize": 1073741824,
    "podTemplate": {
        "metadata": {"labels": {"empty": ""}, "annotations": {}},
        "spec": {
            "hostNetwork": False,
            "dnsPolicy": "",
            "restartPolicy": "",
            "schedulerName": "",
            "tolerations": [{"key": "a", "operator": "Exists", "effect": "", "tolerationSeconds": None}],
            "nodeSelector": {},
            "securityContext": {"supplementalGroups": []},
            "initContainers": [{"name": "fetch", "resources": {"limits": {"cpu": "0.25"}}}],
            "containers": [
                {
                    "name": "triton",
                    "stdin": False,
                    "imagePullPolicy": "",
                    "terminationMessagePath": "",
                    "terminationMessagePolicy": "",
                    "startupProbe": {
                        "initialDelaySeconds": 0,
                        "timeoutSeconds": 0,
                        "periodSeconds": 0,
                        "successThreshold": 0,
                        "failureThreshold": 0,
                        "httpGet": {"port": 8000, "scheme": "", "path": ""},
                    },
                    "ports": [{"containerPort": 8000, "hostPort": 0}, {"containerPort": 9000, "protocol": "UDP"}],
                    "volumeMounts": [{"mountPath": "/data", "name": "data", "readOnly": False, "subPath": ""}],
                }
            ],
            "volumes": [{"name": "data", "emptyDir": {"medium": "", "sizeLimit": "0.5Gi"}}],
        },
    },
}
"""Much of what a server writes in other words, or leaves out, because it is empty, zero or false."""


@pytest.mark.usefixtures("installed")
async def test_what_a_server_writes_in_other_words_is_no_drift(api: Api, strict: str) -> None:
    spec = {"model": {"source": {"uri": "s3://models/fraud/7"}}, "server": FREE_FORM}
    owner = await owner_in(api, strict, {"metadata": {"name": "fraud"}, "spec": spec})
    for wanted in objects(owner, spec):
        assert covers(wanted, await apply(api, wanted)), wanted["kind"]
