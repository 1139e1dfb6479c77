"""A program in a terminal, as a person starts it, and what it shows there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
import threading
from collections.abc import Sequence

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""Colours and movements of the cursor."""


def shown(command: Sequence[str], folder: os.PathLike[str], seconds: float) -> str:
    """Run a program to its end; return all that it has shown, each state of a moving screen after the other.

    Raises:
        AssertionError: it ended with an error, or not in time; it is killed then.
    """
    terminal, its_side = pty.openpty()
    termios.tcsetwinsize(its_side, (50, 120))
    environment = os.environ | {"TERM": "xterm-256color"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=its_side, stderr=its_side
    ) as process:
        os.close(its_side)
        clock = threading.Timer(seconds, process.kill)
        clock.start()
        try:
            text = _CONTROL.sub("", _read(terminal).decode(errors="replace"))
        finally:
            clock.cancel()
            os.close(terminal)
    assert process.returncode == 0, text
    return text


def _read(terminal: int) -> bytes:
    """Until nobody has the other side open: on Linux that is an error."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)
