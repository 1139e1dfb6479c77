"""`tritium top`: what all ModelDeployments do at the moment, once or for as long as somebody looks."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.live import Live
from rich.text import Text

from tritium.cli.cluster import Cluster, run
from tritium.cli.facts.model import read
from tritium.cli.facts.top import Sort, Top, rows
from tritium.cli.metrics import SPAN, Counted, Metrics
from tritium.cli.options import As, Context, Namespace, Output
from tritium.cli.printing import as_json, plain, show, terminal
from tritium.cli.views.fitted import ROOM
from tritium.cli.views.top import fitted_top, top_view
from tritium.cli.views.top_data import top_data
from tritium.kube.errors import Unavailable

LOOKS: Final = 2.0
"""Seconds between two looks of --watch."""

EVERYWHERE = typer.Option("--all-namespaces", "-A", help="Those of all namespaces.")
OPERATOR = typer.Option(
    "--operator", metavar="NAMESPACE/SERVICE", help="Where the operator's metrics are, if not at the usual place."
)


def top(  # noqa: PLR0913, PLR0917 - the options of a command
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow them until Ctrl-C.")] = False,  # noqa: FBT002 - a flag
    sort: Annotated[Sort, typer.Option("--sort", "-s", help="The most first.")] = Sort.NAME,
    everywhere: Annotated[bool, EVERYWHERE] = False,  # noqa: FBT002 - a flag
    operator: Annotated[str, OPERATOR] = "tritium-system/tritium-metrics",
    namespace: Namespace = None,
    context: Context = None,
    output: As = Output.TEXT,
) -> None:
    """Show what models do now: requests, errors, latency, pods and why there are so many, GPUs.

    What their status does not hold is counted by the operator for some seconds, which takes the right to read its
    metrics (get services/proxy). Without it those columns are left out, and it says so.
    """
    if everywhere and namespace:
        raise typer.BadParameter("--all-namespaces and --namespace exclude each other")
    where, _, service = operator.partition("/")
    if not where or not service:
        raise typer.BadParameter("--operator needs the form NAMESPACE/SERVICE, such as tritium-system/tritium-metrics")

    async def work(cluster: Cluster) -> None:
        looks = _Looks(cluster, Metrics(cluster.client, where, service), sort, everywhere=everywhere)
        if not watch:
            _print(await looks.once(), output)
        elif output is Output.TEXT and sys.stdout.isatty():
            await _screen(looks)
        else:
            async for seen, trouble in looks.again():
                if not trouble:
                    _write(seen, output)

    with suppress(KeyboardInterrupt):  # that is how --watch ends
        run(context, namespace, work)


class _Looks:
    """Looks at all models, and at what is counted of them."""

    def __init__(self, cluster: Cluster, metrics: Metrics, sort: Sort, *, everywhere: bool) -> None:
        self._cluster, self._metrics, self._sort, self._everywhere = cluster, metrics, sort, everywhere

    async def once(self) -> Top:
        """With what is counted, if that may be read: then it takes a while."""
        seen = await self._look()
        if not seen.rows or not seen.counting:
            return seen
        if sys.stderr.isatty():
            typer.echo(f"counting for {SPAN:g} s ...", err=True)
        await asyncio.sleep(SPAN)
        return await self._look()

    async def again(self) -> AsyncIterator[tuple[Top, str]]:
        """Again and again: what is seen, and why it may be old. A server that is away for a while ends nothing."""
        seen, trouble = await self._look(), ""
        while True:
            yield seen, trouble
            await asyncio.sleep(LOOKS)
            try:
                seen, trouble = await self._look(), ""
            except Unavailable as away:
                trouble = f"this is what was last seen: {away}"

    async def _look(self) -> Top:
        models = [read(each) for each in await self._cluster.models(everywhere=self._everywhere)]
        counted = await self._metrics.look(time.monotonic) if models else Counted()
        return Top(
            at=datetime.now(UTC),
            rows=rows(models, counted.used, self._sort),
            everywhere=self._everywhere,
            missing=counted.missing,
            counting=counted.counting,
            silent=counted.silent & {each.namespace for each in models},
        )


def _print(seen: Top, output: Output) -> None:
    where = "in the cluster" if seen.everywhere else "in this namespace; name another with --namespace"
    text = top_view(seen) if seen.rows else Text(f"there is no ModelDeployment {where}")
    show(output, text, top_data(seen), whole=True)


def _write(seen: Top, output: Output) -> None:
    """For a pipe: an object in a line, or the whole table again."""
    said = as_json(top_data(seen), indent=None) if output is Output.JSON else plain(top_view(seen), ROOM)
    sys.stdout.write(f"{said}\n")
    sys.stdout.flush()


async def _screen(looks: _Looks) -> None:
    with Live(console=terminal(), auto_refresh=False, vertical_overflow="crop") as live:
        async for seen, trouble in looks.again():
            foot = Text(trouble, style="yellow") if trouble else Text("Ctrl-C ends this", style="dim")
            live.update(fitted_top(seen, foot), refresh=True)
