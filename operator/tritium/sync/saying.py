"""What people read in the log of a fetch: how much there is, how far it is, and how quickly it comes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tritium.api.fetch import FetchProgress, FetchResult
from tritium.core.amounts import line, size
from tritium.sync.download import Progress
from tritium.sync.showing import shown

log = logging.getLogger(__name__)

_EVERY: Final = 5.0
"""Seconds between two lines about how far it is."""


@asynccontextmanager
async def progress(total: int, address: str | None = None) -> AsyncIterator[Progress]:
    """Say every few seconds how far it is, and whenever somebody asks at the address."""
    made, speed = Progress(), 0.0

    async def say() -> None:
        nonlocal speed
        before = 0
        while True:
            await asyncio.sleep(_EVERY)
            speed = (made.received - before) / _EVERY
            before = made.received
            log.info("%s", line(before + made.held, total, speed))

    def told() -> FetchProgress:
        return FetchProgress(there=made.received + made.held, total=total, rate=int(speed))

    async with shown(address, told):
        task = asyncio.create_task(say())
        try:
            yield made
        finally:
            task.cancel()


def amount(result: FetchResult) -> str:
    """How much there is, for people."""
    return f"{result.files} file{'' if result.files == 1 else 's'}, {size(result.bytes or 0)}"


def rate(result: FetchResult, seconds: float) -> str:
    """How quickly it came, for people."""
    return size((result.bytes or 0) / max(seconds, 1e-9))
