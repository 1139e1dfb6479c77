"""Finds a container engine, or starts one of our own.

An engine that answers `docker info` is used as it is. Otherwise, from source, ours is started: a current moby,
because the one that Debian has cannot start privileged containers on a machine that lacks a capability. It keeps
its images in the cache, outlives this program, and is ended by its pid file only.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from e2e.cluster import binaries, requirements, settings
from e2e.cluster.steps import Failed, ask, say, step

PROGRAMS: Final = ("dockerd", "docker-proxy", "containerd", "containerd-shim-runc-v2", "runc")
RUN: Final = Path("/run/tritium-engine")
"""In /run, because a socket's path must be short and because a reboot has to empty it."""
START_SECONDS: Final = 60
STOP_SECONDS: Final = 60


def client() -> str:
    """Return the docker client: the machine's own, else one that is built for this."""
    return present_client() or str(binaries.ensure("docker")["docker"])


def present_client() -> str | None:
    """Return a docker client that is there already."""
    return shutil.which("docker") or shutil.which("docker", path=str(binaries.module_path("docker")))


def docker(*arguments: str | Path) -> list[str]:
    """Write a docker command."""
    return [client(), *map(str, arguments)]


def answers() -> bool:
    """Whether any engine answers. Without a client none is looked for: to ask is no reason to build one."""
    program = present_client()
    return program is not None and ask(program, "info", "--format", "{{.ServerVersion}}", timeout=20) is not None


def pid_file() -> Path:
    """Where our own engine writes its process id."""
    return settings.cache() / "engine" / "dockerd.pid"


def own_pid() -> int | None:
    """Return our engine's process id while it runs."""
    return running("dockerd", pid_file())


def running(program: str, file: Path) -> int | None:
    """Read a pid file; a process that has ended, or a number that went to another program, does not count."""
    try:
        pid = int(file.read_text())
        # The link of a process that has ended cannot be read, even before its parent has noticed its end.
        return pid if Path(f"/proc/{pid}/exe").readlink().name.startswith(program) else None
    except (OSError, ValueError):
        return None


def ensure() -> None:
    """Have an engine that answers."""
    if answers():
        return
    requirements.demand("linux", "root", "disk", "iptables")
    if own_pid() is None:
        say("no container engine answers: starting one (`python -m e2e.cluster down` ends it)")
        client()
        path = f"{binaries.path_with(*PROGRAMS)}:/usr/sbin:/sbin"
        with step("start the container engine"):
            await_answer(start(path))
    else:
        await_answer(None)


def start(path: str) -> subprocess.Popen[bytes]:
    """Start our own engine, detached from this process."""
    home = pid_file().parent
    home.mkdir(parents=True, exist_ok=True)
    # An engine that was killed leaves these behind, and a new one would take any process of that number for its
    # elder brother: it would refuse to start, or wait for ten seconds.
    for program, file in (("dockerd", pid_file()), ("containerd", RUN / "containerd" / "containerd.pid")):
        if running(program, file) is None:
            file.unlink(missing_ok=True)
    with log_file().open("ab") as log:
        return subprocess.Popen(
            [
                *("dockerd", "--data-root", str(home / "data"), "--pidfile", str(pid_file())),
                *("--exec-root", str(RUN)),
            ],
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def await_answer(started: subprocess.Popen[bytes] | None) -> None:
    """Wait until our engine answers; an engine that has ended never will."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        ended = started is not None and started.poll() is not None
        if ended or time.monotonic() > deadline:
            tail = "\n".join(log_file().read_text(errors="replace").splitlines()[-5:])
            raise Failed(f"the container engine does not answer. The end of its log:\n{tail}\nAll of it: {log_file()}")
        time.sleep(0.3)


def log_file() -> Path:
    """Where our engine's log is."""
    return settings.logs() / "dockerd.log"


def stop() -> None:
    """End our own engine, if it runs; any other is left alone."""
    pid = own_pid()
    if pid is None:
        return
    with step("stop the container engine") as run:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while own_pid() is not None:
            if time.monotonic() > deadline:
                raise Failed(f"the container engine (process {pid}) does not end: end it by hand")
            time.sleep(0.2)
        # One that was killed before leaves its data mounted on itself, and a cache that nobody can delete.
        data = pid_file().parent / "data"
        while data.is_mount():
            run("umount", data)
