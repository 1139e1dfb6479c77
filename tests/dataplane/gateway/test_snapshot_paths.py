"""What comes to Triton, and what does not: by Envoy's count of requests, and by Triton's own log."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from tritonclient.grpc import service_pb2 as pb

from tests.dataplane.gateway.malformed import BROKEN_CHUNKS, INFER, MALFORMED, MENDED, NOT_400
from tests.dataplane.gateway.raw import ask, status
from tests.dataplane.gateway.requests import http, infer, said, stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.spellings import CLOSED, spellings
from tests.dataplane.gateway.tables import model, pod, table
from tests.dataplane.runtime import Runtime
from tests.dataplane.triton import Triton, repository
from tests.ports import HOST, free_ports
from tritium.gateway.table import Endpoint

WHY = "This is closed: the gateway passes inference, health, metadata, configuration and statistics of the model adder."
UNCLEAR = "The request is malformed, or its path can be read in more than one way."
NO_BODY = "host: gateway\r\ncontent-length: 0\r\n\r\n"
SENT = "cluster.fraud/1/http.upstream_rq_total"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("talkative") / "log"


@pytest.fixture(scope="module")
def talkative(triton_runtime: Runtime, log: Path) -> Iterator[Triton]:
    """A Triton that logs each request that it gets."""
    models = repository(log.parent / "models", "adder")
    with Triton(triton_runtime, models, log, "--log-verbose=1", "--log-info=true") as server:
        yield server


async def test_what_passes_by_http(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))), http(port) as client:
        for version in ("", "/versions/1"):
            own = f"/v2/models/adder{version}"
            for path in (own, f"{own}/ready", f"{own}/config", f"{own}/stats"):
                assert (await client.get(path)).status_code == 200, path
        for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/health/ready?a=b"):
            assert (await client.get(path)).status_code == 200, path
        # Written in another way that means the same.
        for path in ("/v2//models/adder/ready", "/v2/./models/x/../adder/ready", "/v2/models/%61dder/ready"):
            assert (await client.get(path)).status_code == 200, path


async def test_what_passes_by_grpc(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))), stub_of(port) as stub:
        assert (await stub.ServerLive(pb.ServerLiveRequest())).live
        assert (await stub.ServerReady(pb.ServerReadyRequest())).ready
        assert (await stub.ModelReady(pb.ModelReadyRequest(name="adder"))).ready
        assert (await stub.ServerMetadata(pb.ServerMetadataRequest())).version
        assert (await stub.ModelMetadata(pb.ModelMetadataRequest(name="adder"))).name == "adder"
        assert (await stub.ModelConfig(pb.ModelConfigRequest(name="adder"))).config.name == "adder"
        assert (await stub.ModelStatistics(pb.ModelStatisticsRequest(name="adder"))).model_stats
        await stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[1, 1]]))
        async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert await check(b"") == b"\x08\x01"  # SERVING


async def test_what_is_closed_by_http(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))) as gateway, http(port) as client:
        for method, path in CLOSED:
            answer = await client.request(method, path)
            expected = (404, "The model at this address is adder.") if path == "/v2/models/stats" else (403, WHY)
            assert (answer.status_code, answer.json()["error"]) == expected, (method, path)
        for path in ("/v2/models/other/infer", "/v2/models/adder2/infer", "/v2/models/Adder/infer"):
            answer = await client.post(path, json={})
            assert (answer.status_code, answer.json()) == (404, {"error": "The model at this address is adder."})
        assert await gateway.stat(SENT) == 0
        assert await gateway.stat("http.model/fraud.rq_direct_response") == len(CLOSED) + 3


async def test_what_is_closed_by_grpc(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))) as gateway, stub_of(port) as stub:
        for call in (
            stub.RepositoryIndex(pb.RepositoryIndexRequest()),
            stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="adder")),
            stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="adder")),
            stub.SystemSharedMemoryStatus(pb.SystemSharedMemoryStatusRequest()),
            stub.SystemSharedMemoryRegister(pb.SystemSharedMemoryRegisterRequest(name="a", key="/a", byte_size=1)),
            stub.SystemSharedMemoryUnregister(pb.SystemSharedMemoryUnregisterRequest()),
            stub.CudaSharedMemoryStatus(pb.CudaSharedMemoryStatusRequest()),
            stub.CudaSharedMemoryRegister(pb.CudaSharedMemoryRegisterRequest(name="a")),
            stub.CudaSharedMemoryUnregister(pb.CudaSharedMemoryUnregisterRequest()),
            stub.TraceSetting(pb.TraceSettingRequest()),
            stub.LogSettings(pb.LogSettingsRequest()),
        ):
            assert (await said(call))[:2] == (grpc.StatusCode.PERMISSION_DENIED, WHY)
        async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
            for path in (
                "/inference.GRPCInferenceService/modelinfer",
                "/inference.GRPCInferenceService/ModelInfer/",
                "/inference.GRPCInferenceService//ModelInfer/../RepositoryIndex",
                "/inference.GRPCInferenceService/%52epositoryIndex",
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                "/v2/repository/index",
            ):
                refused = channel.unary_unary(path, request_serializer=Empty.SerializeToString)(Empty())
                assert (await said(refused))[0] is grpc.StatusCode.PERMISSION_DENIED, path
        assert await gateway.stat("cluster.fraud/1/grpc.upstream_rq_total") == 0


async def test_no_spelling_of_a_closed_path_comes_to_triton(talkative: Triton, log: Path) -> None:
    forms = [*dict.fromkeys([*spellings(), *spellings("/v2/systemsharedmemory/status"), *spellings("/v2/logging")])]
    assert len([*spellings()]) >= 50
    # The door is there: Triton itself answers.
    assert status(await ask(talkative._http, f"POST {forms[0]} HTTP/1.1\r\n{NO_BODY}".encode())) == 200
    [port] = free_ports(1)
    before = len(log.read_bytes())
    async with Gateway(table(model(port), one=pod(talkative))) as gateway:
        for method in ("GET", "POST"):
            for form in forms:
                answer = status(await ask(port, f"{method} {form} HTTP/1.1\r\n{NO_BODY}".encode()))
                assert answer in {400, 403, 404}, (method, form, answer)
        assert await gateway.stat(SENT) == 0
    assert b"HTTP request" not in log.read_bytes()[before:]


@pytest.mark.parametrize("code", ["%2f", "%2F", "%5c", "%5C", "%00"])
async def test_a_path_that_can_be_read_in_two_ways(triton: Triton, code: str) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))), http(port) as client:
        answer = await client.get(f"/v2/models{code}adder")
        assert (answer.status_code, answer.json()) == (400, {"error": UNCLEAR})
        async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
            call = channel.unary_unary(f"/inference.GRPCInferenceService{code}ModelInfer")
            assert (await said(call(b"")))[:2] == (grpc.StatusCode.INTERNAL, UNCLEAR)


async def test_malformed_requests_do_not_come_to_triton(talkative: Triton, log: Path) -> None:
    [port] = free_ports(1)
    before = len(log.read_bytes())
    async with Gateway(table(model(port), one=pod(talkative))) as gateway:
        for wrong, message in MALFORMED.items():
            answer = await ask(port, message)
            assert status(answer) == NOT_400.get(wrong, 400), (wrong, answer)
            assert (UNCLEAR.encode() in answer) == (wrong not in NOT_400), (wrong, answer)
        assert await gateway.stat(SENT) == 0
    assert b"HTTP request" not in log.read_bytes()[before:]


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
async def test_triton_never_takes_a_broken_body_for_a_whole_one(talkative: Triton, log: Path, chunks: bytes) -> None:
    [port] = free_ports(1)
    before = len(log.read_bytes())
    async with Gateway(table(model(port), one=pod(talkative))):
        answer = await ask(port, INFER + b"host: a\r\ntransfer-encoding: chunked\r\n\r\n" + chunks)
        assert status(answer) in {0, 400, 502, 503}
    assert b"infer" not in log.read_bytes()[before:]


@pytest.mark.parametrize("message", MENDED.values(), ids=MENDED)
async def test_what_is_read_generously_is_handed_on_as_it_should_have_been(message: bytes) -> None:
    port, upstream = free_ports(2)
    received: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await received.put(await reader.readuntil(b"{}"))
        writer.close()

    server = await asyncio.start_server(take, HOST, upstream)
    async with server, Gateway(table(model(port), one=Endpoint(HOST, upstream, upstream))):
        await ask(port, message)
        head, _, body = received.get_nowait().partition(b"\r\n\r\n")
    lines = [line.partition(b":")[0] for line in head.split(b"\r\n")[1:]]
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert lines.count(b"host") == lines.count(b"content-length") == 1
    assert b"transfer-encoding" not in lines
    assert body == b"{}"


FORGED = {
    "x-envoy-upstream-rq-timeout-ms": "1",
    "x-envoy-upstream-rq-per-try-timeout-ms": "1",
    "x-envoy-expected-rq-timeout-ms": "1",
    "x-envoy-upstream-rq-timeout-alt-response": "204",
    "x-envoy-upstream-alt-stat-name": "forged",
    "x-envoy-max-retries": "9",
    "x-envoy-retry-on": "5xx",
    "x-envoy-retry-grpc-on": "internal",
    "x-envoy-hedge-on-per-try-timeout": "true",
    "x-envoy-decorator-operation": "forged",
    "x-envoy-original-path": "/v2/repository/index",
    "x-envoy-internal": "true",
    "x-forwarded-for": "10.0.0.1",
}


@pytest.mark.parametrize("left_out", ["", "x-forwarded-for"])
async def test_headers_of_a_client_do_not_steer_envoy(triton: Triton, left_out: str) -> None:
    [port] = free_ports(1)
    forged = {name: value for name, value in FORGED.items() if name != left_out}
    slow = {"inputs": [{"name": "SECONDS", "datatype": "FP32", "shape": [1], "data": [0.1]}]}
    async with Gateway(table(model(port, triton="slow"), one=pod(triton))) as gateway, http(port) as client:
        answer = await client.post("/v2/models/slow/infer", json=slow, headers=forged)
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("x-envoy")]
        assert (await client.post("/v2/models/slow/infer", json={}, headers=forged)).status_code >= 400
        assert await gateway.stat("cluster.fraud/1/http.upstream_rq_total") == 2
        assert "forged" not in gateway.envoy.admin.get("/stats")
