"""Gateway pods that do not answer, stay behind, refuse what is new, or cannot be made: nothing that serves goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.controlplane.behaviour import ImagePullBackOff, Ready
from tests.controlplane.operating.harness import condition
from tests.controlplane.operating.looking import PODS
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.gateway import GatewayCounters, RevisionCounters

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Agent, Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator

NEXT = "s3://models/fraud/2"
OF_GATEWAYS = {names.COMPONENT: names.Component.GATEWAY}


async def test_pods_that_fall_silent_keep_everything_as_it_is(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply(rollout={"bakeTime": "1s"})
    await models.settled(revision=1)
    old = await _pods(models)
    silent, _ = gateways.of(models.namespace)
    silent.silent = True
    status = await models.until("it is missed", TrafficConfigured="GatewayNotReady")
    assert condition(status, "Ready")["status"] == "True"
    assert condition(status, "TrafficConfigured")["message"].startswith("A gateway pod is ready, and does not say ")
    await models.apply(uri=NEXT, rollout={"bakeTime": "1s"})
    await models.until("the next is waiting", phase="Blocked", reason="GatewayNotReady")
    assert await _pods(models) > old, "the pods of both"
    silent.silent = False
    await models.settled(revision=2)
    await wait_for(
        lambda: _pods(models), 15, "the old ones go", until=lambda found: len(found) == 1 and not found & old
    )


async def test_all_pods_silent_from_the_start(operator: Operator, models: Models, gateways: Gateways) -> None:
    def silence(agent: Agent) -> None:
        agent.silent = True

    gateways.new = silence
    await models.apply()
    status = await models.until("it says what it waits for", Ready="GatewayNotReady")
    assert "let the operator reach port 19001 of its pods" in condition(status, "Ready")["message"]
    assert (await operator.get("/healthz")).status_code == 200
    for agent in gateways.of(models.namespace):
        agent.silent = False
    await models.settled(revision=1)


def _waits_for_the_gateway(status: Object) -> bool:
    message = condition(status, "Released")["message"]
    return status["phase"] == "Preparing" and "The gateway is learning of the pods" in message


async def test_a_pod_that_stays_behind_is_waited_for(operator: Operator, models: Models, gateways: Gateways) -> None:
    await models.apply(rollout={"bakeTime": "1s"})
    await models.settled(revision=1)
    old = await _pods(models)
    one, _ = gateways.of(models.namespace)
    one.stays_behind()
    version = (await models.status())["traffic"]["version"]
    await models.apply(uri=NEXT, rollout={"bakeTime": "1s"})
    await wait_for(lambda: _pods(models), 15, "the next one's pod is there", until=lambda found: len(found) == 2)
    await wait_for(models.status, 30, "it waits for the endpoints", until=_waits_for_the_gateway)
    await asyncio.sleep(2)
    status = await models.status()
    assert _waits_for_the_gateway(status)
    assert status["trafficObserved"]["version"] == version
    assert status["stable"]["revision"] == 1
    assert await _pods(models) > old
    one.follows()
    await models.settled(revision=2)


async def test_what_envoy_refuses_is_told(operator: Operator, models: Models, gateways: Gateways) -> None:
    await models.apply()
    await models.settled(revision=1)
    one, _ = gateways.of(models.namespace)
    one.refuses("no such filter")
    await models.apply(traffic={"timeout": "7s"})
    status = await models.until("it is told", TrafficConfigured="ConfigurationRejected")
    assert "Listener fraud: no such filter" in condition(status, "TrafficConfigured")["message"]
    assert condition(status, "Ready")["status"] == "True"
    one.follows()
    await models.until("it is over", TrafficConfigured="True")


async def test_a_quota_that_refuses_the_gateways_pods(operator: Operator, models: Models) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "room"}, "spec": {"hard": {"pods": "1"}}}
    await models.api.create(quota, models.namespace)
    await models.apply()
    status = await models.until("a second is too many", Ready="QuotaExceeded", TrafficConfigured="QuotaExceeded")
    message = condition(status, "TrafficConfigured")["message"]
    assert message.startswith("No pod can be made: exceeded quota: room")
    assert "gateway.replicas" in message
    await models.api.patch("v1/resourcequotas", "room", models.namespace, {"spec": {"hard": {"pods": "20"}}})
    await models.settled(revision=1, timeout=60)


async def test_an_image_that_the_gateways_pods_do_not_get(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    kubelet.rule(OF_GATEWAYS, ImagePullBackOff("no such image"))
    await models.apply()
    status = await models.until("it says why", Ready="ImagePullFailed")
    assert "gateway.image" in condition(status, "Ready")["message"]
    kubelet.rule(OF_GATEWAYS, Ready())
    await models.settled(revision=1)


@pytest.mark.parametrize("takes", [0.0, 3.0])
async def test_pods_of_the_gateway_that_go_one_after_the_other(
    operator: Operator, models: Models, kubelet: Kubelet, takes: float
) -> None:
    """As nodes are drained: the model is Ready all the time."""
    kubelet.rule(OF_GATEWAYS, Ready(after=1.0), stops_after=takes)
    await models.apply()
    await models.settled(revision=1)
    since = condition(await models.status(), "Ready")["lastTransitionTime"]
    for each in await _pods(models, names.Component.GATEWAY):
        await models.api.delete(PODS, each, models.namespace)

        async def is_replaced(name: str = each) -> bool:
            found = await models.api.list(PODS, models.namespace, labelSelector=f"{names.COMPONENT}=gateway")
            ready = {pod["metadata"]["name"] for pod in found if _is_ready(pod)}
            return len(ready) == 2 and name not in ready

        await wait_for(is_replaced, 15, "another has taken its place")
    status = await models.settled(revision=1)
    assert (condition(status, "Ready")["status"], condition(status, "Ready")["lastTransitionTime"]) == ("True", since)


async def test_what_the_gateways_count_is_there_for_prometheus(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply()
    await models.settled(revision=1)
    for agent, number in zip(gateways.of(models.namespace), (40, 2), strict=True):
        agent.counters = _counted(number)
    wanted = {"revision": "1", "protocol": "http", "code": "200", "name": "fraud", "namespace": models.namespace}
    await wait_for(lambda: _requests(operator, wanted), 15, "the sum of both", until=lambda found: found == 42)
    (first, _) = gateways.of(models.namespace)
    first.counters = _counted(5)  # its Envoy has begun anew
    await wait_for(lambda: _requests(operator, wanted), 15, "what came since", until=lambda found: found == 47)
    await models.api.delete(f"{names.API_VERSION}/{names.PLURAL}", "fraud", models.namespace)
    await wait_for(lambda: _requests(operator, wanted), 15, "it is gone", until=lambda found: found is None)


def _counted(number: int) -> GatewayCounters:
    revision = RevisionCounters(
        name="fraud",
        revision=1,
        codes={"200": number},
        grpc={},
        buckets=[(1000.0, number)],
        latency_sum_ms=1.0,
        active=0,
        none_healthy=0,
        overflow=0,
        retries=0,
    )
    return GatewayCounters(models=[], revisions=[revision])


async def _requests(operator: Operator, labels: dict[str, str]) -> float | None:
    text = (await operator.get("/metrics")).text
    samples = (each for family in text_string_to_metric_families(text) for each in family.samples)
    found = [each.value for each in samples if each.name == "tritium_gateway_requests_total" and each.labels == labels]
    return found[0] if found else None


async def _pods(models: Models, component: str = names.Component.MODEL) -> set[str]:
    """Names of the pods that are there and not going."""
    pods = await models.api.list(PODS, models.namespace, labelSelector=f"{names.COMPONENT}={component}")
    return {pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


def _is_ready(pod: Object) -> bool:
    going = "deletionTimestamp" in pod["metadata"]
    return not going and condition(pod.get("status") or {}, "Ready").get("status") == "True"
