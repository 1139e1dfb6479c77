"""The API server goes away: what was known goes on, whatever starts anew meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.controlplane.api import Api
from tests.controlplane.crd import install_crd
from tests.controlplane.gateway.relay import address
from tests.controlplane.gateway.serving import Serving
from tests.controlplane.gateway.steady import steady
from tests.controlplane.processes import kubeconfig
from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.pod import GatewayPod
from tritium.api.crd import custom_resource_definition
from tritium.api.gateway import STARTED_PATH

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.ring import ControlPlane


async def test_no_api_server(
    own_control_plane: ControlPlane, tmp_path: Path, pods_ports: tuple[int, int], port: int
) -> None:
    """Requests go on; an agent and an Envoy that start anew have what was last known, and say that it may be old."""
    await install_crd(own_control_plane, custom_resource_definition())
    given = own_control_plane.admin
    async with (
        Api(given) as api,
        GatewayPod(tmp_path, "default", kubeconfig(given.url, given.ca, given.token)) as pod,
    ):
        serving = Serving(api, "default")
        await serving.create()
        await serving.endpoints("fraud-1", [address()], ports=pods_ports)
        await serving.tell(1, port, (1, 10_000))
        await pod.start()
        await pod.runs(1, endpoints=1)
        await wait_for(lambda: f'"{address()}"' in pod.saved, what="it is on the disk")
        async with steady(port) as seen:
            await asyncio.to_thread(own_control_plane.stop_apiserver, kill=True)
            await pod.kill_agent()
            await pod.start_agent()
            await pod.ready()
            assert await pod.state(STARTED_PATH) == (200, "serving what was on the disk")
            await pod.runs(1, endpoints=1)
            assert not (await pod.report()).synced
        assert set(seen) == {"200 1"}
        pod.kill_envoy()
        await pod.start_envoy()
        await pod.ready()
        async with steady(port) as seen:
            await wait_for(lambda: seen["200 1"], until=lambda count: count > 5)
            await asyncio.to_thread(own_control_plane.start_apiserver)
            await serving.tell(2, port, (1, 10_000), limits={"timeoutMs": 500})
            await pod.runs(2, endpoints=1)
            assert (await pod.report()).synced
        assert set(seen) == {"200 1"}
