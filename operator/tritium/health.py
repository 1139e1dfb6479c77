"""The HTTP endpoints: alive, ready, metrics."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from tritium.telemetry import Telemetry

STUCK: Final = 120.0
"""Seconds without the end of any pass, while one is due, after which a restart is the better choice."""


@dataclass(slots=True)
class Health:
    """What the endpoints tell.

    Attributes:
        reachable: whether the API server has answered since the start; before that no pod of an upgrade is ready.
        leading: whether this process holds the Lease.
        synced: a leader has listed everything.
        heard_ago: seconds since the API server was last heard of, by a watch or a list; told, and no more.
        stuck_for: seconds since a pass last ended while one was due; 0 if none is due.

    An API server that is away changes none of this after the start: restarting would help nobody.
    """

    reachable: bool = False
    leading: bool = False
    synced: bool = False
    heard_ago: Callable[[], float] = lambda: 0.0
    stuck_for: Callable[[], float] = lambda: 0.0

    def alive(self) -> tuple[bool, str]:
        """Whether this process should go on."""
        stuck = self.stuck_for()
        if stuck > STUCK:
            return False, f"no pass has ended for {stuck:.0f} s"
        return True, f"ok; the API server was last heard of {self.heard_ago():.0f} s ago"

    def ready(self) -> tuple[bool, str]:
        """Whether this process leads, or could take over."""
        if not self.reachable:
            return False, "the API server has not answered yet"
        if self.leading:
            return self.synced, "leading" if self.synced else "listing"
        return True, "standing by"


@asynccontextmanager
async def serve(health: Health, telemetry: Telemetry, port: int) -> AsyncIterator[None]:
    """Serve the endpoints, on all addresses of the pod."""

    async def alive(_: web.Request) -> web.Response:
        return _answer(health.alive())

    async def ready(_: web.Request) -> web.Response:
        return _answer(health.ready())

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=telemetry.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, port=port)
        await site.start()
        yield
    finally:
        await runner.cleanup()


def _answer(state: tuple[bool, str]) -> web.Response:
    good, text = state
    return web.Response(status=200 if good else 503, text=text + "\n")
