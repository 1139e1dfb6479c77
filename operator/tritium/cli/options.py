"""The arguments and options that commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tritium.cli.completing import models

TARGET = "Which cluster"


class Output(StrEnum):
    """What a command prints."""

    TEXT = "text"
    JSON = "json"


Name = Annotated[str, typer.Argument(metavar="NAME", help="The ModelDeployment.", autocompletion=models)]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Its namespace. Absent: that of the context.", rich_help_panel=TARGET),
]
Context = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="CONTEXT",
        help="A context of the kubeconfig. Absent: the current one, or the pod's own account inside a cluster.",
        rich_help_panel=TARGET,
    ),
]
As = Annotated[Output, typer.Option("--output", "-o", help="json is for programs.")]


def program(invoked: str | None) -> str:
    """How the command was called, for the commands that it tells to type.

    >>> program("/usr/local/bin/kubectl-tritium"), program("tritium"), program(None)
    ('kubectl tritium', 'tritium', 'tritium')
    """
    return "kubectl tritium" if Path(invoked or "").name.startswith("kubectl-") else "tritium"
