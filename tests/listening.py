"""A server of a test's own, of which nothing is left when the test ends, whatever its connections were just doing."""

from __future__ import annotations

import asyncio
import weakref
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.ports import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_TURNS = 3
"""Of the loop, from a connection that is accepted until its task is there (asyncio's `_accept_connection2`)."""


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], host: str = HOST
) -> AsyncIterator[int]:
    """Call `serve` for each connection, and yield the port; what it has written is sent, then it is closed.

    At the end nobody is let in any more, the tasks are cancelled, and the connections are cut. A `finally` of `serve`
    is not enough for that: a task that is cancelled before its first step has none.
    """
    tasks: set[asyncio.Task[None]] = set()
    transports: weakref.WeakSet[asyncio.WriteTransport] = weakref.WeakSet()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transports.add(writer.transport)
        task = asyncio.create_task(connected(reader, writer))
        tasks.add(task)
        task.add_done_callback(lambda _: writer.close())
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, host, 0)
    [accepting] = server.sockets
    try:
        yield accepting.getsockname()[1]
    finally:
        # Before it is closed: a connection that is just being let in would fail halfway, and stay open.
        asyncio.get_running_loop().remove_reader(accepting)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        server.close()
        ending = list(tasks)
        for each in ending:
            each.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)
