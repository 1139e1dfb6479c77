"""The agent's HTTP endpoints: for the kubelet, the operator and Prometheus."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from tritium.api import gateway as api
from tritium.api.object import Observed
from tritium.gateway.admin import AdminUnavailable
from tritium.gateway.settings import Settings

METRICS_PATH = "/metrics"


class Answers(Protocol):
    """Who knows what to answer."""

    def report(self) -> api.GatewayReport:
        """What Envoy runs."""

    async def counters(self) -> api.GatewayCounters:
        """What Envoy has counted.

        Raises:
            AdminUnavailable: Envoy does not answer.
        """

    async def held(self, known: str) -> api.HeldReport:
        """Who is waited for: as soon as it is another answer than the one that is known, and then at the latest."""

    def closing(self) -> None:
        """No more requests are taken: those that wait for news are answered at once."""

    def started(self) -> tuple[bool, str]:
        """Whether there is a configuration for Envoy to begin with; in words."""

    async def ready(self) -> tuple[bool, str]:
        """Whether Envoy takes requests, and with a whole configuration; in words."""

    async def drain(self) -> str:
        """Lead clients away; why Envoy may end now."""

    async def metrics(self) -> bytes:
        """The agent's own, as Prometheus reads them."""


@asynccontextmanager
async def serve(answers: Answers, settings: Settings) -> AsyncIterator[None]:
    """Serve the endpoints."""
    handlers = _Handlers(answers, settings.drain_token)
    app = web.Application()
    app.add_routes(
        [
            web.get(api.REPORT_PATH, handlers.report),
            web.get(api.COUNTERS_PATH, handlers.counters),
            web.get(api.HELD_PATH, handlers.held),
            web.get(api.STARTED_PATH, handlers.started),
            web.get(api.READY_PATH, handlers.ready),
            # A kubelet can only GET.
            web.get(api.DRAIN_PATH, handlers.drain, allow_head=False),
            web.post(api.DRAIN_PATH, handlers.drain),
            web.get(METRICS_PATH, handlers.metrics),
        ]
    )
    app.on_shutdown.append(handlers.closing)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.listen, settings.port).start()
        yield
    finally:
        await runner.cleanup()


class _Handlers:
    def __init__(self, answers: Answers, token: str) -> None:
        self._answers = answers
        self._token = token.encode()

    async def report(self, _: web.Request) -> web.Response:
        return _json(self._answers.report())

    async def counters(self, _: web.Request) -> web.Response:
        try:
            return _json(await self._answers.counters())
        except AdminUnavailable as error:
            return _told(503, f"Envoy does not answer: {error}")

    async def held(self, request: web.Request) -> web.Response:
        return _json(await self._answers.held(request.query.get("known", "")))

    async def closing(self, _: web.Application) -> None:
        self._answers.closing()

    async def started(self, _: web.Request) -> web.Response:
        return _state(self._answers.started())

    async def ready(self, _: web.Request) -> web.Response:
        return _state(await self._answers.ready())

    async def drain(self, request: web.Request) -> web.Response:
        given = request.headers.get(api.DRAIN_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(given, self._token):
            return _told(403, f"only who knows the token for {api.DRAIN_HEADER} may drain this gateway")
        return _told(200, await self._answers.drain())

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=await self._answers.metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _json(answer: Observed) -> web.Response:
    return web.Response(body=answer.model_dump_json(by_alias=True, exclude_none=True), content_type="application/json")


def _state(state: tuple[bool, str]) -> web.Response:
    good, text = state
    return _told(200 if good else 503, text)


def _told(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")
