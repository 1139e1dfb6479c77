"""The logger as a pod runs it: told of requests as Envoy does, writing to a real S3 server."""

from __future__ import annotations

import json
import re
import socket
from itertools import islice

import grpc
import pytest
from tritonclient.grpc import service_pb2

from tests.ports import HOST
from tests.requestlog.conftest import Stored
from tests.requestlog.envoy import envoy
from tests.requestlog.pod import Pod, request
from tests.sync.s3 import BUCKET, S3
from tests.unit.requestlog.telling import Told
from tritium.requestlog.service import KEPT, STREAMS

FOLDER = "team/fraud"


async def test_requests_are_in_a_file_when_the_pod_has_ended(server: S3, pod: Pod, prefix: str, stored: Stored) -> None:
    message = service_pb2.ModelInferRequest(model_name="fraud", id="of-grpc")
    message.inputs.add(name="x", datatype="FP32", shape=[2])
    message.raw_input_contents.append(bytes.fromhex("0000803f 0000c07f"))
    pod.start(request(server, prefix))
    await pod.ready()
    async with envoy(pod.grpc) as gateway:
        plain = Told(b'{"id":"of-http"}', b'{"outputs":[]}', answered={"tritium-revision": "3"})
        assert await gateway.tell(plain) == grpc.StatusCode.OK
        assert await gateway.tell(Told.grpc(message.SerializeToString(), b"")) == grpc.StatusCode.OK
    assert await pod.terminated() == 0
    files = stored(server, f"{prefix}/{FOLDER}")
    [(path, lines)] = files.items()
    assert re.fullmatch(r"date=\d{4}-\d\d-\d\d/\d{6}-fraud-log-7d4f-1\.jsonl\.gz", path)
    assert [(each["id"], each["complete"]) for each in lines] == [("of-http", True), ("of-grpc", True)]
    assert lines[0]["revision"] == 3
    assert lines[1]["request"]["body"]["inputs"][0]["data"] == [1, "NaN"]
    format_ = json.loads((server.data / BUCKET / prefix / FOLDER / "format.json").read_text())
    assert format_ == {"schema": lines[0]["schema"], "files": "date=*/*.jsonl.gz"}


@pytest.mark.parametrize("reset", [False, True])
async def test_what_was_cut_off_is_a_record_too(
    server: S3, pod: Pod, prefix: str, stored: Stored, *, reset: bool
) -> None:
    pod.start(request(server, prefix))
    await pod.ready()
    async with envoy(pod.grpc) as gateway:
        call = await gateway.begin(islice(Told(b'{"id":"cut"}', chunk=4).messages(), 2))
        # Over the same connection, so what was said before has come before.
        assert await gateway.tell(Told(b'{"id":"whole"}')) == grpc.StatusCode.OK
        await (_cancelled(call) if reset else call.done_writing())
        assert await call.code() == (grpc.StatusCode.CANCELLED if reset else grpc.StatusCode.OK)
    assert await pod.terminated() == 0
    [[whole, cut]] = stored(server, f"{prefix}/{FOLDER}").values()
    assert (whole["id"], whole["complete"]) == ("whole", True)
    assert (cut["complete"], cut["http_status"], cut["request"]["bytes"]) == (False, None, 4)


async def test_what_is_under_way_when_the_pod_ends_is_a_record_too(
    server: S3, pod: Pod, prefix: str, stored: Stored
) -> None:
    pod.start(request(server, prefix))
    await pod.ready()
    async with envoy(pod.grpc) as gateway:
        await gateway.begin(islice(Told().messages(), 2))
        await gateway.tell(Told())
        assert await pod.terminated() == 0
    [lines] = stored(server, f"{prefix}/{FOLDER}").values()
    assert [each["complete"] for each in lines] == [True, False]


async def test_bodies_are_cut_off_at_the_limit(server: S3, pod: Pod, prefix: str, stored: Stored) -> None:
    pod.start(request(server, prefix, maxBytes=1000, fields=["request"]))
    await pod.ready()
    async with envoy(pod.grpc) as gateway:
        await gateway.tell(Told(b"x" * 3_000_000, b"y" * 5000))
    assert await pod.terminated() == 0
    [[line]] = stored(server, f"{prefix}/{FOLDER}").values()
    assert (line["request"]["bytes"], line["request"]["truncated"]) == (3_000_000, True)
    assert len(line["request"]["raw"]) == 1336
    assert line["response"] == {"bytes": 5000, "truncated": False}


async def test_where_no_bodies_are_sent_nobody_waits_for_them(
    server: S3, pod: Pod, prefix: str, stored: Stored
) -> None:
    pod.start(request(server, prefix))
    await pod.ready()
    async with envoy(pod.grpc) as gateway:
        length = {"content-length": "99"}
        assert await gateway.tell(Told(asked=length, answered=length, bodies=False)) == grpc.StatusCode.OK
    assert await pod.terminated() == 0
    [[line]] = stored(server, f"{prefix}/{FOLDER}").values()
    assert line["complete"]
    assert line["request"] == line["response"] == {"bytes": 99, "truncated": True}


async def test_no_key_is_in_the_log_nor_in_the_files(server: S3, pod: Pod, prefix: str, stored: Stored) -> None:
    pod.start(request(server, prefix, fields=["headers"]))
    await pod.ready()
    secret = pod.secret["AWS_SECRET_ACCESS_KEY"]
    async with envoy(pod.grpc) as gateway:
        given = {"authorization": "Bearer of-the-client", "x-note": f"the key is {secret}", "x-tenant": "shop"}
        await gateway.tell(Told(asked=given))
    assert await pod.terminated() == 0
    [[line]] = stored(server, f"{prefix}/{FOLDER}").values()
    assert line["request"]["headers"] == {"x-note": "the key is ***", "x-tenant": "shop"}
    assert secret not in pod.said()


async def test_more_at_a_time_than_it_takes_are_dropped_and_counted(server: S3, pod: Pod, prefix: str) -> None:
    pod.start(request(server, prefix))
    await pod.ready()
    async with envoy(pod.grpc) as gateway:
        calls = [await gateway.begin(islice(Told().messages(), 1)) for _ in range(STREAMS + 6)]
        await pod.counts('dropped_total{reason="streams"}', 6)
        assert grpc.StatusCode.OK not in [await each.code() for each in calls[STREAMS:]]
        # There is room again as soon as others have ended.
        await calls[0].done_writing()
        assert await calls[0].code() == grpc.StatusCode.OK
        assert await gateway.tell(Told()) == grpc.StatusCode.OK
    assert await pod.counted('dropped_total{reason="streams"}') == 6


async def test_more_bytes_at_a_time_than_it_keeps_are_dropped_and_counted(server: S3, pod: Pod, prefix: str) -> None:
    pod.start(request(server, prefix, maxBytes=2**20))
    await pod.ready()
    told = Told(b"x" * (2**20 - 2**12), b"")  # with headers a little more
    fit = KEPT // 2**20
    async with envoy(pod.grpc) as gateway:
        calls = [await gateway.begin(list(told.messages())[:-1]) for _ in range(fit + 2)]
        await pod.counts('dropped_total{reason="memory"}', 2)
        assert [each.done() for each in calls] == [False] * fit + [True] * 2
        await calls[0].done_writing()
        assert await calls[0].code() == grpc.StatusCode.OK
        assert await gateway.tell(told) == grpc.StatusCode.OK
    assert await pod.counted('dropped_total{reason="memory"}') == 2


async def test_a_port_that_is_taken(server: S3, pod: Pod, prefix: str) -> None:
    with socket.create_server((HOST, pod.grpc)):
        pod.start(request(server, prefix))
        assert await pod.ended() == 1
    failure = pod.result().failure
    assert failure
    assert f"port {pod.grpc} cannot be listened on" in failure.message


async def _cancelled(call: grpc.aio.StreamStreamCall) -> None:
    call.cancel()
