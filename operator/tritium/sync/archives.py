"""Archives whose files are a model, and what of them is refused.

Nothing is taken that could lead out of the folder it is unpacked into, or mean something else there: only files and
folders, by names that `places` allows, each once. The limits are for archives that were made to fill disks and memory.
What the libraries leave to their callers is looked at here: they would follow links, mend names, take a damaged header
for the end, and read a header of any length into memory.
"""

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol, cast

from tritium.sync.listing import MAX_FILES, Archive
from tritium.sync.places import is_usable, some

MOST_MEMBERS: Final = 2 * MAX_FILES
"""Files and folders of an archive."""

RATIO: Final = 100
"""So many times an archive's own size may its content have; weights come to twice, text to ten times."""

SMALL: Final = 64 << 20
"""Bytes of content that are never too many."""

PIECE: Final = 1 << 20
_HEADER: Final = 64 << 10
"""Bytes of a header of a tar; names are not as long, and a few hundred headers may be open at the same time."""
_DIRECTORY: Final = 4 << 20
"""Bytes of a zip's list of members, which takes some fifteen times that in memory."""

_WHITEOUT: Final = ".wh."
"""By such names a layer of an image takes away what an earlier one has."""

_KINDS: Final = ((stat.S_IFLNK, "a link"), (stat.S_IFIFO, "a named pipe"), (stat.S_IFSOCK, "a socket"))
_BLOCK: Final = bytes(tarfile.BLOCKSIZE)


class Unusable(ValueError):
    """An archive that is refused; the message follows its name in a sentence."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive.

    Attributes:
        name: as it is written there.
        size: bytes, as it says.
        content: its bytes; good until the next member.
    """

    name: str
    size: int
    content: IO[bytes]


class _Stream(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...


def members(path: Path, archive: Archive, inside: str) -> Iterator[Member]:
    """The files of an archive, one after the other; folders are left out.

    Args:
        path: where it lies.
        archive: its kind.
        inside: a folder of it, without which the names are given; what lies elsewhere is passed over, whatever it is.
            Empty: all of it.

    Raises:
        Unusable: it is damaged, or has something that is refused.
    """
    size = path.stat().st_size
    limit = most(size)
    with damaged(), path.open("rb") as file:
        if archive is Archive.ZIP:
            yield from _of_zip(file, size, limit, inside)
        elif archive is Archive.TAR_GZIP:
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _of_tar(cast("_Stream", unpacked), limit, inside)
        else:
            yield from _of_tar(file, limit, inside)


def most(size: int) -> int:
    """Bytes that an archive of this size may hold.

    >>> most(1000), most(1 << 30) >> 30
    (67108864, 100)
    """
    return max(SMALL, RATIO * size)


class _Guarded:
    """What a library reads an archive through: no more at a time than `longest`, and no more at all than `most`."""

    def __init__(self, stream: _Stream, most: int, longest: int) -> None:
        self._stream = stream
        self._most = most
        self.longest = longest
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """Some bytes; those that were read last are kept."""
        if size > self.longest:
            raise Unusable(f"has a header of {size} bytes, which none needs")
        self.last = self._stream.read(size if size >= 0 else self.longest + 1)
        if len(self.last) > self.longest:
            raise Unusable(f"has a header of more than {self.longest} bytes, which none needs")
        if self._stream.tell() > self._most:
            raise _too_much()
        return self.last

    def seek(self, offset: int, whence: int = 0) -> int:
        """To another place; of a compressed stream it costs reading all that is passed over."""
        if whence == 0 and offset > self._most:
            raise _too_much()
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Where it is."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """It is."""
        return True


def _of_tar(stream: _Stream, most: int, inside: str) -> Iterator[Member]:
    guarded = _Guarded(stream, most + MOST_MEMBERS * 4 * tarfile.BLOCKSIZE, _HEADER)
    count, total = 0, 0
    with tarfile.TarFile(fileobj=cast("IO[bytes]", guarded), encoding="utf-8", errors="surrogateescape") as tar:
        while member := tar.next():
            cast("Any", tar).members.clear()  # which would keep them all
            count, total = count + 1, total + max(0, member.size)
            _demand_bounded(count, total, most, member.name)
            if member.size < 0 or member.issparse():  # of neither it is clear where the next one begins
                raise _refused(member.name, "a sparse file, or one of negative size")
            name = _wanted(member.name, inside)
            if not name:
                continue
            _demand(name, _kind_in_tar(member))
            if member.isreg():
                guarded.longest = PIECE
                with cast("IO[bytes]", tar.extractfile(member)) as content:
                    yield Member(name, member.size, content)
                guarded.longest = _HEADER
        if guarded.last != _BLOCK:
            # A header that cannot be read ends it for the library, as if there were no more.
            raise Unusable("is damaged, or cut off: what follows its last whole member is no end")
    while guarded.read(_HEADER):
        pass  # to where the checksum of what is compressed stands


def _kind_in_tar(member: tarfile.TarInfo) -> str:
    """What is refused about it; empty if nothing is."""
    if member.isreg() or member.isdir():
        return ""
    if member.islnk() or member.issym():
        return "a link"
    return "a named pipe" if member.isfifo() else "a device" if member.isdev() else "of an unknown kind"


def _of_zip(file: IO[bytes], size: int, most: int, inside: str) -> Iterator[Member]:
    with zipfile.ZipFile(cast("IO[bytes]", _Guarded(file, size, _DIRECTORY))) as archive:
        wanted, total, packed = [], 0, 0
        for count, member in enumerate(archive.infolist(), 1):
            total, packed = total + member.file_size, packed + member.compress_size
            # The library cuts a name where it has a zero.
            _demand_bounded(count, total, most, member.orig_filename)
            if name := _wanted(member.orig_filename.removesuffix("/") or "/", inside):
                _demand(name, _kind_in_zip(member))
                wanted.append((name, member))
        if packed > size:
            raise Unusable("has members that share their bytes")
        for name, member in wanted:
            if not member.is_dir():
                with archive.open(member) as content:
                    yield Member(name, member.file_size, content)


def _kind_in_zip(member: zipfile.ZipInfo) -> str:
    """What is refused about it; empty if nothing is."""
    mode = stat.S_IFMT(member.external_attr >> 16)
    if mode not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return next((said for kind, said in _KINDS if kind == mode), "a device")
    if member.flag_bits & 0x1:
        return "encrypted"
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "compressed in an unusual way"  # some of which take gigabytes of memory to undo
    return "a folder with content" if member.is_dir() and member.file_size else ""


def _wanted(name: str, inside: str) -> str:
    """A member's name without the folder that is asked for; empty for what is not asked for."""
    name = name.removeprefix("./")
    if not inside:
        return "" if name == "." else name
    return name.removeprefix(f"{inside}/") if name.startswith(f"{inside}/") else ""


def _demand(name: str, what: str) -> None:
    if what:
        raise _refused(name, what)
    if not is_usable(name):
        raise Unusable(f"has the member {some([name])}, whose name cannot be used; rename it")
    if name.rpartition("/")[2].startswith(_WHITEOUT):
        raise Unusable(f"takes away with {some([name])} what an earlier layer had; build the image without that")


def _refused(name: str, what: str) -> Unusable:
    return Unusable(f"has the member {some([name])}, which is {what}. Only plain files and folders are taken")


def _demand_bounded(count: int, total: int, most: int, name: str) -> None:
    if count > MOST_MEMBERS:
        raise Unusable(f"has more than {MOST_MEMBERS} members; pack one model, without what it does not need")
    if total > most:
        raise Unusable(f"with the member {some([name])} comes to {total} bytes, more than {RATIO} times its own size")


def _too_much() -> Unusable:
    return Unusable(f"comes to more than {RATIO} times its own size")


@contextmanager
def damaged() -> Iterator[None]:
    """What the libraries raise where an archive is not as it should be."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError) as error:
        raise Unusable(f"is damaged, or of another kind than its name says ({error})") from error
    except (NotImplementedError, OverflowError, RecursionError, RuntimeError, UnicodeError) as error:
        raise Unusable(f"has something that cannot be unpacked: {error}") from error
