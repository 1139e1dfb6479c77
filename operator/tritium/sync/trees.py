"""A model as Triton has it, made of links to what the cache has, and of what is generated or changed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tritium.api.fetch import CacheUse, FetchReason, FetchRequest, FetchResult
from tritium.core.manifest import FileEntry
from tritium.sync import configure, planning, signature
from tritium.sync.cache import Cache, looks_right
from tritium.sync.errors import Failed
from tritium.sync.mlflow.flavours import DESCRIPTION
from tritium.sync.places import NotAModel, Plan
from tritium.sync.publish import Shelf, asked


async def show(  # noqa: PLR0913, PLR0917 - who asks for what, and both places
    request: FetchRequest, use: CacheUse, cache: Cache, shelf: Shelf, digest: str, found: str
) -> FetchResult | None:
    """Make a model of the cache visible to Triton, if all of it is there and looks as it did when it came.

    Args:
        request: what is asked for.
        use: who asks.
        cache: where the files are; what is there has to stay there meanwhile (`Cache.undisturbed`).
        shelf: the pod's own volume, where Triton looks for the model.
        digest: of the model.
        found: the fingerprint of its source.

    Raises:
        Failed: the model can be laid out or configured in no such way.
    """
    name = name_of(request, digest)
    if not _is_whole(request, cache.tree(name), digest):
        async with cache.making(name):
            # Whoever was at it before may have made it.
            if not _is_whole(request, cache.tree(name), digest) and not _made(request, cache, name, digest):
                return None
    cache.used(name, use.revision)
    shelf.refer(cache.tree(name), found, digest)
    return shelf.ready(request, digest)


def name_of(request: FetchRequest, digest: str) -> str:
    """Names what becomes of a model: the same for all revisions that want the same of the same bytes."""
    wanted = f"tritium/tree/v1\n{digest}\n{request.model}\n{request.layout}\n{asked(request)}"
    if request.source.mlflow:  # the same files elsewhere are laid out by their names alone
        wanted += "\nmlflow"
    # What is there without a signature is not there for who asks for one.
    signed = "\n".join(["", *request.signature_keys]) if request.signature_keys else ""
    return hashlib.sha256(f"{wanted}{signed}".encode()).hexdigest()


def planned(request: FetchRequest, paths: tuple[str, ...], description: str | None = None) -> Plan:
    """Where the files go.

    Args:
        request: what is asked for.
        paths: of the files.
        description: text of the MLmodel among them, where `planning` needs it.

    Raises:
        Failed: nowhere, with the reason.
    """
    try:
        plan = planning.plan(request, [path for path in paths if path != signature.NAME], description)
    except NotAModel as error:
        raise Failed(FetchReason.MODEL_INVALID, f"{request.source.address} {error}") from error
    configure.foresee(request, plan)
    if signature.NAME in paths:
        # It says something of the files, and nothing of how they are to be laid out.
        return replace(plan, targets={**plan.targets, signature.NAME: f"{request.model}/{signature.NAME}"})
    return plan


def _is_whole(request: FetchRequest, tree: Shelf, digest: str) -> bool:
    return tree.ready(request, digest, looks_right) is not None


def _description(request: FetchRequest, cache: Cache, files: Mapping[str, FileEntry]) -> str | None:
    if not planning.needs_description(request, tuple(files)):
        return None
    return cache.blob(files[DESCRIPTION].sha256).read_text(encoding="utf-8")


def _made(request: FetchRequest, cache: Cache, name: str, digest: str) -> bool:
    """Put a tree together; whether the files for it are there."""
    entries = cache.model(digest)
    if entries is None:
        return False
    _demand_signature(request, cache, entries)
    files = {entry.path: entry for entry in entries}
    plan = planned(request, tuple(files), _description(request, cache, files))
    with cache.workbench(name) as bench:
        bench.take_up(name, {})
        for path, target in bench.prepare(plan).items():
            cache.link(files[path], target)
        if changes := configure.changes(request, plan, bench.repository):
            bench.change(request, changes)
        bench.publish(entries, request.fingerprint or "")
    return True


def _demand_signature(request: FetchRequest, cache: Cache, entries: Sequence[FileEntry]) -> None:
    """What the cache has is signed, where that is asked for: it may have come when it was not."""
    if not request.signature_keys:
        return
    uri = request.source.address
    text = next((cache.blob(each.sha256).read_bytes() for each in entries if each.path == signature.NAME), b"")
    signature.demand_bytes(signature.signed_files(text, request.signature_keys, uri), entries, uri)
