"""One after the other, for models of which only one may run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.behaviour import CrashLoop, NeverReady
from tests.controlplane.operating.harness import MDEP, SERVES, condition
from tests.controlplane.operating.looking import PODS, is_told, pods_of
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator

NEXT = "s3://models/fraud/2"
ROLLOUT: dict[str, Any] = {"strategy": "recreate", "bakeTime": "1s"}


async def running(models: Models) -> dict[str, int]:
    """Pods by their revision, those that end included."""
    selector = ",".join(f"{name}={value}" for name, value in SERVES.items())
    found = await models.api.list(PODS, models.namespace, labelSelector=selector)
    revisions = [pod["metadata"]["labels"][names.REVISION] for pod in found]
    return {each: revisions.count(each) for each in revisions}


async def test_the_old_pods_are_gone_before_there_are_new_ones(operator: Operator, models: Models) -> None:
    await models.apply(replicas=2, rollout=ROLLOUT)
    await models.settled(revision=1)
    seen = []

    async def looked_at() -> bool:
        has = await running(models)
        assert len(has) <= 1, f"two at the same time: {has}"
        seen.append(has)
        status = await models.status()
        return bool(status["stable"]["revision"] == 2 and condition(status, "Ready")["status"] == "True")

    await models.apply(uri=NEXT, replicas=2, rollout=ROLLOUT)
    await wait_for(looked_at, 40, "revision 2 serves")
    assert {} in seen or len({name for each in seen for name in each}) == 2
    await models.settled(revision=2)
    assert list((await running(models)).values()) == [2]


@pytest.mark.parametrize("why", ["it crashes", "a person aborts it"])
async def test_the_old_pods_come_back(operator: Operator, models: Models, kubelet: Kubelet, why: str) -> None:
    fails = why == "it crashes"
    await models.apply(rollout=ROLLOUT)
    await models.settled(revision=1)
    kubelet.rule(pods_of("fraud", NEXT.removeprefix("s3://models/")), CrashLoop() if fails else NeverReady())
    await models.apply(uri=NEXT, rollout=ROLLOUT)
    if not fails:
        status = await models.until("nobody is served", Ready="Recreating")
        assert "revision 1 has given up its pods" in condition(status, "Ready")["message"]
        await models.api.patch(
            MDEP, "fraud", models.namespace, {"metadata": {"annotations": {names.ACTION: "abort@1"}}}
        )
    status = await models.until("the old one serves again", phase="Aborted", Ready="True", stable=1, timeout=40)
    assert len(await running(models)) == 1
    await is_told(models, "Aborted")
