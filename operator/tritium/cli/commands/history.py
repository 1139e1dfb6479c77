"""`tritium history` and `tritium diff`: the kept revisions, and what differs between two of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from tritium.cli.cluster import Cluster, run
from tritium.cli.completing import revisions
from tritium.cli.facts import history as facts_of
from tritium.cli.facts.history import Kept
from tritium.cli.facts.model import ModelFacts, read
from tritium.cli.options import As, Context, Name, Namespace, Output, program
from tritium.cli.printing import show
from tritium.cli.views.diff import diff_data, diff_view
from tritium.cli.views.history import history_data, history_view

Revision = Annotated[
    int | None, typer.Argument(metavar="REV", min=1, help="Number of a kept revision.", autocompletion=revisions)
]


def history(
    ctx: typer.Context, name: Name, namespace: Namespace = None, context: Context = None, output: As = Output.TEXT
) -> None:
    """List the kept revisions: what each was made from and what differed, when it served, why it was turned down."""
    called = program(ctx.find_root().info_name)
    facts, kept = run(context, namespace, lambda cluster: _kept(cluster, name))
    show(output, history_view(facts, kept, datetime.now(UTC), called), history_data(kept))


def diff(  # noqa: PLR0913, PLR0917 - the options of a command
    name: Name,
    first: Revision = None,
    second: Revision = None,
    namespace: Namespace = None,
    context: Context = None,
    output: As = Output.TEXT,
) -> None:
    """Show what differs between two revisions, line by line.

    One REV is compared with the stable revision. Without any it is the newest change: the stable revision and the
    newest one, or the one that served before.
    """

    async def work(cluster: Cluster) -> tuple[ModelFacts, Kept, Kept]:
        facts, kept = await _kept(cluster, name)
        return facts, *facts_of.pair(facts, kept, first, second)

    facts, old, new = run(context, namespace, work)
    show(output, diff_view(facts, old, new), diff_data(facts, old, new), whole=True)


async def _kept(cluster: Cluster, name: str) -> tuple[ModelFacts, Sequence[Kept]]:
    model = await cluster.model(name)
    facts = read(model)
    return facts, facts_of.history(model, facts, await cluster.revisions(model))
