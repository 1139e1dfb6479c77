"""`oci://registry/repository[:tag|@sha256:…]`: a model that a registry keeps, as an artifact or as an image.

A tag is looked up once; what is fetched ever after is the manifest that it named then. Manifests and blobs have their
sha256 for a name, and whatever arrives with another one is refused.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from obstore.store import HTTPStore

from tritium.api.fetch import FetchReason, Origin
from tritium.api.source import Source
from tritium.sync import server
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.explain import Place
from tritium.sync.guard import Guard
from tritium.sync.layers import remote_files
from tritium.sync.listing import Listing, Piece, RemoteFile
from tritium.sync.logins import login
from tritium.sync.registry import INDEXES, Registry

_URI: Final = re.compile(
    r"oci://(?P<host>[^/]+)/(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_ATTESTATION: Final = "vnd.docker.reference.type"
"""Annotation of what builders put beside an image: where it comes from."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a URI names.

    Attributes:
        host: of the registry, with its port.
        reference: a tag or a digest.
    """

    host: str
    repository: str
    reference: str


def reference(uri: str) -> Reference:
    """Read a URI as images are named.

    Raises:
        ValueError: it names no repository.

    >>> reference("oci://registry.example.com:5000/team/fraud:7")
    Reference(host='registry.example.com:5000', repository='team/fraud', reference='7')
    >>> reference("oci://registry.example.com/fraud").reference
    'latest'
    >>> reference("oci://registry.example.com/fraud:7@sha256:" + "0" * 64).reference[:10]
    'sha256:000'
    """
    found = _URI.fullmatch(uri)
    if not found:
        raise ValueError(uri)
    return Reference(found["host"], found["repository"], found["digest"] or found["tag"] or "latest")


class Artifact:
    """The layers of one manifest."""

    def __init__(self, source: Source, credentials: Credentials, guard: Guard, pin: str | None) -> None:
        options, uri = source.options or {}, source.uri or ""
        try:
            named = reference(uri)
        except ValueError:
            what = f"{uri} names no repository of a registry. Write oci://registry/repository:tag, in lower case"
            raise Failed(FetchReason.SOURCE_NOT_FOUND, what) from None
        scheme = "http" if options.get("allowHttp") == "true" else "https"
        self.place = Place(
            uri=uri,
            server=f"{scheme}://{named.host}",
            credentials=credentials,
            guard=guard,
            anonymous=options.get("anonymous") == "true",
        )
        self._reference = pin or named.reference
        self._registry = Registry(self.place, named.repository, options, login(credentials, named.host))
        self._client = server.client(options, self.place)
        self._store = self._opened()

    async def files(self) -> Listing:
        """The files that the manifest names."""
        digest, manifest = await self._registry.manifest(self._reference)
        if manifest.get("mediaType") in INDEXES or "manifests" in manifest:
            digest, manifest = await self._registry.manifest(_chosen(manifest, self.place))
        self._store = self._opened()
        return Listing(remote_files(manifest, self._registry.repository, self.place), Origin(pin=digest))

    async def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
        """A part of a blob."""
        proof, position = self._registry.authorization, start
        try:
            async for piece in server.pinned(self._store, self.place, file, start, end):
                position += len(piece)
                yield piece
        except Failed as failure:
            if "status: 401" not in str(failure.__cause__):
                raise
            await self._registry.admit_again(proof)
            self._store = self._opened()
            # A proof that expires as a line breaks is found out in the middle.
            async for piece in server.pinned(self._store, self.place, file, position, end):
                yield piece

    def _opened(self) -> HTTPStore:
        """A client with the proof that holds now; wherever a registry leads to for a blob does not see it."""
        proof = self._registry.authorization
        headers = {"Authorization": proof} if proof else {}
        with server.explained(self.place):
            return HTTPStore(
                self.place.server,
                client_options={**self._client, "default_headers": headers},
                retry_config=server.RETRY,
            )


def _chosen(index: dict[str, Any], place: Place) -> str:
    """Of an index with a manifest for each platform, the digest of the only one, or else that of linux/amd64.

    A model is the same on all of them; which one is taken must not depend on the node that asks.
    """
    entries = [each for each in _dicts(index.get("manifests")) if _ATTESTATION not in (each.get("annotations") or {})]
    if len(entries) > 1:
        entries = [each for each in entries if _platform(each) == "linux/amd64"]
    if len(entries) != 1 or not re.fullmatch(r"sha256:[0-9a-f]{64}", str(entries[0].get("digest"))):
        platforms = ", ".join(sorted({_platform(each) for each in _dicts(index.get("manifests"))})) or "none"
        raise Failed(
            FetchReason.MODEL_INVALID,
            f"{place} is an index of several manifests ({platforms}), and not one of them alone is for linux/amd64. "
            "Name one by its digest in model.source.uri, as @sha256:…",
        )
    return str(entries[0]["digest"])


def _platform(entry: dict[str, Any]) -> str:
    platform = entry.get("platform")
    platform = platform if isinstance(platform, dict) else {}
    return f"{platform.get('os', 'unknown')}/{platform.get('architecture', 'unknown')}"


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
