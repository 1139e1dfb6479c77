"""The two things that `fetch` does: say what a source holds, and bring it here."""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tritium.api import fetch as wire
from tritium.api.fetch import CacheUse, FetchReason, FetchRequest, FetchResult
from tritium.core import manifest
from tritium.core.amounts import size
from tritium.core.manifest import FileEntry
from tritium.sync import configure, credentials, demands, glimpse, planning, room, saying, signature, sizes, trees
from tritium.sync.addresses import Policy
from tritium.sync.cache import Cache
from tritium.sync.claim import claim
from tritium.sync.download import Download, Patience
from tritium.sync.errors import Failed
from tritium.sync.exact import Exact
from tritium.sync.guard import Guard
from tritium.sync.listing import Listing, archive_of, fingerprint
from tritium.sync.mlflow.flavours import DESCRIPTION, SCRIPT
from tritium.sync.places import NotAModel, Plan
from tritium.sync.publish import Shelf
from tritium.sync.sources import Store, open_store
from tritium.sync.trees import planned
from tritium.sync.unpack import Bench

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mounts:
    """The folders that the pod mounts."""

    models: Path
    credentials: Path
    facts: Path
    cache: Path
    kept: Path
    source: Path
    termination: Path

    @classmethod
    def below(cls, root: Path) -> "Mounts":
        """As `api.fetch` names them, below a folder that stands for `/`."""
        folders = (
            *(wire.MODELS_FOLDER, wire.CREDENTIALS_FOLDER, wire.FACTS_FOLDER, wire.CACHE_FOLDER, wire.KEPT_FOLDER),
            wire.SOURCE_FOLDER,
            "/dev/termination-log",
        )
        return cls(*(root / each.removeprefix("/") for each in folders))


async def resolve(request: FetchRequest, mounts: Mounts) -> FetchResult:
    """List a source, and check that it can be laid out, so that no pod starts in vain.

    Raises:
        Failed: why not.
    """
    with _guarded(request) as guard:
        store, listing = await _listed(request, mounts, guard)
        demands.settings(request.source, listing)
        await _signed(request, store, listing)
        plan = await _planned(request, store, listing)
        await _demand_script(request, store, listing, plan)
        await _demand_scores(request, store, listing, plan)
        found = FetchResult(
            fingerprint=fingerprint(listing.files),
            files=len(listing.files),
            bytes=await sizes.room(store, listing, request.source.address),
            origin=listing.origin,
        )
    if listing.origin:
        log.info("%s is %s", request.source.address, listing.origin.pin)
    log.info("%s holds %s. Fingerprint %s", request.source.address, saying.amount(found), found.fingerprint)
    return found


async def fetch(
    request: FetchRequest, mounts: Mounts, patience: Patience | None = None, address: str | None = None
) -> FetchResult:
    """Bring a model here, verified and laid out; nothing is visible before all of it is.

    Args:
        request: which model.
        mounts: the folders that the pod mounts.
        patience: with a source that does not answer.
        address: where whoever asks is told how far it is.

    Raises:
        Failed: why not.
        OSError: a file or a folder could not be written.
    """
    with _guarded(request) as guard:
        return await _fetch(request, mounts, guard, patience or Patience(), address)


@dataclass(frozen=True, slots=True)
class _Errand:
    """What a fetch is sent for.

    Attributes:
        known: the digest that the bytes must have, if one is known.
    """

    request: FetchRequest
    mounts: Mounts
    known: str | None
    guard: Guard
    patience: Patience
    address: str | None


async def _fetch(
    request: FetchRequest, mounts: Mounts, guard: Guard, patience: Patience, address: str | None
) -> FetchResult:
    shelf, known = Shelf(mounts.models), known_digest(request, mounts)
    if there := shelf.ready(request, known):
        log.info("Model %s is there already: %s, digest %s", request.model, saying.amount(there), there.digest)
        return there
    errand = _Errand(request, mounts, known, guard, patience, address)
    result = await (_from_cache(errand, request.cache) if request.cache else _from_source(errand))
    log.info("Model %s is ready in %s", request.model, shelf.published)
    return result


async def _from_source(errand: _Errand) -> FetchResult:
    request, shelf = errand.request, Shelf(errand.mounts.models)
    store, listing, plan = await _same(errand)
    shelf.discard()
    with _tidy(shelf):
        demands.room(request, shelf, _begun(errand, shelf, listing, plan))
        entries, plan = await _verified(errand, shelf, store, listing, plan)
        if changes := configure.changes(request, plan, shelf.repository):
            shelf.change(request, changes)
        found = fingerprint(listing.files)
        shelf.publish(entries, found)
    return _result(found, entries)


async def _from_cache(errand: _Errand, use: CacheUse) -> FetchResult:
    """From the volume that keeps models; and first onto it, where they are not there."""
    request, mounts = errand.request, errand.mounts
    shelf, cache = Shelf(mounts.models), Cache(mounts.cache, use.claim_name)
    cache.open()
    shelf.discard()
    if result := await _taken(errand, use, cache, request.fingerprint):
        return result
    store, listing, plan = await _same(errand)
    found = fingerprint(listing.files)
    state = _state(request, found)
    async with cache.turn(state) as alone:
        # Whoever had the turn before may have brought it.
        if result := await _taken(errand, use, cache, found):
            return result
        with cache.incoming(state, alone=alone) as incoming:
            with _tidy(incoming):
                lacking = _begun(errand, incoming, listing, plan)
                await _make_room(cache, incoming, lacking, mounts.kept)
                demands.room(request, incoming, lacking)
                entries, plan = await _verified(errand, incoming, store, listing, plan)
            async with cache.undisturbed():
                cache.take_in(entries, [incoming.repository / plan.targets[each.path] for each in entries], state)
                result = await trees.show(request, use, cache, shelf, manifest.digest(entries), found)
    if not result:
        raise Failed(FetchReason.FETCH_FAILED, f"claim {use.claim_name} of model.cache does not keep what is written")
    return result


async def _taken(errand: _Errand, use: CacheUse, cache: Cache, found: str | None) -> FetchResult | None:
    """The model from the cache, if it is there: by its digest, else by the state of its source."""
    request, shelf = errand.request, Shelf(errand.mounts.models)
    async with cache.undisturbed():
        digest = errand.known or (cache.digest_of(_state(request, found)) if found else None)
        result = await trees.show(request, use, cache, shelf, digest, found or "") if digest else None
    if result:
        log.info("Claim %s has model %s: %s, digest %s", use.claim_name, request.model, saying.amount(result), digest)
    return result


async def _same(errand: _Errand) -> tuple[Exact, Listing, Plan | None]:
    """The source, if it is as it was when the revision was made, or if a digest will prove its bytes."""
    store, listing = await _listed(errand.request, errand.mounts, errand.guard)
    if errand.known is None:
        demands.same(errand.request, fingerprint(listing.files))
    return store, listing, await _planned(errand.request, store, listing)


async def _planned(request: FetchRequest, store: Store, listing: Listing) -> Plan | None:
    """Where the files go; None where their names are only known once an archive is here."""
    if listing.packed:
        return None
    if not planning.needs_description(request, listing.paths):
        return planned(request, listing.paths)
    try:
        description = await glimpse.text(store, listing, DESCRIPTION)
    except NotAModel as error:
        raise Failed(FetchReason.MODEL_INVALID, f"{request.source.address} {error}") from error
    return planned(request, listing.paths, description)


async def _demand_script(request: FetchRequest, store: Store, listing: Listing, plan: Plan | None) -> None:
    if plan and plan.scripted and not await glimpse.is_torchscript(store, listing, plan.scripted):
        raise Failed(
            FetchReason.MODEL_INVALID,
            f"{request.source.address} has {plan.scripted}, which is no TorchScript but objects of Python, whose "
            f"classes Triton does not have. {SCRIPT}",
        )


async def _demand_scores(request: FetchRequest, store: Store, listing: Listing, plan: Plan | None) -> None:
    if plan and plan.scoring and await glimpse.answers_a_class(store, listing, plan.scoring):
        raise Failed(
            FetchReason.MODEL_INVALID,
            f"{request.source.address} has {plan.scoring}, trees with the objective multi:softmax, whose answer is a "
            "class. FIL would write a number for each class, more than there is room for. Train with multi:softprob, "
            "or log an XGBClassifier",
        )


def _begun(errand: _Errand, shelf: Shelf, listing: Listing, plan: Plan | None) -> int:
    """Go on where an attempt was killed, if it wanted the same; return the bytes that are lacking at least."""
    targets = plan.targets if plan else _bench(errand, shelf).targets(listing)
    wanted = {targets[each.path]: each.size for each in listing.files}
    held = shelf.take_up(_attempt(errand.request, errand.known, fingerprint(listing.files)), wanted)
    if held:
        log.info("A fetch that was killed had %s of it; going on after them", size(held))
    return _least(listing) - held


def _bench(errand: _Errand, shelf: Shelf) -> Bench:
    return Bench(shelf.repository, errand.request.source.address, shelf.free)


async def _verified(
    errand: _Errand, shelf: Shelf, store: Exact, listing: Listing, plan: Plan | None
) -> tuple[list[FileEntry], Plan]:
    """Fetch the files after what is there of them, unpack what is packed, and check their digest."""
    request, known, bench = errand.request, errand.known, _bench(errand, shelf)
    signed = await _signed(request, store, listing)
    started = time.monotonic()
    places = shelf.prepare(plan) if plan else bench.prepare(listing)
    async with saying.progress(listing.bytes, errand.address) as progress:
        arrived = await Download(store, errand.patience, progress).run(listing.files, places)
    demands.as_listed(request, listing, arrived)
    entries = [each.entry for each in arrived]
    if signed is not None:
        signature.demand_bytes(signed, entries, request.source.address)
    if plan is None:
        entries = await asyncio.to_thread(bench.unpack, listing, entries)
        plan = planned(request, tuple(entry.path for entry in entries))
        bench.settle(shelf.prepare(plan))
    digest = manifest.digest(entries)
    demands.digest(request, known, digest)
    result, seconds = _result("", entries), time.monotonic() - started
    log.info(
        "Fetched %s in %.1f s (%s/s). Digest %s", saying.amount(result), seconds, saying.rate(result, seconds), digest
    )
    return entries, plan


def _least(listing: Listing) -> int:
    """Bytes that are needed at least: an archive lies beside its content, which is seldom smaller."""
    return listing.bytes * (2 if listing.packed else 1)


@contextmanager
def _tidy(shelf: Shelf) -> Iterator[None]:
    """Leave nothing behind that nobody can go on with: a disk may be full of it."""
    try:
        yield
    except Exception as error:
        if not (isinstance(error, Failed) and error.transient):
            shelf.clear()
        raise


def _result(found: str, entries: Sequence[FileEntry]) -> FetchResult:
    total = sum(entry.size for entry in entries)
    return FetchResult(fingerprint=found, files=len(entries), bytes=total, digest=manifest.digest(entries))


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


async def _listed(request: FetchRequest, mounts: Mounts, guard: Guard) -> tuple[Exact, Listing]:
    log.info("Listing %s", request.source.address)
    store = Exact(_store(request, mounts, guard), request.source.address)
    found = await store.files()
    if len(found.files) == 1 and found.files[0].archive is None:
        (file,) = found.files
        found = replace(found, files=(replace(file, archive=archive_of(file.path)),))
    return store, found


def _store(request: FetchRequest, mounts: Mounts, guard: Guard) -> Store:
    if (request.source.uri or "").startswith("pvc://"):
        return claim(request.source, mounts.source)
    return open_store(request.source, credentials.read(mounts.credentials, request.source), guard, request.pin)


async def _signed(request: FetchRequest, store: Store, listing: Listing) -> Mapping[str, str] | None:
    """What the source's signature says, where one is asked for: sha256 by path.

    Raises:
        Failed: `SignatureInvalid`: there is none that can be trusted, or it is of other files.
    """
    if not request.signature_keys:
        return None
    uri = request.source.address
    text = await signature.read(store, listing, uri)
    signed = signature.signed_files(text, request.signature_keys, uri)
    signature.demand_names(signed, listing.paths, uri)
    return signed


def _attempt(request: FetchRequest, known: str | None, found: str) -> str:
    """Names what is fetched, and what is made of it."""
    if request.cache:  # where nothing is made of it yet, and revisions can go on with what others began
        return _state(request, found)
    return hashlib.sha256(f"{request.model_dump_json(by_alias=True)}\n{known}\n{found}".encode()).hexdigest()


def _state(request: FetchRequest, found: str) -> str:
    """Names a state of a source; another place with the same fingerprint may have other bytes."""
    place = request.model_dump(mode="json", include={"source": {"uri", "mlflow", "options"}, "pin": True})
    return hashlib.sha256(json.dumps([place, found], sort_keys=True).encode()).hexdigest()


async def _make_room(cache: Cache, incoming: Shelf, wanted: int, kept: Path) -> None:
    """Remove from a cache what no revision needs, if there is too little room."""
    names = kept / wire.KEPT_KEY
    if wanted <= incoming.free() or not names.exists():
        return
    async with cache.clearing():
        kept_ones = frozenset(names.read_text(encoding="ascii").split())
        await asyncio.to_thread(room.make_room, cache, kept_ones, lambda: wanted <= incoming.free())
