"""The command line: `python -m e2e.cluster up|down|images|binaries|azurite|mlflow|doctor|load-operator`.

Prints what it does to standard error; standard output has only what another program may want to read.
"""

from typing import Annotated

import typer
from rich.markup import escape

from e2e.cluster import binaries as programs
from e2e.cluster import bring_up, npm, requirements, settings, steps, wheels
from e2e.cluster.mode import Mode, mode

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A real kind cluster for the tests.")


@app.command()
def up() -> None:
    """Bring the cluster up with the project's images: everything it takes, from nothing if need be."""
    bring_up.up()


@app.command()
def down() -> None:
    """Delete the cluster, and end the container engine if it was started here. What was built stays."""
    bring_up.down()


@app.command()
def images(
    names: Annotated[list[str] | None, typer.Argument(help="triton, envoy, versitygw, operator; none: all")] = None,
) -> None:
    """Build the images that run in the cluster."""
    bring_up.build_images(*(names or []))


@app.command()
def binaries(names: Annotated[list[str] | None, typer.Argument(help="none: all")] = None) -> None:
    """Build Go programs, and print where they are."""
    for name, path in programs.ensure(*(names or [])).items():
        print(f"{name}={path}")


@app.command()
def azurite() -> None:
    """Install the emulator of Azure Blob Storage, and print where it is."""
    print(f"azurite-blob={npm.ensure('azurite', 'azurite-blob')}")


@app.command()
def mlflow() -> None:
    """Install an MLflow server, and print which Python has it."""
    print(f"mlflow={wheels.mlflow()}")


@app.command()
def doctor() -> None:
    """Say what is missing on this machine, one line each, with its remedy."""
    names = requirements.REGISTRY if mode() is Mode.REGISTRY else requirements.SOURCE
    absent = requirements.missing(*names)
    for name, line in absent.items():
        print(f"{name}: {line}")
    if absent:
        raise typer.Exit(1)
    print(f"nothing is missing; what is built is kept in {settings.cache()}")


@app.command()
def load_operator() -> None:
    """Build the operator's image from the checkout, and load it into the running cluster."""
    bring_up.load_operator()


def main() -> None:
    """Run, and tell a failure without a traceback."""
    try:
        app()
    except steps.Failed as failure:
        steps.console.print(f"[red]✗[/] {escape(str(failure))}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
