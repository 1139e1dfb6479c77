"""The agent and its Envoy against a real API server: what is written there is what requests meet."""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.controlplane.gateway.relay import address
from tests.controlplane.gateway.steady import READY, steady
from tests.controlplane.waiting import wait_for
from tests.ports import HOST, free_ports
from tritium.api.gateway import STARTED_PATH

if TYPE_CHECKING:
    from tests.controlplane.gateway.serving import Serving
    from tests.controlplane.proxy import FaultProxy
    from tests.dataplane.gateway.pod import GatewayPod


async def status(port: int) -> int:
    """Status of an answer; 0 if nobody listens."""
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"http://{HOST}:{port}{READY}")).status_code
        except httpx.ConnectError:
            return 0


async def test_what_is_written_is_what_requests_meet(
    pod: GatewayPod, serving: Serving, pods_ports: tuple[int, int], port: int, faults: FaultProxy
) -> None:
    """From the first traffic by a change of weights to the end. It reads two kinds, and writes nothing."""
    await serving.create()
    await serving.endpoints("fraud-1", [address()], ports=pods_ports)
    await serving.endpoints("fraud-2", [address()], ports=pods_ports)
    assert await pod.model() is None
    await serving.tell(1, port, (2, 0), (1, 10_000))
    found = await pod.runs(1, endpoints=1)
    assert [(each.revision, each.weight) for each in found.revisions] == [(2, 0), (1, 10_000)]
    assert (await pod.report()).synced
    async with steady(port) as seen:
        await wait_for(lambda: seen["200 1"], until=lambda count: count > 5)
        await serving.tell(2, port, (2, 10_000), (1, 0))
        await pod.runs(2)
        await wait_for(lambda: seen["200 2"], until=lambda count: count > 5)
    assert set(seen) == {"200 1", "200 2"}
    await serving.delete()
    await wait_for(lambda: status(port), 5, "nobody listens", until=lambda found: found == 0)
    assert (await pod.report()).models == []
    asked = {(each.verb, each.resource, each.namespace) for each in faults.requests if "gateway" in each.user_agent}
    kinds = ("modeldeployments", "endpointslices")
    assert asked == {(verb, kind, serving.namespace) for verb in ("list", "watch") for kind in kinds}


async def test_pods_come_and_go(pod: GatewayPod, serving: Serving, port: int) -> None:
    """Those that are about to end are out, whatever another slice says of them."""
    await serving.create()
    await serving.tell(1, port, (1, 10_000))
    await pod.runs(1, endpoints=0)
    await serving.endpoints("fraud-1", ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
    await pod.runs(1, endpoints=3)
    await serving.endpoints("fraud-1", ["10.0.0.3", "10.0.0.4"], name="y")
    await pod.runs(1, endpoints=4)
    await serving.endpoints("fraud-1", ["10.0.0.1"], leaving=["10.0.0.3"])
    await pod.runs(1, endpoints=2)
    await serving.drop_endpoints("fraud-1", "y")
    await pod.runs(1, endpoints=1)
    await serving.endpoints("another", ["10.0.0.9"])
    assert pod.envoy is not None
    assert "10.0.0.9" not in await asyncio.to_thread(pod.envoy.admin.get, "/clusters")


async def test_a_status_that_is_lost_says_nothing(pod: GatewayPod, serving: Serving, port: int) -> None:
    """Neither does one that the agent does not understand. Another object of the same name begins from nothing."""
    await serving.create()
    await serving.tell(5, port, (1, 10_000))
    await pod.runs(5)
    await serving.forget()
    await serving.create("churn")
    await serving.tell(1, free_ports(1)[0], (1, 10_000), name="churn")
    await pod.runs(1, name="churn")
    await pod.runs(5)
    await serving.tell(6, port, (1, 10_000), (1, 0))
    await wait_for(lambda: "revision 1 is in it twice" in pod.agent_log, what="it is told of")
    await pod.runs(5)
    await serving.delete()
    await serving.create()
    await wait_for(pod.model, 10, "nothing of it is left", until=lambda found: found is None)
    await serving.tell(1, port, (1, 10_000))
    await pod.runs(1)


async def test_a_version_that_envoy_refuses(pod: GatewayPod, serving: Serving, port: int) -> None:
    """The one before goes on, with its weights, and is on the disk; the next one may be good."""
    await serving.create()
    await serving.tell(1, port, (2, 2_500), (1, 7_500))
    await pod.runs(1)
    with socket.create_server((HOST, 0)) as taken:
        await serving.tell(2, taken.getsockname()[1], (2, 2_500), (1, 7_500))
        refused = await wait_for(pod.model, 10, "it is told of", until=lambda found: found and found.rejection)
        assert refused is not None
        assert refused.rejection is not None
        assert (refused.version, refused.port) == (1, port)
        assert [each.weight for each in refused.revisions] == [2_500, 7_500]
        assert (refused.rejection.version, refused.rejection.resource) == (2, "Listener fraud")
        assert "Address already in use" in refused.rejection.message
        await pod.ready()
        await serving.endpoints("fraud-1", ["10.0.0.1"])  # something that the disk is to have
        await wait_for(lambda: '"10.0.0.1"' in pod.saved, 10, "it is saved")
        assert f'"port":{port}' in pod.saved
    await serving.tell(3, port, (2, 5_000), (1, 5_000))
    assert (await pod.runs(3)).rejection is None


async def test_the_agent_is_killed_and_comes_back(
    pod: GatewayPod, serving: Serving, pods_ports: tuple[int, int], port: int
) -> None:
    """Nobody notices. What changed meanwhile is there a moment after."""
    await serving.create()
    for number in (1, 2):
        await serving.endpoints(f"fraud-{number}", [address()], ports=pods_ports)
    await serving.tell(1, port, (2, 0), (1, 10_000))
    await pod.runs(1, endpoints=1)
    async with steady(port) as seen:
        for version, first in ((2, 10_000), (3, 0)):
            await pod.kill_agent()
            await serving.tell(version, port, (2, first), (1, 10_000 - first))
            before = seen.total()
            await wait_for(seen.total, until=lambda count: count > before + 20)  # noqa: B023
            await pod.start_agent()
            await pod.ready()
            await pod.runs(version, endpoints=1)
    assert set(seen) == {"200 1", "200 2"}


async def test_envoy_is_killed_and_comes_back(
    pod: GatewayPod, serving: Serving, pods_ports: tuple[int, int], port: int
) -> None:
    """It gets everything, also what changed while it was away."""
    await serving.create()
    await serving.endpoints("fraud-1", [address()], ports=pods_ports)
    await serving.tell(1, port, (1, 10_000))
    await pod.runs(1, endpoints=1)
    pod.kill_envoy()
    await serving.tell(2, port, (1, 10_000), limits={"timeoutMs": 500})
    await pod.start_envoy()
    await pod.ready()
    await pod.runs(2, endpoints=1)
    assert await status(port) == HTTPStatus.OK


@pytest.mark.parametrize("spoilt", [False, True], ids=["a disk", "a spoilt disk"])
async def test_the_api_server_decides_what_the_disk_only_bridges(
    pod: GatewayPod,
    serving: Serving,
    port: int,
    spoilt: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A ModelDeployment that was deleted while the agent was away is gone, and is not on the disk any more."""
    await serving.create()
    await serving.create("churn")
    await serving.tell(1, port, (1, 10_000))
    await serving.tell(1, free_ports(1)[0], (1, 10_000), name="churn")
    await pod.runs(1)
    await pod.runs(1, name="churn")
    await wait_for(lambda: '"churn"' in pod.saved, what="it is saved")
    await pod.kill_agent()
    if spoilt:
        pod.snapshot.write_bytes(pod.snapshot.read_bytes()[:100])
    await serving.delete("churn")
    await pod.start_agent()
    await pod.ready()
    seen = await wait_for(lambda: pod.state(STARTED_PATH), 10, until=lambda seen: seen[1] == "synced")
    assert seen[0] == HTTPStatus.OK
    await pod.runs(1)
    assert await pod.model("churn") is None
    await wait_for(lambda: '"churn"' not in pod.saved, what="the disk has it no more")
