"""Requests for a model without pods wait in Envoy, and are answered when it has one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from tritonclient.grpc import service_pb2

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.front import in_front_of
from tests.dataplane.gateway.holding import INFER, asking, counted, give_up, pods, took, waited_on
from tests.dataplane.gateway.requests import floats, http, infer, said, stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import holding, model, nobody, pod, shares, table
from tests.dataplane.gateway.test_snapshot_bodies import binary, pieces, tensor_of
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.gateway.asked import KNOWN
from tritium.gateway.snapshot.held import MOST
from tritium.gateway.table import Model

CYCLES = 20
LARGE = np.random.default_rng(1).random((1, 5 * 2**18), np.float32)
"""5 MiB."""


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


async def test_what_waits_is_answered_when_there_is_a_pod(triton: Triton, port: int) -> None:
    """HTTP/1.1, HTTP/2, gRPC and a stream of it; small and large, with a length and without."""
    asleep, awake = (holding(port, 7, asleep=each, triton="identity") for each in (True, False))
    body, headers = binary(LARGE)
    small, small_headers = binary(LARGE[:, :4])
    path = "/v2/models/identity/infer"

    with in_front_of(port) as front:
        async with Gateway(table(asleep)) as gateway, http(port) as client, http(front) as http2, stub_of(port) as stub:
            posts: list[tuple[httpx.AsyncClient, bytes | AsyncIterator[bytes], dict[str, str]]] = [
                (client, small, small_headers),
                (client, body, headers),
                (client, pieces(body, 2**20), headers),
                (http2, small, small_headers),
                (http2, body, headers),
            ]
            web = [asyncio.create_task(c.post(path, content=b, headers=h)) for c, b, h in posts]
            calls = [asyncio.create_task(_called(stub, each)) for each in (LARGE[:, :4], LARGE)]
            streamed = asyncio.create_task(_streamed(stub))
            await waited_on(gateway, 2)
            await asyncio.sleep(0.5)
            assert not any(each.done() for each in (*web, *calls, streamed))
            gateway.tell(table(awake, one=pod(triton)))
            for number, each in enumerate(web):
                answer = await each
                assert (answer.status_code, answer.headers["tritium-revision"]) == (HTTPStatus.OK, "1")
                assert np.array_equal(tensor_of(answer), LARGE[0, : 4 if number in {0, 3} else None])
            assert [len(await each) for each in calls] == [4, LARGE.size]
            assert np.array_equal((await streamed)[0], LARGE[0])
            await gateway.whole()
            assert (await client.post(path, content=small, headers=small_headers)).status_code == HTTPStatus.OK
            # As much as if they had not waited.
            assert await gateway.stat("cluster.fraud/1/http.upstream_rq_200") == len(posts) + 1
            counted = await asyncio.to_thread(gateway.envoy.admin.stats, "fraud/1/grpc.grpc")
            assert sum(each for name, each in counted.items() if name.endswith("Infer.0")) == 3


async def _called(stub: Any, tensor: np.ndarray) -> Any:
    return floats(await stub.ModelInfer(infer("identity", IN_FP32=tensor)))


async def _streamed(stub: Any) -> Any:
    async def ask() -> AsyncIterator[service_pb2.ModelInferRequest]:
        yield infer("identity", IN_FP32=LARGE)

    return [floats(each.infer_response) async for each in stub.ModelStreamInfer(ask())]


async def test_a_model_that_sleeps_and_wakes_again_and_again_loses_nothing(port: int) -> None:
    """Each sleep has names of its own; what it leaves in Envoy goes in time."""
    async with pods() as one, Gateway(None) as gateway, http(port) as client, stub_of(port) as stub:
        for cycle in range(CYCLES):
            gateway.tell(table(holding(port, 2 * cycle, asleep=True)))
            await gateway.whole()
            if cycle == 0:
                await asyncio.to_thread(gateway.envoy.wait_live)
            web = [asyncio.create_task(client.post(INFER, content=b"x" * size)) for size in (1, 100_000)]
            call = asyncio.create_task(stub.ModelInfer(infer("adder")).code())
            await waited_on(gateway, 2)
            gateway.tell(table(holding(port, 2 * cycle, asleep=False), one=one))
            assert [(await each).text for each in web] == ["1", "100000"], cycle
            assert await call is grpc.StatusCode.OK, cycle
        assert gateway.waiting.open() == 0


async def test_who_goes_to_sleep_while_clients_ask_loses_no_request(port: int) -> None:
    """The pods are there until Envoy has the route; then they go. And the same with pods that come back."""
    async with pods() as one, Gateway(table(holding(port, 1, asleep=False), one=one)) as gateway:
        async with asking(port) as account:
            for since in range(2, 12):
                await asyncio.sleep(0.1)
                await gateway.publish(table(holding(port, since, asleep=True), one=one))
                await wait_for(gateway.waiting.open, 5, "somebody waits")
                gateway.tell(table(holding(port, since, asleep=True)))
                gateway.tell(table(holding(port, since, asleep=False)))
                gateway.tell(table(holding(port, since, asleep=False), one=one))
                await gateway.whole()
        assert set(account) == {"200 1"}, account
        assert account.total() > 100


async def test_the_only_pod_that_crashes_is_waited_for(port: int) -> None:
    """Without a word of the operator."""
    awake = holding(port, 1, asleep=False)
    async with pods() as one, Gateway(table(awake, one=one)) as gateway, http(port) as client:
        assert (await client.post(INFER)).status_code == HTTPStatus.OK
        await gateway.publish(table(awake))
        task = asyncio.create_task(client.post(INFER))
        await waited_on(gateway, 1)
        assert (await gateway.waiting.report("")).models == []
        gateway.tell(table(awake, one=one))
        assert (await task).status_code == HTTPStatus.OK


async def test_nothing_but_inference_wakes_a_model(port: int) -> None:
    """Health, metadata, configuration, statistics, and what never passes."""
    async with Gateway(table(holding(port, 7, asleep=True))) as gateway, http(port) as client, stub_of(port) as stub:
        for path in ("/v2", "/v2/health/ready", "/v2/health/live", *(f"/v2/models/adder{each}" for each in READS)):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "1"), path
            assert "starts when a request for inference comes" in answer.json()["error"]
        for call in (
            stub.ServerLive(service_pb2.ServerLiveRequest()),
            stub.ModelReady(service_pb2.ModelReadyRequest(name="adder")),
            stub.ModelStatistics(service_pb2.ModelStatisticsRequest()),
        ):
            code, _, metadata = await said(call)
            assert (code, metadata["retry-after"]) == (grpc.StatusCode.UNAVAILABLE, "1")
        assert (await client.post("/v2/repository/index")).status_code == HTTPStatus.FORBIDDEN
        assert (await client.get(INFER)).status_code == HTTPStatus.FORBIDDEN
        task = asyncio.create_task(client.post(INFER))
        await waited_on(gateway, 1)  # so it would have been seen
        await give_up([task])


READS = ("", "/ready", "/config", "/stats")


async def test_who_has_waited_long_enough_is_told_so_and_the_next_one_waits_anew(port: int) -> None:
    short = table(holding(port, 7, asleep=True, ms=800))
    async with pods() as one, Gateway(short) as gateway, http(port) as client, stub_of(port) as stub:
        for _ in range(2):
            seconds, answer = await took(client.post(INFER))
            assert 0.7 < seconds < 2
            assert (answer.status_code, answer.headers["retry-after"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "1")
            assert "within the time that a request waits" in answer.json()["error"]
        code, text, metadata = await said(stub.ModelInfer(infer("adder")))
        assert (code, metadata["retry-after"]) == (grpc.StatusCode.UNAVAILABLE, "1")
        assert "within the time that a request waits" in text
        first = asyncio.create_task(took(client.post(INFER)))
        await asyncio.sleep(0.5)
        second = asyncio.create_task(took(client.post(INFER)))
        assert (await first)[1].status_code == HTTPStatus.SERVICE_UNAVAILABLE
        await asyncio.sleep(0.1)
        assert not second.done(), "it has waited for less than half of its time"
        gateway.tell(table(holding(port, 7, asleep=False, ms=800), one=one))
        assert (await second)[1].status_code == HTTPStatus.OK


async def test_who_has_waited_in_vain_again_and_again_is_still_waited_for(port: int) -> None:
    """Of the names of before Envoy has been told that they are gone. That is no harm to the present one."""
    more = KNOWN + 4
    short = holding(port, 7, asleep=True, ms=200)
    async with pods() as one, Gateway(table(short)) as gateway, http(port) as client:
        for _ in range(more):
            assert (await client.post(INFER)).status_code == HTTPStatus.SERVICE_UNAVAILABLE
            await asyncio.sleep(0.05)
        await gateway.publish(table(holding(port, 7, asleep=True)))
        for again in range(2):
            task = asyncio.create_task(client.post(INFER))
            await waited_on(gateway, 1 if again else KNOWN)
            gateway.tell(table(holding(port, 7, asleep=False), one=one))
            assert (await task).status_code == HTTPStatus.OK
            await gateway.publish(table(holding(port, 7, asleep=True)))


async def test_where_nobody_is_to_wait_it_is_counted_that_somebody_came(port: int) -> None:
    """By that the operator sees it."""
    asleep = holding(port, 7, asleep=True, ms=0)
    async with pods() as one, Gateway(table(asleep)) as gateway, http(port) as client:
        answer = await client.post(INFER)
        assert (answer.status_code, answer.headers["retry-after"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "1")
        assert await gateway.stat("cluster.fraud/1/http.upstream_cx_none_healthy") == 1
        assert (await client.get("/v2/models/adder/ready")).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert await gateway.stat("cluster.fraud/1/http.upstream_cx_none_healthy") == 1
        assert gateway.waiting.open() == 0
        await gateway.publish(table(holding(port, 7, asleep=False, ms=0), one=one))
        assert (await client.post(INFER)).status_code == HTTPStatus.OK


async def test_only_so_many_wait_and_all_of_them_are_answered(port: int) -> None:
    """The others are told at once. Who is answered or goes away makes room."""
    more = 40
    async with pods() as one, Gateway(table(holding(port, 7, asleep=True))) as gateway, http(port) as client:
        gone = [asyncio.create_task(client.post(INFER, content=b"1")) for _ in range(more)]
        await asyncio.sleep(0.5)
        await give_up(gone)
        tasks = [asyncio.create_task(client.post(INFER, content=b"1")) for _ in range(MOST + more)]
        await wait_for(lambda: sum(each.done() for each in tasks), 10, until=lambda done: done == more)
        refused = [await each for each in tasks if each.done()]
        assert {(each.status_code, each.headers["retry-after"]) for each in refused} == {(503, "1")}
        assert "Too many requests wait" in refused[0].json()["error"]
        async with stub_of(port) as stub:
            code, text, metadata = await said(stub.ModelInfer(infer("adder")))
        assert (code, metadata["retry-after"]) == (grpc.StatusCode.UNAVAILABLE, "1")
        assert "Too many requests wait" in text
        gateway.tell(table(holding(port, 7, asleep=False), one=one))
        answers = Counter([(await each).status_code for each in tasks])
        assert answers == {HTTPStatus.OK: MOST, HTTPStatus.SERVICE_UNAVAILABLE: more}


async def test_as_many_as_waited_are_not_too_many_for_the_model(port: int) -> None:
    """It takes two at a time; what has waited waits a little longer."""
    few = replace_concurrency(holding(port, 7, asleep=True), 2)
    async with pods() as one, Gateway(table(few)) as gateway, http(port) as client:
        tasks = [asyncio.create_task(client.post(INFER, content=b"1")) for _ in range(50)]
        await waited_on(gateway, 1)
        await asyncio.sleep(0.5)
        gateway.tell(table(replace_concurrency(holding(port, 7, asleep=False), 2), one=one))
        assert Counter([(await each).status_code for each in tasks]) == {HTTPStatus.OK: 50}


def replace_concurrency(given: Model, most: int) -> Model:
    """The same model with other bounds."""
    return replace(given, bounds=replace(given.bounds, max_concurrency=most))


async def test_one_model_does_not_delay_another(port: int) -> None:
    """The first waits for long, and is of a port of its own as of the shared one."""
    [other] = free_ports(1)
    asleep = holding(port, 7, asleep=True, host="ml.example.com", path="/a")
    also, awake = (
        holding(other, 7, asleep=each, name="churn", host="ml.example.com", path="/b") for each in (True, False)
    )
    async with pods() as one, Gateway(table(asleep, also)) as gateway, http(port) as client, http(other) as second:
        shared = f"http://{HOST}:{gateway.shared_port}"
        host = {"host": "ml.example.com"}
        first = [
            asyncio.create_task(client.post(INFER)),
            asyncio.create_task(client.post(f"{shared}/a{INFER}", headers=host)),
        ]
        await waited_on(gateway, 1)
        waking = [
            asyncio.create_task(second.post(INFER)),
            asyncio.create_task(second.post(f"{shared}/b{INFER}", headers=host)),
        ]
        seconds, _ = await took(waited_on(gateway, 2))
        assert seconds < 1
        gateway.tell(table(asleep, awake, one=one))
        assert [(await each).status_code for each in waking] == [HTTPStatus.OK] * 2
        assert not any(each.done() for each in first)
        gateway.tell(table(holding(port, 7, asleep=False, host="ml.example.com", path="/a"), awake, one=one))
        assert [(await each).status_code for each in first] == [HTTPStatus.OK] * 2


async def test_what_waits_costs_little_memory(port: int) -> None:
    """200 bodies of 1 MB: most of them stay with their clients until they can go on."""
    body = b"x" * 1_000_000

    async with pods() as one, Gateway(table(holding(port, 7, asleep=True))) as gateway, http(port) as client:
        before = _resident(gateway.envoy.pid)
        tasks = [asyncio.create_task(client.post(INFER, content=body)) for _ in range(200)]
        await wait_for(lambda: gateway.stat("http.model/fraud.downstream_rq_active"), until=lambda seen: seen == 200)
        await asyncio.sleep(1)
        assert _resident(gateway.envoy.pid) - before < 80 * 2**20
        gateway.tell(table(holding(port, 7, asleep=False), one=one))
        assert Counter([(await each).text for each in tasks]) == {"1000000": 200}


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


async def test_what_a_sleep_leaves_in_envoy_goes_and_what_is_under_way_on_it_does_not(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tritium.gateway.holding.STAYS", -120.0)  # so as much earlier as requests may take

    async with pods() as one, Gateway(table(holding(port, 7, asleep=True, ms=1_000))) as gateway, http(port) as client:
        task = asyncio.create_task(client.post(INFER, content=b"x", headers={"x-takes": "3"}))
        await waited_on(gateway, 1)
        gateway.tell(table(holding(port, 7, asleep=False, ms=1_000), one=one))
        await wait_for(lambda: left(gateway), 5, "it is there", until=lambda seen: len(seen) == 1)
        await wait_for(lambda: left(gateway), 5, "it is gone", until=lambda seen: not seen)
        assert not task.done()
        assert (await task).text == "1"
        assert (await client.post(INFER, content=b"x")).text == "1"


async def test_another_model_of_the_same_name_has_nothing_of_the_one_before(port: int) -> None:
    """Neither its requests, nor what it left in Envoy; and whoever waited for it wakes nobody."""
    asleep = holding(port, 7, asleep=True)
    other = replace(asleep, uid="another")
    async with pods() as one, Gateway(table(asleep)) as gateway, http(port) as client:
        task = asyncio.create_task(client.post(INFER))
        await waited_on(gateway, 1)
        gateway.tell(table(other))
        seconds, answer = await took(task)
        assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert seconds < 5
        assert (await gateway.waiting.report("")).models == []
        task = asyncio.create_task(client.post(INFER))
        await waited_on(gateway, 1)
        gateway.tell(table(replace(holding(port, 7, asleep=False), uid="another"), one=one))
        assert (await task).status_code == HTTPStatus.OK
        await wait_for(lambda: left(gateway), 5, "it is there", until=lambda seen: len(seen) == 1)
        gateway.tell(table(asleep))
        await wait_for(lambda: left(gateway), 5, "it is gone", until=lambda seen: not seen)


async def left(gateway: Gateway) -> set[str]:
    """Clusters of names on which requests waited."""
    lines = (await asyncio.to_thread(gateway.envoy.admin.get, "/clusters")).splitlines()
    return {line.partition("::")[0] for line in lines if "/z" in line}


async def test_what_waits_is_not_counted_as_refused(port: int) -> None:
    """It has no revision yet. Who has waited for too long never gets one."""

    async def refused() -> tuple[int, int]:
        fraud = await counted(gateway, holding(port, 7, asleep=True))
        return fraud.requests - fraud.routed, fraud.answered

    async with pods() as one, Gateway(table(holding(port, 7, asleep=True, ms=800))) as gateway, http(port) as client:
        assert (await client.post("/v2/repository/index")).status_code == HTTPStatus.FORBIDDEN
        task = asyncio.create_task(client.post(INFER, content=b"x"))
        await waited_on(gateway, 1)
        assert await refused() == (0, 1)
        assert (await task).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert await refused() == (0, 2)
        task = asyncio.create_task(client.post(INFER, content=b"x"))
        await waited_on(gateway, 1)
        gateway.tell(table(holding(port, 7, asleep=False, ms=800), one=one))
        assert (await task).status_code == HTTPStatus.OK
        assert await refused() == (0, 2)


async def test_a_pod_that_takes_no_connection_costs_no_request_of_usual_size(port: int) -> None:
    """Although the port keeps little of what waits: half a megabyte is sent again, as on every other port."""
    async with pods() as one, Gateway(table(holding(port, 7, asleep=False), one=(one, nobody()))), http(port) as client:
        answers = Counter([(await client.post(INFER, content=b"x" * 500_000)).text for _ in range(30)])
        assert answers == {"500000": 30}


async def test_nor_one_of_a_neighbour_that_never_sleeps(port: int) -> None:
    """They share a port, which keeps little for the sake of what waits."""
    [other] = free_ports(1)
    sleeper = holding(port, 7, asleep=True, host="ml.example.com", path="/a")
    neighbour = model(other, name="churn", host="ml.example.com", path="/b")
    async with pods() as one, Gateway(table(sleeper, neighbour, one=(one, nobody()))) as gateway:
        async with http(gateway.shared_port) as client:
            headers = {"host": "ml.example.com"}
            posts = [await client.post(f"/b{INFER}", content=b"x" * 100_000, headers=headers) for _ in range(60)]
        assert Counter(each.text for each in posts) == {"100000": 60}
        assert await gateway.stat("cluster.churn/1/http.upstream_rq_retry") > 0


async def test_of_two_revisions_the_one_that_answers_is_named(port: int) -> None:
    """Whichever has pods first."""
    split = shares(500, 9_500)
    async with pods() as one, Gateway(table(holding(port, 7, asleep=False))) as gateway, http(port) as client:
        both = replace(holding(port, 7, asleep=False), shares=split)
        for service, revision in (("two", "2"), ("one", "1")):
            await gateway.publish(table(both))
            task = asyncio.create_task(client.post(INFER))
            await waited_on(gateway, 1)
            gateway.tell(table(both, **{service: one}))
            assert (await task).headers["tritium-revision"] == revision
