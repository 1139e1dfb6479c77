"""Runs `fetch` and kills it at random moments, whatever it is just doing; then again, in the same folders.

    python tests/sync/randomly.py KILLS BYTES CHUNK

The kills together, the most that a run writes before it is killed, and the bytes of a part: small, so that few are lost
with a kill. A model that became ready is removed, and fetched from its beginning. For each run there is a line with
what a reader of the volume would see then. Each run is a fork, so that nothing has to be imported anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from tritium.sync import download
from tritium.sync.__main__ import ROOT_VARIABLE, main


def digests(models: Path) -> dict[str, str] | None:
    """The files of what is ready, by their sha256; None if nothing is."""
    repository = models / "ready" / "repository"
    if not (models / "ready").exists():
        return None
    files = [each for each in repository.rglob("*") if each.is_file()]
    return {each.relative_to(repository).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def written(models: Path) -> int:
    """Bytes of what is being put together."""
    files = [each for each in (models / ".incoming").rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)


def run(models: Path, more: int, seconds: float) -> int:
    """One run, killed so many seconds after it has written so many bytes more; how it ended, negative if it was."""
    enough = written(models) + more
    pid = os.fork()
    if pid == 0:
        with contextlib.redirect_stderr(None):
            os._exit(main(["fetch"], os.environ))
    deadline = None
    while deadline is None or time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        with contextlib.suppress(FileNotFoundError):  # it is just being renamed
            if deadline is None and written(models) >= enough:
                deadline = time.monotonic() + seconds
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_at_random(models: Path, kills: int, most: int) -> None:
    """Until there were so many kills, and then to the end."""
    chance = random.Random(7)  # noqa: S311 - the same kills each time
    while kills:
        # Not by the clock alone, or on a busy machine none would come far; and some before the first byte.
        ended = run(models, max(0, chance.randrange(-most // 4, most)), chance.uniform(0, 0.1))
        kills -= ended < 0
        tell(models, ended)
    tell(models, run(models, 1 << 40, 0))


def tell(models: Path, ended: int) -> None:
    """Say what is there, and remove what is ready."""
    sys.stdout.write(json.dumps({"ended": ended, "ready": digests(models)}) + "\n")
    sys.stdout.flush()  # or the next fork would write it too
    if (models / "ready").exists():
        shutil.rmtree(models / "ready")


if __name__ == "__main__":
    download.CHUNK = int(sys.argv[3])  # type: ignore[misc]
    kill_at_random(Path(os.environ[ROOT_VARIABLE]) / "models", int(sys.argv[1]), int(sys.argv[2]))
