"""Requests and answers go to the model's logger; and whatever that does, to clients it makes no difference."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any, Final

import grpc
import pytest

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway import facts
from tests.dataplane.gateway.holding import INFER, asking, pods, took
from tests.dataplane.gateway.loggers import (
    ANSWERING,
    CHANGING,
    REFUSING,
    SLOW,
    STALLED,
    Logger,
    Sample,
    answering_much,
    serving,
)
from tests.dataplane.gateway.raw import revisions
from tests.dataplane.gateway.requests import http, infer, stub_of, sum_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, nobody, shares, table
from tests.dataplane.gateway.tables import pod as pod_of
from tests.dataplane.gateway.test_agent import running
from tests.dataplane.gateway.test_snapshot_bodies import pieces
from tests.dataplane.gateway.test_snapshot_split import is_near
from tests.dataplane.gateway.upstream import answering
from tests.dataplane.triton import Triton
from tests.ports import free_ports
from tritium.gateway.snapshot.names import log_lost
from tritium.gateway.snapshot.request_log import ENDS_WITHIN_MS, LARGE, MOST_SAMPLES
from tritium.gateway.table import Bounds, Endpoint, Header, Log, Share

ALL: Final = Log("log", 1_000_000, request=True, response=True)
ARM: Final = Share(2, "two", 0, (Header("x-arm", "new"),))
MIB: Final = 2**20
MESSAGE_TIMEOUT: Final = 0.2
"""Seconds that Envoy waits for a processor that it does wait for."""


async def told(logger: Logger, samples: int) -> list[Sample]:
    """Wait until a logger has so many samples, and no more."""
    found = await wait_for(lambda: logger.samples, 5, f"{samples} samples", until=lambda seen: len(seen) >= samples)
    assert len(found) == logger.begun == samples
    return found


async def lost(gateway: Gateway, samples: int, name: str = "fraud") -> None:
    """Wait until so many are counted as lost, and no more."""
    counted = await wait_for(lambda: gateway.stat(log_lost(name)), 10, "lost", until=lambda seen: seen >= samples)
    assert counted == samples


async def test_what_a_logger_is_told() -> None:
    """Of either protocol, of an arm like of the split: headers but for secrets, bodies, and how it ended."""
    [port] = free_ports(1)
    logger = Logger()
    async with (
        pods() as pod,
        serving(logger) as log,
        Gateway(table(model(port, ARM, *shares(10_000), log=ALL), one=pod, two=pod, log=log)) as gateway,
        http(port) as client,
        stub_of(port) as stub,
    ):
        secret = {"authorization": "Bearer a", "cookie": "a=b", "x-user": "u"}
        await client.post(INFER, content=b"abc", headers=secret)
        await client.post(INFER, content=b"abcd", headers={"x-arm": "new"})
        asked = infer("adder", A=[[1, 1]], B=[[2, 2]])
        assert await stub.ModelInfer(asked).code() is grpc.StatusCode.OK
        first, arm, by_grpc = await told(logger, 3)
        assert (first.request[":path"], first.request["x-user"], first.sent) == (INFER, "u", b"abc")
        assert (first.response[":status"], first.response["tritium-revision"], first.answer) == ("200", "1", b"3")
        assert not {"authorization", "cookie"} & first.request.keys()
        assert (arm.response["tritium-revision"], arm.answer) == ("2", b"4")
        assert by_grpc.request[":path"] == "/inference.GRPCInferenceService/ModelInfer"
        assert by_grpc.sent[5:] == asked.SerializeToString()
        assert (by_grpc.response | by_grpc.trailers)["grpc-status"] == "0"
        await lost(gateway, 0)


async def test_what_a_logger_is_not_told() -> None:
    """What is no inference, streams of gRPC, what is refused before it comes to the model, and the preview port."""
    logger = Logger()
    ports = free_ports(1)
    while ports[0] > 64_000:
        ports = free_ports(1)
    served = model(ports[0], log=ALL, preview=1, bounds=Bounds(max_request_bytes=1_000))
    async with (
        pods() as pod,
        serving(logger) as log,
        Gateway(table(served, one=pod, log=log)),
        http(ports[0]) as client,
        http(ports[0] + 1_000) as preview,
        stub_of(ports[0]) as stub,
    ):
        assert (await preview.post(INFER, content=b"a")).status_code == 200
        assert (await client.post(INFER, content=bytes(2_000))).status_code == 413
        await client.get("/v2/models/adder")
        await client.post("/v2/repository/index")
        await _streamed(stub)
        await client.post(INFER, content=b"last")
        [only] = await told(logger, 1)
        assert only.sent == b"last"


async def test_without_bodies_it_is_told_the_rest(triton: Triton) -> None:
    """The last of which are the headers of the answer, and for gRPC its trailers."""
    [port] = free_ports(1)
    heads, logger = replace(ALL, request=False, response=False), Logger()
    async with (
        serving(logger) as log,
        Gateway(table(model(port, log=heads), one=pod_of(triton), log=log)) as gateway,
        http(port) as client,
        stub_of(port) as stub,
    ):
        assert (await client.post(INFER, json=sum_of(1, 2))).status_code == 200
        await stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]]))
        by_http, by_grpc = await told(logger, 2)
        assert (by_http.sent, by_http.answer, by_http.response[":status"]) == (b"", b"", "200")
        assert (by_grpc.sent, by_grpc.answer, by_grpc.trailers["grpc-status"]) == (b"", b"", "0")
        await asyncio.sleep(ENDS_WITHIN_MS / 1000 + 0.5)  # by then Envoy has given up what has no end
        await lost(gateway, 0)


async def test_bodies_that_are_large() -> None:
    """Of a request that says that it is large only the answer is told; one that does not say so is cut off."""
    [port] = free_ports(1)
    logger, headers = Logger(), {"x-answer": "10"}
    async with (
        answering_much() as pod,
        serving(logger) as log,
        Gateway(table(model(port, log=ALL), one=pod, log=log)) as gateway,
        http(port) as client,
    ):
        for size in (LARGE, LARGE + 1):
            await client.post(INFER, content=bytes(size), headers=headers)
        whole, large = await told(logger, 2)
        assert (len(whole.sent), len(whole.answer)) == (LARGE, 10)
        assert (len(large.sent), len(large.answer), large.response[":status"]) == (0, 10, "200")
        await lost(gateway, 0)
        await client.post(INFER, content=pieces(bytes(8 * MIB), MIB), headers=headers)
        await lost(gateway, 1)
        assert (logger.begun, len(logger.samples)) == (3, 2)


async def test_a_share_of_the_requests_whatever_revision_answers() -> None:
    """Fair to both revisions, and the split is as it was: Envoy would draw both with one number."""
    [port], asked = free_ports(1), 12_000
    logger = Logger()
    few = replace(ALL, per_million=5_000)
    post = f"POST {INFER} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n".encode()
    async with serving(logger) as log:
        with answering() as pod:
            served = table(model(port, *shares(5_000, 5_000), log=few), one=pod, two=pod, log=log)
            async with Gateway(served) as gateway:
                answered = Counter(await revisions(port, [*repeat(post, asked)]))
                samples = await wait_for(lambda: logger.samples, 5, "samples")
                await lost(gateway, 0)
    assert is_near(answered[2], asked, 0.5)
    assert is_near(len(samples), asked, 0.005)
    by = Counter(each.response["tritium-revision"] for each in samples)
    assert is_near(by["2"], len(samples), 0.5), by


async def test_two_models_on_the_shared_port_have_loggers_of_their_own() -> None:
    ports = free_ports(2)
    loggers = {"fraud": Logger(), "churn": Logger(STALLED)}
    async with AsyncExitStack() as stack:
        pod = await stack.enter_async_context(pods())
        where = {f"{name}-log": await stack.enter_async_context(serving(each)) for name, each in loggers.items()}
        both = [
            model(port, name=name, host="a.example", path=f"/{name}", log=replace(ALL, service=f"{name}-log"))
            for port, name in zip(ports, loggers, strict=True)
        ]
        gateway = await stack.enter_async_context(Gateway(table(*both, one=pod, **where)))
        client = await stack.enter_async_context(http(gateway.shared_port, headers={"host": "a.example"}))
        own = await stack.enter_async_context(http(ports[0]))
        for name in ("fraud", "churn", "fraud"):
            assert (await client.post(f"/{name}{INFER}", content=name.encode())).text == "5"
        await own.post(INFER, content=b"own port")
        assert [each.sent for each in await told(loggers["fraud"], 3)] == [b"fraud", b"fraud", b"own port"]
        await lost(gateway, 1, "churn")
        await lost(gateway, 0, "fraud")


async def answers(port: int) -> list[Any]:
    """What clients get, of requests at once and one by one; nobody waits for as long as Envoy waits for a logger."""
    async with http(port) as client, stub_of(port) as stub:
        calls = [client.post(INFER, content=pieces(bytes(size * MIB), MIB)) for size in (2, 2, 3, 3)]
        calls += [client.post(INFER, content=b"x" * size) for size in (0, 1, 1_000, 100_000) for _ in range(10)]
        found: list[Any] = []
        one_by_one = [await took(client.post(INFER)) for _ in range(9)]
        assert median(seconds for seconds, _ in one_by_one) < MESSAGE_TIMEOUT
        for answer in [*await asyncio.gather(*calls), *(answer for _, answer in one_by_one)]:
            headers = {name: value for name, value in answer.headers.items() if name != "date"}
            found.append((answer.status_code, answer.content, headers))
        for _ in range(3):
            call = stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]]))
            found.append((await call.code(), dict(await call.initial_metadata()).get("tritium-revision")))
    return found


@pytest.mark.parametrize("bad", ["no-endpoint", "nobody-listens", STALLED, SLOW, REFUSING, ANSWERING, CHANGING])
async def test_whatever_the_logger_does_clients_get_the_same(bad: str) -> None:
    [port] = free_ports(1)
    logger = Logger(bad)
    async with pods() as pod, serving(logger) as log:
        async with Gateway(table(model(port), one=pod)):
            expected = await answers(port)
        elsewhere: dict[str, Endpoint | tuple[Endpoint, ...]] = {"no-endpoint": (), "nobody-listens": nobody()}
        where = elsewhere.get(bad, log)
        async with Gateway(table(model(port, log=ALL), one=pod, log=where)) as gateway:
            assert await answers(port) == expected
            assert (logger.begun > 0) is (where is log)
            if bad == SLOW:  # some come to their end
                await wait_for(lambda: gateway.stat(log_lost("fraud")), 10, "lost")
            elif bad not in {
                REFUSING,
                ANSWERING,
                CHANGING,
            }:  # what a logger has ended after the answer is its own to count
                await lost(gateway, len(expected))


def memory(gateway: Gateway) -> float:
    """What Envoy has, in MiB."""
    status = Path(f"/proc/{gateway.envoy.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


@pytest.mark.parametrize(
    ("size", "clients", "rounds"), [(MIB, 2 * MOST_SAMPLES, 2), (64 * MIB, 4, 2)], ids=["32-of-1-MiB", "4-of-64-MiB"]
)
async def test_what_a_logger_leaves_in_envoys_memory_is_bounded(size: int, clients: int, rounds: int) -> None:
    """Bodies each way while the logger reads nothing, as large as one that is told as a whole, and larger."""
    [port] = free_ports(1)
    served = model(port, log=ALL)
    async with answering_much() as pod, serving(Logger(STALLED)) as log, http(port) as client:

        async def ask() -> None:
            body = bytes(size) if size <= LARGE else pieces(bytes(size), MIB)
            answer = await client.post(INFER, content=body, headers={"x-answer": str(size)})
            assert (answer.status_code, len(answer.content)) == (200, size)

        async def most(gateway: Gateway) -> float:
            """The most that Envoy has in all rounds."""
            seen = [memory(gateway)]
            for _ in range(rounds):
                asking = asyncio.gather(*(ask() for _ in range(clients)))
                while not asking.done():
                    seen.append(memory(gateway))
                    await asyncio.sleep(0.02)
                await asking
            return max(seen)

        async with Gateway(table(replace(served, log=None), one=pod)) as gateway:
            usual = await most(gateway)
        async with Gateway(table(served, one=pod, log=log)) as gateway:
            found = await most(gateway)
            assert found - usual < 64
            # What is held is given back.
            active = "cluster.fraud/log.upstream_rq_active"
            await wait_for(
                lambda: gateway.stat(active), ENDS_WITHIN_MS / 1000 + 3, "samples end", until=lambda seen: seen == 0
            )


async def test_so_many_samples_are_on_their_way_and_no_more() -> None:
    """Two loggers share what there is; the requests beyond it are answered like the others."""
    ports, logger = free_ports(2), Logger(STALLED)
    fraud, churn = (
        model(port, name=name, log=replace(ALL, service=name))
        for port, name in zip(ports, ("fraud", "churn"), strict=True)
    )
    async with (
        pods() as pod,
        serving(logger) as log,
        Gateway(table(fraud, churn, one=pod, fraud=log, churn=log)) as gateway,
        http(ports[0], headers={"x-takes": "1"}) as client,
    ):
        answers = await asyncio.gather(*(client.post(INFER) for _ in range(MOST_SAMPLES)))
        assert {each.status_code for each in answers} == {200}
        assert logger.begun == MOST_SAMPLES / 2
        await lost(gateway, MOST_SAMPLES)


async def test_turning_it_on_and_off_loses_no_request_and_moves_nobody() -> None:
    [port] = free_ports(1)
    logger = Logger()
    users = [
        f"POST {INFER} HTTP/1.1\r\nhost: a\r\nx-user: {number}\r\ncontent-length: 0\r\n\r\n".encode()
        for number in range(200)
    ]
    async with pods() as pod, serving(logger) as log:
        given = model(port, *shares(3_000, 7_000), sticky="x-user")

        async def run(gateway: Gateway, log_: Log | None) -> list[int]:
            await gateway.publish(table(replace(given, log=log_), one=pod, two=pod, log=log))
            return await revisions(port, users)

        async with Gateway(table(given, one=pod, two=pod)) as gateway:
            async with asking(port) as account:
                seen = [await run(gateway, each) for each in (None, ALL, replace(ALL, per_million=300_000), None, ALL)]
            assert [*account] == ["200 1"]
    assert all(each == seen[0] for each in seen)
    assert logger.samples


async def test_the_agent_tells_what_is_lost(tmp_path: Path) -> None:
    [port] = free_ports(1)
    name = 'tritium_gateway_log_lost_total{name="fraud",namespace="ml"}'
    log = {"service": "fraud-log", "perMillion": 1_000_000, "request": True}
    traffic: dict[str, Any] = {"port": port, "model": "adder", "revisions": [facts.revision(1)], "log": log}
    async with pods() as pod:
        served = facts.facts([facts.model(version=1, **traffic)], [facts.slice_of("fraud-1", pod)])
        async with running(tmp_path, served) as gateway, http(port) as client:
            assert f"{name} 0.0" in (await gateway.state("/metrics"))[1]
            for _ in range(3):
                assert (await client.post(INFER)).status_code == 200
            await wait_for(lambda: gateway.state("/metrics"), 5, "3 lost", until=lambda seen: f"{name} 3.0" in seen[1])
            gateway.kill_envoy()
            status, told = await gateway.state("/metrics")
            assert (status, name in told) == (200, False)


async def _streamed(stub: Any) -> None:
    async def ask() -> AsyncIterator[Any]:
        yield infer("adder")

    with suppress(grpc.aio.AioRpcError):
        [each async for each in stub.ModelStreamInfer(ask())]
