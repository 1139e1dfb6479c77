"""Object stores and web servers, through obstore."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions
from obstore.store import HTTPStore, S3Store

from tritium.api.fetch import FetchReason
from tritium.api.source import Source
from tritium.sync import credentials as identity
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.explain import Place, explain
from tritium.sync.listing import MAX_FILES, Listing, RemoteFile

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta
    from obstore.store import ClientConfig, RetryConfig, S3Config

PIECE: Final = 1 << 20
"""Bytes handed over at a time: enough that the calls cost nothing, little against what is in flight."""

_RETRY: Final["RetryConfig"] = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=8),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=2), "base": 2},
}
"""Short, so that a server that cannot be reached is reported in seconds; a download has its own patience on top."""

_HEADS: Final = 8
"""Questions about single objects at a time."""


class S3Folder:
    """`s3://bucket/path`: the objects below a prefix, or the single object of that name."""

    def __init__(self, source: Source, credentials: Credentials) -> None:
        options = source.options or {}
        bucket, _, self._root = (source.uri or "").removeprefix("s3://").partition("/")
        self._folder_only = self._root.endswith("/") or not self._root
        self._root = self._root.strip("/")
        config = s3_config(options, credentials)
        self.place = Place(
            uri=source.uri or "",
            server=config.get("endpoint") or "AWS S3",
            credentials=credentials,
            anonymous=options.get("anonymous") == "true",
        )
        if not self.place.anonymous:
            identity.demand_keys(credentials)
        if options.get("virtualHostedStyle") == "true" and (endpoint := config.get("endpoint")):
            config["endpoint"] = endpoint.replace("://", f"://{bucket}.", 1)
        client = _client(options, self.place)
        with _explained(self.place):
            self._store = S3Store(bucket, config=config, client_options=client, retry_config=_RETRY)

    async def files(self) -> Listing:
        """All objects below the prefix, or the one object."""
        with _explained(self.place):
            found = await self._below()
            if not found and not self._folder_only:
                single = await obstore.head_async(self._store, self._root)
                return Listing((_remote(single, self._root.rpartition("/")[2]),))
        if not found:
            raise Failed(FetchReason.SOURCE_NOT_FOUND, f"{self.place}: nothing is there. Check model.source.uri")
        return Listing(tuple(found))

    def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[bytes]:
        """A part of an object."""
        return _read(self._store, self.place, file, start, end)

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
        return [_remote(each, each["path"].removeprefix(prefix)) for each in kept]

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


class HttpFile:
    """`https://host/path/file`: one file of a web server that answers range requests."""

    def __init__(self, source: Source, credentials: Credentials) -> None:
        url = urlsplit(source.uri or "")
        self._path = unquote(url.path).strip("/")
        self.place = Place(uri=source.uri or "", server=f"{url.scheme}://{url.netloc}", credentials=credentials)
        client = _client(source.options or {}, self.place)
        with _explained(self.place):
            self._store = HTTPStore(self.place.server, client_options=client, retry_config=_RETRY)

    async def files(self) -> Listing:
        """The one file."""
        if not self._path:
            raise Failed(FetchReason.SOURCE_NOT_FOUND, f"{self.place} names no file. Add its path to model.source.uri")
        with _explained(self.place):
            return Listing((_remote(await obstore.head_async(self._store, self._path), self._path.rpartition("/")[2]),))

    def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[bytes]:
        """A part of the file."""
        return _read(self._store, self.place, file, start, end)


def s3_config(options: dict[str, str], credentials: Credentials) -> "S3Config":
    """The store's settings: what the spec says goes before the Secret, and that before what the pod is given.

    >>> s3_config({"endpoint": "https://s3.example.com/", "anonymous": "true"}, Credentials())
    {'endpoint': 'https://s3.example.com', 'skip_signature': True}
    """
    values = credentials.values
    regions = (options.get("region"), *(values.get(key) for key in identity.REGION_KEYS))
    endpoint = options.get("endpoint") or values.get(identity.ENDPOINT_KEY)
    config: S3Config = {}
    if endpoint:
        config["endpoint"] = endpoint.rstrip("/")
    if region := next((each for each in regions if each), None):
        config["region"] = region
    if options.get("virtualHostedStyle") == "true":
        config["virtual_hosted_style_request"] = True
    if options.get("anonymous") == "true":
        config["skip_signature"] = True
    elif credentials.secret:
        config["access_key_id"] = values.get(identity.ACCESS_KEY, "")
        config["secret_access_key"] = values.get(identity.SECRET_KEY, "")
        if token := values.get(identity.TOKEN_KEY):
            config["session_token"] = token
    return config


def _client(options: dict[str, str], place: Place) -> "ClientConfig":
    client: ClientConfig = {
        "allow_http": options.get("allowHttp") == "true",
        "connect_timeout": "3s",
        "read_timeout": "10s",
        # Of a whole request: for a part of 8 MiB that is a line of half a megabit, of which eight are used.
        "timeout": "120s",
        "user_agent": "tritium",
    }
    if proxy := options.get("proxyUrl"):
        client["proxy_url"] = proxy
    if authority := identity.authority(place.credentials):
        client["root_certificate"] = authority
    return client


@contextmanager
def _explained(place: Place) -> Iterator[None]:
    """Whatever obstore raises becomes a reason and a sentence."""
    try:
        yield
    except (exceptions.BaseError, FileNotFoundError, ValueError) as error:
        raise explain(error, place) from error


async def _read(
    store: S3Store | HTTPStore, place: Place, file: RemoteFile, start: int, end: int
) -> AsyncIterator[bytes]:
    options: GetOptions = {"range": (start, end)}
    if _is_strong(file.version):
        options["if_match"] = file.version
    try:
        with _explained(place):
            result = await obstore.get_async(store, file.key, options=options)
            if _version(result.meta) != file.version or result.meta["size"] != file.size:
                raise _changed(place, file)
            async for piece in result.stream(min_chunk_size=PIECE):
                yield piece
    except Failed as failure:
        cause = failure.__cause__
        if isinstance(cause, exceptions.PreconditionError | FileNotFoundError) or "status: 416" in str(cause):
            raise _changed(place, file) from cause
        raise


def _changed(place: Place, file: RemoteFile) -> Failed:
    return Failed(
        FetchReason.SOURCE_CHANGED,
        f"{place}: {file.path} was replaced while it was read. Do not change a model in place: put the new one at "
        "another path, and change model.source.uri",
    )


def _remote(meta: "ObjectMeta", path: str) -> RemoteFile:
    return RemoteFile(path=path, size=meta["size"], version=_version(meta), key=meta["path"])


def _version(meta: "ObjectMeta") -> str:
    """The ETag, or the modification time in whole seconds: headers have no finer one than listings."""
    tag = meta["e_tag"]
    if not tag:
        return meta["last_modified"].replace(microsecond=0).isoformat()
    # Some servers leave the quotes out in a listing.
    return tag if tag.startswith("W/") else '"' + tag.strip('"') + '"'


def _is_strong(version: str) -> bool:
    """Whether it is an ETag that a server compares byte by byte; a weak one never matches.

    >>> _is_strong('"5d41"'), _is_strong('W/"5d41"'), _is_strong("2026-01-01T00:00:00+00:00")
    (True, False, False)
    """
    return version.startswith('"')
