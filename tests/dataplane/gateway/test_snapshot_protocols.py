"""HTTP/1.1, HTTP/2 and gRPC, each on either port of the Service, and all of them on one connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import httpx
import numpy as np
import pytest

from tests.dataplane.gateway.front import in_front_of
from tests.dataplane.gateway.raw import get, say
from tests.dataplane.gateway.requests import floats, http, infer, said, stub_of, sum_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.switch import Switch
from tests.dataplane.gateway.tables import model, pod, table
from tests.dataplane.gateway.test_snapshot_bodies import TENSOR, binary, pieces, tensor_of
from tests.dataplane.triton import Triton
from tests.ports import free_ports
from tritium.gateway.table import Bounds
from tritium.resources.owner import Owner
from tritium.resources.service import service

INFER = "/v2/models/adder/infer"
CONNECTIONS = "http.model/fraud.downstream_cx_total"


@asynccontextmanager
async def ports_of_the_service(target: int) -> AsyncIterator[list[int]]:
    """The ports 8000 and 8001 of a ModelDeployment's Service, each on one of loopback."""
    ports = service(Owner("ml", "fraud", "0-1"), port=target, number=1)["spec"]["ports"]
    assert [each["port"] for each in ports] == [8000, 8001]
    async with AsyncExitStack() as stack:
        yield [(await stack.enter_async_context(Switch(each["targetPort"]))).port for each in ports]


def sum_in(answer: httpx.Response) -> float:
    """What adder answered."""
    assert (answer.status_code, answer.headers["tritium-revision"]) == (200, "1"), answer.text
    return float(answer.json()["outputs"][0]["data"][0])


@pytest.mark.parametrize("place", [0, 1], ids=["8000", "8001"])
async def test_every_protocol_on_either_port(triton: Triton, place: int) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))), ports_of_the_service(port) as ports:
        with in_front_of(ports[place]) as balancer:
            async with http(ports[place]) as one, http(balancer) as two, stub_of(ports[place]) as stub:
                for number in range(3):
                    assert sum_in(await one.post(INFER, json=sum_of(number, 1))) == number + 1
                    assert sum_in(await two.post(INFER, json=sum_of(number, 2))) == number + 2
                    call = stub.ModelInfer(infer("adder", A=[[number, 1]], B=[[3, 1]]))
                    assert floats(await call)[0] == number + 3
                    assert dict(await call.initial_metadata())["tritium-revision"] == "1"


async def test_one_connection_carries_both_http_2_and_grpc(triton: Triton) -> None:
    """As that of a load balancer. What is gRPC is told by each request's content type."""
    [port], asked = free_ports(1), 50
    async with Gateway(table(model(port), one=pod(triton))) as gateway:
        with in_front_of(port) as balancer:
            async with http(balancer) as client, stub_of(balancer) as stub:

                async def by_http(number: int) -> float:
                    return sum_in(await client.post(INFER, json=sum_of(number, 1)))

                async def by_grpc(number: int) -> float:
                    return float(floats(await stub.ModelInfer(infer("adder", A=[[number, 1]], B=[[1, 1]])))[0])

                answers = await asyncio.gather(*(ask(n) for n in range(asked) for ask in (by_http, by_grpc)))
        assert answers == [n + 1 for n in range(asked) for _ in range(2)]
        assert await gateway.stat(CONNECTIONS) == 1
        for protocol in ("http", "grpc"):
            assert await gateway.stat(f"cluster.fraud/1/{protocol}.upstream_rq_200") == asked


async def test_http_2_is_refused_with_the_same_words(triton: Triton) -> None:
    """None of it costs a load balancer the connection that others use too."""
    [port] = free_ports(1)
    bounded = model(port, bounds=Bounds(max_request_bytes=1_000, max_header_bytes=10 * 1024))

    async def answers(client: httpx.AsyncClient) -> list[tuple[int, bytes]]:
        asked = [
            await client.post("/v2/repository/index"),
            await client.post("/v2/models/other/infer", json={}),
            await client.post(INFER, content=b"{}".ljust(1_001)),
            await client.get("/v2%2fmodels"),
        ]
        return [(answer.status_code, answer.content) for answer in asked]

    async with Gateway(table(bounded, one=pod(triton))) as gateway:
        with in_front_of(port) as balancer:
            async with http(balancer) as two, http(port) as one, stub_of(balancer) as stub:
                by_http_2 = await answers(two)
                large = infer("adder", A=np.zeros((1, 1_000)), B=np.zeros((1, 1_000)))
                assert (await said(stub.ModelInfer(large)))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
                # Too large headers have no answer there, but a reset. This is the balancer's word for it.
                assert (await two.get("/v2", headers=dict.fromkeys(("x-1", "x-2"), "x" * 6_000))).status_code == 503
                assert sum_in(await two.post(INFER, json=sum_of(1, 2))) == 3
                assert await gateway.stat(CONNECTIONS) == 1
                assert by_http_2 == await answers(one)
                assert [status for status, _ in by_http_2] == [403, 404, 413, 400]


async def test_32_mib_there_and_back_by_http_2(triton: Triton) -> None:
    """More than any window of HTTP/2: its flow goes on."""
    [port] = free_ports(1)
    body, headers = binary(TENSOR)
    async with Gateway(table(model(port, triton="identity"), one=pod(triton))):
        with in_front_of(port) as balancer:
            async with http(balancer) as client:
                for content in (body, pieces(body, 2**20)):
                    answer = await client.post("/v2/models/identity/infer", content=content, headers=headers)
                    assert np.array_equal(tensor_of(answer), TENSOR[0])


async def test_a_client_that_would_change_to_http_2_is_answered_in_http_1(triton: Triton) -> None:
    """As some libraries ask with the first request of each connection."""
    [port] = free_ports(1)
    offer = {"connection": "upgrade, http2-settings, close", "upgrade": "h2c", "http2_settings": "AAMAAABkAAQAAP__"}
    async with Gateway(table(model(port), one=pod(triton))):
        answer = await say(port, get("/v2/models/adder/ready", **offer))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
