"""Says what is being done, keeps its output in a log file, and remembers how long it took.

Builds print thousands of lines that nobody reads until one fails; then the last of them and the log's path are
what is needed. Steps may run in several threads.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from e2e.cluster import settings

console = Console(stderr=True, highlight=False, soft_wrap=True)
TAIL = 25


class Failed(Exception):
    """Something could not be done; the message is for a person and complete."""


@dataclass(frozen=True)
class Done:
    """A finished step."""

    title: str
    seconds: float


finished: list[Done] = []


@dataclass(frozen=True)
class Runner:
    """Runs a step's commands, their output going to the step's log."""

    title: str
    log: Path

    def __call__(self, *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        """Run a command to its end; raise `Failed` with the log's tail if it fails."""
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(map(str, command))}\n".encode())
            log.flush()
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=merged(env), cwd=cwd, check=False
            )
        if ended.returncode:
            raise self.failed(f"`{Path(command[0]).name}` ended with {ended.returncode}")

    def piped(self, source: list[str], sink: list[str]) -> None:
        """Run `source | sink`."""
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(source)} | {' '.join(sink)}\n".encode())
            log.flush()
            with subprocess.Popen(source, stdout=subprocess.PIPE, stderr=log) as first:
                second = subprocess.run(sink, stdin=first.stdout, stdout=log, stderr=log, check=False)
        if first.returncode or second.returncode:
            raise self.failed(f"`{source[0]} | {sink[0]}` ended with {first.returncode} and {second.returncode}")

    def failed(self, why: str) -> Failed:
        """Explain a failure with the end of the log."""
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL:])
        return Failed(f"{self.title}: {why}. The end of its log:\n{tail}\nThe whole log: {self.log}")


@contextmanager
def step(title: str, usual: str = "") -> Iterator[Runner]:
    """Tell about a step, run it, tell how long it took."""
    log = settings.logs() / f"{re.sub(r'[^a-z0-9.]+', '-', title.lower()).strip('-')}.log"
    log.write_bytes(b"")
    say(f"{title} …{f' (about {usual})' if usual else ''}")
    began = time.monotonic()
    yield Runner(title, log)
    done = Done(title, time.monotonic() - began)
    finished.append(done)
    console.print(f"[green]✓[/] {title} [dim]{done.seconds:.1f} s[/]")


def say(text: str) -> None:
    """Tell the person something, in one line."""
    console.print(f"[dim]·[/] {text}")


def ask(*command: str | Path, timeout: float = 60, env: Mapping[str, str] | None = None) -> str | None:
    """Return what a short command says, or None when it fails, is not there or does not answer."""
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=merged(env),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def merged(env: Mapping[str, str] | None) -> dict[str, str]:
    """Return this process's environment with some variables set."""
    return {**os.environ, **(env or {})}


def summary(total: float) -> None:
    """Print a table of what was done and how long it took."""
    table = Table("step", "seconds", show_edge=False)
    table.columns[1].justify = "right"
    for done in finished:
        table.add_row(done.title, f"{done.seconds:.1f}")
    table.add_section()
    table.add_row("from start to end (steps overlap)", f"{total:.1f}")
    console.print(table)
