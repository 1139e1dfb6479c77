"""The two things that `fetch` does: say what a source holds, and bring it here."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tritium.api import fetch as wire
from tritium.api.fetch import FetchReason, FetchRequest, FetchResult
from tritium.core import manifest
from tritium.core.manifest import FileEntry
from tritium.sync import configure, credentials, layout
from tritium.sync.addresses import Policy
from tritium.sync.download import Download, Patience, Progress
from tritium.sync.errors import Failed
from tritium.sync.guard import Guard
from tritium.sync.listing import Listing, fingerprint
from tritium.sync.places import NotAModel, Plan
from tritium.sync.publish import Shelf
from tritium.sync.sources import Store, open_store

log = logging.getLogger(__name__)

_EVERY: Final = 5.0
"""Seconds between two lines about how far it is."""


@dataclass(frozen=True, slots=True)
class Mounts:
    """The folders that the pod mounts."""

    models: Path
    credentials: Path
    facts: Path
    termination: Path

    @classmethod
    def below(cls, root: Path) -> "Mounts":
        """As `api.fetch` names them, below a folder that stands for `/`."""
        folders = (wire.MODELS_FOLDER, wire.CREDENTIALS_FOLDER, wire.FACTS_FOLDER, "/dev/termination-log")
        return cls(*(root / each.removeprefix("/") for each in folders))


async def resolve(request: FetchRequest, mounts: Mounts) -> FetchResult:
    """List a source, and check that it can be laid out, so that no pod starts in vain.

    Raises:
        Failed: why not.
    """
    with _guarded(request) as guard:
        _, listing = await _listed(request, mounts, guard)
    _planned(request, listing)
    found = FetchResult(fingerprint=fingerprint(listing.files), files=len(listing.files), bytes=listing.bytes)
    log.info("%s holds %s. Fingerprint %s", request.source.uri, _amount(found), found.fingerprint)
    return found


async def fetch(request: FetchRequest, mounts: Mounts, patience: Patience | None = None) -> FetchResult:
    """Bring a model here, verified and laid out; nothing is visible before all of it is.

    Raises:
        Failed: why not.
        OSError: a file or a folder could not be written.
    """
    with _guarded(request) as guard:
        return await _fetch(request, mounts, patience or Patience(), guard)


async def _fetch(request: FetchRequest, mounts: Mounts, patience: Patience, guard: Guard) -> FetchResult:
    shelf, known = Shelf(mounts.models), known_digest(request, mounts)
    if there := shelf.ready(request, known):
        log.info("Model %s is there already: %s, digest %s", request.model, _amount(there), there.digest)
        return there
    store, listing = await _listed(request, mounts, guard)
    found = fingerprint(listing.files)
    if known is None:
        _demand_same(request, found)
    plan = _planned(request, listing)
    shelf.discard()
    sizes = {plan.targets[each.path]: each.size for each in listing.files}
    held = shelf.take_up(_attempt(request, known, found), sizes)
    if held:
        log.info("A fetch that was killed had %s of it; going on after them", _bytes(held))
    _demand_room(shelf, listing.bytes - held)
    started = time.monotonic()
    try:
        entries = await _download(shelf, store, listing, plan, patience)
        digest = manifest.digest(entries)
        _demand_digest(request, known, digest)
        if changes := configure.changes(request, plan, shelf.repository):
            shelf.change(request, changes)
        shelf.publish(entries, found)
    except Exception as error:
        if not (isinstance(error, Failed) and error.transient):
            shelf.clear()  # a disk may be full of it
        raise
    result = FetchResult(fingerprint=found, files=len(entries), bytes=listing.bytes, digest=digest)
    seconds = time.monotonic() - started
    log.info("Fetched %s in %.1f s (%s/s). Digest %s", _amount(result), seconds, _rate(result, seconds), digest)
    log.info("Model %s is ready in %s", request.model, shelf.published)
    return result


def known_digest(request: FetchRequest, mounts: Mounts) -> str | None:
    """The digest that the bytes must have: the one the user pins, or the one that the revision's first fetch found."""
    if request.source.digest:
        return request.source.digest
    fact = mounts.facts / wire.DIGEST_KEY
    return (fact.read_text(encoding="ascii").strip() or None) if fact.exists() else None


async def listing(request: FetchRequest, mounts: Mounts) -> Listing:
    """What a source holds now.

    Raises:
        Failed: it cannot be listed.
    """
    with _guarded(request) as guard:
        _, found = await _listed(request, mounts, guard)
    return found


def _guarded(request: FetchRequest) -> Guard:
    return Guard(Policy(tuple(request.allowed_networks or ()), tuple(request.refused_networks or ())))


async def _listed(request: FetchRequest, mounts: Mounts, guard: Guard) -> tuple[Store, Listing]:
    log.info("Listing %s", request.source.uri)
    store = open_store(request.source, credentials.read(mounts.credentials, request.source), guard)
    return store, await store.files()


def _planned(request: FetchRequest, listing: Listing) -> Plan:
    try:
        plan = layout.plan(listing.paths, request.model, request.layout)
    except NotAModel as error:
        raise Failed(FetchReason.MODEL_INVALID, f"{request.source.uri} {error}") from error
    configure.foresee(request, plan)
    return plan


def _demand_same(request: FetchRequest, found: str) -> None:
    if request.fingerprint is None:
        raise Failed(FetchReason.FETCH_FAILED, "neither fingerprint nor digest says which state of the source to fetch")
    if found != request.fingerprint:
        raise Failed(
            FetchReason.SOURCE_CHANGED,
            f"{request.source.uri} is not what it was when this revision was made. Do not change a model in place: "
            "put the new one at another path, and change model.source.uri",
        )


def _attempt(request: FetchRequest, known: str | None, found: str) -> str:
    """Names what is fetched, and what is made of it."""
    return hashlib.sha256(f"{request.model_dump_json(by_alias=True)}\n{known}\n{found}".encode()).hexdigest()


def _demand_room(shelf: Shelf, wanted: int) -> None:
    if wanted > shelf.free():
        raise Failed(
            FetchReason.DISK_FULL,
            f"the model needs {_bytes(wanted)}, and the volume at {wire.MODELS_FOLDER} has less room. "
            "Free some on the node's disk, or let the pod run on a node with a larger one",
        )


def _demand_digest(request: FetchRequest, known: str | None, digest: str) -> None:
    if known is None or digest == known:
        return
    who = "model.source.digest pins" if request.source.digest else "this revision was first fetched with"
    raise Failed(
        FetchReason.DIGEST_MISMATCH,
        f"{request.source.uri} holds bytes with the digest {digest}, but {who} {known}. "
        "Put the model back as it was, or make a new revision for the new bytes",
    )


async def _download(shelf: Shelf, store: Store, listing: Listing, plan: Plan, patience: Patience) -> list[FileEntry]:
    async with _progress(listing.bytes) as progress:
        return await Download(store, patience, progress).run(listing.files, shelf.prepare(plan))


@asynccontextmanager
async def _progress(total: int) -> AsyncIterator[Progress]:
    """Say every few seconds how far it is."""
    progress = Progress()

    async def say() -> None:
        before = 0
        while True:
            await asyncio.sleep(_EVERY)
            rate = (progress.received - before) / _EVERY
            before = progress.received
            log.info("%s", _line(before + progress.held, total, rate))

    task = asyncio.create_task(say())
    try:
        yield progress
    finally:
        task.cancel()


def _line(there: int, total: int, rate: float) -> str:
    """How far it is, for people.

    >>> _line(2 << 30, 5 << 30, 64 << 20)
    '2.0 GiB of 5.0 GiB, 64.0 MiB/s, 48 s to go'
    >>> _line(2 << 30, 5 << 30, 0)
    '2.0 GiB of 5.0 GiB, 0 B/s'
    """
    seconds = (total - there) / rate if rate else 0
    left = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"{_bytes(there)} of {_bytes(total)}, {_bytes(rate)}/s" + (f", {left} to go" if rate else "")


def _amount(result: FetchResult) -> str:
    return f"{result.files} file{'' if result.files == 1 else 's'}, {_bytes(result.bytes or 0)}"


def _rate(result: FetchResult, seconds: float) -> str:
    return _bytes((result.bytes or 0) / max(seconds, 1e-9))


def _bytes(count: float) -> str:
    """Bytes for people.

    >>> _bytes(512), _bytes(1536), _bytes(5 * 2**30)
    ('512 B', '1.5 KiB', '5.0 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
