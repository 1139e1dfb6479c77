"""A line between `fetch` and the store that is slow, breaks, or is down, as a test needs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tests.listening import listening
from tests.ports import HOST


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

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        await _serve(state, port, reader, writer)

    async with listening(serve) as state.port:
        yield state


async def _serve(state: Line, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async with _closed(writer):
        if state.down:
            return
        from_server, to_server = await asyncio.open_connection(HOST, port)
        async with _closed(to_server):
            up = asyncio.create_task(_up(reader, to_server))
            try:
                await _down(state, from_server, writer)
            finally:
                up.cancel()
                await asyncio.gather(up, return_exceptions=True)


@contextlib.asynccontextmanager
async def _closed(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """No connection outlives its test; one that breaks is what tests are about."""
    try:
        with contextlib.suppress(OSError):
            yield
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    finally:
        # Closing waits until the other side has read what was written, and one that has lost interest never does.
        writer.transport.abort()


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
