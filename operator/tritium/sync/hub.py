"""`hf://owner/name[@revision][/path]`: a model repository of the Hugging Face hub, at one commit.

The hub's own library says what the repository holds; the bytes come as they do from every web server. A revision that
moves (`main`, a tag) is looked up once: what is listed and read ever after is the commit that it named then.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from obstore.store import HTTPStore

from tritium.api.fetch import Origin
from tritium.api.source import Source
from tritium.sync import credentials as identity
from tritium.sync import server
from tritium.sync.credentials import Credentials
from tritium.sync.explain import Place
from tritium.sync.guard import Guard
from tritium.sync.listing import Listing, Piece, RemoteFile

PUBLIC: Final = "https://huggingface.co"

_WITH_SLASHES: Final = re.compile(r"(refs/(?:pr|convert)/[^/]+)(?:/|$)(.*)")
"""The hub's own revisions whose names have slashes; in others they are written as %2F."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a URI names.

    Attributes:
        repository: owner and name.
        revision: a branch, a tag or a commit.
        path: of a folder or a file; empty: the whole repository.
    """

    repository: str
    revision: str
    path: str


def reference(uri: str) -> Reference:
    """Read a URI as the hub's own tools do.

    >>> reference("hf://org/fraud@v2/onnx/model.onnx")
    Reference(repository='org/fraud', revision='v2', path='onnx/model.onnx')
    >>> reference("hf://org/fraud").revision, reference("hf://org/fraud@refs/pr/3/onnx").revision
    ('main', 'refs/pr/3')
    >>> reference("hf://org/fraud@team%2Fnext/a@b").revision
    'team/next'
    """
    owner, _, rest = uri.removeprefix("hf://").partition("/")
    name, _, path = rest.partition("/")
    name, _, revision = name.partition("@")
    if revision == "refs" and (found := _WITH_SLASHES.fullmatch(f"refs/{path}")):
        revision, path = found.groups()
    return Reference(f"{owner}/{name}", unquote(revision) or "main", path.strip("/"))


class Repository:
    """A repository's files below a path, at one commit."""

    def __init__(self, source: Source, credentials: Credentials, guard: Guard, pin: str | None) -> None:
        options = source.options or {}
        self._named = reference(source.uri or "")
        self._revision = pin or self._named.revision
        self.place = Place(
            uri=source.uri or "",
            server=options.get("endpoint", PUBLIC).rstrip("/"),
            credentials=credentials,
            guard=guard,
            anonymous=options.get("anonymous") == "true",
        )
        if identity.CA_KEY not in credentials.values:  # which is enough for a mirror that lets everybody in
            identity.demand_keys(credentials, identity.HUB_TOKEN)
        self._options = options
        self._token = credentials.values.get(identity.HUB_TOKEN)
        client = server.client(options, self.place)
        if self._token:
            # Whoever the hub leads to for the bytes signs its addresses itself: the client leaves it out there.
            client["default_headers"] = {"Authorization": f"Bearer {self._token}"}
        with server.explained(self.place):
            self._store = HTTPStore(self.place.server, client_options=client, retry_config=server.RETRY)

    async def files(self) -> Listing:
        """All files below the path, or the one file of that name."""
        # It costs a second and 25 MiB, for which other sources have no use.
        from tritium.sync import hub_listing  # noqa: PLC0415

        wanted = replace(self._named, revision=self._revision)
        commit, files = await asyncio.to_thread(hub_listing.listed, wanted, self.place, self._options, self._token)
        return Listing(tuple(files), Origin(pin=commit))

    def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
        """A part of a file."""
        return server.pinned(self._store, self.place, file, start, end)
