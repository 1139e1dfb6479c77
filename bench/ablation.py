"""What of the gateway costs what: Envoys that lack one thing of its configuration each, asked in turn.

Each gets what the compiler makes, changed, from a server of the agent's in this process. What is shown is how much
less (or more) than the whole gateway it takes. CPU tells small differences better than time does.
"""

import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import targets
from bench.client import HOST, MODEL
from bench.confidence import interval
from bench.load import Load
from bench.rounds import PROTOCOLS, Measured, measure
from bench.targets import NAME, Target
from bench.variants import VARIANTS, Change, Parts
from e2e.cluster import wheels
from tests.controlplane.waiting import wait_for
from tests.dataplane.envoy import Envoy
from tests.ports import free_ports
from tritium.gateway.bootstrap import BootstrapSettings, bootstrap
from tritium.gateway.snapshot.compile import compile_snapshot
from tritium.gateway.snapshot.listeners import ListenerSettings
from tritium.gateway.table import Endpoint, Model, Share
from tritium.gateway.table import Table as Served
from tritium.gateway.xds.server import Server

SECONDS: Final = 0.4
LOAD: Final = Load("closed, 1 client", 1)
BARE: Final = "a bare Envoy"


async def main(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with AsyncExitStack() as stack:
            straight = await stack.enter_async_context(targets.triton(folder))
            ways = {BARE: await stack.enter_async_context(targets.bare(straight, folder))}
            for title, change in VARIANTS.items():
                ways[title] = await stack.enter_async_context(variant(straight, change, folder))
            measured = await measure(ways, [LOAD], rounds=rounds, seconds=SECONDS)
    show(measured)
    if failed := measured.failures():
        sys.exit(f"bench: requests failed: {failed}")


@asynccontextmanager
async def variant(upstream: Target, change: Change, folder: Path) -> AsyncIterator[Target]:
    """An Envoy with a changed configuration."""
    with tempfile.TemporaryDirectory(prefix="tritium-variant-") as name:
        place = Path(name)
        settings = BootstrapSettings("bench", "bench", str(place / "xds.sock"), str(place / "admin.sock"))
        (port,) = free_ports(1)
        model = Model(NAME, "u", 1, port, MODEL, (Share(1, "pods", 10_000),))
        endpoints = {"pods": (Endpoint(HOST, upstream.http, upstream.grpc),)}
        snapshot = compile_snapshot(Served({NAME: model}, endpoints), ListenerSettings(HOST))
        parts = Parts.of(bootstrap(settings), snapshot)
        change(parts)
        server = Server(Path(settings.xds_socket), lambda: None)
        async with server:
            server.publish(parts.into(snapshot))
            with Envoy(wheels.envoy(), place, parts.bootstrap, folder / "variants.log") as envoy:
                await wait_for(lambda: server.state, 20, "all is acknowledged", until=lambda seen: seen.whole)
                if refused := server.state.rejected:
                    raise RuntimeError(f"Envoy refuses {[each.message for each in refused.values()]}")
                yield Target(port, port, envoy.pid)


def show(measured: Measured) -> None:
    """Print the table."""
    chosen = measured.picks()
    columns = [f"{each} {what}" for each in PROTOCOLS for what in ("CPU, %", "p50, µs")]
    title = f"{os.cpu_count()} cores, {measured.rounds} rounds; intervals: 95 %"
    table = Table("against the gateway", *columns, title=title, title_justify="left")
    for name in (*VARIANTS, BARE):
        row = []
        for protocol in PROTOCOLS:
            whole, this = (measured.series[protocol, LOAD.name, each] for each in ("gateway", name))
            cpu = 100 * (this.cpu_per_thousand(chosen) / whole.cpu_per_thousand(chosen) - 1)
            (median,), (of_whole,) = (each.quantiles([0.5], chosen) for each in (this, whole))
            row += [f"{interval(cpu):+.1f}", f"{interval(1e3 * (median - of_whole)):+.0f}"]
        table.add_row(name, *row)
    Console(width=140, highlight=False).print(table)
