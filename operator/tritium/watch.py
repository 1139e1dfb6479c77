"""What kopf does here: it watches. Every event is remembered, and its ModelDeployment queued; nothing is decided."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import kopf

from tritium.api import names
from tritium.kube.kinds import MODEL_DEPLOYMENTS, WATCHED, Kind, selector
from tritium.kube.store import Key, Store

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
    running = kopf.operator(
        registry=registry,
        settings=_settings(),
        # Without one kopf asks for the user's name, which the uid of a pod does not have. The type is a str, privately.
        identity="tritium",  # type: ignore[arg-type]
        clusterwide=True,
        standalone=True,
        ready_flag=ready,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(running)
        await ready.wait()
        started()


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
