"""A client that never stops asking, and notes what it got."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from tests.ports import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READY = "/v2/models/adder/ready"


@asynccontextmanager
async def steady(port: int, *, every: float = 0.005) -> AsyncIterator[Counter[str]]:
    """Requests on one kept connection while the block runs: how often each answer came, by status and revision."""
    seen: Counter[str] = Counter()
    asking = asyncio.create_task(_ask(port, every, seen))
    try:
        yield seen
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _ask(port: int, every: float, seen: Counter[str]) -> None:
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"http://{HOST}:{port}{READY}") as answer:
                    await answer.read()
                    seen[f"{answer.status} {answer.headers.get('tritium-revision', '-')}"] += 1
            except aiohttp.ClientError as error:
                seen[type(error).__name__] += 1
            await asyncio.sleep(every)
