"""Artifacts that only the tracking server can read: it lists them and hands them out (`mlflow-artifacts:`).

Whether it answers range requests depends on where it keeps them: from its own disk it does. Otherwise it sends whole
files, and the parts that are asked for are cut out of one answer in turn.
"""

import asyncio
import posixpath
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from tritium.api.fetch import FetchReason
from tritium.sync.errors import Failed
from tritium.sync.listing import MAX_FILES, Listing, RemoteFile
from tritium.sync.mlflow.client import Tracking
from tritium.sync.server import PIECE

ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"

_DEEPEST: Final = 32
"""Folders in folders."""

_FIRST_BYTE: Final = 120.0
"""Seconds: a server that keeps its artifacts in a bucket brings all of a file to its own disk before it sends any."""


class Proxied:
    """A folder of artifacts behind the tracking server.

    Args:
        tracking: the server.
        root: the folder, below the server's own root for artifacts.

    The server tells path and size alone: its ETags are of the copy on its disk, and differ between copies and between
    its own answers. So nothing stands for the version of a file here, and the version of the registered model does for
    all: what lies below it is written once, and a changed model is a new version.
    """

    def __init__(self, tracking: Tracking, root: str) -> None:
        self._tracking = tracking
        self._root = root.strip("/")
        self._ranges: bool | None = None
        self._deciding = asyncio.Lock()
        self._whole: dict[str, _Whole] = {}

    async def files(self) -> Listing:
        """All files below the folder.

        Raises:
            Failed: it cannot be listed, there are none, or too many.
        """
        found: list[RemoteFile] = []
        folders = [""]
        while folders:
            folder = folders.pop()
            for entry in await self._entries(folder):
                path = f"{folder}{entry['path']}"
                if entry.get("is_dir"):
                    folders.append(f"{path}/")
                else:
                    key = f"{self._root}/{path}"
                    found.append(RemoteFile(path, int(entry.get("file_size") or 0), "", key))
            if len(found) + len(folders) > 2 * MAX_FILES:
                raise Failed(FetchReason.MODEL_INVALID, f"{self._tracking.shown} has more than {MAX_FILES} files")
        if not found:
            raise Failed(
                FetchReason.SOURCE_NOT_FOUND,
                f"{self._tracking.shown}: the version is registered, but nothing lies at mlflow-artifacts:/{self._root}"
                ". Log the model again, and register that",
            )
        return Listing(tuple(found))

    async def _entries(self, folder: str) -> list[dict[str, Any]]:
        path = f"{self._root}/{folder}".rstrip("/")
        if folder.count("/") > _DEEPEST:
            raise Failed(FetchReason.MODEL_INVALID, f"{self._tracking.shown}: {folder} lies too deep; move it up")
        answer = await self._tracking.ask(ARTIFACTS, {"path": path})
        if answer.status != 200:
            said = f": {answer.said}" if answer.said else ""
            raise Failed(
                FetchReason.SOURCE_UNREACHABLE,
                f"{self._tracking.shown}: the server does not list its artifacts ({answer.status}{said}). It has to be "
                "MLflow 1.24 or newer, and to run with --serve-artifacts",
            )
        entries = answer.members.get("files", [])
        for entry in entries:
            # Of a name with a slash nobody can tell in which folder it lies.
            if posixpath.basename(entry.get("path", "")) != entry.get("path") or entry["path"] in {"", ".", ".."}:
                raise Failed(FetchReason.MODEL_INVALID, f"{self._tracking.shown} lists {entry.get('path')!r:.120}")
        return list(entries)

    async def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from start to before end.

        Raises:
            Failed: `SourceChanged` when the file has another size than it had; transient when it broke off.
        """
        if start == 0 and end == file.size:
            async with self._tracking.open(_path(file), patience=_FIRST_BYTE) as answer:
                self._check(answer, file, whole=True)
                async for piece in _exactly(answer, file, file.size, self._tracking):
                    yield piece
            return
        if self._ranges is None:
            await self._decide(file)
        if self._ranges:
            span = {"Range": f"bytes={start}-{end - 1}"}
            async with self._tracking.open(_path(file), headers=span, patience=_FIRST_BYTE) as answer:
                self._check(answer, file, whole=False)
                async for piece in _exactly(answer, file, end - start, self._tracking):
                    yield piece
            return
        whole = self._whole.setdefault(file.key, _Whole(self, file))
        async for piece in whole.read(start, end):
            yield piece

    async def _decide(self, file: RemoteFile) -> None:
        """Find out whether the server answers range requests."""
        async with self._deciding:
            if self._ranges is None:
                span = {"Range": "bytes=0-0"}
                async with self._tracking.open(_path(file), headers=span, patience=_FIRST_BYTE) as answer:
                    self._check(answer, file, whole=answer.status == 200)
                    self._ranges = answer.status == 206

    def _check(self, answer: aiohttp.ClientResponse, file: RemoteFile, *, whole: bool) -> None:
        if answer.status == 404:
            raise self._changed(file, "is not there any more")
        if answer.status == 416:
            raise self._changed(file, "has another size than it had")
        if answer.status != (200 if whole else 206):
            raise Failed(
                FetchReason.SOURCE_UNREACHABLE,
                f"{self._tracking.shown}: the server does not hand out {file.path} ({answer.status}). Check its log",
            )
        size = answer.content_length if whole else _total(answer.headers.get("Content-Range", ""))
        if size is not None and size != file.size:
            raise self._changed(file, "has another size than it had")

    def _changed(self, file: RemoteFile, how: str) -> Failed:
        return Failed(
            FetchReason.SOURCE_CHANGED,
            f"{self._tracking.shown}: {file.path} {how}. Do not change the files of a version: log the model again, "
            "and register that as a new version",
        )

    async def opened(self, file: RemoteFile, stack: AsyncExitStack) -> AsyncIterator[bytes]:
        """A file from its begin."""
        answer = await stack.enter_async_context(self._tracking.open(_path(file), patience=_FIRST_BYTE))
        self._check(answer, file, whole=True)
        return _exactly(answer, file, file.size, self._tracking)


class _Whole:
    """A file that only comes as a whole: parts that are asked for at the same time get theirs in turn.

    Nothing is kept: a part that lies before what was read already has the file sent anew.
    """

    def __init__(self, proxied: Proxied, file: RemoteFile) -> None:
        self._proxied = proxied
        self._file = file
        self._stack = AsyncExitStack()
        self._pieces: AsyncIterator[bytes] | None = None
        self._left = b""
        self._position = 0
        self._turn = asyncio.Condition()
        self._waiting: list[int] = []
        self._busy = False

    async def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        try:
            await self._my_turn(start)
            try:
                if self._pieces is None or start < self._position:
                    await self._again()
                await self._skip_to(start)
                while self._position < end:
                    yield await self._next(end)
            finally:
                self._busy = False
                async with self._turn:
                    self._turn.notify_all()
            if end == self._file.size:
                await self._close()
        except BaseException:
            # Whoever asked has lost interest, or it broke off: there is nobody who would go on with it.
            await self._close()
            raise

    async def _my_turn(self, start: int) -> None:
        """Wait until nobody reads, and nobody waits who begins before."""
        self._waiting.append(start)
        try:
            async with self._turn:
                await self._turn.wait_for(lambda: not self._busy and start == min(self._waiting))
                self._busy = True
        finally:
            self._waiting.remove(start)

    async def _again(self) -> None:
        await self._close()
        self._pieces = await self._proxied.opened(self._file, self._stack)

    async def _skip_to(self, start: int) -> None:
        while self._position < start:
            await self._next(start)

    async def _next(self, end: int) -> bytes:
        """The next bytes, none of them at or after the end."""
        if not self._left:
            assert self._pieces is not None  # noqa: S101 - opened before
            self._left = await anext(self._pieces)
        piece, self._left = self._left[: end - self._position], self._left[end - self._position :]
        self._position += len(piece)
        return piece

    async def _close(self) -> None:
        self._pieces, self._left, self._position = None, b"", 0
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()


async def _exactly(
    answer: aiohttp.ClientResponse, file: RemoteFile, size: int, tracking: Tracking
) -> AsyncIterator[bytes]:
    """The body, which must have this many bytes."""
    received = 0
    try:
        async for piece in answer.content.iter_chunked(PIECE):
            received += len(piece)
            if received > size:
                break
            yield piece
    except (aiohttp.ClientError, OSError) as error:
        raise tracking.unreachable(error) from error
    if received != size:
        raise Failed(
            FetchReason.SOURCE_UNREACHABLE,
            f"{tracking.shown}: {received} bytes of {file.path} came where {size} were asked for. Check the server",
            transient=True,
        )


def _path(file: RemoteFile) -> str:
    """Where the server hands out a file."""
    return f"{ARTIFACTS}/{quote(file.key)}"


def _total(header: str) -> int | None:
    """Bytes of the whole file, by `Content-Range`.

    >>> _total("bytes 5-10/20971520")
    20971520
    """
    total = header.rpartition("/")[2]
    return int(total) if total.isdecimal() else None
