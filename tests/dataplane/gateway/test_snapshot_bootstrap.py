"""Envoy with the gateway's bootstrap: what it says when it starts, and what it does when it has too little."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.requests import http, infer, nap, said, stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, pod, table
from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tests.unit.gateway.test_bootstrap import is_kept

NO_MEMORY = "envoy overloaded"


async def test_envoy_has_nothing_to_complain_about(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port, host="a.example"), one=pod(triton))) as gateway, http(port) as client:
        assert (await client.get("/v2")).status_code == 200
        complaints = [line for line in gateway.envoy.warnings() if "work-in-progress" not in line]
        assert complaints == []
        # One of its parts is not called stable by those who make it.
        messages = (line.partition("message '")[2].partition("'")[0] for line in gateway.envoy.warnings())
        named = {message.rpartition(".")[2] for message in messages}
        assert named == {"CustomResponse", "LocalResponsePolicy"}


async def test_every_statistic_that_there_is_is_one_that_is_kept(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton))) as gateway, http(port) as client, stub_of(port) as stub:
        await client.get("/v2")
        await stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[1, 1]]))
        names = gateway.envoy.admin.stats().keys()
        assert {name for name in names if not is_kept(name)} == set()
        for name in ("http.upstream_rq_200", "grpc.grpc.inference.GRPCInferenceService.ModelInfer.0"):
            assert gateway.envoy.admin.stat(f"cluster.fraud/1/{name}") == 1


async def test_envoy_is_not_live_before_the_agent_has_told_everything(triton: Triton) -> None:
    """Neither the cluster nor the route may be missing when the port opens."""
    [port] = free_ports(1)
    async with Gateway(None) as gateway:
        await asyncio.to_thread(gateway.envoy.wait_started)
        for _ in range(20):
            assert gateway.envoy.admin.json("/server_info")["state"] != "LIVE"
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(HOST, port)
            await asyncio.sleep(0.02)
        await gateway.publish(table(model(port), one=pod(triton)))
        await asyncio.to_thread(gateway.envoy.wait_live)
        async with http(port) as client:
            assert (await client.get("/v2")).status_code == 200


async def test_too_little_memory_sheds_requests_and_ends_none(triton: Triton, tmp_path: Path) -> None:
    """How much is used is read from a file, in place of the heap."""
    [port] = free_ports(1)
    used = tmp_path / "used"

    def use(share: float) -> None:
        # Envoy looks at a file that is moved to its place.
        used.with_suffix(".new").write_text(str(share))
        used.with_suffix(".new").replace(used)

    use(0)
    gateway = Gateway(table(model(port, triton="slow"), one=pod(triton)), change=partial(injected, file=used))
    async with gateway, http(port) as client, http(port) as later, stub_of(port) as stub:
        await stub.ModelInfer(infer("slow", SECONDS=[0]))
        begun = asyncio.create_task(client.post("/v2/models/slow/infer", json=nap(1)))
        await wait_for(partial(gateway.stat, "cluster.fraud/1/http.upstream_rq_active"), 5)
        use(0.96)
        answer = await wait_for(partial(later.get, "/v2"), 5, "shedding", until=lambda found: found.status_code == 503)
        assert (answer.json(), answer.headers["retry-after"]) == ({"error": NO_MEMORY}, "1")
        code, says, _ = await said(stub.ModelInfer(infer("slow", SECONDS=[0])))
        assert (code, says) == (grpc.StatusCode.UNAVAILABLE, NO_MEMORY)
        assert (await begun).status_code == 200
        use(0.99)
        await wait_for(partial(is_closed, port), 5, "new connections are closed")
        use(0.5)
        await wait_for(partial(is_closed, port), 5, "new connections are taken", until=lambda found: not found)
        assert (await later.get("/v2")).status_code == 200


def injected(given: dict[str, Any], file: Path) -> dict[str, Any]:
    """A bootstrap whose heap monitor reads a file."""
    name = "envoy.resource_monitors.injected_resource"
    type_ = "type.googleapis.com/envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig"
    overload = json.loads(json.dumps(given["overload_manager"]).replace("envoy.resource_monitors.fixed_heap", name))
    overload["resource_monitors"][0]["typed_config"] = {"@type": type_, "filename": str(file)}
    return given | {"overload_manager": overload}


async def is_closed(port: int) -> bool:
    """Whether Envoy closes a connection that has just been made."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        return await asyncio.wait_for(reader.read(), 0.2) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    finally:
        writer.close()


async def test_one_connection_more_than_the_limit_is_closed(triton: Triton) -> None:
    [port] = free_ports(1)
    async with Gateway(table(model(port), one=pod(triton)), max_connections=3):
        kept = [await asyncio.open_connection(HOST, port) for _ in range(3)]
        reader, writer = await asyncio.open_connection(HOST, port)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        for _, each in (*kept, (reader, writer)):
            each.close()
