"""Where a model comes from: what every kind of source can do, and which one a URI names."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, Protocol

from tritium.api.fetch import FetchReason
from tritium.api.source import Source
from tritium.sync.azure import azure
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.gcs import gcs
from tritium.sync.guard import Guard
from tritium.sync.hub import Repository
from tritium.sync.listing import Listing, Piece, RemoteFile
from tritium.sync.s3 import s3
from tritium.sync.web import HttpFile


class Store(Protocol):
    """A source: it lists its files and reads parts of them."""

    async def files(self) -> Listing:
        """All files of the model.

        Raises:
            Failed: it cannot be listed; `SourceUnreachable` within 15 seconds.
        """

    def read(self, file: RemoteFile, start: int, end: int) -> AsyncIterator[Piece]:
        """The bytes from start to before end, piece by piece.

        Raises:
            Failed: `SourceChanged` when the file is not the one that was listed; transient when it broke off.
        """


def _artifact(source: Source, credentials: Credentials, guard: Guard, pin: str | None) -> Store:
    # Its client takes a fifth of a second of CPU, for which other sources have no use.
    from tritium.sync.oci import Artifact  # noqa: PLC0415

    return Artifact(source, credentials, guard, pin)


_MOVING: Final[Mapping[str, Callable[[Source, Credentials, Guard, str | None], Store]]] = {
    "hf": Repository,
    "oci": _artifact,
}
"""Sources whose references can move: they are given what one of them named when the revision was made."""

_SCHEMES: Final[Mapping[str, Callable[[Source, Credentials, Guard], Store]]] = {
    "s3": s3,
    "gs": gcs,
    "az": azure,
    "https": HttpFile,
}


def open_store(source: Source, credentials: Credentials, guard: Guard, pin: str | None) -> Store:
    """The store of a source, which connects to where the guard lets it; nothing is sent yet.

    Args:
        source: as the user wrote it.
        credentials: with which it is read.
        guard: makes the connections.
        pin: what a reference that can move named when the revision was made (`Origin.pin`).

    Raises:
        Failed: no source of this kind, or one that cannot be used as it is configured.
    """
    if source.mlflow:
        # Its client takes some 20 MiB, which other sources have no use for.
        from tritium.sync.mlflow.store import Registered  # noqa: PLC0415

        return Registered(source, credentials, guard, pin)
    uri = source.uri or ""
    scheme, _, _ = uri.partition("://")
    if scheme in _MOVING:
        return _MOVING[scheme](source, credentials, guard, pin)
    if scheme not in _SCHEMES:
        known = ", ".join(f"{each}://" for each in (*_SCHEMES, *_MOVING, "pvc"))
        raise Failed(
            FetchReason.FETCH_FAILED,
            f"model.source.uri {uri or '(absent)'}: only {known} can be fetched by this version; copy the model to a "
            "bucket",
        )
    return _SCHEMES[scheme](source, credentials, guard)
