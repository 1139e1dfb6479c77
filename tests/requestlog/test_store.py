"""The store is away, refuses, or comes back: what is lost is counted, and a person is told what to do."""

from __future__ import annotations

import json
import random
import re
import time
from typing import Any

import grpc
import pytest

from tests.requestlog.conftest import Stored
from tests.requestlog.envoy import envoy
from tests.requestlog.pod import Pod, request
from tests.sync.s3 import S3, Server
from tests.unit.requestlog.telling import Told
from tritium.api.fetch import FetchReason
from tritium.api.request_log import REQUEST_LOG_VARIABLE
from tritium.requestlog.__main__ import ROOT_VARIABLE, main

SIZE = 1_000_000
"""Of a body: nine of them fill a file."""


def large(number: int, *, packs: bool = True) -> Told:
    """A request that takes a megabyte of a file; one that cannot be packed is kept as it is."""
    text = json.dumps({"id": str(number), "text": "x" * SIZE}) if packs else _noise(number)
    return Told(text.encode(), b"", chunk=100_000)


def _noise(number: int) -> str:
    noise = random.Random(number).randbytes(SIZE // 2).hex()  # noqa: S311 - a test asks for no secret
    return json.dumps({"id": str(number), "text": noise})


async def test_files_wait_while_the_store_is_away(own_server: Server, pod: Pod, stored: Stored) -> None:
    pod.start(request(own_server.s3, "logs", maxBytes=2**20))
    await pod.ready()
    own_server.stop()
    async with envoy(pod.grpc) as gateway:
        for number in range(20):
            assert await gateway.tell(large(number)) == grpc.StatusCode.OK
    await pod.counts("upload_failures_total")
    assert (await pod.get("/readyz"))[0] == 200
    own_server.start()
    await pod.counts("files_total", 2)
    assert await pod.counted("records_total") == 18
    assert await pod.terminated() == 0
    files = stored(own_server.s3, "logs/team/fraud")
    assert len(files) == 3
    assert sorted(int(each["id"]) for lines in files.values() for each in lines) == list(range(20))


async def test_when_there_is_no_more_room_the_oldest_go_and_are_counted(
    own_server: Server, pod: Pod, stored: Stored
) -> None:
    pod.start(request(own_server.s3, "logs", maxBytes=2**20))
    await pod.ready()
    own_server.stop()
    requests = 60
    async with envoy(pod.grpc) as gateway:
        for number in range(requests):
            assert await gateway.tell(large(number, packs=False)) == grpc.StatusCode.OK
    assert await pod.counted('dropped_total{reason="store"}') > 0
    own_server.start()
    assert await pod.terminated() == 0
    lost = sum(map(int, re.findall(r"is lost \(records: (\d+)\)", pod.said())))
    kept = sorted(int(each["id"]) for lines in stored(own_server.s3, "logs/team/fraud").values() for each in lines)
    assert kept == list(range(lost, requests))


async def test_a_store_that_is_away_at_the_end_holds_it_up_for_twenty_seconds_at_most(
    own_server: Server, pod: Pod
) -> None:
    pod.start(request(own_server.s3, "logs"))
    await pod.ready()
    async with envoy(pod.grpc) as gateway:
        assert await gateway.tell(Told()) == grpc.StatusCode.OK
    own_server.stop()
    began = time.monotonic()
    assert await pod.terminated() == 0
    assert time.monotonic() - began < 21
    assert "is lost (records: 1)" in pod.said()
    own_server.start()


@pytest.mark.parametrize(
    ("given", "secret", "reason", "said"),
    [
        ({}, {"AWS_SECRET_ACCESS_KEY": "wrong-key-of-somebody"}, FetchReason.ACCESS_DENIED, "may write objects"),
        ({"uri": "s3://nowhere/logs"}, {}, FetchReason.SOURCE_NOT_FOUND, "Check its name in logging.uri"),
        ({}, None, FetchReason.SECRET_MISSING, "Secret log-keys, which logging.secretRef names, does not exist"),
        (
            {"options": {"endpoint": "http://10.9.9.9", "allowHttp": "true"}},
            {},
            FetchReason.ADDRESS_FORBIDDEN,
            "10.9.9.9",
        ),
        ({"options": {}}, {"AWS_ENDPOINT_URL": "nonsense"}, FetchReason.CREDENTIALS_MISSING, "AWS_ENDPOINT_URL"),
    ],
)
async def test_it_may_not_write_there(  # noqa: PLR0917
    server: S3,
    pod: Pod,
    prefix: str,
    given: dict[str, Any],
    secret: dict[str, str] | None,
    reason: FetchReason,
    said: str,
) -> None:
    pod.secret = {} if secret is None else pod.secret | secret
    wanted = request(server, prefix)
    target = wanted.target.model_copy(update=given)
    pod.start(wanted.model_copy(update={"target": target}))
    assert await pod.ended() == 1, pod.said()
    failure = pod.result().failure
    assert failure
    assert failure.reason == reason
    assert said in failure.message
    assert "model.source.uri" not in failure.message
    assert "model.source.credentials" not in failure.message
    assert "wrong-key-of-somebody" not in failure.message + pod.said()


async def test_a_store_that_is_away_at_the_start_is_waited_for(own_server: Server, pod: Pod) -> None:
    own_server.stop()
    pod.start(request(own_server.s3, "logs"))

    async def has_tried() -> bool:
        return "SourceUnreachable" in pod.said()

    await pod.until(has_tried)
    assert (await pod.get("/readyz"))[0] == 503
    own_server.start()
    await pod.ready()


async def test_a_secret_that_is_corrected_needs_no_new_pod(own_server: Server, pod: Pod, stored: Stored) -> None:
    pod.start(request(own_server.s3, "logs", maxBytes=2**20))
    await pod.ready()
    right = dict(pod.secret)
    own_server.stop()
    async with envoy(pod.grpc) as gateway:
        for number in range(9):
            assert await gateway.tell(large(number)) == grpc.StatusCode.OK
    await pod.counts("upload_failures_total")
    pod.mount({"AWS_SECRET_ACCESS_KEY": "wrong-key-of-somebody"})
    own_server.start()

    async def is_refused() -> bool:
        return "as AccessDenied" in pod.said()

    await pod.until(is_refused)
    pod.mount(right)
    await pod.counts("files_total")
    assert len(stored(own_server.s3, "logs/team/fraud")) == 1


def test_what_it_is_told_is_nothing(pod: Pod) -> None:
    (pod.root / "dev").mkdir(parents=True)
    assert main({REQUEST_LOG_VARIABLE: "{}", ROOT_VARIABLE: str(pod.root)}) == 1
    failure = pod.result().failure
    assert failure
    assert "target: Field required" in failure.message
