"""Leading clients away from an Envoy that is about to end.

HTTP/1.1 has no safe way to close a connection but in an answer: a request that meets the close on its way is lost. So
Envoy's health check is failed, after which each connection is closed with the next answer that it gets (HTTP/2 gets a
GOAWAY with it), while new ones are still taken. `/drain_listeners` would also close connections that are idle at the
moment, and loses requests with that.

Only when the nodes have taken the pod out of the Services does that make sense: before, a client would connect here
again.
"""

import asyncio
import logging
import time
from typing import Final

from tritium.gateway.admin import DRAINING, Active, Admin, AdminUnavailable
from tritium.gateway.settings import Settings

log = logging.getLogger(__name__)

_LOOK_EVERY: Final = 0.25


class Drain:
    """Drains one Envoy, however often it is asked to.

    Attributes:
        begun: whether one is under way. Envoy itself knows of one that is over.
    """

    def __init__(self, admin: Admin, settings: Settings) -> None:
        self._admin = admin
        self._settings = settings
        self._task: asyncio.Task[str] | None = None

    @property
    def begun(self) -> bool:
        """Whether one is under way."""
        return self._task is not None and not self._task.done()

    async def run(self) -> str:
        """Drain, and return why Envoy may end now; who asks while it is under way, waits for the same end."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        return await asyncio.shield(self._task)

    async def _drain(self) -> str:
        began = time.monotonic()
        log.info("draining")
        try:
            if await self._admin.state() != DRAINING:
                await asyncio.sleep(self._settings.settle)
                await self._admin.fail_health_checks()
                await asyncio.sleep(self._settings.shortest_drain - self._settings.settle)
            over = await self._quiet(began)
        except AdminUnavailable as error:
            over = f"Envoy is gone: {error}"
        log.info("drained after %.1f s: %s", time.monotonic() - began, over)
        return over

    async def _quiet(self, began: float) -> str:
        while True:
            if over := self._over(time.monotonic() - began, await self._admin.active()):
                return over
            await asyncio.sleep(_LOOK_EVERY)

    def _over(self, seconds: float, active: Active) -> str | None:
        """Why there is nothing to wait for any more; None if there is."""
        if active.connections == 0:
            return "all connections are closed"
        if active.requests == 0 and seconds >= self._settings.idle_drain:
            return f"{active.connections} connections are left, and nobody uses them"
        if seconds >= self._settings.longest_drain:
            return f"{active.requests} requests on {active.connections} connections take too long, and are cut off"
        return None
