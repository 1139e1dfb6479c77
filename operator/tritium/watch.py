"""What kopf does here: it watches. Every event is remembered, and its ModelDeployment queued; nothing is decided."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final

import kopf

from tritium.api import names
from tritium.kube.kinds import MODEL_DEPLOYMENTS, WATCHED, Kind, selector
from tritium.kube.store import Key, Store

_KOPF: Final = str(Path(kopf.__file__).parent)

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
        Exception: whatever ends kopf, such as a CRD that was deleted. The process ends with it; a restart is cheap.
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
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=_settings(),
        # Without one kopf asks for the user's name, which the uid of a pod does not have. The type is a str, privately.
        identity="tritium",  # type: ignore[arg-type]
        clusterwide=True,
        standalone=True,
        ready_flag=ready,
    )
    await kopf.run_tasks(tasks, ignored=_Others())


class _Others(Collection[asyncio.Task[Any]]):
    """Tasks that are not kopf's, which it must leave alone when it ends.

    By itself it cancels every task of the process that is younger than it is: answers to probes, the renewal of the
    Lease. Its own do have to be cancelled: those of an unfinished discovery would go on for minutes.
    """

    def __contains__(self, task: object) -> bool:
        code = getattr(task.get_coro(), "cr_code", None) if isinstance(task, asyncio.Task) else None
        return code is None or not code.co_filename.startswith(_KOPF)

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return (task for task in asyncio.all_tasks() if task in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
    settings.process.ultimate_exiting_timeout = 30
    return settings
