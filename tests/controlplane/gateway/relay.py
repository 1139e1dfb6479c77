"""Gives a server on the loopback device an address that Kubernetes takes for an endpoint's.

The API server refuses endpoints at 127.0.0.1. So connections to another address of this machine are handed on; those
from elsewhere are not.
"""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from tests.controlplane.handing_on import hand_on
from tests.listening import listening

if TYPE_CHECKING:
    import asyncio
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
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(listening(_Relay(own, port).connected, own)) for port in ports]


class _Relay:
    def __init__(self, own: str, port: int) -> None:
        self._own, self._port = own, port

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes, both ways, until one side ends."""
        if writer.get_extra_info("peername")[0] == self._own:
            with suppress(ConnectionError):
                await hand_on(reader, writer, self._port)
