"""One change among 200 ModelDeployments: how soon Envoy has it, and that it gets nothing else.

Real API server and etcd, one pod of the gateway (agent and Envoy), all on this machine. Each ModelDeployment has two
revisions with two pods each; the bench writes `status.traffic` and EndpointSlices. The time counts from when a write is
sent until a request meets it: Envoy has acknowledged it by then. What Envoy was told is read from its own counters.

BENCH_CHANGES: how many changes, 200 unless told. BENCH_MODELS: how many ModelDeployments, 200 unless told.
"""

import asyncio
import json
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import aiohttp
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.aims import Aim, judge
from bench.changes import REVISIONS, Change, Pod, Served, Weights, put_slice, tell
from bench.following import Gateway, Ground, follows, ground
from bench.scale import Usage
from bench.told import KINDS, Told, counting, told
from bench.upstream import upstream
from bench.usage import cpu_seconds
from tests.ports import free_ports
from tritium.gateway.snapshot.actions import REVISION_HEADER

CHANGES: Final = int(os.environ.get("BENCH_CHANGES", "200"))
MODELS: Final = int(os.environ.get("BENCH_MODELS", "200"))
AT_ONCE: Final = 16
P99_MS: Final = 50.0
console = Console(width=120, highlight=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the changes of one kind took.

    Attributes:
        written: seconds of each, until the API server had answered,
        seconds: and until a request met it.
        cpu: by process, seconds of all.
        changed: which ModelDeployments were changed, and how often.
    """

    written: list[float]
    seconds: list[float]
    cpu: dict[str, float]
    told: Told
    changed: Counter[str]


async def main() -> None:
    """Measure and print."""
    async with ground() as here, upstream(4) as pods, AsyncExitStack() as stack:
        models = [Served(f"m{number:03}", port) for number, port in enumerate(free_ports(MODELS))]
        await _set_up(here, models, pods[:2])
        gateway = await stack.enter_async_context(here.gateway())
        await _start(gateway)
        kinds: dict[str, tuple[Change, int]] = {
            "weights": (Weights(), CHANGES - 2 * (CHANGES // 5)),
            "a pod replaced": (Pod("y", pods[2]), CHANGES // 5),
            "a pod more": (Pod("z", pods[3]), CHANGES // 5),
        }
        outcomes = {
            name: await _change(here, gateway, change, _chosen(models, number))
            for name, (change, number) in kinds.items()
        }
        show(outcomes, await _compiled(gateway))
    if wrong := [name for name, each in outcomes.items() if not is_only_what_changed(each)]:
        sys.exit(f"bench: Envoy was told more, or less, than what changed: {wrong}")
    seconds = [each for kind in outcomes.values() for each in kind.seconds]
    judge(console, [Aim("p99 until a request meets a change, ms", 1e3 * np.quantile(seconds, 0.99), P99_MS)])


async def _set_up(here: Ground, models: list[Served], pods: list[int]) -> None:
    async def one(model: Served) -> None:
        await here.serving.create(model.name)
        for revision in REVISIONS:
            for name, port in zip("xy", pods, strict=True):
                await put_slice(here, f"{model.name}-{revision}", name, port)
        await tell(here, model)

    await _bounded(one(model) for model in models)


async def _bounded(work: Iterable[Awaitable[None]]) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(each: Awaitable[None]) -> None:
        async with turns:
            await each

    await asyncio.gather(*map(one, work))


async def _start(gateway: Gateway) -> None:
    """From nothing, and print how long that took."""
    began = time.perf_counter()
    await gateway.start_agent()
    await gateway.started()
    listed = time.perf_counter()
    file = gateway.folder / "envoy.json"
    file.write_text(json.dumps(counting(json.loads(file.read_text()))))
    await gateway.start_envoy()
    await gateway.ready()
    ready = time.perf_counter()
    used = {name: Usage.of(pid) for name, pid in gateway.pids().items()}
    console.print(
        f"{MODELS} ModelDeployments on {os.cpu_count()} cores: the agent has listed all after {listed - began:.1f} s, "
        f"Envoy serves all {ready - listed:.1f} s after its start"
    )
    console.print(", ".join(f"{name}: {each.cpu:.1f} s of CPU, RSS {each.rss:.0f} MiB" for name, each in used.items()))


def _chosen(models: list[Served], number: int) -> list[Served]:
    """Each about as often as another."""
    order = random.Random(number)  # noqa: S311 - chance enough
    return (order.sample(models, len(models)) * (1 + number // len(models)))[:number]


async def _change(here: Ground, gateway: Gateway, change: Change, chosen: list[Served]) -> Outcome:
    if gateway.envoy is None:
        raise RuntimeError("the gateway has not started")
    pause, pids = random.Random(3), gateway.pids()  # noqa: S311 - chance enough
    before = await asyncio.to_thread(told, gateway.envoy.admin)
    used = {name: cpu_seconds(pid) for name, pid in pids.items()}
    taken = []
    for model in chosen:
        await asyncio.sleep(pause.uniform(0.03, 0.13))  # so that no rhythm of the agent's is met each time
        taken.append(await _one(here, change, model))
    written, seconds = (list(each) for each in zip(*taken, strict=True))
    cpu = {name: cpu_seconds(pid) - used[name] for name, pid in pids.items()}
    after = await asyncio.to_thread(told, gateway.envoy.admin)
    return Outcome(written, seconds, cpu, after.since(before), Counter(model.name for model in chosen))


async def _one(here: Ground, change: Change, model: Served) -> tuple[float, float]:
    """Seconds until the API server has answered, and until a request meets the change."""
    async with aiohttp.ClientSession() as session:
        await follows(session, "127.0.0.1", model.port, {REVISION_HEADER: str(model.leads)})  # it is connected
        began = time.perf_counter()
        asking = asyncio.create_task(follows(session, "127.0.0.1", model.port, change.wanted(model)))
        await change.write(here, model)
        written = time.perf_counter() - began
        return written, await asking - began


async def _compiled(gateway: Gateway) -> float:
    """Seconds that the agent needs to make a snapshot, on average."""
    _, text = await gateway.state("/metrics")
    found = dict(re.findall(r"^tritium_gateway_publish_seconds_(sum|count) (\S+)", text, re.MULTILINE))
    return float(found["sum"]) / float(found["count"])


def is_only_what_changed(outcome: Outcome) -> bool:
    """Whether Envoy was told of the ModelDeployments that were changed, as often as they were, and of no other.

    New weights are one route configuration; a pod is in the endpoints of two clusters, HTTP and gRPC. How many requests
    may be in flight is one resource for all (Envoy has no other way), and is told when a number of pods has changed.
    """
    kinds = outcome.told.kinds
    if kinds["runtime"] and kinds["routes"]:
        return False
    if kinds["listeners"] or kinds["clusters"] or (kinds["routes"] and kinds["endpoints"]):
        return False
    each = {("routes", name): number for name, number in outcome.changed.items()}
    pods = {("endpoints", name): 2 * number for name, number in outcome.changed.items()}
    return outcome.told.models in (each, pods)


def show(outcomes: Mapping[str, Outcome], compiled: float) -> None:
    """Print the tables."""
    for title, columns in (
        ("ms from sending the write to the first request that meets it; ms of CPU for each change", _times(outcomes)),
        ("what Envoy was told for each change: resources of each kind, and bytes", _told(outcomes)),
    ):
        table = Table(*columns)
        for row in zip(*columns.values(), strict=True):
            table.add_row(*row)
        console.print(f"\n{title}")
        console.print(table)
    console.print(f"the agent makes a snapshot in {1e3 * compiled:.1f} ms, on average")


def _times(outcomes: Mapping[str, Outcome]) -> dict[str, list[str]]:
    seconds = [each.seconds for each in outcomes.values()]
    seconds.append([each for kind in seconds for each in kind])
    columns = {"change": [*outcomes, "all"], "number": [str(len(each)) for each in seconds]}
    for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        columns[name] = [f"{1e3 * np.quantile(each, share):.1f}" for each in seconds]
    columns["API server, p50"] = [f"{1e3 * np.median(each.written):.1f}" for each in outcomes.values()] + [""]
    for name in ("agent", "Envoy"):
        used = [1e3 * each.cpu[name] / len(each.seconds) for each in outcomes.values()]
        columns[f"{name}, CPU"] = [f"{each:.1f}" for each in used] + [""]
    return columns


def _told(outcomes: Mapping[str, Outcome]) -> dict[str, list[str]]:
    columns = {"change": [*outcomes]}
    for kind in KINDS:
        columns[kind] = [f"{each.told.kinds[kind] / len(each.seconds):g}" for each in outcomes.values()]
    return columns
