"""The command as a process, as a person or a pipeline starts it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process

BIN = Path(sys.executable).parent
"""Where the package's commands are."""


HEARS_CTRL_C: Final = ("env", "--default-signal=INT")
"""A shell that runs the tests in its background ignores it, and everything that it starts inherits that.

Not by a function between fork and exec: this process has threads.
"""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Command:
    """The command, with a kubeconfig."""

    kubeconfig: Path
    program: Path = BIN / "tritium"

    async def __call__(self, *arguments: str, stdin: str = "") -> Said:
        """Run it to its end, whatever that is."""
        process = await self.start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())

    async def ok(self, *arguments: str, stdin: str = "") -> str:
        """What it prints; it has to do its work."""
        said = await self(*arguments, stdin=stdin)
        assert (said.code, said.err) == (0, ""), said
        return said.out

    async def json(self, *arguments: str, stdin: str = "") -> Any:
        """What it says to programs."""
        return json.loads(await self.ok(*arguments, "--output=json", stdin=stdin))

    async def refused(self, *arguments: str) -> str:
        """The one line that it complains with."""
        said = await self(*arguments)
        assert (said.code, said.out) == (1, ""), said
        (line,) = said.err.splitlines()
        return line

    async def start(self, *arguments: str, stdout: int = asyncio.subprocess.PIPE) -> Process:
        """Start it, and leave it running."""
        home = str(self.kubeconfig.parent)
        own = {"KUBECONFIG": str(self.kubeconfig), "HOME": home, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        unset = {"KUBERNETES_SERVICE_HOST", "COLUMNS", "FORCE_COLOR"}
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *HEARS_CTRL_C,
            self.program,
            *arguments,
            env={**inherited, **own},
            stdin=pipe,
            stdout=stdout,
            stderr=pipe,
        )
