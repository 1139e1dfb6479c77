"""What a user does: deploy, change, go back, by what is there in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.controlplane.operating.harness import Models, Operator, condition, resolves
from tritium.api import names

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
    (service,) = await models.children("v1/services")
    (deployment,) = await models.children("apps/v1/deployments")
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
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
    assert [each["spec"]["replicas"] for each in await models.children("apps/v1/deployments")] == [1, 1]
    await models.apply(uri="s3://models/fraud/1")
    status = await models.settled(revision=1, timeout=5)
    assert status["lastRollback"]["fromRevision"] == 2
    assert await models.children("batch/v1/jobs") == []


async def test_the_old_version_gives_its_pods_up_after_the_bake_time(operator: Operator, models: Models) -> None:
    await models.apply(rollout={"bakeTime": "1s"})
    await models.settled(revision=1)
    await models.apply(uri="s3://models/fraud/2", rollout={"bakeTime": "1s"})
    status = await models.until("baked", phase="Idle", stable=2)
    replicas = {
        each["metadata"]["labels"][names.REVISION]: each["spec"]["replicas"]
        for each in await models.children("apps/v1/deployments")
    }
    assert [replicas[each["name"][-8:]] for each in status["revisions"]] == [0, 1]
    assert condition(status, "Ready")["status"] == "True"
