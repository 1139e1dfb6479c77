"""Two models that scale, and fewer GPUs than they need: the next one goes to the one that comes first."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.controlplane.operating.harness import condition
from tests.controlplane.scheduling import Node
from tests.controlplane.waiting import wait_for
from tritium.api.gateway import GatewayCounters, RevisionCounters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.controlplane.gateways import Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator

GPU = {"gpu": {"count": 1}}
EVERY, EACH = 0.1, 5
A_POD = 2 * EACH / EVERY / 1.2
"""Requests a second: with what comes, each of the models needs two pods."""
DAY, NIGHT = "day", "night"


@asynccontextmanager
async def requests(gateways: Gateways, namespace: str) -> AsyncIterator[None]:
    """As many for each of the two."""

    async def come() -> None:
        number = 0
        while True:
            number += EACH
            counted = [_counters(name, number) for name in (DAY, NIGHT)]
            for agent in gateways.of(namespace):
                agent.counters = GatewayCounters(models=[], revisions=counted)
            await asyncio.sleep(EVERY)

    task = asyncio.create_task(come())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def scaling(priority: int) -> dict[str, Any]:
    return {"min": 1, "max": 4, "capacityRps": A_POD, "priority": priority}


async def test_who_comes_first_gets_the_next_gpu(
    operator: Operator, models: Models, gateways: Gateways, kubelet: Kubelet
) -> None:
    await kubelet.add_node(Node("gpu", {"nvidia.com/gpu": 2}))
    for name, priority in ((NIGHT, 0), (DAY, 10)):
        await models.apply(name, server=GPU, scaling=scaling(priority))
        await models.settled(name, revision=1)
    async with requests(gateways, models.namespace):
        status = await reaches(models, NIGHT, limited="priority")
        assert status["scaling"]["desired"] == 1
        active = condition(status, "ScalingActive")
        assert (active["reason"], active["message"]) == (
            "NoRoom",
            f"{models.namespace}/{DAY} has a higher scaling.priority, and a pod of it waits for a GPU",
        )
        assert (await reaches(models, DAY, ready=1))["scaling"]["desired"] > 1
        await kubelet.add_node(Node("another", {"nvidia.com/gpu": 1}))
        await reaches(models, DAY, ready=2)
        assert (await models.status(NIGHT))["stable"]["readyReplicas"] == 1
        await kubelet.add_node(Node("one-more", {"nvidia.com/gpu": 2}))
        await reaches(models, NIGHT, ready=2)


async def reaches(models: Models, name: str, *, limited: str = "", ready: int = 0) -> dict[str, Any]:
    def is_so(status: dict[str, Any]) -> bool:
        has = int(status["stable"].get("readyReplicas", 0))
        return bool(status["scaling"].get("limitedBy") == limited) if limited else has >= ready

    found: dict[str, Any] = await wait_for(
        lambda: models.status(name), 60, f"{name} has {limited or ready}", until=is_so
    )
    return found


def _counters(name: str, number: int) -> RevisionCounters:
    return RevisionCounters(
        name=name,
        revision=1,
        codes={"200": number},
        grpc={},
        buckets=[],
        latency_sum_ms=0.0,
        active=0,
        none_healthy=0,
        overflow=0,
        retries=0,
    )
