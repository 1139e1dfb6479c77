"""`tritium status`: one ModelDeployment, or all of a namespace, once or for as long as somebody looks."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.live import Live
from rich.text import Text

from tritium.cli.cluster import Cluster, run
from tritium.cli.complaints import Complaint
from tritium.cli.completing import models
from tritium.cli.facts.model import ModelFacts, read
from tritium.cli.options import As, Context, Namespace, Output, program
from tritium.cli.printing import as_json, show, terminal
from tritium.cli.views.status import fitted_view, status_view
from tritium.cli.views.status_data import status_data
from tritium.cli.views.status_list import status_line, status_list
from tritium.kube.errors import Unavailable

LOOKS: Final = 1.0
"""Seconds between two looks of --watch: a read of one object, which asks for no more rights than `get`."""


def status(  # noqa: PLR0913, PLR0917 - the options of a command
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The ModelDeployment. Absent: all.", autocompletion=models)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it until Ctrl-C.")] = False,  # noqa: FBT002 - a flag
    namespace: Namespace = None,
    context: Context = None,
    output: As = Output.TEXT,
) -> None:
    """Show what serves, what is being rolled out, what stands in the way, and what to do next.

    With --watch a terminal shows the screen anew each second. A pipe gets a line (with -o json an object) for each
    change.
    """
    called = program(ctx.find_root().info_name)
    if name is None:
        if watch:
            raise typer.BadParameter("--watch needs a NAME")
        found = run(context, namespace, _all)
        empty = Text("there is no ModelDeployment in this namespace; name another with --namespace")
        text = status_list(found, _now()) if found else empty
        show(output, text, [status_data(each, called) for each in found], whole=True)
    elif watch:
        with suppress(KeyboardInterrupt):  # that is how it ends
            run(context, namespace, lambda cluster: _follow(cluster, name, called, output))
    else:
        facts = run(context, namespace, lambda cluster: one(cluster, name))
        show(output, status_view(facts, _now(), called), status_data(facts, called))


async def one(cluster: Cluster, name: str) -> ModelFacts:
    """One ModelDeployment, read for people."""
    return read(await cluster.model(name))


async def _all(cluster: Cluster) -> list[ModelFacts]:
    return [read(each) for each in await cluster.models()]


async def _follow(cluster: Cluster, name: str, called: str, output: Output) -> None:
    if output is Output.TEXT and sys.stdout.isatty():
        await _screen(cluster, name, called)
        return
    said = ""
    async for facts, trouble in _looks(cluster, name):
        line = as_json(status_data(facts, called), indent=None) if output is Output.JSON else status_line(facts)
        if line != said and not trouble:
            said = line
            stamp = "" if output is Output.JSON else f"{_now():%H:%M:%S}  "
            sys.stdout.write(f"{stamp}{line}\n")
            sys.stdout.flush()


async def _screen(cluster: Cluster, name: str, called: str) -> None:
    with Live(console=terminal(), auto_refresh=False, vertical_overflow="crop") as live:
        async for facts, trouble in _looks(cluster, name):
            foot = Text(trouble, style="yellow") if trouble else Text("Ctrl-C ends this", style="dim")
            live.update(fitted_view(facts, _now(), called, foot), refresh=True)


async def _looks(cluster: Cluster, name: str) -> AsyncIterator[tuple[ModelFacts, str]]:
    """Look again and again: the object, and why it may be old. A server that is away for a while ends nothing."""
    facts = await one(cluster, name)
    trouble = ""
    while True:
        yield facts, trouble
        await asyncio.sleep(LOOKS)
        try:
            facts, trouble = await one(cluster, name), ""
        except Unavailable as away:
            trouble = f"this is what was last seen: {away}"
        except Complaint as complaint:
            raise Complaint(f"{name} is gone: {complaint}") from complaint


def _now() -> datetime:
    return datetime.now(UTC)
