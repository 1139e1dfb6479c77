"""A real Prometheus on loopback that scrapes what a test shows it."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx
from aiohttp import web

from e2e.cluster.binaries import ensure
from tests.controlplane.waiting import wait_for
from tests.ports import HOST, free_ports

if TYPE_CHECKING:
    from pathlib import Path

SCRAPES = "200ms"


@dataclass(eq=False)
class Prometheus:
    """The process, and its one target; an async context manager.

    Attributes:
        folder: for its files.
        shown: what the target shows, as lines of Prometheus' text format.
        jobs: further targets, as `scrape_configs`.
    """

    folder: Path
    shown: list[str] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/metrics", self._show)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self.port, target = free_ports(2)
        await web.TCPSite(self._runner, HOST, target).start()
        scraped = {"job_name": "test", "static_configs": [{"targets": [f"{HOST}:{target}"]}]}
        config = {
            "global": {"scrape_interval": SCRAPES, "scrape_timeout": SCRAPES},
            "scrape_configs": [scraped, *self.jobs],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(config))
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self._runner.cleanup()

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        program = await asyncio.to_thread(ensure, "prometheus")
        with (self.folder / "prometheus.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                program["prometheus"],
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'prometheus'}",
                f"--web.listen-address={HOST}:{self.port}",
                stdout=log,
                stderr=log,
            )
        await wait_for(self._is_ready, 30, "Prometheus is ready")

    async def stop(self) -> None:
        """End it, if it runs."""
        if self.process and self.process.returncode is None:
            self.process.terminate()
            self.process.send_signal(signal.SIGCONT)  # a test may have left it stopped
            await self.process.wait()

    async def _is_ready(self) -> bool:
        assert self.process
        assert self.process.returncode is None, (self.folder / "prometheus.log").read_text()[-2000:]
        try:
            async with httpx.AsyncClient(trust_env=False) as http:
                return (await http.get(f"{self.address}/-/ready")).is_success
        except httpx.HTTPError:
            return False

    async def _show(self, _: web.Request) -> web.Response:
        return web.Response(text="".join(f"{line}\n" for line in self.shown))
