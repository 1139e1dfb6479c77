"""Requests for inference are counted apart: nothing else keeps a model awake."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

import grpc
import httpx
import pytest
from tritonclient.grpc import service_pb2

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.holding import INFER, counted, give_up, pods
from tests.dataplane.gateway.requests import http, infer, said, stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import holding, model, shares, table
from tests.ports import HOST, free_ports
from tritium.gateway.table import Bounds, Endpoint, Header, Hold, Model, Share

HOSTED: Final = {"host": "ml.example.com"}
ARM: Final = Share(2, "two", 0, (Header("x-arm", "new"),))
NOT_INFERENCE: Final = ("/v2", "/v2/health/ready", "/v2/models/adder", "/v2/models/adder/stats", INFER, "/other")


@dataclass
class World:
    """`fraud`, which may sleep and is on two ports, with a neighbour that never sleeps; and its clients."""

    gateway: Gateway
    fraud: Model
    neighbour: Model
    pods: Endpoint
    client: httpx.AsyncClient
    stub: Any

    @property
    def shared(self) -> str:
        """Where it is on the shared port."""
        return f"http://{HOST}:{self.gateway.shared_port}/a"

    async def serve(self, hold: Hold, *, pods: bool, **changed: Any) -> None:
        """Have Envoy run it so."""
        self.fraud = replace(self.fraud, hold=hold, **changed)
        found = {"one": self.pods, "two": self.pods} if pods else {}
        await self.gateway.publish(table(self.fraud, self.neighbour, **found))

    async def read(self) -> None:
        """All that is no inference, or none of this model."""
        for path in NOT_INFERENCE:
            await self.client.get(path)
            await self.client.get(f"{self.shared}{path}", headers=HOSTED)
        await self.client.post(f"http://{HOST}:{self.gateway.shared_port}/b{INFER}", headers=HOSTED)
        await self.stub.ModelReady(service_pb2.ModelReadyRequest(name="adder")).code()
        await self.stub.RepositoryIndex(service_pb2.RepositoryIndexRequest()).code()

    async def counts(self, expected: int) -> None:
        """Wait until so many inferences are counted, and no more."""
        told = await wait_for(
            lambda: counted(self.gateway, self.fraud), 5, until=lambda seen: (seen.inferences or 0) >= expected
        )
        assert told.inferences == expected


@pytest.fixture
async def world() -> AsyncIterator[World]:
    port, other = free_ports(2)
    path: dict[str, Any] = {"host": HOSTED["host"], "bounds": Bounds(max_request_bytes=1_000)}
    fraud = replace(holding(port, 7, asleep=False, ms=800, path="/a", **path), shares=(ARM, *shares(10_000)))
    neighbour = model(other, name="churn", path="/b", **path)
    async with (
        pods() as one,
        http(port) as client,
        stub_of(port) as stub,
        Gateway(table(fraud, neighbour, one=one, two=one)) as gateway,
    ):
        yield World(gateway, fraud, neighbour, one, client, stub)


async def test_of_a_model_that_is_awake(world: World) -> None:
    """On either port, over HTTP and gRPC, by each route; refused ones and ones that are given up are some too."""
    await world.read()
    await world.client.post(INFER)
    await world.client.post(INFER, headers={"x-arm": "new"})
    await world.client.post(f"{world.shared}{INFER}", headers=HOSTED)
    assert (await world.client.post(INFER, content=b"x" * 2_000)).status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert await world.stub.ModelInfer(infer("adder")).code() is grpc.StatusCode.OK
    await _streamed(world.stub)
    await world.counts(6)
    slow = asyncio.create_task(world.client.post(INFER, headers={"x-takes": "3"}))
    await wait_for(lambda: world.gateway.stat("cluster.fraud/1/http.upstream_rq_active"))
    await give_up([slow])
    await world.counts(7)


async def _streamed(stub: Any) -> None:
    """To a pod that may have answered before it has heard all."""

    async def ask() -> AsyncIterator[service_pb2.ModelInferRequest]:
        yield infer("adder")

    with suppress(grpc.aio.AioRpcError):
        [each async for each in stub.ModelStreamInfer(ask())]


async def test_of_one_that_sleeps(world: World) -> None:
    """Who waits is counted when it ends, and so is who may not wait; the count outlives a change of the port."""
    await world.serve(Hold(True, 8, 800), pods=True)
    await world.read()
    waited = await asyncio.gather(world.client.post(INFER), world.client.post(f"{world.shared}{INFER}", headers=HOSTED))
    assert {each.status_code for each in waited} == {HTTPStatus.SERVICE_UNAVAILABLE}
    await world.counts(2)
    await world.serve(Hold(True, 8, 0), pods=False)
    await world.read()
    assert (await world.client.post(INFER)).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert (await said(world.stub.ModelInfer(infer("adder"))))[0] is grpc.StatusCode.UNAVAILABLE
    await world.counts(4)
    await world.serve(Hold(True, 8, 0), pods=False, bounds=Bounds(max_header_bytes=2**17))
    await world.client.post(INFER)
    await world.counts(5)
