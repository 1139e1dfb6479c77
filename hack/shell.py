"""Commands as a reader of `make demo` would type them: shown, run, and what they say."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from e2e.cluster import settings
from e2e.cluster.binaries import ensure

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sys.executable).parent
"""Where `kubectl-tritium` is, which kubectl takes for a plugin."""
LAST_LOOK = 1.5
"""Seconds: a live view looks once each second, so by then it has shown how it ended."""
console = Console(highlight=False, soft_wrap=True)


@dataclass
class Shell:
    """Runs commands from the repository's root, in a namespace.

    Attributes:
        live: a view that follows something has the terminal to itself; otherwise it is a line for each change.
        screen: all that was shown, if nothing was live.
    """

    namespace: str
    live: bool
    screen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.programs = {name: str(path) for name, path in ensure("kubectl", "helm").items()}
        found = {str(Path(path).parent): None for path in self.programs.values()}
        self.path = ":".join([str(SCRIPTS), *found])
        self.environment = os.environ | {
            "KUBECONFIG": str(settings.kubeconfig()),
            "PATH": f"{self.path}:{os.environ['PATH']}",
        }

    def __call__(self, command: str, *, stdin: str | None = None, refused: bool = False) -> str:
        """Run a command; `refused` says that it has to fail."""
        self._announce(command, stdin)
        ended = subprocess.run(
            self._whole(command),
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = ended.stdout.rstrip()
        console.print(escape(said))
        if (ended.returncode != 0) is not refused:
            raise SystemExit(f"demo: `{command}` ended with {ended.returncode}, which it should not")
        self.screen += said.splitlines()
        return said

    def follow(self, command: str, until: str) -> None:
        """Run a command that does not end by itself, as Ctrl-C would end it once another has."""
        self._announce(command)
        with (
            self._start(command, None if self.live else subprocess.PIPE) as view,
            self._start(until, subprocess.DEVNULL) as waiting,
        ):
            try:
                waiting.wait()
                time.sleep(LAST_LOOK)
            finally:
                view.send_signal(signal.SIGINT)
                said, _ = view.communicate()
        if said:
            console.print(escape(said.rstrip()))
            self.screen += said.splitlines()
        if waiting.returncode or view.returncode:
            raise SystemExit(
                f"demo: `{until}` ended with {waiting.returncode}, `{command}` with {view.returncode}; both should be 0"
            )

    def _start(self, command: str, output: int | None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._whole(command),
            cwd=ROOT,
            env=self.environment,
            stdout=output,
            text=True,
            # Of a shell's background job the whole family would ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - there are no threads
        )

    def _announce(self, command: str, stdin: str | None = None) -> None:
        console.print(f"\n[bold cyan]$ {escape(command)}[/]")
        if stdin:
            console.print(f"[dim]{escape(stdin.rstrip())}[/]")
        self.screen.append(f"$ {command}")

    def _whole(self, command: str) -> list[str]:
        """The command line; who follows by hand has chosen the namespace once."""
        program, *arguments = command.split()
        whole = [self.programs[program], *arguments]
        # kubectl hands a plugin only what stands behind the plugin's name.
        return [*whole, f"--namespace={self.namespace}"] if program == "kubectl" else whole


def tell(text: str) -> None:
    """A sentence for the reader."""
    console.print(f"\n[bold]{text}[/]")


def show_file(path: str) -> None:
    """A file, as it is."""
    console.print(f"[dim]{escape((ROOT / path).read_text().rstrip())}[/]")
