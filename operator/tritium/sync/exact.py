"""Parts of files that are as long as was asked for, whatever the source behind them does."""

from collections.abc import AsyncIterator

from tritium.api.fetch import FetchReason
from tritium.sync.errors import Failed
from tritium.sync.listing import Listing, Piece, RemoteFile
from tritium.sync.sources import Store


class Exact:
    """A store of which every part has all of its bytes, and no other.

    A download hashes what arrives, and writes it where the lengths say. Only with parts of the right length is what was
    hashed what lies on the disk; and a part that ends early has to be a failure, or it would be asked for without end.

    Args:
        store: what is read.
        address: of the source, for messages.
    """

    def __init__(self, store: Store, address: str) -> None:
        self._store = store
        self._address = address

    async def files(self) -> Listing:
        """All files of the model.

        Raises:
            Failed: as the store says.
        """
        return await self._store.files()

    async def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
        """The bytes from start to before end, piece by piece.

        Raises:
            Failed: as the store says; `SourceUnreachable` when there are more, and, transient, when there are fewer.
        """
        left = end - start
        async for piece in self._store.read(file, start, end):
            left -= len(piece)
            if left < 0:
                raise Failed(
                    FetchReason.SOURCE_UNREACHABLE,
                    f"{self._address}: the server sends more of {file.path} than it is asked for. Check the server, "
                    "and proxies on the way to it",
                )
            yield piece
        if left:
            raise Failed(
                FetchReason.SOURCE_UNREACHABLE,
                f"{self._address}: the server sends less of {file.path} than it is asked for. Check the server, and "
                "proxies on the way to it",
                transient=True,
            )
