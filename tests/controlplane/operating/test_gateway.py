"""The gateway of a namespace: made with its first model, kept as it should be, and gone with the last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.faults import Match
from tests.controlplane.operating.harness import MDEP, condition
from tests.controlplane.operating.looking import BUDGETS, CONFIG_MAPS, DEPLOYMENTS, PODS, SERVICES, uids
from tests.controlplane.operating.recording import brief, falls_silent, nothing_is_asked, writes
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.operating.harness import Models, Operator
    from tests.controlplane.proxy import FaultProxy

POLICIES = "networking.k8s.io/v1/networkpolicies"
ACCOUNTS = "v1/serviceaccounts"
BINDINGS = "rbac.authorization.k8s.io/v1/rolebindings"
PARTS = {CONFIG_MAPS: 1, ACCOUNTS: 1, BINDINGS: 1, POLICIES: 2, SERVICES: 1, BUDGETS: 1, DEPLOYMENTS: 1}
"""How many of each kind a gateway is made of."""
POD_IMAGES = "example.com/envoy:next"


async def parts(models: Models, resource: str) -> list[Object]:
    """What there is of the gateway, of one kind."""
    return await models.api.list(resource, models.namespace, labelSelector=f"{names.GATEWAY_LABEL}=true")


async def counted(models: Models) -> dict[str, int]:
    """How much there is of the gateway."""
    lists = await asyncio.gather(*(parts(models, each) for each in PARTS))
    return {resource: len(found) for resource, found in zip(PARTS, lists, strict=True)}


async def owners(models: Models) -> list[str]:
    """Whom the anchor is for."""
    (anchor,) = await parts(models, CONFIG_MAPS)
    return sorted(each["name"] for each in anchor["metadata"]["ownerReferences"])


async def test_it_is_made_with_the_first_and_goes_with_the_last(operator: Operator, models: Models) -> None:
    assert set((await counted(models)).values()) == {0}
    await models.apply()
    status = await models.settled(revision=1)
    assert await counted(models) == PARTS
    assert status["trafficObserved"]["gateways"] == 2
    before = uids(await parts(models, CONFIG_MAPS))
    await models.apply("churn")
    await models.settled("churn", revision=1)
    assert await owners(models) == ["churn", "fraud"]
    await models.api.delete(MDEP, "fraud", models.namespace)
    await wait_for(lambda: owners(models), 15, "the anchor is for one", until=lambda found: found == ["churn"])
    assert await counted(models) == PARTS
    assert uids(await parts(models, CONFIG_MAPS)) == before

    await operator.stop()
    await models.api.delete(MDEP, "churn", models.namespace)
    await wait_for(lambda: counted(models), 60, "all is collected", until=lambda found: not any(found.values()))
    await wait_for(lambda: parts(models, PODS), 60, "no pod is left", until=lambda found: not found)
    await operator.start()
    await operator.ready()
    await models.apply("another")
    await models.settled("another", revision=1)
    assert await counted(models) == PARTS


async def test_a_restart_writes_nothing(
    faulty_operator: Operator, faults: FaultProxy, models: Models, gateways: Gateways
) -> None:
    for name in ("fraud", "churn"):
        await models.apply(name)
        await models.settled(name, revision=1)
    await falls_silent(faults, models.namespace)
    for _ in range(2):
        await faulty_operator.stop()
        mark = len(faults.requests)
        await faulty_operator.start()
        await faulty_operator.ready()
        await nothing_is_asked(faults, models.namespace, 3)
        assert [each for each in writes(faults, since=mark) if each.namespace == models.namespace] == []
        assert all(each.asked for each in gateways.of(models.namespace))


async def test_what_others_do_to_it_is_undone(operator: Operator, models: Models) -> None:
    await models.apply()
    await models.settled(revision=1)
    edits: dict[str, Object] = {
        CONFIG_MAPS: {"data": {"ports.json": "{}"}},
        BINDINGS: {"subjects": None},
        POLICIES: {"spec": {"ingress": None}},
        SERVICES: {"spec": {"selector": {names.COMPONENT: "other"}}},
        BUDGETS: {"spec": {"maxUnavailable": 0}},
        DEPLOYMENTS: {"spec": {"replicas": 1}},
    }
    for resource, edit in edits.items():
        before = await _meaning(models, resource)
        await models.api.patch(resource, names.GATEWAY, models.namespace, edit)

        async def is_repaired(resource: str = resource, before: object = before) -> bool:
            return bool(await _meaning(models, resource) == before)

        await wait_for(is_repaired, 15, f"{resource} is repaired")
    for resource in (DEPLOYMENTS, ACCOUNTS):
        old = uids(await parts(models, resource))
        await models.api.delete(resource, names.GATEWAY, models.namespace)

        async def is_back(resource: str = resource, old: set[str] = old) -> bool:
            found = await parts(models, resource)
            return bool(found) and not uids(found) & old

        await wait_for(is_back, 15, f"{resource} is back")
    await models.settled(revision=1)


async def test_an_anchor_that_is_deleted_is_made_anew(operator: Operator, models: Models) -> None:
    """With it goes all of the gateway; the ports stay as they were."""
    await models.apply()
    port = (await models.settled(revision=1))["traffic"]["port"]
    old = uids(await parts(models, DEPLOYMENTS))
    await models.api.delete(CONFIG_MAPS, names.GATEWAY, models.namespace)

    async def is_anew() -> bool:
        return await counted(models) == PARTS and not uids(await parts(models, DEPLOYMENTS)) & old

    await wait_for(is_anew, 60, "another gateway is there")
    status = await models.settled(revision=1)
    assert status["traffic"]["port"] == port


@pytest.mark.parametrize("resource", [CONFIG_MAPS, DEPLOYMENTS])
async def test_what_has_its_name_and_is_not_its_own_is_left_alone(
    operator: Operator, models: Models, resource: str
) -> None:
    await models.api.create(_foreign(models.namespace, resource))
    await models.apply()
    status = await models.until("it says whose name is taken", TrafficConfigured="NameTaken")
    message = condition(status, "TrafficConfigured")["message"]
    kind = "ConfigMap" if resource == CONFIG_MAPS else "Deployment"
    assert (
        message == f"{kind} tritium-gateway exists and belongs to somebody else; it is left alone. Delete or rename it"
    )
    there = await models.api.get(resource, names.GATEWAY, models.namespace)
    assert {each["manager"] for each in there["metadata"]["managedFields"]}.isdisjoint({names.FIELD_MANAGER})
    await models.api.delete(resource, names.GATEWAY, models.namespace)
    await models.settled(revision=1, timeout=60)


async def test_pods_of_an_older_template_are_replaced_while_models_are_served(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply()
    await models.settled(revision=1)
    before = {each.pod for each in gateways.of(models.namespace)}
    since = condition(await models.status(), "Ready")["lastTransitionTime"]
    await operator.stop()
    operator.environment = {"TRITIUM_GATEWAY_IMAGE": POD_IMAGES}
    await operator.start()
    await operator.ready()

    async def replaced() -> bool:
        pods = await parts(models, PODS)
        return len(pods) == 2 and before.isdisjoint(each["metadata"]["name"] for each in pods)

    await wait_for(replaced, 60, "both pods are replaced")
    (deployment,) = await parts(models, DEPLOYMENTS)
    images = {each["name"]: each["image"] for each in deployment["spec"]["template"]["spec"]["containers"]}
    assert images == {"envoy": POD_IMAGES}
    status = await models.settled(revision=1)
    assert (condition(status, "Ready")["status"], condition(status, "Ready")["lastTransitionTime"]) == ("True", since)


async def test_a_namespace_that_is_deleted_is_left_in_peace(
    faulty_operator: Operator, faults: FaultProxy, models: Models
) -> None:
    """Nothing can be made in it any more: that is no error, and nothing to try again."""
    await models.apply(metadata={"finalizers": ["example.com/held"]})
    await models.settled(revision=1)
    await models.api.delete("v1/namespaces", models.namespace)
    await wait_for(lambda: counted(models), 60, "the gateway is gone", until=lambda found: not any(found.values()))
    await falls_silent(faults, models.namespace, within=30, seconds=3)
    refused = Match(namespace=models.namespace, resource="configmaps")
    assert len([each for each in writes(faults) if refused.fits(each) and each.status == 403]) < 5, brief(
        writes(faults)
    )
    await models.api.patch(MDEP, "fraud", models.namespace, {"metadata": {"finalizers": None}})


async def _meaning(models: Models, resource: str) -> Any:
    obj = await models.api.get(resource, names.GATEWAY, models.namespace)
    return {key: obj.get(key) for key in ("spec", "data", "subjects")} | {"uid": obj["metadata"]["uid"]}


def _foreign(namespace: str, resource: str) -> Object:
    metadata = {"name": names.GATEWAY, "namespace": namespace}
    if resource == CONFIG_MAPS:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}
    labels = {"app": "other"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
