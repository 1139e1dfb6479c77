"""How soon more pods are asked for when more arrives, with many ModelDeployments that scale by their work.

Real kube-apiserver, etcd and controller manager; what runs in pods is a stand-in there: the gateway tells what this
program says. It is the time from the moment at which its counters grow faster until the Deployment is written with more
replicas. They share the machine with the operator.

BENCH_SIZE: how many objects, 300 unless told. BENCH_STEPS: of how many of them the load is stepped up, 60.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console

from bench.aims import Aim, judge
from bench.scale import NAMESPACE, Usage, ground, pid
from tests.controlplane.api import Api, Object
from tests.controlplane.gateways import Agent, Gateways
from tests.controlplane.operating.harness import MDEP, Operator, condition, model_deployment
from tritium.api import names
from tritium.api.gateway import GatewayCounters, RevisionCounters

SIZE: Final = int(os.environ.get("BENCH_SIZE", "300"))
STEPS: Final = int(os.environ.get("BENCH_STEPS", "60"))
CAPACITY: Final = 100.0
LOW, HIGH = 40.0, 200.0
"""Requests a second: what one pod can do, and what comes before and after the step."""
TICK: Final = 0.1
STEADY: Final = 60.0
"""Seconds in which nothing changes, for what that costs."""
DEPLOYMENTS: Final = "apps/v1/deployments"


@dataclass(eq=False)
class Traffic:
    """What arrives at each model, through each gateway pod as much.

    Attributes:
        rates: requests a second, by the model's name.
        counted: requests so far.
    """

    gateways: Gateways
    rates: dict[str, float]
    counted: dict[str, float] = field(default_factory=dict)

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Requests come as long as it is open."""
        task = asyncio.create_task(self._flow())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _flow(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            for name, rate in self.rates.items():
                self.counted[name] = self.counted.get(name, 0.0) + rate * (now - last)
            last = now
            for agent in self.gateways.of(NAMESPACE):
                agent.counters = self._counters(agent)

    def _counters(self, agent: Agent) -> GatewayCounters:
        share = len(self.gateways.of(agent.namespace))
        return GatewayCounters(
            models=[], revisions=[_revision(name, int(number / share)) for name, number in self.counted.items()]
        )


def _revision(name: str, requests: int) -> RevisionCounters:
    return RevisionCounters.model_construct(
        name=name,
        revision=1,
        codes={"200": requests},
        grpc={},
        buckets=[(5.0, requests)],
        latency_sum_ms=1.0,
        active=0,
        none_healthy=0,
        overflow=0,
        retries=0,
    )


async def main() -> None:
    """Measure and judge."""
    console = Console(width=140, highlight=False)
    console.print(f"on {os.cpu_count()} cores, Python {sys.version.split()[0]}; {SIZE} objects that scale")
    models = [f"m{number:04}" for number in range(SIZE)]
    async with ground() as (ring, api, kubelet, folder), Operator(ring.admin, folder, NAMESPACE) as operator:
        await operator.ready()
        traffic = Traffic(kubelet.gateways, dict.fromkeys(models, LOW))
        async with traffic.flowing():
            await asyncio.gather(*(api.create(_model(each)) for each in models))
            await _all_scale(api)
            before = Usage.of(pid(operator))
            await asyncio.sleep(STEADY)
            cpu = (Usage.of(pid(operator)).cpu - before.cpu) / STEADY
            console.print(f"steady: {cpu:.1%} of a core, RSS {Usage.of(pid(operator)).rss:.0f} MiB")
            took = sorted([await _step(api, traffic, each) for each in _some(models)])
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))]
    console.print(f"{len(took)} steps: p50 {p50:.2f} s, longest {took[-1]:.2f} s")
    judge(console, [Aim("from the step to the write, p99, s", p99, 3.0)])


def _some(models: list[str]) -> list[str]:
    return random.Random(7).sample(models, min(STEPS, len(models)))  # noqa: S311 - chance enough


def _model(name: str) -> Object:
    scaling = {"max": 8, "capacityRps": CAPACITY}
    return model_deployment(NAMESPACE, name, "s3://models/fraud/1", scaling=scaling, rollout={"strategy": "canary"})


async def _all_scale(api: Api) -> None:
    """Each has its pod, and the operator knows its work."""
    while True:
        objects = await api.list(MDEP, NAMESPACE)
        done = sum(condition(each.get("status") or {}, "ScalingActive").get("status") == "True" for each in objects)
        if done == SIZE:
            return
        await asyncio.sleep(1)


async def _step(api: Api, traffic: Traffic, name: str) -> float:
    """Seconds until more pods are asked for."""
    listed = await api.request("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments?limit=1")
    version = listed["metadata"]["resourceVersion"]
    began = time.monotonic()
    traffic.rates[name] = HIGH
    async with aclosing(api.watch(DEPLOYMENTS, NAMESPACE, resourceVersion=version)) as events:
        async for _, obj in events:
            if obj["metadata"]["labels"].get(names.OWNER) == name and obj["spec"]["replicas"] > 1:
                return time.monotonic() - began
    raise RuntimeError(f"the watch ended before {name} had more pods")
