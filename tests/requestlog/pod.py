"""A pod that runs the logger: its environment, its mounted Secret, and a place for its last words."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.ports import HOST, free_ports
from tests.sync.pod import KEYS
from tests.sync.s3 import S3
from tritium.api.fetch import CREDENTIALS_FOLDER, FetchResult
from tritium.api.request_log import POD_NAME_VARIABLE, REQUEST_LOG_VARIABLE, RequestLogRequest
from tritium.requestlog.__main__ import ROOT_VARIABLE

ROOT = Path(__file__).parents[2]
RUN = [sys.executable, "-m", "tritium.requestlog"]


def request(server: S3, path: str, **more: Any) -> RequestLogRequest:
    """As the operator writes it."""
    target = {
        "uri": server.uri(path),
        "options": {"endpoint": server.endpoint, "allowHttp": "true"},
        "credentials": {"secretRef": {"name": "log-keys"}},
    }
    given = {"target": target, "namespace": "team", "name": "fraud", "allowedNetworks": ["127.0.0.0/8"]} | more
    return RequestLogRequest.model_validate(given)


@dataclass
class Pod:
    """One pod; it is not running yet."""

    root: Path
    secret: dict[str, str] = field(default_factory=lambda: dict(KEYS))
    command: list[str] = field(default_factory=lambda: list(RUN))

    def __post_init__(self) -> None:
        self.grpc, self.http = free_ports(2)
        self.output = self.root / "output"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, wanted: RequestLogRequest) -> None:
        """Run it as a container does."""
        folder = self.root / CREDENTIALS_FOLDER.removeprefix("/")
        folder.mkdir(parents=True)
        (self.root / "dev").mkdir()
        self.mount(self.secret)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "operator"),
            "PYTHONSAFEPATH": "1",
            REQUEST_LOG_VARIABLE: wanted.model_dump_json(by_alias=True, exclude_none=True),
            ROOT_VARIABLE: str(self.root),
            POD_NAME_VARIABLE: "fraud-log-7d4f",
            "TRITIUM_GRPC_PORT": str(self.grpc),
            "TRITIUM_HTTP_PORT": str(self.http),
        }
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(self.command, env=environment, stdout=output, stderr=output)

    def mount(self, secret: dict[str, str]) -> None:
        """Write the Secret as it is now."""
        for name, text in secret.items():
            (self.root / CREDENTIALS_FOLDER.removeprefix("/") / name).write_text(text)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process
        return self._process

    def said(self) -> str:
        """Its log."""
        return self.output.read_text()

    def result(self) -> FetchResult:
        """The termination message."""
        return FetchResult.model_validate_json((self.root / "dev" / "termination-log").read_text())

    async def get(self, path: str) -> tuple[int, str]:
        """What it answers over HTTP."""
        async with aiohttp.ClientSession() as session, session.get(f"http://{HOST}:{self.http}{path}") as answer:
            return answer.status, await answer.text()

    async def ready(self) -> None:
        """Wait until it is."""

        async def is_ready() -> bool:
            try:
                return (await self.get("/readyz"))[0] == 200
            except aiohttp.ClientConnectionError:
                return False

        await self.until(is_ready)

    async def counted(self, name: str) -> float:
        """One of its metrics, with its labels."""
        _, text = await self.get("/metrics")
        found = re.search(rf"^tritium_request_log_{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found, text
        return float(found[1])

    async def counts(self, name: str, least: float = 1) -> None:
        """Wait until so many are counted."""

        async def are_counted() -> bool:
            return await self.counted(name) >= least

        await self.until(are_counted)

    async def until(self, met: Callable[[], Any], seconds: float = 60) -> None:
        """Wait for a condition, while it runs."""
        try:
            async with asyncio.timeout(seconds):
                while not await met():
                    assert self.process.poll() is None, self.said()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pytest.fail(f"waited in vain; the logger said: {self.said()}")

    async def ended(self) -> int:
        """Wait for its end; the exit code."""
        return await asyncio.to_thread(self.process.wait, 60)

    async def terminated(self) -> int:
        """End it as a kubelet does."""
        self.process.terminate()
        return await self.ended()

    def kill(self) -> None:
        """Nothing is left of it."""
        if self._process:
            self._process.kill()
            self._process.wait()
