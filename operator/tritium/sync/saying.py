"""What people read in the log of a fetch: how much there is, how far it is, and how quickly it comes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tritium.api.fetch import FetchResult
from tritium.sync.download import Progress

log = logging.getLogger(__name__)

_EVERY: Final = 5.0
"""Seconds between two lines about how far it is."""


@asynccontextmanager
async def progress(total: int) -> AsyncIterator[Progress]:
    """Say every few seconds how far it is."""
    made = Progress()

    async def say() -> None:
        before = 0
        while True:
            await asyncio.sleep(_EVERY)
            speed = (made.received - before) / _EVERY
            before = made.received
            log.info("%s", line(before + made.held, total, speed))

    task = asyncio.create_task(say())
    try:
        yield made
    finally:
        task.cancel()


def line(there: int, total: int, rate: float) -> str:
    """How far it is, for people.

    >>> line(2 << 30, 5 << 30, 64 << 20)
    '2.0 GiB of 5.0 GiB, 64.0 MiB/s, 48 s to go'
    >>> line(2 << 30, 5 << 30, 0)
    '2.0 GiB of 5.0 GiB, 0 B/s'
    """
    seconds = (total - there) / rate if rate else 0
    left = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"{size(there)} of {size(total)}, {size(rate)}/s" + (f", {left} to go" if rate else "")


def amount(result: FetchResult) -> str:
    """How much there is, for people."""
    return f"{result.files} file{'' if result.files == 1 else 's'}, {size(result.bytes or 0)}"


def rate(result: FetchResult, seconds: float) -> str:
    """How quickly it came, for people."""
    return size((result.bytes or 0) / max(seconds, 1e-9))


def size(count: float) -> str:
    """Bytes for people.

    >>> size(512), size(1536), size(5 * 2**30)
    ('512 B', '1.5 KiB', '5.0 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
