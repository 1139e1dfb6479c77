"""A pod's stand-in: it answers everything at once, and says on which of its ports it was asked.

The API server refuses endpoints on the loopback device, so it listens on another address of this machine; connections
from elsewhere are dropped.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.controlplane.gateway.relay import address

WHO: Final = "x-port"
"""On every answer: the port that it came from."""


class _Answering(asyncio.Protocol):
    """One connection of HTTP/1.1, on which come requests without a body."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it, if it is from this machine."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("not a stream")
        if transport.get_extra_info("peername")[0] != self._own:
            transport.abort()
        port = transport.get_extra_info("sockname")[1]
        self._transport = transport
        self._answer = f"HTTP/1.1 200 OK\r\n{WHO}: {port}\r\ncontent-length: 0\r\n\r\n".encode()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is there as a whole."""
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(self._answer * len(requests))


@asynccontextmanager
async def upstream(ports: int) -> AsyncIterator[list[int]]:
    """So many ports at `address()`."""
    own = address()
    servers = [await _listen(own) for _ in range(ports)]
    try:
        yield [server.sockets[0].getsockname()[1] for server in servers]
    finally:
        for server in servers:
            server.close()


async def _listen(own: str) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(lambda: _Answering(own), own, 0)
