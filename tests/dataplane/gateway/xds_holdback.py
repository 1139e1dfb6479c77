"""A unix socket between Envoy and its agent that holds back what Envoy says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Line:
    """The line.

    Attributes:
        socket: what Envoy connects to.
        connections: how often it did.
        pieces: how often it said something.
    """

    socket: Path
    connections: int = 0
    pieces: int = 0


@contextlib.asynccontextmanager
async def held_back(agent: Path, seconds: float) -> AsyncIterator[Line]:
    """Every byte that Envoy sends arrives so much later, in order."""
    line = Line(agent.with_name("held.sock"))
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line.connections += 1
        connections.add(asyncio.create_task(_serve(line, agent, seconds, reader, writer)))

    server = await asyncio.start_unix_server(accept, line.socket)
    try:
        yield line
    finally:
        server.close()
        for each in connections:
            each.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def _serve(
    line: Line, agent: Path, seconds: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    from_agent, to_agent = await asyncio.open_unix_connection(agent)
    late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_collect(line, reader, seconds, late))
            group.create_task(_release(late, to_agent))
            group.create_task(_pass_on(from_agent, writer))
    except* OSError:
        pass  # an end is what a connection has
    finally:
        for each in (writer, to_agent):
            each.transport.abort()  # to close waits for the other side to read, and it need not
            with contextlib.suppress(OSError):
                await each.wait_closed()


async def _collect(
    line: Line, reader: asyncio.StreamReader, seconds: float, late: asyncio.Queue[tuple[float, bytes]]
) -> None:
    while data := await reader.read(65536):
        line.pieces += 1
        late.put_nowait((asyncio.get_running_loop().time() + seconds, data))
    raise ConnectionResetError


async def _release(late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    while True:
        due, data = await late.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        writer.write(data)
        await writer.drain()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError
