"""Reading an answer that may be of any size, without keeping more of it in memory than is allowed."""

from typing import Final

import aiohttp

_CHUNK: Final = 2**16


class TooMuch(Exception):
    """There is more than is allowed; the text says how much that is."""


async def bounded(content: aiohttp.StreamReader, most: int) -> bytes:
    """All of an answer.

    Args:
        content: of the answer.
        most: bytes that it may have.

    Raises:
        TooMuch: it has more; the rest is not read.
    """
    parts: list[bytes] = []
    size = 0
    async for part in content.iter_chunked(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > most:
            raise TooMuch(f"its answer has more than {most} bytes")
    return b"".join(parts)
