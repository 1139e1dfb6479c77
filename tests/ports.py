"""Ports for the servers of tests."""

from __future__ import annotations

import fcntl
import getpass
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST: Final = "127.0.0.1"
RANGE: Final = range(20_000, 32_000)
"""Below that from which the kernel serves outgoing connections: a port of that one could be taken by some client
while a server is being restarted."""


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, and that nobody else has just been given.

    Between a look at a port and its use there is time, in which another test could find the same one: so all
    processes of this user take turns through the range, and a port comes again only after all the others.
    """
    with (Path(tempfile.gettempdir()) / f"tritium-ports-{getpass.getuser()}").open("a+") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        turn.seek(0)
        ports = free_from(int(turn.read() or RANGE.start))
        found = [next(ports) for _ in range(count)]
        turn.truncate(0)
        turn.write(str(found[-1] + 1))
    return found


def free_from(start: int) -> Iterator[int]:
    """Those nobody listens on, once around the range."""
    for offset in range(len(RANGE)):
        port = RANGE[(start - RANGE.start + offset) % len(RANGE)]
        if _is_free(port):
            yield port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
