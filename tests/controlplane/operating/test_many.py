"""Three hundred models at once."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from typing import TYPE_CHECKING

from tests.controlplane.operating.harness import MDEP, condition
from tests.controlplane.operating.recording import asked, brief, falls_silent, nothing_is_asked, writes
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator
    from tests.controlplane.proxy import FaultProxy

# httpx leaves a connection behind when it is cancelled while it sets up TLS, as the stub kubelet's tasks are.
NUMBER = 300
MOST = 22
"""Requests for each model, from nothing to released: 21, and what has to be repeated."""


async def test_three_hundred_at_once(
    faulty_operator: Operator, faults: FaultProxy, models: Models, kubelet: Kubelet
) -> None:
    turns = asyncio.Semaphore(16)

    async def create(name: str) -> None:
        async with turns:
            await models.apply(name, f"s3://models/{name}/1", replicas=0, rollout={"strategy": "canary"})

    async def unreleased() -> int:
        objects = await models.api.list(MDEP, models.namespace)
        released = [each for each in objects if condition(each.get("status") or {}, "Released").get("status") == "True"]
        return NUMBER - len(released)

    await asyncio.gather(*(create(f"model-{number}") for number in range(NUMBER)))
    await wait_for(unreleased, 400, "all are released", until=lambda left: left == 0)
    await falls_silent(faults, models.namespace, within=30)

    requests = [each for each in asked(faults) if each.namespace == models.namespace]
    assert len(requests) < NUMBER * MOST, Counter((each.verb, each.resource) for each in requests).most_common()
    conflicts = [each for each in requests if each.status == 409]
    assert len(conflicts) < NUMBER / 10, brief(conflicts)

    await faulty_operator.kill()
    await models.api.delete("coordination.k8s.io/v1/leases", "tritium-operator", models.namespace)
    mark = len(faults.requests)
    await faulty_operator.start()
    await faulty_operator.ready()
    await nothing_is_asked(faults, models.namespace, 2)
    assert [each for each in writes(faults, since=mark) if each.namespace == models.namespace] == []
    gc.collect()  # here, where it is expected, and not in some later test
