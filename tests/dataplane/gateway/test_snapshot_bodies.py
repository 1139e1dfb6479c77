"""Large bodies, slow clients, and connections that are kept."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import numpy as np

from tests.dataplane.gateway.raw import get
from tests.dataplane.gateway.requests import floats, http, infer, stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, pod, table
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports

TENSOR = np.random.default_rng(1).random((1, 8 * 2**20), np.float32)
"""32 MiB."""


def binary(tensor: np.ndarray) -> tuple[bytes, dict[str, str]]:
    """A request of Triton's binary extension, and its headers: JSON, and behind it the tensor."""
    raw = tensor.tobytes()
    header = (
        b'{"inputs":[{"name":"IN_FP32","datatype":"FP32","shape":[1,%d],"parameters":{"binary_data_size":%d}}],'
        b'"outputs":[{"name":"OUT_FP32","parameters":{"binary_data":true}}]}'
    ) % (tensor.size, len(raw))
    return header + raw, {"inference-header-content-length": str(len(header))}


def tensor_of(answer: httpx.Response) -> np.ndarray:
    """The tensor in an answer of that extension."""
    return np.frombuffer(answer.content[int(answer.headers["inference-header-content-length"]) :], np.float32)


async def pieces(whole: bytes, size: int, pause: float = 0) -> AsyncIterator[bytes]:
    """A body that is sent without its length."""
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
        await asyncio.sleep(pause)


async def test_32_mib_there_and_back(triton: Triton) -> None:
    [port] = free_ports(1)
    body, headers = binary(TENSOR)
    path = "/v2/models/identity/infer"
    async with Gateway(table(model(port, triton="identity"), one=pod(triton))), http(port) as client:
        for content in (body, pieces(body, 2**20)):
            answer = await client.post(path, content=content, headers=headers)
            assert answer.status_code == 200
            assert np.array_equal(tensor_of(answer), TENSOR[0])
        async with stub_of(port) as stub:
            assert np.array_equal(floats(await stub.ModelInfer(infer("identity", IN_FP32=TENSOR))), TENSOR[0])


async def test_a_slow_client_gets_everything_and_costs_the_others_nothing(triton: Triton) -> None:
    [port] = free_ports(1)
    body, headers = binary(TENSOR[:, : 2**20])
    async with Gateway(table(model(port, triton="identity"), one=pod(triton))), http(port) as client:
        slow = asyncio.create_task(
            client.post("/v2/models/identity/infer", content=pieces(body, 2**18, 0.05), headers=headers)
        )
        quick = [await client.get("/v2/models/identity") for _ in range(20)]
        assert {answer.status_code for answer in quick} == {200}
        assert not slow.done()
        assert np.array_equal(tensor_of(await slow), TENSOR[0, : 2**20])

        reader, writer = await asyncio.open_connection(HOST, port, limit=2**16)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        start = f"POST /v2/models/identity/infer HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
        writer.write(start.encode() + body)
        received = bytearray()
        while not received.endswith(body[-64:]):
            received += await reader.read(2**16)
            await asyncio.sleep(0.005)
        writer.close()
        assert bytes(received).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_connection_is_kept_and_its_requests_may_come_in_one_piece(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))) as gateway:
        reader, writer = await asyncio.open_connection(HOST, port)
        for _ in range(3):
            writer.write(get("/v2/models/adder/ready") * 10)
            for _ in range(10):
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 OK\r\n")
                assert b"content-length: 0\r\n" in head.lower()
        writer.close()
        assert await gateway.stat("http.model/fraud.downstream_cx_total") == 1
        assert await gateway.stat("http.model/fraud.downstream_rq_total") == 30
        assert gateway.upstream_connections(triton._http) == 1
