"""A gateway's pods against a real API server, and how soon a request follows what was written there."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import httpx

from tests.controlplane.api import Api
from tests.controlplane.crd import install_crd
from tests.controlplane.gateway.serving import Serving
from tests.controlplane.gateway.steady import READY
from tests.controlplane.processes import kubeconfig
from tests.controlplane.ring import ControlPlane, Credentials
from tests.dataplane.gateway.pod import GatewayPod
from tritium.api.crd import custom_resource_definition

NAMESPACE: Final = "bench"
EVERY: Final = 0.002
"""Seconds between an answer and the next request, so that asking does not become what is measured."""
PATIENCE: Final = 10.0


@dataclass(eq=False)
class Gateway(GatewayPod):
    """A pod with a loopback address of its own, since in a cluster all pods listen on the same ports."""

    address: str = "127.0.0.1"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.environment = {**self.environment, "TRITIUM_ADDRESS": self.address}
        self._http = httpx.AsyncClient(base_url=f"http://{self.address}:{self.port}", trust_env=False, timeout=30)

    def pids(self) -> dict[str, int]:
        """Its processes by name."""
        if self.agent is None or self.envoy is None:
            raise RuntimeError("the gateway has not started")
        return {"agent": self.agent.pid, "Envoy": self.envoy.pid}


@dataclass(frozen=True, slots=True)
class Ground:
    """A control plane with the CRD and a namespace.

    Attributes:
        folder: for logs.
        serving: writes what the operator and Kubernetes would write.
    """

    folder: Path
    credentials: Credentials
    serving: Serving

    def gateway(self, number: int = 1) -> Gateway:
        """A pod of the gateway, not started."""
        log = self.folder / f"gateway-{number}"
        log.mkdir()
        given = self.credentials
        config = kubeconfig(given.url, given.ca, given.token)
        return Gateway(log, NAMESPACE, config, address=f"127.0.0.{number}")


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """A ring of its own."""
    with tempfile.TemporaryDirectory() as name, ControlPlane(Path(name) / "ring") as ring:
        await install_crd(ring, custom_resource_definition())
        async with Api(ring.admin) as api:
            await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
            yield Ground(Path(name), ring.admin, Serving(api, NAMESPACE))


async def follows(session: aiohttp.ClientSession, address: str, port: int, wanted: Mapping[str, str]) -> float:
    """Ask until an answer has these headers; returns when it was there (`time.perf_counter`).

    Raises:
        TimeoutError: there was none in time.
        RuntimeError: another answer than 200 came meanwhile.
    """
    async with asyncio.timeout(PATIENCE):
        while True:
            async with session.get(f"http://{address}:{port}{READY}") as answer:
                now = time.perf_counter()
                if answer.status != httpx.codes.OK:
                    raise RuntimeError(f"status {answer.status} from {address}: {await answer.text()}")
                if all(answer.headers.get(name) == value for name, value in wanted.items()):
                    return now
            await asyncio.sleep(EVERY)
