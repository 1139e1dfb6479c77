"""Where a command prints: a terminal, or a pipe without colours."""

import json
import shutil
import sys
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console, RenderableType

from tritium.cli.options import Output
from tritium.cli.views.fitted import ROOM

WIDTH: Final = 80
"""Columns where there is no terminal to ask."""

_VERBATIM: Final[Mapping[str, Any]] = {"highlight": False, "markup": False, "emoji": False}
"""What others wrote, such as `[red]` in a message, is shown as it is."""


def terminal() -> Console:
    """The standard output, with colours."""
    return Console(**_VERBATIM)


def show(output: Output, text: RenderableType, data: Any, *, whole: bool = False) -> None:
    """Print one of the two; `whole` lines are not wrapped, so that they can be copied or read by other programs."""
    if output is Output.JSON:
        sys.stdout.write(as_json(data) + "\n")
    elif sys.stdout.isatty():
        terminal().print(text, soft_wrap=whole)
    else:
        width = shutil.get_terminal_size((WIDTH, 24)).columns
        sys.stdout.write(plain(text, ROOM if whole else width))


def plain(text: RenderableType, width: int = WIDTH) -> str:
    """As it is in a pipe: without colours, and without spaces at the ends of lines."""
    console = Console(width=width, color_system=None, force_terminal=False, **_VERBATIM)
    with console.capture() as captured:
        console.print(text)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def as_json(data: Any, *, indent: int | None = 2) -> str:
    """JSON for programs."""
    return json.dumps(data, indent=indent, ensure_ascii=False)
