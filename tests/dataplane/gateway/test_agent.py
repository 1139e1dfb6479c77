"""The agent and its Envoy as processes, with what an agent before it has left on the disk; no API server answers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.facts import facts, model, revision, slice_of
from tests.dataplane.gateway.pod import GatewayPod
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.api.gateway import READY_PATH, STARTED_PATH, GatewayCounters
from tritium.gateway import disk
from tritium.gateway.facts import Facts
from tritium.gateway.table import Endpoint

STARTS_WITHIN = 2
"""Seconds in which an Envoy is there again."""

READY = "/v2/models/adder/ready"


def endpoint(triton: Triton) -> Endpoint:
    """Where a Triton takes requests."""
    return Endpoint(HOST, triton._http, triton._grpc)


def served(triton: Triton, port: int, version: int = 3) -> Facts:
    """One ModelDeployment, `fraud`: a revision with one pod, and one without any that gets no requests."""
    traffic: dict[str, Any] = {"port": port, "model": "adder", "revisions": [revision(2, 0), revision(1)]}
    return facts([model(version=version, **traffic)], [slice_of("fraud-1", endpoint(triton))])


@asynccontextmanager
async def running(folder: Path, known: Facts) -> AsyncIterator[GatewayPod]:
    """A pod that is ready."""
    async with GatewayPod(folder) as pod:
        disk.save(pod.snapshot, pod.namespace, known)
        await pod.start()
        yield pod


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


async def get(port: int, path: str = READY) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(f"http://{HOST}:{port}{path}")


async def test_it_serves_what_is_on_the_disk_while_no_api_server_answers(
    triton: Triton, tmp_path: Path, port: int
) -> None:
    """It says that it is not synced, so that nobody relies on it."""
    async with running(tmp_path, served(triton, port)) as pod:
        assert await pod.state(STARTED_PATH) == (200, "serving what was on the disk")
        answer = await get(port)
        assert (answer.status_code, answer.headers["tritium-revision"]) == (200, "1")
        report = await pod.report()
        assert (report.synced, report.connected, report.envoy) == (False, True, "1.40.0")
        (fraud,) = report.models
        assert (fraud.name, fraud.uid, fraud.version, fraud.port, fraud.rejection) == ("fraud", "u1", 3, port, None)
        seen = [(each.revision, each.weight, each.endpoints) for each in fraud.revisions]
        assert seen == [(2, 0, 0), (1, 10_000, 1)]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda whole: whole[:-40], "is not as it was written"),
        (lambda whole: whole[:50], "begins with something else"),
        (lambda whole: whole.replace(b'"weight":10000', b'"weight":20000'), "is not as it was written"),
        (lambda whole: whole.replace(b'"format":1', b'"format":2'), "begins with something else"),
        (lambda whole: whole.replace(b'"namespace":"ml"', b'"namespace":"nl"'), "is of namespace nl"),
        (lambda _: b"", "begins with something else"),
    ],
    ids=["cut off", "cut off early", "changed", "another format", "another namespace", "empty"],
)
async def test_a_disk_that_cannot_be_trusted_is_ignored_and_told(
    triton: Triton, tmp_path: Path, port: int, spoil: Callable[[bytes], bytes], says: str
) -> None:
    async with GatewayPod(tmp_path) as pod:
        disk.save(pod.snapshot, pod.namespace, served(triton, port))
        pod.snapshot.write_bytes(spoil(pod.snapshot.read_bytes()))
        await pod.start_agent()
        seen = await wait_for(lambda: pod.state(STARTED_PATH), 15, "it answers", until=lambda seen: seen[0])
        assert seen == (503, "waiting for the API server, and there is nothing on the disk")
        assert says in pod.agent_log


async def test_envoy_goes_on_without_its_agent(triton: Triton, tmp_path: Path, port: int) -> None:
    """And the next agent finds everything as it should be."""
    async with running(tmp_path, served(triton, port)) as pod:
        await pod.kill_agent()
        assert (await get(port)).status_code == HTTPStatus.OK
        await pod.start_agent()
        await pod.ready()
        assert (await pod.runs(3)).rejection is None
        assert (await get(port)).status_code == HTTPStatus.OK


async def test_an_envoy_that_starts_anew_gets_everything(triton: Triton, tmp_path: Path, port: int) -> None:
    """The pod is ready only when it has."""
    async with running(tmp_path, served(triton, port)) as pod:
        pod.kill_envoy()
        await wait_for(
            lambda: pod.state(READY_PATH), 5, "not ready", until=lambda seen: seen == (503, "Envoy is not connected")
        )
        assert not (await pod.report()).connected
        await pod.start_envoy()
        await pod.ready()
        assert (await pod.report()).connected
        await pod.runs(3)
        assert (await get(port)).status_code == HTTPStatus.OK


async def test_an_envoy_tells_its_age(triton: Triton, tmp_path: Path, port: int) -> None:
    """So that what it counts is not taken for what another one has counted."""

    async def age() -> int | None:
        return (await pod.counters()).age

    async with running(tmp_path, served(triton, port)) as pod:
        old = await wait_for(age, 15, "it is of some age", until=lambda age: (age or 0) > STARTS_WITHIN)
        assert old is not None
        pod.kill_envoy()
        await pod.start_envoy()
        await pod.ready()
        await wait_for(age, 5, "another, and younger", until=lambda age: age is not None and age < old)


async def test_what_envoy_refuses_is_told_in_its_own_words(triton: Triton, tmp_path: Path, port: int) -> None:
    """Somebody listens on the port already. The pod is ready all the same, and the other model is served."""
    taken = free_ports(1)[0]
    traffic: dict[str, Any] = {"port": taken, "model": "adder", "revisions": [revision(1, name="churn")]}
    known = served(triton, port)
    both = facts([*known.models.values(), model("churn", "u2", version=7, **traffic)], [*known.slices.values()])
    with socket.create_server((HOST, taken)):
        async with running(tmp_path, both) as pod:
            assert (await get(port)).status_code == HTTPStatus.OK
            await pod.runs(3)
            churn = await pod.model("churn")
            assert churn is not None
            assert (churn.version, churn.revisions) == (0, [])
            assert churn.rejection is not None
            assert (churn.rejection.version, churn.rejection.resource) == (7, "Listener churn")
            assert "Address already in use" in churn.rejection.message
            _, metrics = await pod.state("/metrics")
            assert 'tritium_gateway_xds_answers_total{answer="nack",type="Listener"}' in metrics
            refusals = [line for line in metrics.splitlines() if line.startswith("tritium_gateway_xds_refusals_total{")]
            assert [line.partition("}")[0] for line in refusals] == [
                'tritium_gateway_xds_refusals_total{name="churn",type="Listener"'
            ]


async def test_of_two_with_one_port_the_older_has_it(triton: Triton, tmp_path: Path, port: int) -> None:
    known = served(triton, port)
    younger = model("a", "u2", "2026-01-02T00:00:00Z", version=1, port=port, revisions=[revision(1)])
    async with running(tmp_path, facts([younger, *known.models.values()], [*known.slices.values()])) as pod:
        await pod.runs(3)
        left_out = await pod.model("a")
        assert left_out is not None
        assert left_out.rejection is not None
        assert left_out.rejection.resource == "Listener a"
        assert left_out.rejection.message == f"port {port} belongs to fraud, which is older"
        assert "is left out: port" in pod.agent_log


async def test_counters_are_by_model_and_revision(triton: Triton, tmp_path: Path, port: int) -> None:
    """HTTP by its status, gRPC by its own, and what never came to a revision apart."""
    traffic: dict[str, Any] = {
        "port": port,
        "model": "adder",
        "revisions": [revision(1), {**revision(2, 0), "matches": [{"header": "Arm", "value": "new"}]}],
        "limits": {"maxRequestBytes": 5_000},
    }
    known = facts([model(version=1, **traffic)], [slice_of("fraud-1", endpoint(triton))])
    async with running(tmp_path, known) as pod, httpx.AsyncClient(trust_env=False) as http:
        base = f"http://{HOST}:{port}"
        for _ in range(3):
            await http.get(base + READY)
        await http.get(base + READY, headers={"arm": "new"})  # it has no endpoint
        await http.get(base + "/v2/models/adder/versions/9/ready")
        assert (await http.post(base + "/v2/repository/index")).status_code == HTTPStatus.FORBIDDEN
        too_large = await http.post(base + "/v2/models/adder/infer", content=b"x" * 6_000)
        assert too_large.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            await stub.ModelReady(service_pb2.ModelReadyRequest(name="adder"))
            for wanted, metadata in (
                (grpc.StatusCode.INVALID_ARGUMENT, ()),
                (grpc.StatusCode.UNAVAILABLE, (("arm", "new"),)),
            ):
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await stub.ModelInfer(service_pb2.ModelInferRequest(model_name="adder"), metadata=metadata)
                assert error.value.code() is wanted
        # Envoy adds up the histograms of its threads only now and then.
        counters = await wait_for(pod.counters, 10, "all latencies", until=lambda seen: _latencies(seen) == 6)
    (fraud,) = counters.models
    assert (fraud.name, fraud.requests, fraud.routed, fraud.answered) == ("fraud", 10, 9, 1)
    stable, arm = counters.revisions
    assert (stable.name, stable.revision, stable.codes, stable.grpc) == (
        "fraud",
        1,
        {"200": 3, "400": 1},
        {"0": 1, "3": 1},
    )
    assert (arm.name, arm.revision, arm.codes, arm.grpc) == ("fraud", 2, {"503": 1}, {"14": 1})
    assert (stable.active, stable.none_healthy, arm.none_healthy) == (0, 0, 2)
    assert 0 < stable.latency_sum_ms < 1_000 * 6


def _latencies(seen: GatewayCounters) -> int:
    return sum(each.buckets[-1][1] for each in seen.revisions)


async def test_only_who_has_the_token_drains(triton: Triton, tmp_path: Path, port: int) -> None:
    async with running(tmp_path, served(triton, port)) as pod:
        for token in ("", "x" * 36):
            status, _ = await pod.drain(token)
            assert status == HTTPStatus.FORBIDDEN
        await pod.ready()


async def test_the_agent_ends_after_envoy(triton: Triton, tmp_path: Path, port: int) -> None:
    """As long as Envoy is there, it is served."""
    async with running(tmp_path, served(triton, port)) as pod:
        assert pod.agent is not None
        await pod.terminate_agent()
        await wait_for(lambda: "told to stop" in pod.agent_log, 5)
        assert (await pod.report()).connected
        pod.kill_envoy()
        assert await asyncio.wait_for(pod.agent.wait(), 5) == 0
