"""Bytes from a source to files: parallel parts, a bounded window, each file hashed on the way.

At most `WINDOW` parts of `CHUNK` bytes are in flight over all files together, and that is all the memory it takes,
whatever the model's size. Parts arrive in any order and are hashed and written in the file's order, so that no byte
is read a second time. A part that breaks off goes on where it broke off, with growing pauses, until nothing moves.

So what a file holds is always a beginning of it without gaps, and a download that was killed goes on after it: what is
there is hashed again, and only what was in flight comes over the network a second time.
"""

import asyncio
import hashlib
import math
import os
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec

from tritium.api.fetch import FetchReason
from tritium.core.manifest import FileEntry
from tritium.sync.errors import Failed
from tritium.sync.exact import Exact
from tritium.sync.listing import RemoteFile

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

P = ParamSpec("P")

CHUNK: Final = 8 << 20
WINDOW: Final = 8

_PIECE: Final = 1 << 20
"""Bytes of a file that are read at a time."""


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


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a file was found to be.

    Attributes:
        blob: the name that git has for its bytes, where the source says one.
    """

    entry: FileEntry
    blob: str | None


class Sums:
    """What the bytes of a file come to as they pass."""

    def __init__(self, file: RemoteFile) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._blob = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False) if file.blob else None

    def update(self, piece: bytes) -> None:
        """The next bytes."""
        self._sha256.update(piece)
        if self._blob:
            self._blob.update(piece)

    def arrived(self) -> Arrived:
        """All of them were there."""
        entry = FileEntry(self._file.path, self._file.size, self._sha256.hexdigest())
        return Arrived(entry, self._blob.hexdigest() if self._blob else None)


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
        waiting = iter(files)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(WINDOW):
                    group.create_task(self._some(group, waiting, targets, arrived))
        except ExceptionGroup as failures:
            raise _first(failures) from None
        return arrived

    async def _some(
        self,
        group: asyncio.TaskGroup,
        waiting: Iterator[RemoteFile],
        targets: Mapping[str, Path],
        arrived: list[Arrived],
    ) -> None:
        """One file after the other, as long as there are any."""
        for file in waiting:
            found = await self._file(group, file, targets[file.path])
            arrived.append(found)

    async def _file(self, group: asyncio.TaskGroup, file: RemoteFile, target: Path) -> Arrived:
        sums = Sums(file)
        parts: deque[tuple[int, asyncio.Task[list[bytes]]]] = deque()
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)

        async def keep_oldest() -> None:
            start, part = parts.popleft()
            await _to_its_end(keep, descriptor, await part, start, sums)
            self._slots.release()

        try:
            held = os.fstat(descriptor).st_size
            if held:
                await _to_its_end(take_up, target, sums)
                self._progress.held += held
            for start in range(held, file.size, CHUNK):
                # Who holds parts of the window never waits for more of it, so files cannot block each other.
                while parts and self._slots.locked():
                    await keep_oldest()
                await self._slots.acquire()
                parts.append((start, group.create_task(self._part(file, start, min(start + CHUNK, file.size)))))
            while parts:
                await keep_oldest()
            await _to_its_end(os.fsync, descriptor)
            _demand_length(descriptor, file, target)
        finally:
            os.close(descriptor)
        return sums.arrived()

    async def _part(self, file: RemoteFile, start: int, end: int) -> list[bytes]:
        """The pieces of one part, going on after each break where it was."""
        pieces: list[bytes] = []
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


def keep(descriptor: int, pieces: Sequence[bytes], start: int, sums: "Sums | Hash") -> None:
    """Hash the pieces and write them at their place.

    Raises:
        OSError: such as ENOSPC.
    """
    for piece in pieces:
        sums.update(piece)
        view = memoryview(piece)
        while view:
            written = os.pwrite(descriptor, view, start)
            start += written
            view = view[written:]


def take_up(path: Path, sums: "Sums | Hash") -> None:
    """Hash what a file holds already.

    Raises:
        OSError: such as EIO.
    """
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            sums.update(piece)


def _demand_length(descriptor: int, file: RemoteFile, target: Path) -> None:
    length = os.fstat(descriptor).st_size
    if length != file.size:
        raise Failed(
            FetchReason.FETCH_FAILED,
            f"{target}: {length} bytes lie on the disk where {file.size} of {file.path} were written. Something else "
            "writes to the volume: find out what, and delete the pod",
        )


async def _to_its_end(work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Work in a thread. Cancelled, it still waits: what the thread works on must not be closed before it is done."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.gather(working, return_exceptions=True)
        raise


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    """The first error that is not itself a group."""
    error: Exception = failures
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
