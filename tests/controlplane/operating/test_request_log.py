"""The request log: what writes it is made, told of and removed, and nothing that serves waits for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.controlplane.behaviour import CrashLoop
from tests.controlplane.operating.harness import condition
from tests.controlplane.operating.looking import DEPLOYMENTS, SERVICES, reached
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.gateway import MAX_WEIGHT
from tritium.api.request_log import REQUEST_LOG_VARIABLE
from tritium.gateway.facts import SERVICE
from tritium.gateway.follow import REVISIONS

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator

LOG = "fraud-log"
ASKED: dict[str, Any] = {"uri": "s3://logs/fraud", "sampleRate": 0.1}
LOGGER = {names.COMPONENT: names.Component.LOG.value}
DENIED = '{"failure": {"reason": "AccessDenied", "message": "s3://logs/fraud: the keys may not write there"}}'


async def logger(models: Models) -> Object | None:
    return await models.api.find(DEPLOYMENTS, LOG, models.namespace)


async def test_it_is_made_changed_and_removed_while_the_same_pods_serve(operator: Operator, models: Models) -> None:
    await models.apply(replicas=2)
    before = await models.settled(revision=1)
    pods = (await reached(models)).pods
    await models.apply(replicas=2, logging=ASKED)
    status = await models.until("it is logged", RequestsLogged="True", Released="True", TrafficConfigured="True")
    assert "10 % of the requests goes to s3://logs/fraud" in condition(status, "RequestsLogged")["message"]
    assert status["traffic"]["log"] == {"service": LOG, "perMillion": 100_000, "request": True, "response": True}
    assert status["trafficObserved"]["version"] == status["traffic"]["version"] > before["traffic"]["version"]
    service = await models.api.get(SERVICES, LOG, models.namespace)
    assert (service["spec"]["clusterIP"], service["spec"]["selector"][names.COMPONENT]) == ("None", "log")
    slices = await models.api.list("discovery.k8s.io/v1/endpointslices", models.namespace, labelSelector=REVISIONS)
    assert LOG in {each["metadata"]["labels"][SERVICE] for each in slices}, "the gateway's agents look at no others"

    await models.apply(replicas=2, logging=ASKED | {"fields": ["headers"], "secretRef": {"name": "keys"}})

    async def told() -> Any:
        found = await logger(models)
        assert found
        [variable] = [
            each
            for each in found["spec"]["template"]["spec"]["containers"][0]["env"]
            if each["name"] == REQUEST_LOG_VARIABLE
        ]
        return json.loads(variable["value"])

    asked = await wait_for(told, 30, "the logger is told", until=lambda each: each["fields"] == ["headers"])
    assert asked["target"]["credentials"] == {"secretRef": {"name": "keys"}}
    await models.until("it is logged again", RequestsLogged="True", TrafficConfigured="True")

    await models.apply(replicas=2)
    await wait_for(lambda: logger(models), 30, "the logger is gone", until=lambda each: each is None)
    status = await models.until("settled", TrafficConfigured="True", Released="True")
    assert "log" not in status["traffic"]
    assert condition(status, "RequestsLogged") == {}
    assert await models.api.find(SERVICES, LOG, models.namespace) is None
    assert ((await reached(models)).pods, len(status["revisions"])) == (pods, 1)


async def test_one_that_may_not_write_is_told_and_a_version_takes_over_all_the_same(
    operator: Operator, models: Models, kubelet: Kubelet
) -> None:
    kubelet.rule(LOGGER, CrashLoop(message=DENIED))
    await models.apply(logging=ASKED)
    status = await models.until("it says why", RequestsLogged="AccessDenied", Ready="True", Released="True")
    assert condition(status, "RequestsLogged")["message"] == "s3://logs/fraud: the keys may not write there"
    await models.apply(uri="s3://models/fraud/2", logging=ASKED)
    await models.settled(revision=2)
    assert (await reached(models)).runs == {2: MAX_WEIGHT}


async def test_a_name_that_somebody_has_is_left_to_him(operator: Operator, models: Models) -> None:
    mine = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": LOG, "namespace": models.namespace},
        "spec": {"selector": {"app": "mine"}, "ports": [{"port": 80}]},
    }
    made = await models.api.create(mine)
    await models.apply(logging=ASKED)
    status = await models.until("it says why", RequestsLogged="NameTaken", Ready="True", Released="True")
    assert f"Service {LOG}" in condition(status, "RequestsLogged")["message"]
    kept = await models.api.get(SERVICES, LOG, models.namespace)
    assert kept["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
