"""The logger's HTTP endpoints: for the kubelet and Prometheus."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST


@asynccontextmanager
async def serve(port: int, ready: Callable[[], tuple[bool, str]], metrics: Callable[[], bytes]) -> AsyncIterator[None]:
    """Serve them on all addresses."""

    async def readyz(_: web.Request) -> web.Response:
        good, text = ready()
        return web.Response(status=200 if good else 503, text=text + "\n")

    async def counted(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/readyz", readyz), web.get("/metrics", counted)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, None, port).start()
        yield
    finally:
        await runner.cleanup()
