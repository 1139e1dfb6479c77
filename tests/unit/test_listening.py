"""A server of a test's own leaves nothing behind, whenever the test ends."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings

import pytest

from tests.listening import listening
from tests.ports import HOST


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say what was heard."""
    writer.write(await reader.readline())


async def test_what_was_written_last_arrives() -> None:
    async with listening(echo) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"x" * 60_000 + b"\n")
        assert len(await reader.read(-1)) == 60_001
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("turns", range(8))
async def test_a_connection_that_is_just_being_opened_is_closed(turns: int) -> None:
    with warnings.catch_warnings(record=True) as said, socket.socket() as client:
        warnings.simplefilter("always")
        client.setblocking(False)
        async with listening(echo) as port:
            client.connect_ex((HOST, port))
            for _ in range(turns):
                await asyncio.sleep(0)
        gc.collect()
        assert [str(each.message) for each in said] == []


async def test_one_that_reads_nothing_is_cut() -> None:
    async def fill(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(64 << 20))

    with warnings.catch_warnings(record=True) as said, socket.socket() as client:
        warnings.simplefilter("always")
        async with listening(fill) as port:
            await asyncio.get_running_loop().run_in_executor(None, client.connect, (HOST, port))
            await asyncio.get_running_loop().run_in_executor(None, client.recv, 1)
        gc.collect()
        assert [str(each.message) for each in said] == []
