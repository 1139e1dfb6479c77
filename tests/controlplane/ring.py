"""The control plane of the tests: real kube-apiserver, etcd and kube-controller-manager as processes.

One ring serves a whole test run, also one spread over many processes: whoever comes first starts it, the
others join, and it ends with the last (see supervisor.py). Tests keep apart by namespaces. A test that stops
or restarts the API server starts a ring of its own in a folder of its own.
"""

from __future__ import annotations

import fcntl
import json
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from e2e.cluster.binaries import ensure
from tests.controlplane import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that a client needs. `ca` is None behind a proxy that speaks plain HTTP."""

    url: str
    ca: Path | None
    token: str

    def kubeconfig(self, path: Path, namespace: str = "default") -> Path:
        """Write these credentials where kubectl and the operator can read them."""
        path.write_text(processes.kubeconfig(self.url, self.ca, self.token, namespace))
        path.chmod(0o600)
        return path


class ControlPlane:
    """A running ring; `folder` is what those who share one agree on, and keeps the logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.binaries: dict[str, Path] = {}
        self._connection: socket.socket | None = None
        self._facts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Join the ring of this folder, or start it; returns when it is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.binaries = ensure("kube-apiserver", "etcd", "kube-controller-manager", "kubectl")
        for _ in range(5):
            with _locked(self.folder / "ring.lock"):
                self._connection = self._join() or self._launch()
            try:
                self._facts = self._hear()
                break
            except ConnectionError:  # it was just ending: the next round starts a new one
                self._connection.close()
            except BaseException:
                self._connection.close()
                raise
        else:
            raise RuntimeError(f"no control plane would start; see {self.folder}")
        self.admin.kubeconfig(self.folder / "admin.kubeconfig")
        return self

    def stop(self) -> None:
        """Leave; returns when no process is left, or at once if others still use the ring."""
        connection, self._connection = self._connection, None
        if connection:
            with connection:
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(30)
                while connection.recv(4096):
                    pass

    @property
    def url(self) -> str:
        """Address of the API server."""
        return str(self._facts["url"])

    @property
    def ca(self) -> Path:
        """What the API server's certificate is verified with."""
        return Path(self._facts["ca"])

    @property
    def admin(self) -> Credentials:
        """A member of system:masters."""
        return self.user(processes.ADMIN)

    @property
    def seconds(self) -> float:
        """How long the ring took from nothing to ready."""
        return float(self._facts["seconds"])

    @property
    def pids(self) -> dict[str, int]:
        """The processes of the ring, as they were when it became ready."""
        return dict(self._facts["pids"])

    def user(self, name: str) -> Credentials:
        """Somebody of `processes.USERS`, who has no rights until a test binds a role to that name."""
        return Credentials(self.url, self.ca, self._facts["tokens"][name])

    def log(self, name: str) -> Path:
        """What a process of the ring wrote, for example `log("kube-apiserver")`."""
        return self.folder / f"{name}.log"

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the real kubectl as admin; if it fails the error carries what it said.

        It blocks: with a proxy of the same event loop between, call it by `asyncio.to_thread`.
        """
        kubeconfig = f"--kubeconfig={self.folder / 'admin.kubeconfig'}"
        cache = f"--cache-dir={self.folder / 'kubectl-cache'}"
        command = [str(self.binaries["kubectl"]), kubeconfig, cache, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done

    def stop_apiserver(self, *, kill: bool = False) -> None:
        """Stop the API server: as a node that shuts down, or as one that crashes.

        Open watches are torn either way. Only for a ring nobody else uses.
        """
        self._ask("kill-apiserver" if kill else "stop-apiserver")

    def start_apiserver(self) -> None:
        """Start it again on the same port with the same data; returns when it is ready."""
        self._ask("start-apiserver")

    def restart_apiserver(self, *, kill: bool = False) -> None:
        """Stop and start."""
        self.stop_apiserver(kill=kill)
        self.start_apiserver()

    def restart_controller_manager(self) -> None:
        """Kill it and start it again, also in a ring that others use: controllers take that in their stride."""
        self._ask("restart-manager")

    def _ask(self, command: str) -> None:
        assert self._connection
        self._connection.sendall(json.dumps(command).encode() + b"\n")
        self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._connection
        heard = b""
        while not heard.endswith(b"\n"):
            part = self._connection.recv(65536)
            if not part:
                raise ConnectionError("the supervisor closed the connection")
            heard += part
        answer: dict[str, Any] = json.loads(heard)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def _join(self) -> socket.socket | None:
        try:
            return _connect((self.folder / "ring.socket").read_text())
        except OSError:
            return None

    def _launch(self) -> socket.socket:
        # A socket's path may have 107 characters only, so it cannot be in the test run's own folder.
        folder = Path(tempfile.mkdtemp(prefix="tritium-ring-"))
        binaries = json.dumps({name: str(path) for name, path in self.binaries.items()})
        command = [sys.executable, "-m", "tests.controlplane.supervisor"]
        command += ["--folder", str(folder), "--logs", str(self.folder), "--binaries", binaries]
        with (self.folder / "supervisor.log").open("ab") as log:
            subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=30, check=True)
        (self.folder / "ring.socket").write_text(str(folder / "socket"))
        return _connect(str(folder / "socket"))


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
