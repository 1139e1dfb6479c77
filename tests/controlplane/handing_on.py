"""What lies between two ends of a connection and looks at nothing of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.ports import HOST


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Hand on what comes, both ways between a connection and a port on loopback, until both sides have ended.

    Raises:
        ConnectionError: nobody listens at the port.
    """
    to_reader, to_writer = await asyncio.open_connection(HOST, port)
    try:
        await asyncio.gather(_pass(reader, to_writer), _pass(to_reader, writer))
    finally:
        to_writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
        writer.write_eof()
