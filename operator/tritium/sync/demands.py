"""What has to hold of a source, of the disk and of the bytes, and what people are told where it does not."""

from collections.abc import Mapping, Sequence
from typing import Final

from tritium.api import fetch as wire
from tritium.api.fetch import FetchReason, FetchRequest
from tritium.api.source import Source
from tritium.core.amounts import size
from tritium.sync.disk import Arrived
from tritium.sync.errors import Failed
from tritium.sync.listing import Listing
from tritium.sync.publish import Shelf

_BUCKETS: Final[Mapping[str, str]] = {"s3": "s3", "gs": "gs", "wasbs": "az"}
"""How sources name the buckets that MLflow knows."""


def same(request: FetchRequest, found: str) -> None:
    """The source is as it was when the revision was made.

    Raises:
        Failed: `SourceChanged`.
    """
    if request.fingerprint is None:
        raise Failed(FetchReason.FETCH_FAILED, "neither fingerprint nor digest says which state of the source to fetch")
    if found != request.fingerprint:
        raise Failed(
            FetchReason.SOURCE_CHANGED,
            f"{request.source.address} is not what it was when this revision was made. Do not change a model in place: "
            + (
                "register the new one as another version"
                if request.source.mlflow
                else "put the new one at another path, and change model.source.uri"
            ),
        )


def settings(source: Source, listing: Listing) -> None:
    """No setting means nothing where a registered model lies; of any other source the operator has looked at that.

    A revision that was made before keeps its settings, so this is for listings and not for fetches.

    Raises:
        Failed: `OptionsUnused`.

    >>> from tritium.api.fetch import Origin
    >>> registered = {"trackingUri": "https://mlflow.example.com", "name": "fraud", "alias": "champion"}
    >>> source = Source(mlflow=registered, options={"region": "x", "proxyUrl": "http://proxy.example.com:3128"})
    >>> settings(source, Listing((), origin=Origin(pin="version 7", uri="s3://mlflow/1/models/m-2")))
    >>> settings(source, Listing((), origin=Origin(pin="version 8", uri="mlflow-artifacts:/1/models/m-3")))
    ... # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    tritium.sync.errors.Failed: models:/fraud@champion at https://mlflow.example.com: version 8 lies at
    mlflow-artifacts:, which does not use region of model.source.options. Remove it there, or name a version that lies
    where it is used
    """
    if source.mlflow is None or listing.origin is None:
        return
    scheme = (listing.origin.uri or "").partition(":")[0]
    # The tracking server hands out files over HTTP, as any web server does.
    unused = source.unused(_BUCKETS.get(scheme, "https"))
    if unused:
        it, is_used = ("it", "it is") if len(unused) == 1 else ("them", "they are")
        raise Failed(
            FetchReason.OPTIONS_UNUSED,
            f"{source.address}: {listing.origin.pin} lies at {scheme}:, which does not use {', '.join(unused)} of "
            f"model.source.options. Remove {it} there, or name a version that lies where {is_used} used",
        )


def room(request: FetchRequest, shelf: Shelf, wanted: int) -> None:
    """There is room for so many bytes.

    Raises:
        Failed: `DiskFull`.
    """
    if wanted <= shelf.free():
        return
    where, remedy = (
        (f"the volume at {wire.MODELS_FOLDER}", "Free some on the node's disk, or let the pod run on a node with more")
        if request.cache is None
        else (
            f"claim {request.cache.claim_name} of model.cache",
            "Make the claim larger",
        )
    )
    raise Failed(FetchReason.DISK_FULL, f"the model needs {size(wanted)}, and {where} has less room. {remedy}")


def as_listed(request: FetchRequest, listing: Listing, arrived: Sequence[Arrived]) -> None:
    """What arrived is what the source said it has, wherever it says the sha256, or git's name for it.

    Raises:
        Failed: `DigestMismatch`.
    """
    found = {each.entry.path: each for each in arrived}
    for file in listing.files:
        kind, listed, there = (
            ("git blob", file.blob, found[file.path].blob)
            if file.blob
            else ("sha256", file.sha256, found[file.path].entry.sha256)
        )
        if listed and there != listed:
            raise Failed(
                FetchReason.DIGEST_MISMATCH,
                f"{request.source.address}: the bytes of {file.path} that arrived are not those that the source lists "
                f"({kind} {listed}, not {there}). Something on the way changes them, or the source "
                "is damaged: push or upload the model again, and check proxies and mirrors",
            )


def digest(request: FetchRequest, known: str | None, found: str) -> None:
    """The bytes are those that are asked for, where that is known.

    Raises:
        Failed: `DigestMismatch`.
    """
    if known is None or found == known:
        return
    who = "model.source.digest pins" if request.source.digest else "this revision was first fetched with"
    raise Failed(
        FetchReason.DIGEST_MISMATCH,
        f"{request.source.address} holds bytes with the digest {found}, but {who} {known}. "
        "Put the model back as it was, or make a new revision for the new bytes",
    )
