"""How long a request may take: to arrive, to be answered, and while it streams."""

import asyncio
import time

import grpc

from tests.dataplane.gateway.raw import say, status
from tests.dataplane.gateway.requests import floats, http, infer, nap, said, stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, pod, table
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.gateway.table import Bounds

INFER = "/v2/models/slow/infer"
TOO_SLOW = "The model did not answer within the time that is allowed."
NOT_ARRIVED = "The request did not arrive within the time that is allowed."
SHORT = Bounds(timeout_ms=300)


async def test_a_model_that_takes_too_long(triton: Triton) -> None:
    [port] = free_ports(1)
    bounded = model(port, triton="slow", bounds=SHORT)
    async with Gateway(table(bounded, one=pod(triton))) as gateway, http(port) as client, stub_of(port) as stub:
        answer = await client.post(INFER, json=nap(1))
        assert (answer.status_code, answer.json()) == (504, {"error": TOO_SLOW})
        assert answer.headers["tritium-revision"] == "1"
        code, says, _ = await said(stub.ModelInfer(infer("slow", SECONDS=[1])))
        assert (code, says) == (grpc.StatusCode.DEADLINE_EXCEEDED, TOO_SLOW)
        # Both count for the revision, as what they are.
        assert await gateway.stat("cluster.fraud/1/http.upstream_rq_504") == 1
        assert await gateway.stat("cluster.fraud/1/grpc.grpc.inference.GRPCInferenceService.ModelInfer.4") == 1
        # Triton finishes what it has begun; the next request must not find it busy.
        await asyncio.sleep(1.5)


async def test_a_request_that_arrives_too_slowly(triton: Triton) -> None:
    """It has as long as the model, and then as long again."""
    [port] = free_ports(1)
    async with Gateway(table(model(port, triton="slow", bounds=SHORT), one=pod(triton))):
        began = time.monotonic()
        answer = await say(port, f"POST {INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{{".encode())
        assert time.monotonic() - began >= 0.6
    assert status(answer) == 408
    assert answer.endswith(b'{"error":"%b"}\n' % NOT_ARRIVED.encode())


async def test_a_request_that_arrives_too_slowly_by_grpc(triton: Triton) -> None:
    """A client that streams its requests says where it goes before it has one."""
    [port] = free_ports(1)
    address = f"{HOST}:{port}"
    bounded = model(port, triton="slow", bounds=SHORT)
    async with Gateway(table(bounded, one=pod(triton))), grpc.aio.insecure_channel(address) as channel:
        began = time.monotonic()
        code, says, _ = await said(channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")())
        assert time.monotonic() - began >= 0.6
    assert (code, says) == (grpc.StatusCode.DEADLINE_EXCEEDED, NOT_ARRIVED)


async def test_a_stream_may_take_longer_than_one_answer(triton: Triton) -> None:
    """What it sends comes to Triton at once, and so does each answer to the client."""
    [port] = free_ports(1)
    async with Gateway(table(model(port, bounds=SHORT), one=pod(triton))), stub_of(port) as stub:
        stream = stub.ModelStreamInfer()
        for number in range(1, 5):
            await stream.write(infer("adder", A=[[number, 1]], B=[[1, 1]]))
            answer = await stream.read()
            assert floats(answer.infer_response)[0] == number + 1
            await asyncio.sleep(0.25)
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        assert await stream.code() is grpc.StatusCode.OK


async def test_a_stream_is_not_bounded_by_the_size_of_a_request(triton: Triton) -> None:
    [port] = free_ports(1)
    bounds = Bounds(max_request_bytes=1_000)
    async with Gateway(table(model(port, bounds=bounds), one=pod(triton))), stub_of(port) as stub:
        stream = stub.ModelStreamInfer()
        for _ in range(100):
            await stream.write(infer("adder", A=[[1, 1]], B=[[1, 1]]))
        answers = [await stream.read() for _ in range(100)]
        assert all(floats(answer.infer_response)[0] == 2 for answer in answers)
        await stream.done_writing()
        assert await stream.code() is grpc.StatusCode.OK


async def test_a_generated_stream_over_http(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port, triton="slow", bounds=SHORT), one=pod(triton))), http(port) as client:
        answer = await client.post("/v2/models/slow/generate_stream", json={"SECONDS": [0.5]})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "SLEPT" in answer.text


async def test_what_takes_ten_seconds(triton: Triton) -> None:
    """A client that does not finish its headers is told so. Envoy closes what it does not use.

    The second is for Triton's end, which waits for every connection.
    """
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))) as gateway, http(port) as client, stub_of(port) as stub:
        assert (await client.get("/v2/models/adder")).status_code == 200
        await stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[1, 1]]))
        assert gateway.upstream_connections(triton._http, triton._grpc) == 2
        answer = await say(port, b"GET /v2 HTTP/1.1\r\nhost: a\r\nx-", within=20)
        assert status(answer) == 408
        await gateway.connections_end(triton._http, triton._grpc, within=3)
