"""Bytes on their way to the disk: hashed as they pass, written where they belong, there before others count on them."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec

from tritium.api.fetch import FetchReason
from tritium.core.manifest import FileEntry
from tritium.sync.errors import Failed
from tritium.sync.listing import Piece, RemoteFile

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

P = ParamSpec("P")

_PIECE: Final = 1 << 20
"""Bytes of a file that are read at a time."""


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

    def update(self, piece: Piece) -> None:
        """The next bytes."""
        self._sha256.update(piece)
        if self._blob:
            self._blob.update(piece)

    def arrived(self) -> Arrived:
        """All of them were there."""
        entry = FileEntry(self._file.path, self._file.size, self._sha256.hexdigest())
        return Arrived(entry, self._blob.hexdigest() if self._blob else None)


def opened(target: Path) -> int:
    """A file to be written, which may be there; where it would lead elsewhere, it is none.

    Raises:
        OSError: such as ELOOP, for a link.
    """
    return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def write(descriptor: int, pieces: Iterable[Piece], start: int) -> None:
    """Write the pieces at their place.

    Raises:
        OSError: such as ENOSPC.
    """
    for piece in pieces:
        view = memoryview(piece)
        while view:
            written = os.pwrite(descriptor, view, start)
            start += written
            view = view[written:]


def add(pieces: Iterable[Piece], sums: "Sums | Hash") -> None:
    """Hash the pieces."""
    for piece in pieces:
        sums.update(piece)


def take_up(path: Path, sums: "Sums | Hash") -> None:
    """Hash what a file holds already.

    Raises:
        OSError: such as EIO.
    """
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            sums.update(piece)


def put(target: Path, file: RemoteFile, pieces: Sequence[Piece], sums: Sums) -> None:
    """Hash and write a whole file; it is on the disk then.

    Raises:
        Failed: it is longer than that.
        OSError: such as ENOSPC.
    """
    descriptor = opened(target)
    try:
        add(pieces, sums)
        write(descriptor, pieces, 0)
        os.fsync(descriptor)
        demand_length(descriptor, file, target)
    finally:
        os.close(descriptor)


def demand_length(descriptor: int, file: RemoteFile, target: Path) -> None:
    """Whether a file is as long as what was written.

    Raises:
        Failed: somebody else writes to it.
    """
    length = os.fstat(descriptor).st_size
    if length != file.size:
        raise Failed(
            FetchReason.FETCH_FAILED,
            f"{target}: {length} bytes lie on the disk where {file.size} of {file.path} were written. Something else "
            "writes to the volume: find out what, and delete the pod",
        )


async def to_its_end(work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Work in a thread. Cancelled, it still waits: what the thread works on must not be closed before it is done."""
    await to_their_end(partial(work, *args, **kwargs))


async def to_their_end(*works: Callable[[], None]) -> None:
    """Work in threads, side by side; it waits for all of them, also when one fails, and when it is cancelled."""
    working = asyncio.gather(*(asyncio.to_thread(work) for work in works), return_exceptions=True)
    try:
        results = await asyncio.shield(working)
    except asyncio.CancelledError:
        await working
        raise
    for failure in results:
        if isinstance(failure, BaseException):
            raise failure
