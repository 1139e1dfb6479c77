"""An Envoy that is about to end, and clients that never stop."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import grpc
import httpx
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.facts import facts, model, revision, slice_of
from tests.dataplane.gateway.pod import GatewayPod
from tests.dataplane.gateway.switch import Switch
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.api.gateway import READY_PATH
from tritium.gateway import disk
from tritium.gateway.table import Endpoint

REQUEST = b"GET /v2/models/adder/ready HTTP/1.1\r\nHost: fraud\r\n\r\n"


@asynccontextmanager
async def running(folder: Path, triton: Triton, ports: list[int], **times: float) -> AsyncIterator[GatewayPod]:
    """A pod that is ready, and serves the models adder and slow on two ports."""
    folder.mkdir(exist_ok=True)
    environment = {f"TRITIUM_{name.upper()}": str(seconds) for name, seconds in times.items()}
    endpoint = Endpoint(HOST, triton._http, triton._grpc)
    models = [
        model(name, f"uid-{name}", version=1, port=port, model=name, revisions=[revision(1, name=name)])
        for name, port in zip(("adder", "slow"), ports, strict=True)
    ]
    async with GatewayPod(folder, environment=environment) as pod:
        slices = [slice_of("adder-1", endpoint), slice_of("slow-1", endpoint)]
        disk.save(pod.snapshot, pod.namespace, facts(models, slices))
        await pod.start()
        yield pod


class Clients:
    """Clients of one address, and what they got: by kind, answers and losses."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seen: Counter[str] = Counter()
        self.stop = asyncio.Event()

    async def kept(self) -> None:
        """HTTP/1.1 on one connection, until it is told to close; it sends nothing twice."""
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self.stop.is_set():
            reader, writer = connection or await asyncio.open_connection(HOST, self._port)
            connection = None
            try:
                writer.write(REQUEST)
                head = await reader.readuntil(b"\r\n\r\n")
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self.seen[f"lost on a kept connection: {type(error).__name__}"] += 1
                continue
            self.seen["kept" if head.startswith(b"HTTP/1.1 200 ") else f"kept: {head[:20]!r}"] += 1
            if b"connection: close" in head.lower():
                writer.close()
            else:
                connection = reader, writer
            await asyncio.sleep(random.uniform(0, 0.1))  # noqa: S311 - a spread, no secret
        if connection is not None:
            connection[1].close()

    async def fresh(self) -> None:
        """HTTP/1.1 on a new connection each time."""
        while not self.stop.is_set():
            async with httpx.AsyncClient(trust_env=False) as http:
                try:
                    answer = await http.get(f"http://{HOST}:{self._port}/v2/models/adder/ready")
                    self.seen["fresh" if answer.status_code == HTTPStatus.OK else f"fresh: {answer.status_code}"] += 1
                except httpx.HTTPError as error:
                    self.seen[f"lost on a new connection: {type(error).__name__}"] += 1
            await asyncio.sleep(0.02)

    async def grpc(self) -> None:
        """One channel for all calls."""
        async with grpc.aio.insecure_channel(f"{HOST}:{self._port}") as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            while not self.stop.is_set():
                try:
                    await stub.ModelReady(service_pb2.ModelReadyRequest(name="adder"))
                    self.seen["grpc"] += 1
                except grpc.aio.AioRpcError as error:
                    self.seen[f"lost by gRPC: {error.code()} {error.details()}"] += 1
                await asyncio.sleep(random.uniform(0, 0.02))  # noqa: S311 - a spread, no secret


async def takes(port: int, seconds: float) -> int:
    """Status of a request that takes so long."""
    body: dict[str, Any] = {"inputs": [{"name": "SECONDS", "datatype": "FP32", "shape": [1], "data": [seconds]}]}
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.post(f"http://{HOST}:{port}/v2/models/slow/infer", json=body)).status_code


async def in_flight(pod: GatewayPod) -> None:
    """Wait until a request is with the model."""

    async def active() -> int:
        return sum(each.active for each in (await pod.counters()).revisions)

    await wait_for(active, 5, "it is in flight")


async def test_nothing_is_lost_when_envoy_ends(triton: Triton, tmp_path: Path) -> None:
    """Kept connections, new ones and gRPC, from one pod to the other; and a request that takes longer than all that."""
    first_ports, second_ports = free_ports(2), free_ports(2)
    times = {"settle": 0.5, "shortest_drain": 1.0, "idle_drain": 8.0, "longest_drain": 10.0}
    async with (
        running(tmp_path / "first", triton, first_ports, **times) as first,
        running(tmp_path / "second", triton, second_ports) as second,
        Switch(first_ports[0]) as service,
    ):
        clients = Clients(service.port)
        asking = [
            asyncio.create_task(each()) for each in [*[clients.kept] * 30, *[clients.fresh] * 2, *[clients.grpc] * 2]
        ]
        long = asyncio.create_task(takes(first_ports[1], 2.5))
        await in_flight(first)
        draining = asyncio.create_task(first.drain())
        await wait_for(lambda: first.state(READY_PATH), 5, until=lambda seen: seen == (503, "draining"))
        service.target = second_ports[0]  # as every node does sooner or later
        assert await draining == (200, "all connections are closed")
        assert await first.state(READY_PATH) == (503, "Envoy is DRAINING")
        assert first.envoy is not None
        assert await asyncio.to_thread(first.envoy.stop) == 0
        assert await long == HTTPStatus.OK
        here = clients.seen.total()
        await wait_for(clients.seen.total, until=lambda count: count > here + 50)
        clients.stop.set()
        await asyncio.gather(*asking)
        assert set(clients.seen) == {"kept", "fresh", "grpc"}, clients.seen
        await second.ready()


async def test_who_asks_twice_waits_for_the_same(triton: Triton, tmp_path: Path) -> None:
    """And who asks after the end is answered without another wait."""
    async with running(tmp_path, triton, free_ports(2), settle=0.2, shortest_drain=0.4) as pod:
        for answer in await asyncio.gather(pod.drain(), pod.drain()):
            assert answer == (200, "all connections are closed")
        assert pod.agent_log.count('"draining"') == 1
        assert await pod.drain() == (200, "all connections are closed")


async def test_connections_that_nobody_uses_are_not_waited_for_for_ever(triton: Triton, tmp_path: Path) -> None:
    ports = free_ports(2)
    async with running(tmp_path, triton, ports, settle=0.1, shortest_drain=0.2, idle_drain=0.8) as pod:
        reader, writer = await asyncio.open_connection(HOST, ports[0])
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        assert await pod.drain() == (200, "1 connections are left, and nobody uses them")
        writer.close()


async def test_the_longest_request_does_not_hold_a_pod_for_ever(triton: Triton, tmp_path: Path) -> None:
    ports = free_ports(2)
    times = {"settle": 0.1, "shortest_drain": 0.2, "idle_drain": 0.3, "longest_drain": 0.6}
    async with running(tmp_path, triton, ports, **times) as pod:
        long = asyncio.create_task(takes(ports[1], 2.0))
        await in_flight(pod)
        assert await pod.drain() == (200, "1 requests on 1 connections take too long, and are cut off")
        assert await long == HTTPStatus.OK


async def test_an_envoy_that_is_gone_needs_no_draining(triton: Triton, tmp_path: Path) -> None:
    """The next one in the same pod begins afresh."""
    async with running(tmp_path, triton, free_ports(2), settle=0.1, shortest_drain=0.2) as pod:
        await pod.drain()
        pod.kill_envoy()
        status, text = await pod.drain()
        assert status == HTTPStatus.OK
        assert text.startswith("Envoy is gone: ")
        await pod.start_envoy()
        await pod.ready()
