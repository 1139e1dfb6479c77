"""The shared port: models by host and path, as an Ingress in front of it sends requests."""

import asyncio
from typing import Any

import grpc
import httpx
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse, RepositoryIndexRequest

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.requests import floats, http, infer, said, stub_of, sum_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, pod, shares, table
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.gateway.table import Bounds, Table

SHOP = "shop.example.com"
BANK = "bank.example.com"


def served(triton: Triton) -> Table:
    """Two models on one host by their paths, one below the other; one on a host of its own."""
    ports = free_ports(3)
    small = Bounds(max_request_bytes=1_000)
    return table(
        model(ports[0], name="adder", triton="adder", host=SHOP, path="/ml", bounds=small),
        model(ports[1], name="same", triton="identity", host=SHOP, path="/ml/identity.v1"),
        model(ports[2], *shares(0, 10_000), name="slow", triton="slow", host=BANK),
        one=pod(triton),
    )


def by_path(channel: grpc.aio.Channel, prefix: str) -> Any:
    """ModelInfer with a path in front."""
    return channel.unary_unary(
        f"{prefix}/inference.GRPCInferenceService/ModelInfer",
        request_serializer=ModelInferRequest.SerializeToString,
        response_deserializer=ModelInferResponse.FromString,
    )


async def get(client: httpx.AsyncClient, host: str, path: str) -> tuple[int, Any]:
    """Status and body."""
    answer = await client.get(path, headers={"host": host})
    return answer.status_code, answer.json() if answer.content else None


async def test_http_by_host_and_path(triton: Triton) -> None:
    async with Gateway(served(triton)) as gateway, http(gateway.shared_port) as client:
        for host in (SHOP, f"{SHOP}:80", SHOP.upper(), f"{SHOP}."):
            status, body = await get(client, host, "/ml/v2/models/adder")
            assert (status, body["name"]) == (200, "adder"), host
        assert (await get(client, SHOP, "/ml/identity.v1/v2/models/identity"))[1]["name"] == "identity"
        assert (await get(client, BANK, "/v2/models/slow?a=b"))[1]["name"] == "slow"
        answer = await client.post("/ml/v2/models/adder/infer", json=sum_of(1, 2), headers={"host": SHOP})
        assert answer.json()["outputs"][0]["data"] == [3, 3]
        assert answer.headers["tritium-revision"] == "1"


async def test_what_is_refused_by_http(triton: Triton) -> None:
    async with Gateway(served(triton)) as gateway, http(gateway.shared_port) as client:
        no_path = {"error": f"No model is served at this path of {SHOP}."}
        assert await get(client, "a.example.com", "/v2") == (404, {"error": "No model is served under this host name."})
        assert await get(client, SHOP, "/v2/models/adder") == (404, no_path)
        assert await get(client, SHOP, "/mlx/v2/models/adder") == (404, no_path)
        assert await get(client, SHOP, "/ML/v2/models/adder") == (404, no_path)
        another = {"error": "The model at this address is adder."}
        assert await get(client, SHOP, "/ml/v2/models/identity") == (404, another)
        assert (await get(client, SHOP, "/ml/v2/repository/index"))[0] == 403
        assert (await get(client, SHOP, "/ml/identityXv1/v2/models/identity"))[0] == 403
        assert (await get(client, BANK, "/v2/logging"))[0] == 403
        for spelling in ("/ml/..%2fv2/repository/index", "/ml/%2e%2e/v2/logging", "/ml/../ml/v2/logging"):
            assert (await get(client, SHOP, spelling))[0] in {400, 403, 404}
        for name in ("adder", "same", "slow"):
            assert await gateway.stat(f"cluster.{name}/1/http.upstream_rq_total") == 0


async def test_each_model_has_its_own_limits(triton: Triton) -> None:
    async with Gateway(served(triton)) as gateway, http(gateway.shared_port) as client:
        headers = {"host": SHOP}
        large = await client.post("/ml/v2/models/adder/infer", content=b" " * 2_000, headers=headers)
        assert large.status_code == 413
        allowed = await client.post("/ml/identity.v1/v2/models/identity/infer", content=b" " * 2_000, headers=headers)
        assert allowed.status_code == 500  # by Triton, which has no use for blanks


async def test_grpc_by_host_and_path(triton: Triton) -> None:
    request = infer("adder", A=[[1, 1]], B=[[2, 2]])
    async with Gateway(served(triton)) as gateway:
        for authority in (SHOP, f"{SHOP}:80"):
            option = ("grpc.default_authority", authority)
            async with grpc.aio.insecure_channel(f"{HOST}:{gateway.shared_port}", options=[option]) as channel:
                assert floats(await by_path(channel, "/ml")(request))[0] == 3
                code, says, _ = await said(by_path(channel, "")(request))
                assert (code, says) == (grpc.StatusCode.NOT_FOUND, f"No model is served at this path of {SHOP}.")
        async with stub_of(gateway.shared_port, ("grpc.default_authority", BANK)) as stub:
            assert floats(await stub.ModelInfer(infer("slow", SECONDS=[0])))[0] == 0
            assert (await said(stub.RepositoryIndex(RepositoryIndexRequest())))[0] is grpc.StatusCode.PERMISSION_DENIED
        async with stub_of(gateway.shared_port) as stub:
            code, says, _ = await said(stub.ModelInfer(request))
            assert (code, says) == (grpc.StatusCode.NOT_FOUND, "No model is served under this host name.")


async def test_of_two_with_the_same_address_the_first_by_name_has_it(triton: Triton) -> None:
    ports = free_ports(2)
    both = [model(port, name=name, triton="adder", host=SHOP) for port, name in zip(ports, "ba", strict=True)]
    async with Gateway(table(*both, one=pod(triton))) as gateway, http(gateway.shared_port) as client:
        assert (await get(client, SHOP, "/v2/models/adder/ready"))[0] == 200
        assert await gateway.stat("cluster.a/1/http.upstream_rq_200") == 1
        # Each is still there on its own port.
        for port in ports:
            async with http(port) as own:
                assert (await own.get("/v2/models/adder/ready")).status_code == 200


async def test_the_shared_port_is_there_as_long_as_a_model_is_reached_on_it(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))) as gateway:

        async def is_open() -> bool:
            try:
                _, writer = await asyncio.open_connection(HOST, gateway.shared_port)
            except ConnectionError:  # refused; or reset, where the port is just being closed
                return False
            writer.close()
            return True

        assert not await is_open()
        await gateway.publish(table(model(port, host=SHOP), one=pod(triton)))
        async with http(gateway.shared_port) as client:
            assert (await get(client, SHOP, "/v2/models/adder/ready"))[0] == 200
        await gateway.publish(table(model(port), one=pod(triton)))
        await wait_for(is_open, 5, "the shared port is closed", until=lambda found: not found)
