"""Lines, put together to files that are worth a request to a store."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Final

LARGEST: Final = 8 * 2**20
"""Bytes of lines in a file, before they are compressed; the last line may exceed it."""

OLDEST: Final = 60.0
"""Seconds that a line waits for others."""

_GZIP: Final = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class File:
    """What is uploaded at once.

    Attributes:
        name: below the model's folder.
        content: JSON lines, gzip.
        records: how many lines.
    """

    name: str
    content: bytes
    records: int


class Batch:
    """The lines of one file, compressed as they come: what waits here is a fraction of what they are.

    Args:
        pod: whose file it is.
        number: of the file, of those that this process writes.
        now: seconds since 1970.
    """

    def __init__(self, pod: str, number: int, now: float) -> None:
        self._began = now
        self._name = f"{datetime.fromtimestamp(now, UTC):date=%Y-%m-%d/%H%M%S}-{pod}-{number}.jsonl.gz"
        self._packer = zlib.compressobj(wbits=_GZIP)
        self._packed = bytearray()
        self._bytes = 0
        self._records = 0

    def add(self, line: Iterable[str]) -> None:
        """One more, in pieces. If one of them cannot be made, nothing is added."""
        packer, packed, size = self._packer.copy(), bytearray(), 0
        for piece in chain(line, "\n"):
            content = piece.encode()
            packed += packer.compress(content)
            size += len(content)
        self._packer = packer
        self._packed += packed
        self._bytes += size
        self._records += 1

    def is_due(self, now: float) -> bool:
        """Whether it should be uploaded.

        >>> batch = Batch("fraud-log-7d4f", 1, 1_796_038_800.0)
        >>> batch.is_due(1_796_038_859.0), batch.is_due(1_796_038_860.0)
        (False, True)
        """
        return self._bytes >= LARGEST or now - self._began >= OLDEST

    def close(self) -> File:
        """The file. The batch takes no more lines."""
        self._packed += self._packer.flush()
        return File(self._name, bytes(self._packed), self._records)
