"""What a user does: deploy, change, go back, by what is there in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.controlplane.operating.harness import Models, Operator, condition, resolves
from tests.controlplane.operating.looking import DEPLOYMENTS, SERVICES, address_of, leading, reached
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.gateway import MAX_WEIGHT

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet


async def test_a_model_is_served(operator: Operator, models: Models) -> None:
    await models.apply(replicas=2)
    status = await models.settled(revision=1)
    assert status["phase"] == "Idle"
    assert status["stable"] == {"revision": 1, "weight": 100, "replicas": 2, "readyReplicas": 2}
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "Ready": "True", "Released": "True", "Reconciling": "False", "Stalled": "False", "SourceReady": "True",
        "ModelLoaded": "True", "TrafficConfigured": "True", "ScalingActive": "False",
    }  # fmt: skip
    (deployment,) = await models.children(DEPLOYMENTS)
    assert {each["metadata"]["name"] for each in await models.children(SERVICES)} == {
        "fraud",
        "fraud-preview",
        leading(status),
    }
    assert leading(status) == deployment["metadata"]["name"]
    found = await reached(models)
    assert found.told == found.runs == {1: MAX_WEIGHT}
    assert found.selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert len(found.pods) == 2
    gateway = await models.api.get(DEPLOYMENTS, names.GATEWAY, models.namespace)
    selector, port = found.address
    assert selector.items() <= gateway["spec"]["template"]["metadata"]["labels"].items()
    assert port == status["traffic"]["port"]
    annotations = (await address_of(models))["metadata"]["annotations"]
    assert (annotations[names.STABLE_REVISION], annotations[names.PORT]) == ("1", str(port))
    observed = status["trafficObserved"]
    assert (observed["version"], observed["gateways"]) == (status["traffic"]["version"], 2)
    assert observed["revisions"] == [{"revision": 1, "weight": MAX_WEIGHT, "endpoints": 2}]
    assert len(await models.children("policy/v1/poddisruptionbudgets")) == 1
    assert await models.children("batch/v1/jobs") == []


async def test_a_new_version_takes_over_and_the_old_one_comes_back(
    operator: Operator, models: Models, kubelet: Kubelet
) -> None:
    await models.apply()
    await models.settled(revision=1)
    resolves(kubelet, "sha256:" + "cd" * 32)
    await models.apply(uri="s3://models/fraud/2")
    status = await models.settled(revision=2)
    assert status["phase"] == "Promoting"
    assert [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)] == [1, 1]
    assert (await reached(models)).runs == {2: MAX_WEIGHT}
    await models.apply(uri="s3://models/fraud/1")
    status = await models.settled(revision=1, timeout=5)
    assert status["lastRollback"]["fromRevision"] == 2
    assert (await reached(models)).runs == {1: MAX_WEIGHT}
    assert await models.children("batch/v1/jobs") == []


async def test_the_old_version_gives_its_pods_up_after_the_bake_time(operator: Operator, models: Models) -> None:
    await models.apply(rollout={"bakeTime": "1s"})
    await models.settled(revision=1)
    await models.apply(uri="s3://models/fraud/2", rollout={"bakeTime": "1s"})
    status = await models.until("baked", phase="Idle", stable=2)
    first, second = (each["name"] for each in status["revisions"])

    async def replicas() -> dict[str, int]:
        return {each["metadata"]["name"]: each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)}

    await wait_for(replicas, 15, "its pods go", until=lambda found: found == {first: 0, second: 1})
    status = await models.settled(revision=2)
    assert [each["revision"] for each in status["trafficObserved"]["revisions"]] == [2], "nobody knows it any more"
    assert condition(status, "Ready")["status"] == "True"
