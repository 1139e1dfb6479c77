"""What is sent a second time, and what is not; and what becomes of a pod that leaves."""

import asyncio

import grpc
import numpy as np

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.requests import floats, http, infer, nap, said, stub_of, sum_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, nobody, pod, table
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.gateway.table import Endpoint

INFER = "/v2/models/adder/infer"


async def runs(triton: Triton, name: str) -> int:
    """How often Triton has run a model, by its own count."""
    async with http(triton._http) as client:
        stats = (await client.get(f"/v2/models/{name}/stats")).json()["model_stats"][0]
        return int(stats["inference_stats"]["success"]["count"]) + int(stats["inference_stats"]["fail"]["count"])


async def test_a_pod_that_takes_no_connection_costs_no_request(triton: Triton) -> None:
    [port], asked = free_ports(1), 60
    before = await runs(triton, "adder")
    async with Gateway(table(model(port), one=(pod(triton), nobody()))) as gateway, http(port) as client:
        answers = await asyncio.gather(*(client.post(INFER, json=sum_of(1, 2)) for _ in range(asked)))
        assert {answer.status_code for answer in answers} == {200}
        async with stub_of(port) as stub:
            calls = [stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]])) for _ in range(asked)]
            assert {floats(answer)[0] for answer in await asyncio.gather(*calls)} == {3}
        assert await gateway.stat("cluster.fraud/1/http.upstream_rq_retry") > 0
    assert await runs(triton, "adder") == before + 2 * asked


async def test_a_large_request_is_sent_again_as_a_whole_or_not_at_all(triton: Triton) -> None:
    """Envoy keeps a body only as far as its buffer goes."""
    [port] = free_ports(1)
    before = await runs(triton, "identity")
    tensor = np.arange(2**21, dtype=np.float32).reshape(1, -1)  # 8 MiB
    async with Gateway(table(model(port, triton="identity"), one=(pod(triton), nobody()))), stub_of(port) as stub:
        answered, refused = 0, []
        for _ in range(8):
            try:
                answer = await stub.ModelInfer(infer("identity", IN_FP32=tensor))
            except grpc.aio.AioRpcError as error:
                refused.append(error.code())
            else:
                answered += 1
                assert np.array_equal(floats(answer), tensor[0])
    assert answered > 0
    assert set(refused) <= {grpc.StatusCode.UNAVAILABLE}
    assert await runs(triton, "identity") == before + answered


async def test_an_error_of_the_model_is_not_tried_again(triton: Triton, another_triton: Triton) -> None:
    [port] = free_ports(1)
    pods = (pod(triton), pod(another_triton))
    headers = {"x-envoy-retry-on": "5xx", "x-envoy-max-retries": "3", "x-envoy-retriable-status-codes": "500"}
    async with Gateway(table(model(port), one=pods)) as gateway, http(port) as client, stub_of(port) as stub:
        answer = await client.post(INFER, json=sum_of(-1, 2), headers=headers)
        assert answer.status_code == 500
        assert "A must not be negative" in answer.json()["error"]
        code, says, _ = await said(stub.ModelInfer(infer("adder", A=[[-1, 1]], B=[[2, 2]])))
        assert (code, says) == (grpc.StatusCode.INTERNAL, "A must not be negative")
        for protocol in ("http", "grpc"):
            assert await gateway.stat(f"cluster.fraud/1/{protocol}.upstream_rq_total") == 1
            assert await gateway.stat(f"cluster.fraud/1/{protocol}.upstream_rq_retry") == 0


async def test_a_request_that_a_pod_has_seen_is_not_sent_to_another_one(triton: Triton) -> None:
    """What ended the one pod might end the next."""
    [port], asked = free_ports(1), 40
    seen: list[bytes] = []

    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"]}"))
        writer.close()

    dying = await asyncio.start_server(end, HOST, 0)
    address = dying.sockets[0].getsockname()[1]
    before = await runs(triton, "adder")
    pods = (pod(triton), Endpoint(HOST, address, address))
    async with dying, Gateway(table(model(port), one=pods)) as gateway, http(port) as client:
        answers = [await client.post(INFER, json=sum_of(1, 2)) for _ in range(asked)]
        assert await gateway.stat("cluster.fraud/1/http.upstream_rq_retry") == 0
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in refused} == {503}
    assert len(seen) == len(refused) > 0
    assert await runs(triton, "adder") == before + asked - len(refused)


async def test_a_pod_that_leaves_finishes_what_it_has_begun(triton: Triton, another_triton: Triton) -> None:
    [port] = free_ports(1)
    slow = model(port, triton="slow")
    async with Gateway(table(slow, one=pod(another_triton))) as gateway, http(port) as client:
        asking = asyncio.create_task(client.post("/v2/models/slow/infer", json=nap(0.3)))
        active = "cluster.fraud/1/http.upstream_rq_active"
        await wait_for(lambda: gateway.stat(active), 5, active)
        await gateway.publish(table(slow, one=pod(triton)))
        # What comes now goes elsewhere, and no connection stays.
        assert (await client.post("/v2/models/slow/infer", json=nap(0))).status_code == 200
        assert (await asking).status_code == 200
        await gateway.connections_end(another_triton._http, within=5)
