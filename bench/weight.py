"""From the API write of new weights to the first request that follows them, on every gateway pod.

Real API server and etcd, two pods of the gateway (agent and Envoy), all on this machine; the bench writes
`status.traffic` as the operator does, all requests to one revision and then all to the other. The time counts from when
the write is sent until, on the slower of the two gateways, the first answer of the new revision is there.

BENCH_CHANGES: how many changes, 200 unless told.
"""

import asyncio
import os
import random
import time
from contextlib import AsyncExitStack
from typing import Final

import aiohttp
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.aims import Aim, judge
from bench.following import Gateway, Ground, follows, ground
from bench.upstream import upstream
from bench.usage import cpu_seconds
from tests.controlplane.gateway.relay import address
from tests.ports import free_ports
from tritium.gateway.snapshot.actions import REVISION_HEADER

CHANGES: Final = int(os.environ.get("BENCH_CHANGES", "200"))
GATEWAYS: Final = 2
P99_MS: Final = 250.0
WHOLE: Final = 10_000
console = Console(width=120, highlight=False)


async def main() -> None:
    """Measure and print."""
    async with ground() as here, upstream(2) as ports, AsyncExitStack() as stack:
        (port,) = free_ports(1)
        await _serve(here, port, ports)
        gateways = [await stack.enter_async_context(here.gateway(number + 1)) for number in range(GATEWAYS)]
        await asyncio.gather(*(each.start() for each in gateways))
        await asyncio.gather(*(each.runs(1, endpoints=1) for each in gateways))
        before = _cpu(gateways)
        sessions = [await stack.enter_async_context(aiohttp.ClientSession()) for _ in gateways]
        taken = await _change(here, gateways, sessions, port)
        used = {name: cpu - before[name] for name, cpu in _cpu(gateways).items()}
    show(taken, used)
    judge(
        console, [Aim("p99 until every gateway follows, ms", 1e3 * np.quantile(taken["every gateway"], 0.99), P99_MS)]
    )


async def _serve(here: Ground, port: int, upstreams: list[int]) -> None:
    """One ModelDeployment with two revisions of one pod each."""
    await here.serving.create()
    for number, own in enumerate(upstreams, 1):
        await here.serving.endpoints(f"fraud-{number}", [address()], ports=(own, own))
    await here.serving.tell(1, port, (2, 0), (1, WHOLE))


async def _change(
    here: Ground, gateways: list[Gateway], sessions: list[aiohttp.ClientSession], port: int
) -> dict[str, list[float]]:
    """The changes, one after the other; returns seconds by what they are of."""
    taken: dict[str, list[float]] = {"the API server's answer": [], "the first gateway": [], "every gateway": []}
    pause = random.Random(3)  # noqa: S311 - chance enough
    for number in range(CHANGES):
        leads = 2 - number % 2
        wanted = {REVISION_HEADER: str(leads)}
        await asyncio.sleep(pause.uniform(0.03, 0.13))  # so that no rhythm of the agent's is met each time
        began = time.perf_counter()
        asking = [
            asyncio.create_task(follows(session, each.address, port, wanted))
            for each, session in zip(gateways, sessions, strict=True)
        ]
        await here.serving.tell(2 + number, port, (2, WHOLE * (leads == 2)), (1, WHOLE * (leads == 1)))
        taken["the API server's answer"].append(time.perf_counter() - began)
        followed = await asyncio.gather(*asking)
        taken["the first gateway"].append(min(followed) - began)
        taken["every gateway"].append(max(followed) - began)
    return taken


def _cpu(gateways: list[Gateway]) -> dict[str, float]:
    used = {"agent": 0.0, "Envoy": 0.0}
    for each in gateways:
        for name, pid in each.pids().items():
            used[name] += cpu_seconds(pid)
    return used


def show(taken: dict[str, list[float]], used: dict[str, float]) -> None:
    """Print the table."""
    console.print(f"weights 0 to 100 % and back, {CHANGES} changes, {GATEWAYS} gateways, {os.cpu_count()} cores")
    table = Table("ms from sending the write to", "p50", "p99", "max")
    for name, seconds in taken.items():
        p50, p99, most = 1e3 * np.quantile(seconds, (0.5, 0.99, 1.0))
        table.add_row(name, f"{p50:.1f}", f"{p99:.1f}", f"{most:.1f}")
    console.print(table)
    each = ", ".join(f"{name} {1e3 * cpu / CHANGES / GATEWAYS:.1f} ms" for name, cpu in used.items())
    console.print(f"CPU for each change, requests in between included: {each}")
