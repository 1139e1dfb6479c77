"""A line between `fetch` and the store that is slow, breaks, or is down, as a test needs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tests.controlplane.processes import HOST


@dataclass
class Line:
    """What happens on the line; a test changes it while it is in use.

    Attributes:
        cut: break each connection after so many bytes from the server.
        rate: bytes per second from the server, over all connections.
        down: refuse connections, by closing them at once.
        passed: bytes from the server so far.
        watch: called with `passed` after every piece.
    """

    cut: int | None = None
    rate: int | None = None
    down: bool = False
    passed: int = 0
    connections: int = 0
    port: int = 0
    watch: Callable[[int], None] = field(default=lambda _: None)

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextlib.asynccontextmanager
async def line(port: int) -> AsyncIterator[Line]:
    """A line to a port on this machine."""
    state = Line()
    open_writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        state.connections += 1
        with contextlib.suppress(OSError):
            if not state.down:
                from_server, to_server = await asyncio.open_connection(HOST, port)
                up = asyncio.create_task(_up(reader, to_server))
                try:
                    await _down(state, from_server, writer)
                finally:
                    up.cancel()
                    to_server.close()
        open_writers.discard(writer)
        writer.close()

    listener = await asyncio.start_server(serve, HOST, 0)
    state.port = listener.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        listener.close()
        for writer in open_writers:
            writer.close()


async def _up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _down(state: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    sent = 0
    while (data := await reader.read(65536)) and not state.down:
        if state.cut is not None and sent + len(data) > state.cut:
            return
        sent += len(data)
        state.passed += len(data)
        writer.write(data)
        await writer.drain()
        state.watch(state.passed)
        if state.rate:
            await asyncio.sleep(len(data) / state.rate)
