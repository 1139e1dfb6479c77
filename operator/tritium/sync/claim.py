"""`pvc://claim/path`: a folder or a file on a volume that the pod mounts.

Nothing is followed: no symbolic link, so nothing that lies elsewhere. A file is told apart by its size and its
modification time, which are looked at again before and after each read.
"""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tritium.api.fetch import FetchReason
from tritium.api.source import Source
from tritium.sync.errors import Failed
from tritium.sync.listing import MAX_FILES, Listing, RemoteFile

_PIECE: Final = 1 << 20
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_ENTER: Final = _READ | os.O_DIRECTORY


@dataclass(frozen=True, slots=True)
class Claim:
    """What lies at a path of a claim.

    Attributes:
        uri: for messages.
        root: where the claim is mounted.
        path: names on the way, from the claim's root.
    """

    uri: str
    root: Path
    path: tuple[str, ...]

    async def files(self) -> Listing:
        """All files below the folder, or the one file.

        Raises:
            Failed: nothing is there, or something that is neither a file nor a folder.
        """
        return Listing(tuple(await asyncio.to_thread(self._walk)))

    async def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[bytes]:
        """A part of a file."""
        with self._opened(tuple(file.key.split("/"))) as descriptor:
            while start < end:
                self._demand_same(file, descriptor)
                piece = await asyncio.to_thread(os.pread, descriptor, min(_PIECE, end - start), start)
                # Once more: what was written meanwhile may be in the piece.
                self._demand_same(file, descriptor)
                if not piece:
                    raise self._changed(file)
                yield piece
                start += len(piece)

    def _walk(self) -> list[RemoteFile]:
        with self._opened(self.path) as descriptor:
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode):
                return [_remote(found, self.path[-1], "/".join(self.path))]
            if not stat.S_ISDIR(found.st_mode):
                raise self._strange("/".join(self.path))
            files: list[RemoteFile] = []
            self._below(descriptor, (), files)
        if not files:
            raise Failed(FetchReason.SOURCE_NOT_FOUND, f"{self.uri}: the folder is empty. Check model.source.uri")
        return files

    def _below(self, folder: int, names: tuple[str, ...], files: list[RemoteFile]) -> None:
        if len(names) > 64:
            raise self._strange("/".join(names))
        for name in sorted(os.listdir(folder)):
            path = (*names, name)
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode):
                files.append(_remote(found, "/".join(path), "/".join((*self.path, *path))))
            elif stat.S_ISDIR(found.st_mode):
                if not names and not self.path and name == "lost+found":
                    continue  # the file system's own
                with _entered(name, folder) as inner:
                    self._below(inner, path, files)
            else:
                raise self._strange("/".join(path))
            if len(files) > 2 * MAX_FILES:
                raise Failed(
                    FetchReason.MODEL_INVALID,
                    f"{self.uri} holds more than {MAX_FILES} files; point model.source.uri to one model",
                )

    @contextmanager
    def _opened(self, names: tuple[str, ...]) -> Iterator[int]:
        """A file or a folder of the claim, entered name by name."""
        try:
            descriptor = os.open(self.root, _ENTER)
            for place, name in enumerate(names, start=1):
                try:
                    inner = os.open(name, _READ if place == len(names) else _ENTER, dir_fd=descriptor)
                finally:
                    os.close(descriptor)
                descriptor = inner
        except OSError as error:
            raise self._explained(error) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _explained(self, error: OSError) -> Failed:
        if isinstance(error, PermissionError):
            return Failed(
                FetchReason.ACCESS_DENIED,
                f"{self.uri}: user and group 1000 may not read it. Change the files' mode, or their owner",
            )
        if isinstance(error, FileNotFoundError):
            return Failed(FetchReason.SOURCE_NOT_FOUND, f"{self.uri}: nothing is there. Check model.source.uri")
        return Failed(
            FetchReason.SOURCE_NOT_FOUND,
            f"{self.uri}: {error.strerror}. No part of the path may be a symbolic link, which is never followed",
        )

    def _strange(self, path: str) -> Failed:
        return Failed(
            FetchReason.MODEL_INVALID,
            f"{self.uri} holds {path!r}, which is no file and no folder. Put a copy there: links are not followed",
        )

    def _demand_same(self, file: RemoteFile, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or (found.st_size, _version(found)) != (file.size, file.version):
            raise self._changed(file)

    def _changed(self, file: RemoteFile) -> Failed:
        return Failed(
            FetchReason.SOURCE_CHANGED,
            f"{self.uri}: {file.path} was replaced while it was read. Do not change a model in place: put the new one "
            "at another path, and change model.source.uri",
        )


def claim(source: Source, root: Path) -> Claim:
    """What a source names, on the claim that is mounted there.

    Raises:
        Failed: it has settings that mean nothing here.

    >>> claim(Source(uri="pvc://models/fraud/7/"), Path("/source")).path
    ('fraud', '7')
    """
    uri = source.uri or ""
    if source.options or (source.credentials and source.credentials.secret_ref):
        raise Failed(FetchReason.FETCH_FAILED, f"{uri}: a claim takes neither options nor a Secret; remove them")
    _, _, path = uri.removeprefix("pvc://").partition("/")
    return Claim(uri, root, tuple(name for name in path.split("/") if name not in {"", "."}))


@contextmanager
def _entered(name: str, folder: int) -> Iterator[int]:
    descriptor = os.open(name, _ENTER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remote(found: os.stat_result, path: str, key: str) -> RemoteFile:
    return RemoteFile(path=path, size=found.st_size, version=_version(found), key=key)


def _version(found: os.stat_result) -> str:
    """The modification time in nanoseconds: a number in the file system may be another one on another node."""
    return str(found.st_mtime_ns)
