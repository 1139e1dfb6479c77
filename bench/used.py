"""What a command takes: time, CPU, memory, with all the processes that it starts."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_EVERY: Final = 0.1
"""Seconds between two looks at its memory."""


@dataclass(frozen=True, slots=True)
class Used:
    """What it took.

    Attributes:
        seconds: until it ended.
        durable: seconds until what it wrote was on the disk.
        cpu: seconds of it and of all its processes, not of the server.
        memory: bytes, the most that all its processes together had at one time; what several share, counted once.
    """

    seconds: float
    durable: float
    cpu: float
    memory: int


def used(command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> Used:
    """Run it to its end, and have the disk of the folder written.

    Raises:
        CalledProcessError: it failed; the log has what it said.
    """
    ended, peak = threading.Event(), [0]
    with log.open("w") as output:
        began = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)

        def watch() -> None:
            while not ended.wait(_EVERY):
                peak[0] = max(peak[0], sum(map(_memory, _family(process.pid))))

        watching = threading.Thread(target=watch)
        watching.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    watching.join()
    subprocess.run(["sync", "-f", folder], check=True)
    durable = time.monotonic() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), log.read_text()[-2000:])
    return Used(seconds, durable, usage.ru_utime + usage.ru_stime, peak[0])


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
        below.setdefault(parent, []).append(int(stat.parent.name))
    family = [pid]
    for each in family:
        family += below.get(each, [])
    return family


def _memory(pid: int) -> int:
    """Bytes of a process, with its share of what it shares; 0 of one that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)
