"""Clients that ask all the time while something changes, and keep an account of what they got."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp

from tests.ports import HOST

CLIENTS = 4
PAUSE = 0.004
"""Seconds between two requests of one client: the load is bounded."""


@contextlib.asynccontextmanager
async def steady(port: int) -> AsyncIterator[Counter[str]]:
    """The account: answers by their body, and everything else by what it was."""
    account: Counter[str] = Counter()
    stop = asyncio.Event()
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as kept,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as fresh,
        asyncio.TaskGroup() as group,
    ):
        for number in range(CLIENTS):
            group.create_task(_ask((kept, fresh)[number % 2], port, account, stop))
        try:
            yield account
        finally:
            stop.set()


async def _ask(session: aiohttp.ClientSession, port: int, account: Counter[str], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with session.get(f"http://{HOST}:{port}/") as answer:
                text = await answer.text()
                account[text if answer.status == 200 else f"{answer.status} {text}"] += 1
        except aiohttp.ClientError as error:
            account[repr(error)] += 1
        await asyncio.sleep(PAUSE)
