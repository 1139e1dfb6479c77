"""The `tritium` command, also reached as `kubectl tritium`."""

from pathlib import Path
from typing import Annotated

import typer

import tritium
from tritium.api.crd import custom_resource_definition
from tritium.cli.commands import actions
from tritium.cli.commands.history import diff, history
from tritium.cli.commands.infer import infer
from tritium.cli.commands.status import status
from tritium.cli.commands.top import top
from tritium.cli.commands.undo import undo
from tritium.cli.crd_yaml import crd_yaml
from tritium.cli.facts.action import Verb
from tritium.cli.manifest import NotAFile, files
from tritium.core import manifest

app = typer.Typer(
    name="tritium",
    help="Serve models with NVIDIA Triton on Kubernetes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(tritium.__version__)


@app.command()
def crd() -> None:
    """Print the CustomResourceDefinition that belongs to this version.

    To install or upgrade it: tritium crd | kubectl apply --server-side --force-conflicts -f -
    """
    typer.echo(crd_yaml(custom_resource_definition()), nl=False)


@app.command()
def digest(
    directory: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="The model's folder.")],
) -> None:
    """Print the digest of a model's files, for spec.model.source.digest."""
    try:
        typer.echo(manifest.digest(files(directory)))
    except NotAFile as error:
        typer.echo(f"tritium digest: {error}", err=True)
        raise typer.Exit(1) from error


app.command()(status)
app.command()(top)
for verb in Verb:
    app.command(verb.value)(actions.command(verb))
app.command()(history)
app.command()(undo)
app.command()(diff)
app.command()(infer)
