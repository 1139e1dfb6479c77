"""`kubectl_complete-tritium`: what kubectl runs to complete a word of `kubectl tritium`.

kubectl hands over the words after the plugin's name, the last one being the one that is typed. It wants a line for each
word that it can become, with a tab before what that is, and last what the shell is to do besides.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from typing import Final

from tritium.cli.main import app

_NO_FILES: Final = ":4"
_FILES: Final = ":0"
"""Of cobra, which kubectl is made with (ShellCompDirective): whether the shell adds names of files."""

_PROGRAM: Final = "tritium"

_ONE_LINE: Final = "10000"
"""Columns: what is wrapped would be taken for another word."""


def main() -> None:
    """Print them."""
    words = sys.argv[1:] or [""]
    # The lines that typer has for the shell fish are those that kubectl wants.
    os.environ["_TRITIUM_COMPLETE"] = "complete_fish"
    os.environ["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    os.environ["_TYPER_COMPLETE_ARGS"] = _typed(words)
    os.environ["COLUMNS"] = _ONE_LINE
    with redirect_stdout(StringIO()) as found, suppress(SystemExit):
        app(prog_name=_PROGRAM)
    lines = (line for line in found.getvalue().splitlines() if line)
    sys.stdout.write("\n".join([*lines, _FILES if _wants_file(words) else _NO_FILES, ""]))


def _typed(words: Sequence[str]) -> str:
    """The line as it is typed; a word that is not begun is a space at its end.

    >>> _typed(["status", "fr"]), _typed(["status", ""])
    ('tritium status fr', 'tritium status ')
    """
    *before, last = words
    return " ".join([*map(shlex.quote, [_PROGRAM, *before]), shlex.quote(last) if last else ""])


def _wants_file(words: Sequence[str]) -> bool:
    """Whether the last word is a file of this machine.

    >>> _wants_file(["digest", ""]), _wants_file(["infer", "fraud", "--data", "a"]), _wants_file(["status", ""])
    (True, True, False)
    """
    return len(words) > 1 and (words[0] == "digest" or words[-2] in {"--data", "-d"})
