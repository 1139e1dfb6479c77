"""The agent's server and a real Envoy that is configured by it, with upstreams that say their names."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from e2e.cluster import wheels
from tests.controlplane.waiting import wait_for
from tests.dataplane.envoy import Envoy
from tests.ports import HOST, free_ports
from tritium.gateway.bootstrap import BootstrapSettings, bootstrap
from tritium.gateway.snapshot.resource import Snapshot
from tritium.gateway.xds.server import Server
from tritium.gateway.xds.state import State

DRAIN_SECONDS = 1


class World:
    """An async context manager; it starts the server, and Envoy when it is told to."""

    def __init__(self) -> None:
        # A socket's path may have 107 characters only, so it cannot be in the test run's own folder.
        self.folder = Path(tempfile.mkdtemp(prefix="tritium-xds-"))
        self.socket = self.folder / "xds.sock"
        self.port, self.other_port = free_ports(2)
        self.envoy: Envoy | None = None
        self.server: Server | None = None
        self.changes = 0
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def __aenter__(self) -> Self:
        await self.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.envoy:
            self.envoy.kill()
        await self.stop_server()
        await self.http.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def start_server(self) -> None:
        """A server that knows nothing of one before."""
        self.server = await Server(self.socket, self._changed).__aenter__()

    async def stop_server(self) -> None:
        """Every stream breaks."""
        if self.server:
            await self.server.__aexit__()
            self.server = None

    def start_envoy(self, socket: Path | None = None, ping: str = "10s") -> Envoy:
        """Start Envoy; it is not waited for.

        Args:
            socket: what it connects to instead of the server itself.
            ping: how often it asks the server for a sign of life.
        """
        settings = BootstrapSettings("node", "ml", str(socket or self.socket), str(self.folder / "admin.sock"))
        text = json.dumps(bootstrap(settings))
        usual = '"interval": "10s"'
        assert usual in text
        config = json.loads(text.replace(usual, f'"interval": "{ping}"'))
        flags = ("--drain-time-s", str(DRAIN_SECONDS))
        self.envoy = Envoy(wheels.envoy(), self.folder, config, self.folder / "log", *flags)
        self.envoy.start()
        return self.envoy

    async def live(self) -> None:
        """Wait until Envoy takes requests."""
        assert self.envoy
        await asyncio.to_thread(self.envoy.wait_live)

    @property
    def state(self) -> State:
        assert self.server
        return self.server.state

    def publish(self, snapshot: Snapshot) -> None:
        assert self.server
        self.server.publish(snapshot)

    async def whole(self, within: float = 10) -> State:
        """Wait until Envoy has everything that it does not refuse."""
        await self.until(lambda state: state.whole, "Envoy has everything", within)
        return self.state

    async def until(self, holds: Callable[[State], object], what: str, within: float = 10) -> None:
        await wait_for(lambda: self.state, within, what, until=holds)

    async def admin(self, path: str) -> str:
        assert self.envoy
        return await asyncio.to_thread(self.envoy.admin.get, path)

    async def stat(self, name: str) -> int:
        assert self.envoy
        return await asyncio.to_thread(self.envoy.admin.stat, name)

    async def clusters(self) -> set[str]:
        """Names of the clusters that Envoy has, but for that of the agent."""
        lines = (await self.admin("/clusters")).splitlines()
        return {line.partition("::")[0] for line in lines} - {"xds"}

    async def get(self, port: int | None = None) -> tuple[int, str]:
        """A request to a listener: status and body. Status 0: nobody listens."""
        try:
            async with self.http.get(f"http://{HOST}:{port or self.port}/") as answer:
                return answer.status, await answer.text()
        except aiohttp.ClientConnectionError:
            return 0, ""

    async def answers(self, body: str, port: int | None = None) -> None:
        """Wait until a listener leads there."""
        await wait_for(lambda: self.get(port), 10, f"the answer is {body}", until=lambda seen: seen == (200, body))

    def _changed(self) -> None:
        self.changes += 1


@asynccontextmanager
async def upstream(name: str) -> AsyncIterator[int]:
    """A server that answers with its name; its port."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=name)

    runner = web.AppRunner(_app(answer), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, free_ports(1)[0])
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _app(answer: Any) -> web.Application:
    app = web.Application()
    app.router.add_get("/", answer)
    return app
