"""Gives a server on the loopback device an address that Kubernetes takes for an endpoint's.

The API server refuses endpoints at 127.0.0.1. So connections to another address of this machine are handed on; those
from elsewhere are not.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.controlplane.handing_on import hand_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def address() -> str:
    """An address of this machine that is not the loopback device's: the one it would speak to others from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        found = str(probe.getsockname()[0])
    assert not found.startswith("127."), "these tests need a machine with an address besides 127.0.0.1"
    return found


@asynccontextmanager
async def relayed(*ports: int) -> AsyncIterator[list[int]]:
    """Ports at `address()` for those at 127.0.0.1."""
    own = address()
    servers = [await asyncio.start_server(_Relay(own, port).connected, own) for port in ports]
    try:
        yield [server.sockets[0].getsockname()[1] for server in servers]
    finally:
        for server in servers:
            server.close()


class _Relay:
    def __init__(self, own: str, port: int) -> None:
        self._own, self._port = own, port

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes, both ways, until one side ends."""
        try:
            if writer.get_extra_info("peername")[0] != self._own:
                return
            await hand_on(reader, writer, self._port)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
