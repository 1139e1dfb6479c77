"""A look before it serves: the Service that leads to the next revision, and the person who is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.controlplane.behaviour import NeverReady, Ready
from tests.controlplane.operating.harness import MDEP, condition
from tests.controlplane.operating.looking import DEPLOYMENTS, SERVICES, is_told, pods_of, reached, unmanaged
from tests.controlplane.operating.test_steps import NEXT, act, share
from tests.controlplane.waiting import wait_for
from tritium.api.gateway import MAX_WEIGHT, preview_port

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator

PREVIEW = "fraud-preview"
BY_HAND: dict[str, Any] = {"strategy": "blueGreen", "autoPromote": False, "bakeTime": "1s"}
CANARY: dict[str, Any] = {"steps": [{"weight": 20, "minDuration": "60s"}], "bakeTime": "1s"}


async def preview_of(models: Models) -> Object | None:
    """The Service, if there is one."""
    return next((each for each in await models.children(SERVICES) if each["metadata"]["name"] == PREVIEW), None)


async def there_is_a_preview(models: Models) -> Object:
    found = await wait_for(lambda: preview_of(models), 30, "there is a Service for the preview", until=bool)
    assert found
    return found


async def waits(models: Models) -> Object:
    """The next revision has all its pods, none of the traffic, and is what the preview leads to."""
    status = await models.until("it waits for a person", phase="Paused", reason="AwaitsPromotion", Ready="True")
    assert (status["stable"]["revision"], share(status), status["traffic"]["preview"]) == (1, 0, 2)
    return status


async def test_it_is_looked_at_and_serves_when_a_person_says_so(operator: Operator, models: Models) -> None:
    await models.apply(replicas=2, rollout=BY_HAND)
    status = await models.settled(revision=1)
    made, main = await there_is_a_preview(models), await models.api.get(SERVICES, "fraud", models.namespace)
    at = preview_port(status["traffic"]["port"])
    assert [each["targetPort"] for each in made["spec"]["ports"]] == [at, at]
    assert [each["port"] for each in made["spec"]["ports"]] == [8000, 8001]
    assert made["spec"]["selector"] == main["spec"]["selector"]
    status = await models.until("it says where", previewUrl=f"http://{PREVIEW}.{models.namespace}.svc:8000")
    assert status["traffic"]["preview"] == 1

    await models.apply(uri=NEXT, replicas=2, rollout=BY_HAND)
    status = await waits(models)
    assert f"Look at it at {status['previewUrl']}" in condition(status, "Released")["message"]
    assert [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)] == [2, 2]
    assert (await reached(models)).runs == {1: MAX_WEIGHT}
    await is_told(models, "AwaitsPromotion", kind="Normal")

    await act(models, "promote@1")
    status = await models.settled(revision=2)
    assert status["lastAction"]["verb"] == "promote"
    assert (await reached(models)).runs == {2: MAX_WEIGHT}
    status = await models.until("baked", phase="Idle", stable=2)
    assert status["traffic"]["preview"] == 2
    found = await preview_of(models)
    assert found
    assert found["metadata"]["uid"] == made["metadata"]["uid"], "it stays, and leads to what serves"


async def test_another_operator_waits_as_well(operator: Operator, models: Models) -> None:
    await models.apply(rollout=BY_HAND)
    await models.settled(revision=1)
    await models.apply(uri=NEXT, rollout=BY_HAND)
    before = await waits(models)
    await operator.kill()
    await operator.start()
    await operator.ready()
    await models.apply(uri=NEXT, replicas=2, rollout=BY_HAND)
    await models.until("it has seen the spec", observedGeneration=(await models.get())["metadata"]["generation"])
    status = await waits(models)
    assert status["candidate"]["paused"] == before["candidate"]["paused"]
    await act(models, "abort@1")
    status = await models.until("it is turned down", phase="Aborted", reason="AbortedByHand", Ready="True")
    assert (status["stable"]["revision"], status["traffic"]["preview"]) == (1, 1)


async def test_a_promotion_waits_for_the_pods_that_it_takes(
    operator: Operator, models: Models, kubelet: Kubelet
) -> None:
    await models.apply(rollout=BY_HAND)
    await models.settled(revision=1)
    await models.apply(uri=NEXT, rollout=BY_HAND)
    await waits(models)
    kubelet.rule(pods_of("fraud", NEXT), NeverReady())
    await models.apply(uri=NEXT, replicas=2, rollout=BY_HAND)
    await models.until("one of its pods is missing", phase="Paused", replicas=2)
    await act(models, "promote@1")
    status = await models.until("what was said is kept", phase="Preparing", Ready="True")
    assert (status["stable"]["revision"], share(status)) == (1, 0)
    kubelet.rule(pods_of("fraud", NEXT), Ready())
    assert (await models.settled(revision=2))["lastAction"]["verb"] == "promote"


async def test_with_another_strategy_it_goes(operator: Operator, models: Models) -> None:
    await models.apply(rollout=BY_HAND)
    await models.settled(revision=1)
    await there_is_a_preview(models)
    await models.apply(rollout=CANARY)
    await wait_for(lambda: preview_of(models), 30, "it is gone", until=lambda found: found is None)
    status = await models.settled(revision=1)
    assert "preview" not in status["traffic"]
    assert "previewUrl" not in status
    await models.apply(rollout=BY_HAND)
    await there_is_a_preview(models)
    await models.api.delete(MDEP, "fraud", models.namespace)
    await wait_for(lambda: preview_of(models), 30, "it goes with its owner", until=lambda found: found is None)


async def test_a_name_that_is_taken_stops_nothing(operator: Operator, models: Models) -> None:
    foreign = await models.api.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": PREVIEW, "namespace": models.namespace},
            "spec": {"selector": {"app": "other"}, "ports": [{"name": "http", "port": 8000, "protocol": "TCP"}]},
        }
    )
    await models.apply(rollout=BY_HAND)
    status = await models.until("it says so", TrafficConfigured="NameTaken", Released="True", Ready="True")
    assert f"Service {PREVIEW} exists and belongs to somebody else" in condition(status, "TrafficConfigured")["message"]
    assert "previewUrl" not in status
    await is_told(models, "NameTaken")
    await models.apply(uri=NEXT, rollout=BY_HAND)
    await waits(models)
    await act(models, "promote@1")
    await models.until("it serves all the same", Released="True", stable=2)
    assert unmanaged(await models.api.get(SERVICES, PREVIEW, models.namespace)) == unmanaged(foreign)
    await models.api.delete(SERVICES, PREVIEW, models.namespace)
    await models.apply(uri=NEXT, rollout=BY_HAND, replicas=2)  # or in the next pass that comes by itself
    await there_is_a_preview(models)
    await models.settled(revision=2)


async def test_a_model_of_that_name_keeps_its_address(operator: Operator, models: Models) -> None:
    await models.apply(PREVIEW)
    await models.settled(PREVIEW)
    before = await models.api.get(SERVICES, PREVIEW, models.namespace)
    await models.apply(rollout=BY_HAND)
    await models.until("it says so", TrafficConfigured="NameTaken", Released="True", Ready="True")
    assert await models.api.get(SERVICES, PREVIEW, models.namespace) == before
    assert (await reached(models, PREVIEW)).runs == {1: MAX_WEIGHT}


async def test_gateway_pods_of_an_older_version_get_no_clients(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    """They run what they are told, and know nothing of a preview."""
    await models.apply(rollout=CANARY)
    await models.settled(revision=1)
    old = gateways.of(models.namespace)
    assert old
    for each in old:
        each.knows_previews = False
    await models.apply(rollout=BY_HAND)
    await wait_for(models.status, 30, "they are told of it", until=lambda found: "preview" in found["traffic"])
    status = await models.settled(revision=1)
    assert status["trafficObserved"]["version"] == status["traffic"]["version"]
    assert await preview_of(models) is None
    for each in old:
        each.knows_previews = True
    await there_is_a_preview(models)
