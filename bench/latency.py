"""What the gateway costs a request: time, and CPU of Envoy. Beside it what a bare Envoy costs in the same run.

Three ways lead to one Triton on this machine: straight, through an Envoy with one static route, and through a pod of
the gateway (agent and Envoy as they run in a cluster, with what the agent finds on its disk). They are asked in turn,
for moments, in an order of chance; an interval is a 95 % confidence interval over the rounds.

BENCH_ROUNDS: how many rounds, 30 unless told. BENCH_ABLATE=1: leave out one thing of the gateway at a time instead.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import ablation, targets
from bench.aims import Aim, judge
from bench.confidence import Draws, interval
from bench.load import Load
from bench.rounds import PROTOCOLS, Measured, measure
from bench.usage import cpu_seconds

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "30"))
SECONDS: Final = 0.4
"""Of one way, protocol and load in one round."""
LOADS: Final = (Load("closed, 1 client", 1), Load("closed, 4 clients", 4), Load("open, 200/s", 4, 200.0))
RATIO: Final = 1.25
SHARES: Final = {"p50": 0.5, "p99": 0.99}
console = Console(width=140, highlight=False)


async def main() -> None:
    """Measure and print."""
    if os.environ.get("BENCH_ABLATE"):
        await ablation.main(ROUNDS)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with AsyncExitStack() as stack:
            straight = await stack.enter_async_context(targets.triton(folder))
            plain = await stack.enter_async_context(targets.bare(straight, folder))
            whole, agent = await stack.enter_async_context(targets.gateway(straight, folder))
            ways = {"direct": straight, "bare": plain, "gateway": whole}
            before = cpu_seconds(agent)
            measured = await measure(ways, LOADS, rounds=ROUNDS, seconds=SECONDS)
            agents = cpu_seconds(agent) - before
    show(measured)
    console.print(f"the agent, beside its Envoy: {agents:.2f} s of CPU in all that time")
    if failed := measured.failures():
        sys.exit(f"bench: requests failed: {failed}")
    judge(console, aims(measured))


def aims(measured: Measured) -> Iterator[Aim]:
    """At most so much more than a bare Envoy: time for one client that asks again and again, and CPU for all loads."""
    chosen = measured.picks()
    for protocol in PROTOCOLS:
        ways = {way: measured.series[protocol, LOADS[0].name, way] for way in ("direct", "bare", "gateway")}
        (direct,), (bare,), (gateway,) = (each.quantiles([0.5], chosen) for each in ways.values())
        ratio = interval((gateway - direct) / (bare - direct)).value
        yield Aim(f"added p50, {protocol}, {LOADS[0].name}, of a bare Envoy's", ratio, RATIO)
        used = [
            np.sum([measured.series[protocol, load.name, way].cpu_per_thousand(chosen) for load in LOADS], axis=0)
            for way in ("bare", "gateway")
        ]
        yield Aim(f"CPU, {protocol}, all loads, of a bare Envoy's", interval(used[1] / used[0]).value, RATIO)


def show(measured: Measured) -> None:
    """Print the tables."""
    sizes = {(key[0], key[1]): sum(map(len, each.latencies)) for key, each in measured.series.items()}
    console.print(
        f"{os.cpu_count()} cores, {measured.rounds} rounds; of each way {min(sizes.values())} to "
        f"{max(sizes.values())} requests; intervals: 95 %"
    )
    tables = {name: _table(f"latency, {name}, ms", "direct", "bare adds", "gateway adds") for name in SHARES}
    cpu = _table("CPU of Envoy for 1,000 requests, ms", "bare", "gateway")
    chosen = measured.picks()
    for protocol in PROTOCOLS:
        for load in LOADS:
            ways = {way: measured.series[protocol, load.name, way] for way in ("direct", "bare", "gateway")}
            found = {way: each.quantiles(list(SHARES.values()), chosen) for way, each in ways.items()}
            for table, direct, bare, gateway in zip(tables.values(), *found.values(), strict=True):
                added = [bare - direct, gateway - direct]
                table.add_row(protocol, load.name, *_cells(direct, *added), f"{interval(added[1] / added[0]):.2f}")
            used = [ways[way].cpu_per_thousand(chosen) for way in ("bare", "gateway")]
            cpu.add_row(protocol, load.name, *_cells(*used), f"{interval(used[1] / used[0]):.2f}")
    for each in (*tables.values(), cpu):
        console.print(each)


def _cells(*draws: Draws) -> list[str]:
    return [f"{interval(each):.3f}" for each in draws]


def _table(title: str, *columns: str) -> Table:
    return Table("", "load", *columns, "ratio", title=title, title_justify="left")
