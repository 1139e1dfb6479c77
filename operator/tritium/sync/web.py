"""`https://host/path/file`: one file of a web server that answers range requests."""

from collections.abc import AsyncIterator
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import HTTPStore

from tritium.api.fetch import FetchReason
from tritium.api.source import Source
from tritium.sync import server
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.explain import Place
from tritium.sync.guard import Guard
from tritium.sync.listing import Listing, Piece, RemoteFile


class HttpFile:
    """The one file."""

    def __init__(self, source: Source, credentials: Credentials, guard: Guard) -> None:
        url = urlsplit(source.uri or "")
        self._path = unquote(url.path).strip("/")
        self.place = Place(source.uri or "", f"{url.scheme}://{url.netloc}", credentials, guard)
        client = server.client(source.options or {}, self.place)
        with server.explained(self.place):
            self._store = HTTPStore(self.place.server, client_options=client, retry_config=server.RETRY)

    async def files(self) -> Listing:
        """The one file."""
        if not self._path:
            raise Failed(FetchReason.SOURCE_NOT_FOUND, f"{self.place} names no file. Add its path to model.source.uri")
        with server.explained(self.place):
            found = await obstore.head_async(self._store, self._path)
        return Listing((server.remote(found, self._path.rpartition("/")[2]),))

    def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
        """A part of the file."""
        return server.read(self._store, self.place, file, start, end)
