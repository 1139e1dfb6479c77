"""Objects that cannot be had: somebody else has the name, or the API server does not take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.manifests import deployment
from tests.controlplane.operating.harness import Models, Operator, condition
from tests.controlplane.operating.looking import (
    DEPLOYMENTS,
    SERVICES,
    is_told,
    reached,
    told,
    unmanaged,
)
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.revision import revision_hash, revision_name, written_hash

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet

FOUND = "sha256:" + "ab" * 32
"""The fingerprint of what `resolves` finds."""


async def test_a_foreign_service_has_the_name(operator: Operator, models: Models) -> None:
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}]
    foreign: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "fraud", "namespace": models.namespace, "labels": {names.OWNER: "fraud"}},
        "spec": {"selector": {"app": "other"}, "ports": ports},
    }
    foreign = await models.api.create(foreign)
    await models.apply()
    status = await models.until("it says so", Ready="NameTaken", TrafficConfigured="NameTaken", Stalled="NameTaken")
    assert condition(status, "Ready")["status"] == condition(status, "TrafficConfigured")["status"] == "False"
    assert condition(status, "Released")["status"] == "False"
    assert "url" not in status
    assert (status["lastFailure"]["component"], status["lastFailure"]["reason"]) == ("Service", "NameTaken")
    assert "Service fraud" in condition(status, "Stalled")["message"]
    await is_told(models, "NameTaken")
    assert unmanaged(await models.api.get(SERVICES, "fraud", models.namespace)) == unmanaged(foreign)
    await models.api.delete(SERVICES, "fraud", models.namespace)
    status = await models.settled(revision=1, timeout=60)
    assert condition(status, "Stalled")["status"] == "False"
    assert (await reached(models)).pods


@pytest.mark.parametrize("serving", [False, True], ids=["first", "next"])
async def test_a_foreign_deployment_has_the_name(operator: Operator, models: Models, *, serving: bool) -> None:
    if serving:
        await models.apply()
        await models.settled(revision=1)
    source = {"source": {"uri": "s3://models/fraud/2"}}
    name = revision_name("fraud", revision_hash(written_hash({"model": source}), FOUND))
    await models.api.create(deployment(name, 0), models.namespace)

    async def current() -> Object:
        return unmanaged(await models.api.get(DEPLOYMENTS, name, models.namespace))

    foreign = await wait_for(current, until=lambda obj: "Available" in str(obj["status"]))
    before = await reached(models) if serving else None
    await models.apply(uri="s3://models/fraud/2")
    status = await models.until("it says so", Stalled="NameTaken")
    assert (status["lastFailure"]["component"], status["lastFailure"]["reason"]) == ("Deployment", "NameTaken")
    assert f"Deployment {name}" in condition(status, "Stalled")["message"]
    await is_told(models, "NameTaken")
    assert await current() == foreign
    if before:
        assert status["phase"] == "Blocked"
        assert condition(status, "Ready")["status"] == "True"
        assert await reached(models) == before
    await models.apply(uri="s3://models/fraud/3")
    status = await models.settled(revision=3 if serving else 2)
    assert condition(status, "Stalled")["status"] == "False"
    assert await current() == foreign


POD_TEMPLATES: dict[str, tuple[Object, str]] = {
    "an unknown field": ({"spec": {"noSuchField": 1}}, "noSuchField: field not declared in schema"),
    "an invalid value": ({"spec": {"hostAliases": [{"ip": "nowhere", "hostnames": ["a"]}]}}, "hostAliases"),
    "a wrong type": ({"spec": {"containers": [{"name": "triton", "ports": "none"}]}}, "ports"),
}


@pytest.mark.parametrize(("template", "message"), POD_TEMPLATES.values(), ids=POD_TEMPLATES)
async def test_a_pod_template_that_the_server_refuses(
    operator: Operator, models: Models, kubelet: Kubelet, template: Object, message: str
) -> None:
    bad: dict[str, Any] = {"server": {"podTemplate": template}}
    await models.apply("first", **bad)
    await models.apply("next")
    await models.settled("next", revision=1)
    before = await reached(models, "next")
    await models.apply("next", **bad)
    for name, phase in {"first": "Initial", "next": "Blocked"}.items():
        status = await models.until("it says so", name, Stalled="ObjectRefused", phase=phase)
        failure = status["lastFailure"]
        assert (failure["component"], failure["reason"]) == ("Deployment", "ObjectRefused")
        assert message in failure["message"]
        assert failure["message"].endswith(REMEDIES[Reason.OBJECT_REFUSED])
        assert condition(status, "Ready")["status"] == ("True" if name == "next" else "False")
        await is_told(models, "ObjectRefused", name)
    assert await reached(models, "next") == before
    for name, number in {"first": 2, "next": 3}.items():
        await models.apply(name, f"s3://models/{name}/2")
        status = await models.settled(name, revision=number)
        assert condition(status, "Stalled")["status"] == "False"
        assert len([1 for _, reason, _ in await told(models, name) if reason == "ObjectRefused"]) == 1
