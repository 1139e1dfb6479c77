"""What kopf does here: it watches. Every event is remembered, and its ModelDeployment queued; nothing is decided."""

import asyncio
import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import kopf

from tritium.api import names
from tritium.kube.kinds import MODEL_DEPLOYMENTS, WATCHED, Kind, selector
from tritium.kube.store import Key, Store

log = logging.getLogger(__name__)

_KOPF: Final = str(Path(kopf.__file__).parent)
_CANCELLATIONS: Final = 30
"""A task of kopf's may swallow one or two."""

Wake = Callable[[Key, bool], None]
"""Called with the key of a ModelDeployment, and whether its own user edited it."""


async def watch(store: Store, wake: Wake, heard: Callable[[], None], started: Callable[[], None]) -> None:
    """Watch until cancelled.

    Args:
        store: where the facts go.
        wake: what each change leads to.
        heard: called at every event, for the age of the watch.
        started: called once kopf runs. It has put signal handlers of its own in place by then, which take 5 s to end
            it where a cancellation takes none: time to replace them.

    Raises:
        Exception: whatever ends kopf, such as a CRD that was deleted, or an answer of 401 or 410.
    """
    registry = kopf.OperatorRegistry()
    for kind in WATCHED:
        _register(registry, kind, store, wake, heard)
    kopf.on.login(registry=registry, id="login")(kopf.login_via_client)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_run(registry, ready))
        await ready.wait()
        started()


async def _run(registry: kopf.OperatorRegistry, ready: asyncio.Event) -> None:
    """What `kopf.operator` does, but for its end.

    That cancels every task of the process that is younger than kopf itself: answers to probes, the renewal of the
    Lease. And it waits for ever for a task of its own that has swallowed the cancellation, as may happen after an
    answer of 401: then nobody watches, and nobody knows.
    """
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=_settings(),
        # Without one kopf asks for the user's name, which the uid of a pod does not have. The type is a str, privately.
        identity="tritium",  # type: ignore[arg-type]
        clusterwide=True,
        standalone=True,
        ready_flag=ready,
    )
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        errors = await _end(tasks)
    raise next(iter(errors), RuntimeError("kopf has ended, and does not say why"))


async def _end(tasks: Collection[asyncio.Task[None]]) -> list[BaseException]:
    """End kopf's tasks, also those that these have started; return what they have failed with, its own ones first."""
    everything = [*tasks, *_of_kopf()]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=1.0)  # in this time they clean up
    for _ in range(_CANCELLATIONS):
        left = _of_kopf()
        if not left:
            break
        everything += left
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=0.1)
    else:
        log.error("kopf does not end: %s", ", ".join(task.get_name() for task in _of_kopf()))
    failed = (task.exception() for task in everything if task.done() and not task.cancelled())
    return [error for error in failed if error]


def _of_kopf() -> list[asyncio.Task[Any]]:
    """Tasks that run code of kopf's; nothing else says whose they are."""
    code = ((task, getattr(task.get_coro(), "cr_code", None)) for task in asyncio.all_tasks())
    return [task for task, its in code if its and its.co_filename.startswith(_KOPF)]


def _register(registry: kopf.OperatorRegistry, kind: Kind, store: Store, wake: Wake, heard: Callable[[], None]) -> None:
    @kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id=f"see-{kind.plural}")
    async def see(event: kopf.RawEvent, **_: Any) -> None:
        heard()
        key = store.remember(kind, dict(event["object"]), gone=event["type"] == "DELETED")
        if key is not None:
            wake(key, kind is MODEL_DEPLOYMENTS)


def _settings() -> kopf.OperatorSettings:
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # it says of each event that a handler succeeded
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.persistence.finalizer = f"{names.GROUP}/never-set"
    settings.persistence.consistency_timeout = 0
    settings.scanning.disabled = True
    settings.watching.server_timeout = 290
    settings.watching.client_timeout = 320
    settings.watching.reconnect_backoff = 1.0
    for kind in WATCHED:
        if selector(kind):
            settings.watching.label_selectors[kind.plural] = selector(kind)
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = (
        1,
        1,
        2,
        3,
        5,
        8,
        *([15] * 40),
    )  # some ten minutes: an upgrade of the API server
    settings.networking.enforce_retry_after = True
    settings.queueing.idle_timeout = 1
    settings.queueing.error_delays = (1, 2, 5, 10, 30)
    settings.process.ultimate_exiting_timeout = None  # it kills the process so long after kopf ended, not only it
    return settings
