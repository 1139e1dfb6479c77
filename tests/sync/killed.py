"""Runs `fetch` again and again, each time killed at a later step of its work on the disk.

A step is whatever Python tells its audit hooks: a file opened, a folder made, removed or renamed. Each run is a fork,
so that nothing has to be imported anew, and the kill is a real SIGKILL of a real process. After each kill it says
what a reader of the volume would see; after the last step, the exit code of the run that nobody killed.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from tritium.sync.__main__ import ROOT_VARIABLE, main

EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.utime"}


def child(models: Path, deadly: int) -> None:
    """One run, which dies just before its step of this number."""
    steps, volumes = 0, (str(models), str(models.parent / "cache"))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event in EVENTS and any(volume in str(arguments[0]) for volume in volumes):
            steps += 1
            if steps == deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    os._exit(main(["fetch"], os.environ))


def run(models: Path, deadly: int) -> int:
    """Run it in a fork; return how it ended: negative if it was killed."""
    pid = os.fork()
    if pid == 0:
        child(models, deadly)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def seen(models: Path) -> list[str] | None:
    """The files of what is ready; None if nothing is."""
    ready = models / "ready"
    if not ready.exists():
        return None
    folders = os.walk(ready, followlinks=True)  # a cache is somewhere else
    return sorted((Path(top) / name).relative_to(ready).as_posix() for top, _, names in folders for name in names)


def kill_at_every_step(models: Path, *, afresh: bool, stride: int) -> None:
    """Until a run ends before its deadly step."""
    for deadly in itertools.count(1, stride):
        killed = run(models, deadly)
        after_kill = seen(models)
        told: dict[str, Any] = {"killed": killed, "ready": after_kill, "healed": run(models, 0), "then": seen(models)}
        told["digest"] = (models / "ready" / "identity").read_text().split()[1] if told["then"] else None
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()  # or the next fork would write it too
        if killed >= 0:
            return
        if afresh:
            shutil.rmtree(models / "ready")
            shutil.rmtree(models.parent / "cache" / "tritium", ignore_errors=True)
        else:  # a model whose file was harmed must be replaced
            (models / "ready" / "repository" / "fraud" / "1" / "model.onnx").write_bytes(b"broken")


if __name__ == "__main__":
    kill_at_every_step(
        Path(os.environ[ROOT_VARIABLE]) / "models", afresh=sys.argv[1] == "afresh", stride=int(sys.argv[2])
    )
