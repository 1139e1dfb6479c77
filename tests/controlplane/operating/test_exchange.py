"""Pods that change hands one by one, on a node whose GPUs are all in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.behaviour import NeverReady
from tests.controlplane.operating.harness import MDEP, SERVES
from tests.controlplane.operating.looking import DEPLOYMENTS, PODS, pods_of, told
from tests.controlplane.operating.requests import Requests
from tests.controlplane.scheduling import Node
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator

GPUS = 3


def asked(uri: str = "s3://models/fraud/1", *weights: int, **rollout: Any) -> dict[str, Any]:
    steps = [{"weight": each, "minDuration": "1s"} for each in weights or (10, 50, 100)]
    rollout = {"capacity": "replace", "steps": steps, "bakeTime": "1s", **rollout}
    return {"uri": uri, "replicas": GPUS, "server": {"gpu": {"count": 1}}, "rollout": rollout}


async def pods(models: Models) -> dict[int, int]:
    """Pods that a revision is to have, by its number."""
    numbers = {each["name"]: each["revision"] for each in (await models.status())["revisions"]}
    deployments = await models.children(DEPLOYMENTS)
    return {numbers.get(each["metadata"]["name"], 0): each["spec"]["replicas"] for each in deployments}


async def test_a_version_takes_over_where_all_gpus_are_in_use(
    operator: Operator, models: Models, kubelet: Kubelet, gateways: Gateways
) -> None:
    await kubelet.add_node(Node("gpu", {"nvidia.com/gpu": GPUS}))
    await models.apply(**asked())
    await models.settled(revision=1)
    seen: list[tuple[int, int]] = []

    async def looked_at() -> dict[int, int]:
        asked_for = await pods(models)
        both = asked_for.get(1, 0), asked_for.get(2, 0)
        assert sum(both) <= GPUS, "more pods than GPUs"
        if both != (seen[-1] if seen else None):
            seen.append(both)
        return asked_for

    async with Requests(gateways, models.namespace):
        await models.apply(**asked("s3://models/fraud/2"))
        await wait_for(looked_at, 90, "it has all", until=lambda has: has.get(2) == GPUS)
        await models.settled(revision=2)
    assert {(2, 1), (1, 2), (0, 3)} <= set(seen)
    assert [each for each in await told(models) if each[0] == "Warning"] == [], "one waits for the other"


@pytest.mark.parametrize("fails", ["its requests", "to be ready"])
async def test_all_pods_are_back_where_they_were(
    operator: Operator, models: Models, kubelet: Kubelet, gateways: Gateways, fails: str
) -> None:
    await kubelet.add_node(Node("gpu", {"nvidia.com/gpu": GPUS}))
    if fails == "to be ready":
        kubelet.rule(pods_of("fraud", "fraud/2"), NeverReady())
    await models.apply(**asked())
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace, fails={2: 4} if fails == "its requests" else {}):
        await models.apply(**asked("s3://models/fraud/2", 60))
        if fails == "to be ready":
            await wait_for(lambda: pods(models), 30, "it has one", until=lambda has: has.get(2) == 1)
            action = {"metadata": {"annotations": {names.ACTION: "abort@1"}}}
            await models.api.patch(MDEP, "fraud", models.namespace, action)
        await models.until("it is turned down", phase="Aborted", Ready="True", timeout=60)
        await wait_for(lambda: pods(models), 30, "they are back", until=lambda has: has == {1: GPUS, 2: 0})

    async def ready() -> int:
        selector = ",".join(f"{name}={value}" for name, value in SERVES.items())
        found = await models.api.list(PODS, models.namespace, labelSelector=selector)
        conditions = [each for pod in found for each in pod["status"].get("conditions", ())]
        return sum((each["type"], each["status"]) == ("Ready", "True") for each in conditions)

    await wait_for(ready, 30, "all of them serve", until=lambda number: number == GPUS)
