"""The gateway's objects before a real API server: they are admitted, go with the last model, take no further rights."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import yaml

from tests.controlplane.api import Api, ApiError
from tests.controlplane.crd import install_crd
from tests.controlplane.waiting import wait_for
from tests.unit.resources.golden import case, gateway, gateway_anchor
from tritium.api import names
from tritium.api.crd import custom_resource_definition
from tritium.core.drift import covers
from tritium.resources.gateway.anchor import read_ports
from tritium.resources.owner import Owner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.controlplane.ring import ControlPlane

Object = dict[str, Any]

INSTALL = Path(__file__).parents[2] / "manifests" / "install.yaml"
RBAC = "rbac.authorization.k8s.io/v1"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
MDEP = f"{names.API_VERSION}/{names.PLURAL}"
RESOURCES = {
    "ConfigMap": "v1/configmaps",
    "ServiceAccount": "v1/serviceaccounts",
    "Service": "v1/services",
    "RoleBinding": f"{RBAC}/rolebindings",
    "NetworkPolicy": "networking.k8s.io/v1/networkpolicies",
    "PodDisruptionBudget": "policy/v1/poddisruptionbudgets",
    "Deployment": "apps/v1/deployments",
}


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The ring with the CRD, of which the garbage collector knows."""
    asyncio.run(install_crd(control_plane, custom_resource_definition(), collected=True))
    return control_plane


@pytest_asyncio.fixture
async def strict(api: Api, installed: ControlPlane) -> AsyncIterator[str]:
    """A namespace under the standard `restricted`."""
    name = f"t-{secrets.token_hex(4)}"
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    yield name
    await api.delete("v1/namespaces", name)


async def model_in(api: Api, namespace: str, name: str) -> Owner:
    """A ModelDeployment on the server."""
    model = case("short") | {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": {"name": name}}
    return Owner.of(await api.create(model, namespace))


async def apply(api: Api, obj: Object) -> Object:
    return await api.apply(obj, manager=names.FIELD_MANAGER)


async def made(api: Api, *owners: Owner) -> list[Object]:
    """The anchor and all the rest, as the server stores them."""
    stored = await apply(api, gateway_anchor(*owners))
    namespace, uid = stored["metadata"]["namespace"], stored["metadata"]["uid"]
    return [stored, *[await apply(api, each) for each in gateway(uid, namespace)]]


async def test_every_object_is_admitted_and_a_second_apply_changes_nothing(api: Api, strict: str) -> None:
    owners = [await model_in(api, strict, name) for name in ("fraud", "churn")]
    first = await made(api, *owners)
    uid = first[0]["metadata"]["uid"]
    wanted = [gateway_anchor(*owners), *gateway(uid, strict)]
    for each, stored in zip(wanted, first, strict=True):
        assert covers(each, stored), each["kind"]
        again = await apply(api, each)
        assert again["metadata"].get("generation") == stored["metadata"].get("generation"), each["kind"]
        assert ours(again) == ours(stored), each["kind"]
    assert set(read_ports(first[0]).given) == {"fraud", "churn"}


def ours(obj: Object) -> list[Object]:
    """What the server noted of our own apply: fields, and when they last changed."""
    return [entry for entry in obj["metadata"]["managedFields"] if entry["manager"] == names.FIELD_MANAGER]


async def test_the_pods_are_admitted_under_the_standard_restricted(api: Api, strict: str) -> None:
    built = await made(api, await model_in(api, strict, "fraud"))
    template = next(each for each in built if each["kind"] == "Deployment")["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one", "namespace": strict},
        "spec": template["spec"],
    }
    await api.create(pod, fieldValidation="Strict")
    careless = pod | {"metadata": {"name": "careless", "namespace": strict}}
    careless["spec"] = template["spec"] | {"securityContext": {}}
    with pytest.raises(ApiError, match="violates PodSecurity"):
        await api.create(careless)


async def test_all_of_it_goes_with_the_last_model_and_not_before(api: Api, strict: str) -> None:
    first, second = [await model_in(api, strict, name) for name in ("fraud", "churn")]
    built = await made(api, first, second)
    await api.delete(MDEP, "fraud", strict)

    async def owners() -> list[str]:
        anchor = await api.get("v1/configmaps", names.GATEWAY, strict)
        return [each["name"] for each in anchor["metadata"]["ownerReferences"]]

    await wait_for(owners, 30, "the owner that is gone is taken off", until=lambda left: left == ["churn"])
    assert await left_of(api, strict, built) == sorted(identities(built))
    await api.delete(MDEP, "churn", strict)
    await wait_for(lambda: left_of(api, strict, built), 30, "all is collected", until=lambda left: not left)


def identities(objects: list[Object]) -> list[tuple[str, str]]:
    return [(each["kind"], each["metadata"]["name"]) for each in objects]


async def left_of(api: Api, namespace: str, objects: list[Object]) -> list[tuple[str, str]]:
    """Which of these are still there."""
    found = [(kind, name, await api.find(RESOURCES[kind], name, namespace)) for kind, name in identities(objects)]
    return sorted((kind, name) for kind, name, obj in found if obj)


def role(name: str) -> Object:
    """A ClusterRole of the chart."""
    documents = yaml.safe_load_all(INSTALL.read_text())
    return next(
        each for each in documents if each and each["kind"] == "ClusterRole" and each["metadata"]["name"] == name
    )


@pytest_asyncio.fixture
async def operator(api: Api, installed: ControlPlane, strict: str) -> AsyncIterator[Api]:
    """A client with the rights that the chart gives to the operator, and no others."""
    await api.apply(role(names.GATEWAY), force=True)
    rules = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": f"operator-{strict}"}}
    await api.create(rules | {"rules": role("tritium")["rules"]})
    binding = {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": f"operator-{strict}"}}
    binding["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"operator-{strict}"}
    subject = {"kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"}
    await api.create(binding | {"subjects": [subject]})
    async with Api(installed.user("bob")) as client:
        yield client
    await api.delete(f"{RBAC}/clusterrolebindings", f"operator-{strict}")


async def test_the_charts_rights_are_enough_to_make_a_gateway(api: Api, operator: Api, strict: str) -> None:
    owner = await model_in(api, strict, "fraud")
    # The server takes a moment to know of a binding.
    await wait_for(lambda: refusal(operator, owner), what="nothing is refused", until=lambda told: told is None)


async def refusal(operator: Api, owner: Owner) -> str | None:
    """Why not all of it can be made."""
    try:
        await made(operator, owner)
    except ApiError as error:
        return str(error)
    return None


async def test_the_operator_can_bind_no_other_role_and_touch_no_other_account(
    api: Api, operator: Api, strict: str
) -> None:
    owner = await model_in(api, strict, "fraud")
    await wait_for(lambda: refusal(operator, owner), what="nothing is refused", until=lambda told: told is None)
    anchor = await api.get("v1/configmaps", names.GATEWAY, strict)
    objects = {each["kind"]: each for each in gateway(anchor["metadata"]["uid"], strict)}
    other_name = objects["RoleBinding"]["metadata"] | {"name": "another"}
    other_role = objects["RoleBinding"]["roleRef"] | {"name": "cluster-admin"}
    await api.delete(f"{RBAC}/rolebindings", names.GATEWAY, strict)
    for refused in (
        objects["RoleBinding"] | {"roleRef": other_role},
        objects["RoleBinding"] | {"metadata": other_name},
        objects["ServiceAccount"] | {"metadata": other_name},
    ):
        with pytest.raises(ApiError, match="403"):
            await apply(operator, refused)
    await apply(operator, objects["RoleBinding"])


async def test_an_agent_reads_its_own_namespace_and_writes_nothing(
    api: Api, installed: ControlPlane, strict: str
) -> None:
    await api.apply(role(names.GATEWAY), force=True)
    await made(api, await model_in(api, strict, "fraud"))
    async with Api(await api.token(strict, names.GATEWAY)) as agent:

        async def seen() -> list[Object]:
            try:
                return await agent.list(MDEP, strict)
            except ApiError:
                return []

        await wait_for(seen, what="the binding is known")
        await agent.list("discovery.k8s.io/v1/endpointslices", strict)
        for forbidden in (
            agent.list(MDEP),
            agent.list("v1/secrets", strict),
            agent.list("v1/pods", strict),
            agent.patch(MDEP, "fraud", strict, {"metadata": {"labels": {"a": "b"}}}),
            agent.patch(MDEP, "fraud", strict, {"status": {}}, subresource="status"),
        ):
            with pytest.raises(ApiError, match="403"):
                await forbidden
