"""A Triton server as a process on loopback, with the flags that Tritium gives it in a pod."""

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from tests.dataplane.runtime import Runtime
from tests.ports import HOST, free_ports
from tritium.resources.triton import arguments

MODELS: Final = Path(__file__).with_name("models")
READY_WITHIN: Final = 30.0

LOG_BYTES: Final = 2048
"""How much of a container's log a kubelet takes for its termination message, if that is to fall back to it …"""
LOG_LINES: Final = 80
"""… and how many lines."""


def repository(folder: Path, *models: str) -> Path:
    """A model repository with some of the models beside this file."""
    for name in models:
        place = folder / name / "1"
        place.mkdir(parents=True)
        shutil.copy(MODELS / f"{name}.py", place / "model.py")
        shutil.copy(MODELS / f"{name}.pbtxt", folder / name / "config.pbtxt")
    return folder


class Triton:
    """A running server; it ends with the `with` block, or with the process that started it."""

    def __init__(self, runtime: Runtime, models: Path, log: Path, *flags: str) -> None:
        self._models, self._log = models, log
        self._http, self._grpc, self.metrics = free_ports(3)
        own = [flag for flag in arguments(gpu=False, further=[]) if "model-repository" not in flag]
        self._command = (
            # Whatever ends the tests, their server ends with them.
            *("setpriv", "--pdeathsig", "TERM", "--"),
            *(*runtime.command, *own, f"--model-repository={models}"),
            *(f"--{kind}-address={HOST}" for kind in ("http", "grpc", "metrics")),
            *(f"--http-port={self._http}", f"--grpc-port={self._grpc}", f"--metrics-port={self.metrics}"),
            *("--disable-auto-complete-config", "--exit-timeout-secs=2"),
            *flags,
        )
        self._environment: Mapping[str, str] = os.environ | runtime.environment

    @property
    def address(self) -> str:
        """Where its gRPC is served."""
        return f"{HOST}:{self._grpc}"

    @property
    def http(self) -> int:
        """The port of its HTTP."""
        return self._http

    def __enter__(self) -> Self:
        self._start()
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """As if its node were gone: connections stay, and nobody answers."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def run_to_its_end(self, limit: float = READY_WITHIN, tries: int = 12) -> tuple[int, str]:
        """Start it and wait until it ends; return its exit code and what a kubelet keeps of its log.

        Now and then this Triton dies of a signal while it ends, after a warm-up that failed one time in three, and
        before it says why; a kubelet starts it again, and so does this.
        """
        self._start()
        try:
            code, message = self._process.wait(limit), self.termination_message()
        finally:
            self._stop()
        return self.run_to_its_end(limit, tries - 1) if code == -signal.SIGSEGV and tries else (code, message)

    def termination_message(self) -> str:
        """What a kubelet keeps of its log."""
        lines = self._log.read_bytes().splitlines(keepends=True)[-LOG_LINES:]
        return b"".join(lines)[-LOG_BYTES:].decode(errors="replace")

    def _start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    def _wait(self) -> None:
        """Nothing is served before all models are loaded."""
        until = time.monotonic() + READY_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"Triton is not ready, and says:\n{self.termination_message()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._http}/v2/health/live", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        finally:
            # What serves the models is started by Triton, and outlives a Triton that is killed.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
