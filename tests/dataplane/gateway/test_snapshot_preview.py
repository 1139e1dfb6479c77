"""The preview: one revision on a port of its own, while the model's own port leads to another."""

from __future__ import annotations

import socket
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from tritonclient.grpc import service_pb2 as pb

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.facts import facts, revision, slice_of
from tests.dataplane.gateway.facts import model as told
from tests.dataplane.gateway.holding import counted
from tests.dataplane.gateway.holding import pods as answering
from tests.dataplane.gateway.requests import floats, http, infer, said, stub_of, sum_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.spellings import CLOSED
from tests.dataplane.gateway.tables import holding, model, nobody, pod, shares, table
from tests.dataplane.gateway.test_agent import running
from tests.ports import HOST, free_ports
from tritium.api.gateway import preview_port
from tritium.gateway.table import Bounds, Copies

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dataplane.triton import Triton

INFER = "/v2/models/adder/infer"


def free_port() -> int:
    """One whose preview is free, too."""
    for port in free_ports(50):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, preview_port(port)))
            except OSError:
                continue
            return port
    raise AssertionError("no port has a free one 1,000 above")


async def test_it_leads_to_the_candidate_and_the_models_port_does_not(triton: Triton) -> None:
    port, asked = free_port(), 50
    shown = model(port, *shares(0, 10_000), preview=2, sticky="x-user", copies=Copies(2, 100))
    pods = {"one": pod(triton), "two": pod(triton)}
    async with Gateway(table(shown, **pods)) as gateway:
        for at, revision in ((port, "1"), (preview_port(port), "2")):
            async with http(at) as client, stub_of(at) as stub:
                for number in range(asked):
                    answer = await client.post(INFER, json=sum_of(1, 2), headers={"x-user": str(number)})
                    assert (answer.status_code, answer.headers["tritium-revision"]) == (200, revision)
                    assert answer.json()["outputs"][0]["data"] == [3.0, 3.0]
                call = stub.ModelInfer(infer("adder", A=[[1, 1]], B=[[2, 2]]))
                assert floats(await call)[0] == 3
                assert dict(await call.initial_metadata())["tritium-revision"] == revision
        # Those of the model's port, each of which was copied; what came to the preview was not.
        for number, count in ((1, asked), (2, 2 * asked)):
            name = f"cluster.fraud/{number}/http.upstream_rq_200"
            await wait_for(partial(gateway.stat, name), 5, name, until=count.__eq__)
        # What arrives at the preview is nothing that arrives at the model's address.
        assert await gateway.stat("http.model/fraud.downstream_rq_total") == asked + 1
        assert await gateway.stat("http.model/fraud/preview.downstream_rq_total") == asked + 1


async def test_what_is_closed_is_closed_there_and_what_is_too_large_is_refused(triton: Triton) -> None:
    port = free_port()
    shown = model(port, *shares(0, 10_000), preview=2, bounds=Bounds(max_request_bytes=2_000))
    async with Gateway(table(shown, one=pod(triton), two=pod(triton))) as gateway:
        at = preview_port(port)
        async with http(at) as client, stub_of(at) as stub:
            for method, path in CLOSED:
                expected = 404 if path == "/v2/models/stats" else 403
                assert (await client.request(method, path)).status_code == expected, (method, path)
            assert (await client.post("/v2/models/other/infer", json={})).status_code == 404
            assert (await client.post(INFER, content=b"{}".ljust(3_000))).status_code == 413
            code, _, _ = await said(stub.RepositoryIndex(pb.RepositoryIndexRequest()))
            assert code is grpc.StatusCode.PERMISSION_DENIED
        assert await gateway.stat("cluster.fraud/2/http.upstream_rq_total") == 0


async def test_it_moves_between_two_requests_of_one_connection_and_goes(triton: Triton) -> None:
    port = free_port()
    pods = {"one": pod(triton), "two": pod(triton)}
    split = shares(0, 10_000)
    async with Gateway(table(model(port, *split, preview=1), **pods)) as gateway:
        async with http(preview_port(port)) as client:
            for revision in (1, 2, 1):
                await gateway.publish(table(model(port, *split, preview=revision), **pods))
                answer = await client.post(INFER, json=sum_of(1, 2))
                assert (answer.status_code, answer.headers["tritium-revision"]) == (200, str(revision))
            assert await gateway.stat("http.model/fraud/preview.downstream_cx_total") == 1
        await gateway.publish(table(model(port, *split), **pods))
        await wait_for(partial(_listens, preview_port(port)), 5, "nobody listens there", until=lambda found: not found)
        async with http(port) as client:
            assert (await client.post(INFER, json=sum_of(1, 2))).status_code == 200


async def test_the_agent_reads_it_in_the_status_and_says_that_it_is_there(triton: Triton, tmp_path: Path) -> None:
    port = free_port()
    traffic: dict[str, Any] = {"model": "adder", "revisions": [revision(2, 0), revision(1)], "preview": 2}
    slices = [slice_of(f"fraud-{number}", pod(triton)) for number in (1, 2)]
    async with running(tmp_path, facts([told(version=3, port=port, **traffic)], slices)) as agent:
        (fraud,) = (await agent.report()).models
        assert (fraud.version, fraud.preview, fraud.rejection) == (3, 2, None)
        async with http(preview_port(port)) as client:
            answer = await client.post(INFER, json=sum_of(1, 2))
            assert (answer.status_code, answer.headers["tritium-revision"]) == (200, "2")

        async def counted() -> dict[int, dict[str, int]]:
            found = await agent.counters()
            assert sum(each.requests for each in found.models) == 0
            return {each.revision: each.codes for each in found.revisions if each.codes}

        # By the revision that answered; nothing has arrived at the model's address.
        await wait_for(counted, 10, "it is counted", until=lambda codes: codes == {2: {"200": 1}})


async def test_of_a_model_that_sleeps_only_inference_asks_for_a_pod() -> None:
    """Nothing waits there. When the model is awake the candidate's pods answer, whether stable has some or not."""
    port = free_port()
    split = shares(0, 10_000)
    asleep, awake = (replace(holding(port, 7, asleep=each, preview=2), shares=split) for each in (True, False))
    empty = [f"cluster.fraud/2/{each}.upstream_cx_none_healthy" for each in ("http", "grpc")]
    async with answering() as one, Gateway(table(asleep)) as gateway:
        at = preview_port(port)
        async with http(at) as client, stub_of(at) as stub:
            for path in ("/v2", "/v2/health/ready", "/v2/models/adder", "/v2/models/adder/stats"):
                answer = await client.get(path)
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
                assert "starts when a request for inference comes" in answer.json()["error"]
            assert (await said(stub.ServerLive(pb.ServerLiveRequest())))[0] is grpc.StatusCode.UNAVAILABLE
            assert [await gateway.stat(each) for each in empty] == [0, 0]
            answer = await client.post(INFER, json=sum_of(1, 2))
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert (await said(stub.ModelInfer(infer("adder"))))[0] is grpc.StatusCode.UNAVAILABLE
            assert [await gateway.stat(each) for each in empty] == [1, 1]
            await wait_for(lambda: counted(gateway, asleep), 5, until=lambda told: told.inferences == 2)
            assert gateway.waiting.open() == 0
            await gateway.publish(table(awake, two=one))
            assert (await client.post(INFER)).status_code == 200
            assert (await client.get("/v2/health/ready")).status_code == 404, "that of the pod, which has no such path"
            await wait_for(lambda: counted(gateway, awake), 5, until=lambda told: told.inferences == 3)


async def test_a_candidate_without_a_pod_that_answers_is_its_own_trouble(triton: Triton) -> None:
    port = free_port()
    shown = model(port, *shares(0, 10_000), preview=2)
    async with Gateway(table(shown, one=pod(triton), two=nobody())):
        async with http(preview_port(port)) as client:
            assert (await client.post(INFER, json=sum_of(1, 2))).status_code == 503
        async with http(port) as client:
            assert (await client.post(INFER, json=sum_of(1, 2))).status_code == 200


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
