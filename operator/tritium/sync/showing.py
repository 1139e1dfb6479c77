"""How far a download is, for the operator, which asks the pod: one answer, whatever is asked.

It says how many bytes there are, and takes nothing in. A container has no better way to say something while it runs: it
speaks to no API, and its termination message is read when it ends.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from tritium.api.fetch import PROGRESS_PORT, FetchProgress

log = logging.getLogger(__name__)

_PATIENCE: Final = 2.0
"""Seconds for a request."""
_LARGEST: Final = 4096
"""Bytes of a request."""
_AT_A_TIME: Final = 8


@asynccontextmanager
async def shown(address: str | None, progress: Callable[[], FetchProgress]) -> AsyncIterator[None]:
    """Answer at an address. Without one, or where somebody else is there, nobody is answered, and that is all."""
    if not address:
        yield
        return
    try:
        server = await asyncio.start_server(_Answering(progress), address, PROGRESS_PORT, limit=_LARGEST)
    except OSError as error:
        log.info("Nobody can be told how far it is: %s", error)
        yield
        return
    try:
        yield
    finally:
        server.close()  # and no waiting for who has a connection still: a model is to be served


class _Answering:
    def __init__(self, progress: Callable[[], FetchProgress]) -> None:
        self._progress = progress
        self._open = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _AT_A_TIME:
                await self._answer(reader, writer)
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_PATIENCE):
                await reader.readuntil(b"\r\n\r\n")
                body = self._progress().model_dump_json(by_alias=True).encode()
                head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
                writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
                await writer.drain()
