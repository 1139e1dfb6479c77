"""Each reason, from a real server: what the user is told, and that it is told soon."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from tests.ports import HOST, free_ports
from tests.sync.pod import KEYS, Pod, request
from tests.sync.s3 import KEY, S3
from tritium.api.fetch import FetchReason


@pytest.fixture(autouse=True, scope="module")
def model(server: S3) -> None:
    server.put("refusals/1/model.onnx", b"weights")


async def test_a_secret_that_does_not_exist(server: S3, pod: Pod) -> None:
    pod.secret = {}
    reason, message = await pod.refuses("resolve", request(server, "refusals"))
    assert reason == FetchReason.SECRET_MISSING
    assert "Secret s3-keys" in message


@pytest.mark.parametrize("key", list(KEYS))
async def test_a_secret_without_one_of_the_keys(server: S3, pod: Pod, key: str) -> None:
    del pod.secret[key]
    reason, message = await pod.refuses("resolve", request(server, "refusals"))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert f"Secret s3-keys has no key {key}" in message


async def test_a_line_end_in_a_secret_is_no_part_of_the_key(server: S3, pod: Pod) -> None:
    pod.secret = {name: value + "\n" for name, value in KEYS.items()}
    assert (await pod.resolve(request(server, "refusals"))).files == 1


async def test_the_secret_can_say_where_the_server_is(server: S3, pod: Pod) -> None:
    pod.secret |= {"AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": "us-east-1"}
    assert (await pod.resolve(request(server, "refusals", options={"allowHttp": "true"}))).files == 1


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "quite-wrong"}, "403 SignatureDoesNotMatch: The request signature"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "404 XAdminUserNotFound: No user exists"),
    ],
)
async def test_wrong_keys(server: S3, pod: Pod, keys: dict[str, str], said: str) -> None:
    pod.secret |= keys
    reason, message = await pod.refuses("resolve", request(server, "refusals"))
    assert reason == FetchReason.ACCESS_DENIED
    assert message.startswith(f"s3://models/refusals at {server.endpoint}: access was refused ({said}")
    assert message.endswith("Check the keys in Secret s3-keys, and that they may list the bucket and read its objects")


async def test_another_region(server: S3, pod: Pod) -> None:
    pod.secret["AWS_REGION"] = "eu-north-7"
    reason, message = await pod.refuses("resolve", request(server, "refusals"))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert 'the region "eu-north-7" is wrong; expecting "us-east-1"' in message
    assert "Set model.source.options.region" in message


async def test_anonymous_where_nothing_is_public(server: S3, pod: Pod) -> None:
    options = {"endpoint": server.endpoint, "allowHttp": "true", "anonymous": "true"}
    wanted = request(server, "refusals", options=options, credentials=False)
    reason, message = await pod.refuses("resolve", wanted)
    assert reason == FetchReason.ACCESS_DENIED
    assert "remove options.anonymous" in message


async def test_no_credentials_anywhere(server: S3, pod: Pod) -> None:
    started = time.monotonic()
    reason, message = await pod.refuses("resolve", request(server, "refusals", credentials=False))
    assert reason == FetchReason.CREDENTIALS_MISSING, message
    assert "anonymous: 'true'" in message
    assert time.monotonic() - started < 15


async def test_no_such_bucket(server: S3, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", request(server, "s3://nowhere/refusals"))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert "there is no bucket nowhere" in message


@pytest.mark.parametrize("path", ["refusals/2", "refusals/1/model.onnx/", "refus", "refusals/1/model.onn"])
async def test_no_such_key(server: S3, pod: Pod, path: str) -> None:
    reason, message = await pod.refuses("resolve", request(server, path))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert f"s3://models/{path} at {server.endpoint}: nothing is there" in message


async def test_servers_that_cannot_be_reached_are_reported_soon(tmp_path: Path) -> None:
    silent = socket.create_server((HOST, 0))  # the kernel accepts, and nobody answers
    places = {
        f"http://{HOST}:{free_ports(1)[0]}": "Connection refused",
        "http://nowhere.invalid": "its name cannot be resolved",
        f"http://{HOST}:{silent.getsockname()[1]}": "no answer within the time allowed",
    }
    started = time.monotonic()
    answers = await asyncio.gather(
        *(
            Pod(tmp_path / str(number)).refuses("resolve", request(endpoint, "refusals"))
            for number, endpoint in enumerate(places)
        )
    )
    assert time.monotonic() - started < 15
    silent.close()
    for (reason, message), (endpoint, said) in zip(answers, places.items(), strict=True):
        assert reason == FetchReason.SOURCE_UNREACHABLE
        assert f"s3://models/refusals at {endpoint}: the server cannot be reached: " in message
        assert said in message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"allowHttp": "false"}, "Set model.source.options.allowHttp: 'true'"),
        ({"endpoint": "https"}, "it does not speak TLS on this port"),
        ({"proxyUrl": f"http://{HOST}:1"}, "Connection refused"),
    ],
)
async def test_a_server_that_is_spoken_to_wrongly(server: S3, pod: Pod, options: dict[str, str], said: str) -> None:
    given = {"endpoint": server.endpoint, "allowHttp": "true"} | options
    if given["endpoint"] == "https":
        given["endpoint"] = server.endpoint.replace("http:", "https:")
    reason, message = await pod.refuses("resolve", request(server, "refusals", options=given))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert said in message


async def test_messages_stay_the_same_while_the_fault_lasts(pod: Pod) -> None:
    wanted = request(f"http://{HOST}:{free_ports(1)[0]}", "refusals")
    assert await pod.refuses("resolve", wanted) == await pod.refuses("resolve", wanted)


def test_a_secret_is_never_shown(server: S3, pod: Pod) -> None:
    pod.secret["AWS_SECRET_ACCESS_KEY"] = "quite-wrong-and-never-shown"  # noqa: S105 - wrong on purpose
    process = pod.start("resolve", request(server, "refusals"))
    output, _ = process.communicate()
    assert process.returncode == 1
    assert output.splitlines()[-1].startswith("AccessDenied: s3://models/refusals at ")
    shown = output + pod.mounts.termination.read_text()
    assert "quite-wrong" not in shown
    assert KEY not in shown.replace("tritium.sync", "")
