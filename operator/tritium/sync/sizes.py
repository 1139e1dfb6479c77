"""How much room a source takes on a disk: its files, and of its archives what they hold as well.

Of what is compressed the end says how long it was before, so that is read when the source is listed: the pods' volume
is made for it. It is no more than a hint; what is unpacked is counted.
"""

import io
import zipfile
from typing import IO, Final, cast

from tritium.api.fetch import FetchReason
from tritium.sync.archives import RATIO, most
from tritium.sync.errors import Failed
from tritium.sync.listing import Archive, Listing, RemoteFile
from tritium.sync.sources import Store

_USUAL: Final = 3
"""So many times its own size an archive's content is taken to have where its end does not say it."""

_TAIL: Final = 1 << 20
"""Bytes of a zip's end that are read for its list of members."""


async def room(store: Store, listing: Listing, uri: str) -> int:
    """Bytes that all files take until the model is laid out.

    Args:
        store: with the files.
        listing: of them.
        uri: of the source, for messages.

    Raises:
        Failed: a source cannot be read; `ModelInvalid`, for an archive that says it holds more than will be unpacked.
    """
    total = 0
    for file in listing.files:
        content = await _content(store, file)
        if file.archive and content > most(file.size):
            raise Failed(
                FetchReason.MODEL_INVALID,
                f"{uri}: the archive {file.path} says that it holds {content} bytes, more than {RATIO} times its own "
                "size. Only less is unpacked: check what was packed",
            )
        total += file.size + content
    return total


async def _content(store: Store, file: RemoteFile) -> int:
    if file.archive is None or file.size < 4:
        return 0
    if file.archive is Archive.TAR:
        return file.size
    tail = b"".join(
        [
            piece
            async for piece in store.read(
                file, max(0, file.size - (_TAIL if file.archive is Archive.ZIP else 4)), file.size
            )
        ]
    )
    found = of_zip(tail, file.size) if file.archive is Archive.ZIP else of_gzip(tail, file.size)
    return found if found is not None else _USUAL * file.size


def of_gzip(tail: bytes, size: int) -> int | None:
    """The length of what a file of gzip holds, by its last four bytes, which have the lower 32 bits of it.

    None where they cannot be right, as at the end of several such files in one.

    >>> of_gzip((5000).to_bytes(4, "little"), 1000), of_gzip((7).to_bytes(4, "little"), 10_000)
    (5000, None)
    >>> of_gzip((1 << 30).to_bytes(4, "little"), 3 << 30) >> 30
    5
    """
    least = size - size // 50 - 1024
    length = int.from_bytes(tail[-4:], "little")
    if size < 1 << 30:
        return length if length >= least else None
    return length + (max(0, least - length) + (1 << 32) - 1 >> 32 << 32)


def of_zip(tail: bytes, size: int) -> int | None:
    """The length of what a zip of this size holds, by its end; None where that does not have the whole list."""
    try:
        with zipfile.ZipFile(cast("IO[bytes]", _Ending(tail, size))) as archive:
            return sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None


class _Ending(io.BytesIO):
    """The end of a file, at its place; what is before cannot be read."""

    def __init__(self, tail: bytes, size: int) -> None:
        super().__init__(tail)
        self._before = size - len(tail)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return super().seek(offset - (self._before if whence == 0 else 0), whence) + self._before

    def tell(self) -> int:
        return super().tell() + self._before
