"""Bytes from a source to files: parallel parts, a bounded window, each file hashed on the way.

At most `WINDOW` parts of `CHUNK` bytes are in flight over all files together, and `LANES` small files, which come
whole: that is all the memory it takes, whatever the model's size. Parts arrive in any order and are hashed and written
in the file's order, so that no byte is read a second time. A part that breaks off goes on where it broke off, with
growing pauses, until nothing moves.

So what a file holds is always a beginning of it without gaps, and a download that was killed goes on after it: what is
there is hashed again, and only what was in flight comes over the network a second time.
"""

import asyncio
import math
import os
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tritium.sync import disk
from tritium.sync.disk import Arrived, Sums, to_its_end, to_their_end
from tritium.sync.errors import Failed
from tritium.sync.exact import Exact
from tritium.sync.listing import Piece, RemoteFile
from tritium.sync.server import PIECE

CHUNK: Final = 8 << 20
WINDOW: Final = 8
LANES: Final = 32
"""Small files in flight: with them it is the way to the server and back that takes the time."""

_SMALL: Final = PIECE
"""Bytes of the largest of them."""


Bring = Callable[[RemoteFile, Path], Awaitable[Arrived]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a part is tried without a byte of progress; a server that is restarted should not cost a download.

    Attributes:
        tries: without progress, before it is given up.
        first: seconds of the first pause; each is twice the one before.
        longest: seconds of the longest pause.
    """

    tries: int = 9
    first: float = 0.5
    longest: float = 20.0

    def pause(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, scattered so that pods do not come back together."""
        pause = min(self.longest, math.ldexp(self.first, failures - 1))
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


@dataclass(slots=True)
class Progress:
    """How far it is; the one thing that changes while others look.

    Attributes:
        received: bytes from the source.
        held: bytes that were there already.
    """

    received: int = 0
    held: int = 0


class Download:
    """One download of many files."""

    def __init__(self, store: Exact, patience: Patience, progress: Progress) -> None:
        self._store = store
        self._patience = patience
        self._progress = progress
        self._slots = asyncio.Semaphore(WINDOW)

    async def run(self, files: Iterable[RemoteFile], targets: Mapping[str, Path]) -> list[Arrived]:
        """Fetch the files; return what they were found to be, in no order.

        Args:
            files: at the source.
            targets: where each path goes; the folders are there, and of a file at most its right beginning.

        Raises:
            Failed: the first thing that went wrong.
            OSError: a file could not be written.
        """
        arrived: list[Arrived] = []

        async def lane(waiting: Iterator[RemoteFile], bring: Bring) -> None:
            """One file after the other, as long as there are any."""
            for file in waiting:
                found = await bring(file, targets[file.path])
                arrived.append(found)

        small, large = _parted(files, lambda each: each.size <= _SMALL and not targets[each.path].exists())
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(WINDOW):
                    group.create_task(lane(large, partial(self._in_parts, group)))
                for _ in range(LANES):
                    group.create_task(lane(small, self._whole))
        except ExceptionGroup as failures:
            raise _first(failures) from None
        return arrived

    async def _whole(self, file: RemoteFile, target: Path) -> Arrived:
        sums = Sums(file)
        await to_its_end(disk.put, target, file, await self._part(file, 0, file.size), sums)
        return sums.arrived()

    async def _in_parts(self, group: asyncio.TaskGroup, file: RemoteFile, target: Path) -> Arrived:
        sums = Sums(file)
        parts: deque[tuple[int, asyncio.Task[list[Piece]]]] = deque()
        descriptor = disk.opened(target)

        async def keep_oldest() -> None:
            start, part = parts.popleft()
            pieces = await part
            # Side by side: hashing takes one core all the time that a file takes at best.
            await to_their_end(partial(disk.add, pieces, sums), partial(disk.write, descriptor, pieces, start))
            self._slots.release()

        try:
            held = os.fstat(descriptor).st_size
            if held:
                await to_its_end(disk.take_up, target, sums)
                self._progress.held += held
            for start in range(held, file.size, CHUNK):
                # Who holds parts of the window never waits for more of it, so files cannot block each other.
                while parts and self._slots.locked():
                    await keep_oldest()
                await self._slots.acquire()
                parts.append((start, group.create_task(self._part(file, start, min(start + CHUNK, file.size)))))
            while parts:
                await keep_oldest()
            await to_its_end(os.fsync, descriptor)
            disk.demand_length(descriptor, file, target)
        finally:
            os.close(descriptor)
        return sums.arrived()

    async def _part(self, file: RemoteFile, start: int, end: int) -> list[Piece]:
        """The pieces of one part, going on after each break where it was."""
        pieces: list[Piece] = []
        position, failures = start, 0
        while position < end:
            before = position
            try:
                async for piece in self._store.read(file, position, end):
                    pieces.append(piece)
                    position += len(piece)
                    self._progress.received += len(piece)
            except Failed as failure:
                if not failure.transient:
                    raise
                failures = failures + 1 if position == before else 1
                if failures >= self._patience.tries:
                    raise
                await asyncio.sleep(self._patience.pause(failures))
        return pieces


def _parted(files: Iterable[RemoteFile], is_one: Callable[[RemoteFile], bool]) -> tuple[Iterator[RemoteFile], ...]:
    """Those that are, and those that are not."""
    ones: list[RemoteFile] = []
    others: list[RemoteFile] = []
    for file in files:
        (ones if is_one(file) else others).append(file)
    return iter(ones), iter(others)


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    """The first error that is not itself a group."""
    error: Exception = failures
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
