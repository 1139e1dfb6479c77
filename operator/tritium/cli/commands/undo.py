"""`tritium undo`: back to a revision that is kept, by `spec.pinRevision`."""

from typing import Annotated

import typer

from tritium.cli.cluster import Cluster, run
from tritium.cli.completing import revisions
from tritium.cli.facts.going_back import GoingBack, going_back
from tritium.cli.facts.model import ModelFacts, read
from tritium.cli.options import As, Context, Name, Namespace, Output, program
from tritium.cli.printing import show
from tritium.cli.views.going_back import going_back_data, going_back_view


def undo(  # noqa: PLR0913, PLR0917 - the options of a command
    ctx: typer.Context,
    name: Name,
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="REV", min=1, help="The revision to go back to.", autocompletion=revisions),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    output: As = Output.TEXT,
) -> None:
    """Go back to the revision that served before, or to REV, by setting spec.pinRevision.

    While a rollout is under way that is the stable revision; otherwise the one before it.
    """
    called = program(ctx.find_root().info_name)
    before, change = run(context, namespace, lambda cluster: _undo(cluster, name, to))
    show(output, going_back_view(before, change, called), going_back_data(before, change), whole=True)


async def _undo(cluster: Cluster, name: str, to: int | None) -> tuple[ModelFacts, GoingBack]:
    before = read(await cluster.model(name))
    change = going_back(before, to)
    await cluster.edit(name, change.patch())
    return before, change
