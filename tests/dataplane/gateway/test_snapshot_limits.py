"""What one client may take, and what it is told when that is not enough."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import numpy as np
import pytest

from tests.dataplane.gateway.requests import http, infer, nap, said, stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, pod, shares, table
from tests.dataplane.triton import Triton
from tests.ports import free_ports
from tritium.gateway.table import Bounds, Share

INFER = "/v2/models/slow/infer"
TOO_LARGE = "The request is larger than this model takes."
NOBODY = "No replica of this model is ready. Ask again a little later."
TOO_MANY = "Too many requests are in flight for this model. Ask again a little later."


def body(size: int) -> bytes:
    """A request of so many bytes."""
    return json.dumps(nap(0)).encode().ljust(size)


async def pieces(whole: bytes, size: int = 1_000, pause: float = 0) -> AsyncIterator[bytes]:
    """The same, sent without its length, and not faster than this."""
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
        await asyncio.sleep(pause)


@pytest.mark.parametrize("sent", ["with its length", "in chunks"])
async def test_a_request_of_one_byte_more_than_the_limit(triton: Triton, sent: str) -> None:
    [port] = free_ports(1)
    bounded = model(port, triton="slow", bounds=Bounds(max_request_bytes=1_000))
    async with Gateway(table(bounded, one=pod(triton))) as gateway, http(port) as client:

        async def answer(size: int) -> Any:
            return await client.post(INFER, content=pieces(body(size)) if sent == "in chunks" else body(size))

        assert (await answer(1_000)).status_code == 200
        refused = await answer(1_001)
        assert (refused.status_code, refused.json()) == (413, {"error": TOO_LARGE})
        assert (await answer(500_000)).status_code == 413
        assert (await answer(1_000)).status_code == 200
        if sent == "with its length":  # by its length alone, so Triton was not asked
            assert await gateway.stat("cluster.fraud/1/http.upstream_rq_total") == 2


async def test_a_slow_client_that_sends_too_much_reads_why(triton: Triton) -> None:
    """It goes on sending for two seconds after it was refused, as a client does that reads only when it is done."""
    [port] = free_ports(1)
    bounded = model(port, triton="slow", bounds=Bounds(max_request_bytes=1_000))
    async with Gateway(table(bounded, one=pod(triton))), http(port) as client:
        refused = await client.post(INFER, content=pieces(body(12_000), size=1_000, pause=0.2))
        assert (refused.status_code, refused.json()) == (413, {"error": TOO_LARGE})


async def test_a_message_of_grpc_that_is_larger_than_the_limit(triton: Triton) -> None:
    [port] = free_ports(1)
    bounded = model(port, bounds=Bounds(max_request_bytes=1_000))
    async with Gateway(table(bounded, one=pod(triton))) as gateway, stub_of(port) as stub:
        await stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[1, 1]]))
        large = infer("adder", A=np.zeros((1, 1_000)), B=np.zeros((1, 1_000)))
        status, says, _ = await said(stub.ModelInfer(large))
        assert (status, says) == (grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_LARGE)
        name = "cluster.fraud/1/grpc.grpc.inference.GRPCInferenceService.ModelInfer.8"
        assert await gateway.stat(name) == 1


async def test_an_answer_that_is_larger_than_the_limit(triton: Triton) -> None:
    [port] = free_ports(1)
    bounded = model(port, triton="slow", bounds=Bounds(max_response_bytes=300))
    async with Gateway(table(bounded, one=pod(triton))), http(port) as client:
        assert (await client.post(INFER, json=nap(0))).status_code == 200
        refused = await client.get("/v2/models/slow/config")
    assert refused.status_code == 502
    assert refused.json() == {"error": "The answer of the model is larger than 300 bytes, which is its limit."}


async def test_headers_that_are_larger_than_the_limit(triton: Triton) -> None:
    [port] = free_ports(1)
    bounded = model(port, triton="slow", bounds=Bounds(max_header_bytes=10 * 1024))
    async with Gateway(table(bounded, one=pod(triton))) as gateway, http(port) as client, stub_of(port) as stub:
        # Triton itself takes no single header of more than 8 KiB.
        headers = {f"x-{number}": "x" * 3_000 for number in range(4)}
        many = {f"x-{number}": "" for number in range(101)}
        assert (await client.get("/v2", headers=dict([*headers.items()][:3]))).status_code == 200
        refused = await client.get("/v2", headers=headers)
        assert (refused.status_code, refused.json()) == (431, {"error": "Request Header Fields Too Large"})
        assert (await client.get("/v2", headers=many)).status_code == 431
        await stub.ModelInfer(infer("slow", SECONDS=[0]), metadata=(("x-large", "x" * 9_000),))
        for large in ((("x-large", "x" * 11_000),), tuple(headers.items()), tuple(many.items())):
            # Over HTTP/2 Envoy has no answer for it: it resets the stream.
            status, says, _ = await said(stub.ModelInfer(infer("slow", SECONDS=[0]), metadata=large))
            assert (status, "RST_STREAM" in says) == (grpc.StatusCode.INTERNAL, True), says
        # The connection is as good as before.
        await stub.ModelInfer(infer("slow", SECONDS=[0]))
        assert await gateway.stat("cluster.fraud/1/http.upstream_rq_total") == 1
        assert await gateway.stat("cluster.fraud/1/grpc.upstream_rq_total") == 2


async def test_as_many_are_in_flight_as_the_pods_may_have(triton: Triton, another_triton: Triton) -> None:
    [port] = free_ports(1)
    bounded = model(port, triton="slow", bounds=Bounds(max_concurrency=2))

    async def outcome(asked: int) -> tuple[list[int], list[grpc.StatusCode]]:
        async with http(port) as client, stub_of(port) as stub:
            answers = await asyncio.gather(*(client.post(INFER, json=nap(0.3)) for _ in range(asked)))
            calls = [stub.ModelInfer(infer("slow", SECONDS=[0.3])) for _ in range(asked)]
            await asyncio.wait([asyncio.create_task(call.wait_for_connection()) for call in calls])
            codes = await asyncio.gather(*(call.code() for call in calls))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert all(answer.json() == {"error": TOO_MANY} for answer in refused)
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        return sorted(answer.status_code for answer in answers), sorted(codes, key=str)

    ok, unavailable = grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE
    async with Gateway(table(bounded, one=pod(triton))) as gateway:
        assert await outcome(5) == ([200] * 2 + [503] * 3, [ok] * 2 + [unavailable] * 3)
        await gateway.publish(table(bounded, one=(pod(triton), pod(another_triton))))
        assert await outcome(6) == ([200] * 4 + [503] * 2, [ok] * 4 + [unavailable] * 2)
        for protocol in ("http", "grpc"):
            counted = [
                await gateway.stat(f"cluster.fraud/1/{protocol}.upstream_rq_{kind}_overflow")
                for kind in ("active", "pending")
            ]
            assert sum(counted) == 5


@pytest.mark.parametrize("split", [shares(0), shares(0, 0), ()], ids=["one", "two", "none"])
async def test_nobody_takes_requests_yet(triton: Triton, split: tuple[Share, ...]) -> None:
    [port] = free_ports(1)
    none = replace(model(port), shares=split)
    async with Gateway(table(none, one=pod(triton))), http(port) as client, stub_of(port) as stub:
        answer = await client.post("/v2/models/adder/infer", json={})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        status, says, metadata = await said(stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[1, 1]])))
    assert status is grpc.StatusCode.UNAVAILABLE
    assert answer.json() == {"error": says}
    assert metadata["retry-after"] == "1"


async def test_no_pod_is_ready(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port))) as gateway, http(port) as client, stub_of(port) as stub:
        answer = await client.post("/v2/models/adder/infer", json={})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["tritium-revision"] == "1"
        status, says, _ = await said(stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[1, 1]])))
        assert status is grpc.StatusCode.UNAVAILABLE
        assert answer.json() == {"error": says} == {"error": NOBODY}
        # The first pod that comes up gets the next request, on the same connections.
        await gateway.publish(table(model(port), one=pod(triton)))
        assert (await client.get("/v2/models/adder")).status_code == 200
