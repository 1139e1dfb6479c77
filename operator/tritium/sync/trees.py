"""A model as Triton has it, made of links to what the cache has, and of what is generated or changed."""

import hashlib

from tritium.api.fetch import CacheUse, FetchReason, FetchRequest, FetchResult
from tritium.sync import configure, layout
from tritium.sync.cache import Cache, looks_right
from tritium.sync.errors import Failed
from tritium.sync.places import NotAModel, Plan
from tritium.sync.publish import Shelf, asked


def show(  # noqa: PLR0913, PLR0917 - who asks for what, and both places
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
    if not _is_whole(request, cache.tree(name), digest) and not _made(request, cache, name, digest):
        return None
    cache.used(name, use.revision)
    shelf.refer(cache.tree(name), found, digest)
    return shelf.ready(request, digest)


def name_of(request: FetchRequest, digest: str) -> str:
    """Names what becomes of a model: the same for all revisions that want the same of the same bytes."""
    wanted = f"tritium/tree/v1\n{digest}\n{request.model}\n{request.layout}\n{asked(request)}"
    return hashlib.sha256(wanted.encode()).hexdigest()


def planned(request: FetchRequest, paths: tuple[str, ...]) -> Plan:
    """Where the files go.

    Raises:
        Failed: nowhere, with the reason.
    """
    try:
        plan = layout.plan(paths, request.model, request.layout)
    except NotAModel as error:
        raise Failed(FetchReason.MODEL_INVALID, f"{request.source.uri} {error}") from error
    configure.foresee(request, plan)
    return plan


def _is_whole(request: FetchRequest, tree: Shelf, digest: str) -> bool:
    return tree.ready(request, digest, looks_right) is not None


def _made(request: FetchRequest, cache: Cache, name: str, digest: str) -> bool:
    """Put a tree together; whether the files for it are there."""
    entries = cache.model(digest)
    if entries is None:
        return False
    files = {entry.path: entry for entry in entries}
    plan = planned(request, tuple(files))
    with cache.workbench(name) as bench:
        bench.take_up(name, {})
        for path, target in bench.prepare(plan).items():
            cache.link(files[path], target)
        if changes := configure.changes(request, plan, bench.repository):
            bench.change(request, changes)
        bench.publish(entries, request.fingerprint or "")
    return True
