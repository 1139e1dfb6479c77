"""Shares of the traffic, as they come out.

100,000 requests are too many for Triton in a test's time: an Envoy answers them. What is sent to Triton beside that
goes by the same routes.
"""

import asyncio
from collections import Counter
from functools import partial
from math import sqrt
from typing import Any

import grpc
from tritonclient.grpc.service_pb2 import ServerLiveRequest

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.raw import get, revisions
from tests.dataplane.gateway.requests import floats, http, infer, stub_of, sum_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, pod, shares, table
from tests.dataplane.gateway.upstream import answering
from tests.dataplane.triton import Triton
from tests.ports import free_ports
from tritium.gateway.table import Copies, Header, Share

LIVE = get("/v2/health/live")
INFER = "/v2/models/adder/infer"


def is_near(count: int, of: int, share: float) -> bool:
    """Whether it is within four standard deviations of what it should be."""
    return abs(count - of * share) <= 4 * sqrt(of * share * (1 - share))


async def test_100_000_requests_are_shared_as_the_weights_say() -> None:
    [port], asked, split = free_ports(1), 100_000, shares(100, 2_900, 7_000)
    with answering() as everybody:
        async with Gateway(table(model(port, *split), one=everybody, two=everybody, three=everybody)) as gateway:
            found = Counter(await revisions(port, [LIVE] * asked))
            for share in split:
                assert is_near(found[share.revision], asked, share.weight / 10_000), found
                sent = await gateway.stat(f"cluster.fraud/{share.revision}/http.upstream_rq_200")
                assert sent == found[share.revision]


async def test_100_000_calls_of_grpc_are_shared_as_the_weights_say() -> None:
    [port], asked, split = free_ports(1), 100_000, shares(100, 2_900, 7_000)
    with answering() as everybody:
        pods = {"one": everybody, "two": everybody, "three": everybody}
        async with Gateway(table(model(port, *split), **pods)) as gateway, stub_of(port) as stub:
            found = await shared_by_grpc(stub, asked, at_once=100)
            assert found.total() == asked
            for share in split:
                assert is_near(found[share.revision], asked, share.weight / 10_000), found
                sent = await gateway.stat(f"cluster.fraud/{share.revision}/grpc.grpc.0")
                assert sent == found[share.revision]
            assert await gateway.stat("http.model/fraud.downstream_cx_total") == 1


async def shared_by_grpc(stub: Any, asked: int, *, at_once: int) -> Counter[int]:
    """How many calls each revision answers; so many streams are open on one connection."""
    request, found = ServerLiveRequest(), Counter[int]()

    async def ask() -> None:
        for _ in range(asked // at_once):
            call = stub.ServerLive(request)
            assert await call.code() is grpc.StatusCode.OK, await call.details()
            # An answer that is over with its headers has no initial ones.
            found[int(dict(await call.trailing_metadata())["tritium-revision"])] += 1

    await asyncio.gather(*(ask() for _ in range(at_once)))
    return found


async def test_triton_gets_its_shares_by_http_and_by_grpc(triton: Triton) -> None:
    [port], asked = free_ports(1), 500
    pods = {"one": pod(triton), "two": pod(triton)}
    async with Gateway(table(model(port, *shares(2_000, 8_000)), **pods)), http(port) as client, stub_of(port) as stub:
        answers = [await client.post(INFER, json=sum_of(1, 2)) for _ in range(asked)]
        assert {answer.json()["outputs"][0]["data"][0] for answer in answers} == {3.0}
        by_http = Counter(answer.headers["tritium-revision"] for answer in answers)
        by_grpc: Counter[str] = Counter()
        for _ in range(asked):
            call = stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]]))
            assert floats(await call)[0] == 3
            by_grpc[dict(await call.initial_metadata())["tritium-revision"]] += 1
    for found in (by_http, by_grpc):
        assert is_near(found["2"], asked, 0.2), found
        assert found.total() == asked


async def test_a_weight_changes_between_two_requests_of_one_connection(triton: Triton) -> None:
    [port] = free_ports(1)
    pods = {"one": pod(triton), "two": pod(triton)}
    async with Gateway(table(model(port, *shares(0, 10_000)), **pods)) as gateway, http(port) as client:
        for weight, revision in ((0, "1"), (10_000, "2"), (0, "1")):
            await gateway.publish(table(model(port, *shares(weight, 10_000 - weight)), **pods))
            answer = await client.post(INFER, json=sum_of(1, 2))
            assert (answer.status_code, answer.headers["tritium-revision"]) == (200, revision)
        assert await gateway.stat("http.model/fraud.downstream_cx_total") == 1


async def test_a_request_with_the_headers_of_an_arm_comes_to_it_whatever_the_weights_say(triton: Triton) -> None:
    [port] = free_ports(1)
    arm = Share(2, "two", 0, (Header("x-arm", "new"), Header("x-site", " köln ")))
    pods = {"one": pod(triton), "two": pod(triton)}
    async with Gateway(table(model(port, arm, *shares(10_000)), **pods)), http(port) as client, stub_of(port) as stub:

        async def revision(**headers: str) -> str:
            encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
            answer = await client.post(INFER, json=sum_of(1, 2), headers=encoded)
            return str(answer.headers["tritium-revision"])

        assert await revision(x_arm="new", x_site="köln") == "2"
        assert await revision(X_Arm="new", X_Site="köln") == "2"
        assert await revision(x_arm="new") == "1"
        assert await revision(x_arm="New", x_site="köln") == "1"

    arm = Share(2, "two", 0, (Header("x-arm", "new"),))
    async with Gateway(table(model(port, arm, *shares(10_000)), **pods)), stub_of(port) as stub:
        for metadata, expected in (((("x-arm", "new"),), "2"), ((), "1")):
            call = stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]]), metadata=metadata)
            assert dict(await call.initial_metadata())["tritium-revision"] == expected


async def test_copies_go_to_the_other_revision_and_nobody_sees_their_answers(triton: Triton) -> None:
    [port], asked = free_ports(1), 200
    pods = {"one": pod(triton), "two": pod(triton)}
    copied = model(port, *shares(0, 10_000), copies=Copies(2, 50))
    async with Gateway(table(copied, **pods)) as gateway, http(port) as client, stub_of(port) as stub:
        for _ in range(asked):
            answer = await client.post(INFER, json=sum_of(1, 2))
            assert answer.headers["tritium-revision"] == "1"
            await stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]]))
            await client.get("/v2/models/adder")  # not an inference, so not copied
        for name in ("cluster.fraud/2/http.upstream_rq_200", "cluster.fraud/2/grpc.upstream_rq_200"):
            await wait_for(partial(gateway.stat, name), 5, name, until=lambda count: is_near(count, asked, 0.5))
        assert await gateway.stat("cluster.fraud/1/http.upstream_rq_200") == 2 * asked


async def test_a_revision_without_pods_gets_copies_and_does_no_harm(triton: Triton) -> None:
    [port] = free_ports(1)
    copied = model(port, *shares(0, 10_000), copies=Copies(2, 100))
    async with Gateway(table(copied, one=pod(triton))) as gateway, http(port) as client:
        answers = await asyncio.gather(*(client.post(INFER, json=sum_of(1, 2)) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        assert await gateway.stat("cluster.fraud/2/http.upstream_cx_none_healthy") == 50
