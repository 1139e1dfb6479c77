"""A folder of an object store: all objects below a prefix, or the single object of that name."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

import obstore

from tritium.api.fetch import FetchReason
from tritium.sync import server
from tritium.sync.errors import Failed
from tritium.sync.explain import Place
from tritium.sync.listing import MAX_FILES, Listing, Piece, RemoteFile

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import AzureStore, GCSStore, S3Store

_HEADS: Final = 8
"""Questions about single objects at a time."""


class Folder:
    """What `bucket/path` is in every store.

    Args:
        store: the bucket.
        place: for messages.
        path: within the bucket; with a slash at its end never an object.
    """

    def __init__(self, store: "AzureStore | GCSStore | S3Store", place: Place, path: str) -> None:
        self.place = place
        self._store = store
        self._folder_only = path.endswith("/") or not path
        self._root = path.strip("/")

    async def files(self) -> Listing:
        """All objects below the prefix, or the one object."""
        with server.explained(self.place):
            found = await self._below()
            if not found and not self._folder_only:
                single = await obstore.head_async(self._store, self._root)
                return Listing((server.remote(single, self._root.rpartition("/")[2]),))
        if not found:
            raise Failed(FetchReason.SOURCE_NOT_FOUND, f"{self.place}: nothing is there. Check model.source.uri")
        return Listing(tuple(found))

    def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
        """A part of an object."""
        return server.read(self._store, self.place, file, start, end)

    async def put(self, path: str, content: bytes) -> None:
        """Write an object below it, in one request; what is there is replaced."""
        key = f"{self._root}/{path}" if self._root else path
        with server.explained(self.place):
            await obstore.put_async(self._store, key, content, use_multipart=False)

    async def _below(self) -> list[RemoteFile]:
        prefix = f"{self._root}/" if self._root else ""
        found: list[ObjectMeta] = []
        async for batch in obstore.list(self._store, self._root or None, chunk_size=1000):
            # A key that ends in a slash only marks a folder; obstore shows it without the slash.
            found += [each for each in batch if each["path"] != self._root or each["size"]]
            if len(found) > 2 * MAX_FILES:
                raise Failed(
                    FetchReason.MODEL_INVALID,
                    f"{self.place} holds more than {MAX_FILES} files; point model.source.uri to one model",
                )
        if foreign := next((each["path"] for each in found if not each["path"].startswith(prefix)), None):
            raise Failed(FetchReason.MODEL_INVALID, f"{self.place} lists {foreign!r}, which does not lie below it")
        kept = await self._without_markers(found)
        return [server.remote(each, each["path"].removeprefix(prefix)) for each in kept]

    async def _without_markers(self, found: Sequence["ObjectMeta"]) -> list["ObjectMeta"]:
        """Leave out the empty objects that only mark a folder, such as consoles make them."""
        slots = asyncio.Semaphore(_HEADS)

        async def is_file(each: "ObjectMeta") -> bool:
            if each["size"]:
                return True
            async with slots:
                try:
                    await obstore.head_async(self._store, each["path"])
                except FileNotFoundError:
                    return False  # there is only a key of this name with a slash after it
                return True

        kept = await asyncio.gather(*(is_file(each) for each in found))
        return [each for each, keep in zip(found, kept, strict=True) if keep]
