"""What all object stores and web servers are asked alike: how a client behaves, and reading a part of a pinned file."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import obstore
from obstore import exceptions

from tritium.api.fetch import FetchReason
from tritium.sync import credentials as identity
from tritium.sync.addresses import is_address
from tritium.sync.errors import Failed
from tritium.sync.explain import Place, explain
from tritium.sync.listing import Piece, RemoteFile

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, ObjectMeta
    from obstore.store import AzureStore, ClientConfig, GCSStore, HTTPStore, RetryConfig, S3Store

    AnyStore = AzureStore | GCSStore | HTTPStore | S3Store

PIECE: Final = 1 << 20
"""Bytes handed over at a time: enough that the calls cost nothing, little against what is in flight."""

RETRY: Final["RetryConfig"] = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=8),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=2), "base": 2},
}
"""Short, so that a server that cannot be reached is reported in seconds; a download has its own patience on top."""


def client(options: dict[str, str], place: Place) -> "ClientConfig":
    """How requests are made, and where they may go.

    Raises:
        Failed: `CredentialsMissing`, when `ca.crt` is no certificate; `AddressForbidden`, when the proxy may not be
            connected to.
    """
    settings: ClientConfig = {
        **route(options.get("proxyUrl"), place),
        "allow_http": options.get("allowHttp") == "true",
        "connect_timeout": "3s",
        "read_timeout": "10s",
        # Of a whole request: for a part of 8 MiB that is a line of half a megabit, of which eight are used.
        "timeout": "120s",
        "user_agent": "tritium",
    }
    if authority := identity.authority(place.credentials):
        settings["root_certificate"] = authority
    return settings


def route(proxy: str | None, place: Place) -> "ClientConfig":
    """How requests get to where they may go: through the guard, unless nothing can lead them elsewhere.

    Args:
        proxy: URL of the user's.
        place: what is read.

    Raises:
        Failed: the user's proxy may not be connected to.
    """
    guard = place.guard
    if guard.policy.everything:
        return {"proxy_url": proxy} if proxy else {}
    if proxy is None:
        host = urlsplit(place.server).hostname or ""
        # An address cannot come to mean another one, and a redirection to anything else passes the guard.
        direct = is_address(host) and guard.policy.objection(host) is None
        return {"proxy_url": guard.proxy(), **({"proxy_excludes": host} if direct else {})}
    url = urlsplit(proxy)
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.scheme == "http":
        return {"proxy_url": guard.proxy((url.hostname or "", port))}
    # It has to prove its name before anything is sent, which no other server under that name can.
    try:
        guard.demand(url.hostname or "", port)
    except OSError as error:
        raise explain(error, place) from error
    return {"proxy_url": proxy}


@contextmanager
def explained(place: Place) -> Iterator[None]:
    """Whatever obstore raises becomes a reason and a sentence."""
    try:
        yield
    except (exceptions.BaseError, FileNotFoundError, ValueError) as error:
        raise explain(error, place) from error


async def read(store: "AnyStore", place: Place, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
    """The bytes from start to before end of the file that was listed, and of no other under its name.

    Raises:
        Failed: `SourceChanged`, and whatever `explain` says.
    """
    options: GetOptions = {"range": (start, end)}
    if _is_strong(file.version):
        options["if_match"] = file.version
    try:
        with explained(place):
            result = await obstore.get_async(store, file.key, options=options)
            if _version(result.meta) != file.version or result.meta["size"] != file.size:
                raise _changed(place, file)
            async for piece in _pieces(result, end - start):
                yield piece
    except Failed as failure:
        cause = failure.__cause__
        if isinstance(cause, exceptions.PreconditionError | FileNotFoundError) or "status: 416" in str(cause):
            raise _changed(place, file) from cause
        raise


async def pinned(store: "AnyStore", place: Place, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
    """The bytes from start to before end of a file whose address names one content for ever.

    Raises:
        Failed: `SourceChanged`, when it is as long no more, and whatever `explain` says.
    """
    with explained(place):
        result = await obstore.get_async(store, file.key, options={"range": (start, end)})
        if result.meta["size"] != file.size:
            raise _changed(place, file)
        async for piece in _pieces(result, end - start):
            yield piece


def _pieces(result: "GetResult", length: int) -> AsyncIterator[Piece]:
    """What an answer holds, as it comes: an answer may be longer than what was asked for, whatever its headers say."""
    return result.stream(min_chunk_size=min(PIECE, length))


def _changed(place: Place, file: RemoteFile) -> Failed:
    return Failed(
        FetchReason.SOURCE_CHANGED,
        f"{place}: {file.path} was replaced while it was read. Do not change a model in place: put the new one at "
        "another path, and change model.source.uri",
    )


def remote(meta: "ObjectMeta", path: str) -> RemoteFile:
    """A file, as the server describes it."""
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
