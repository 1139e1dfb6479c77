"""`az://`: its keys and tokens, what a user is told when it refuses, and objects that change on the way.

What is alike in all stores is tested with the others, in test_resolve.py and test_fetch.py.
"""

from __future__ import annotations

import asyncio
import os

import obstore
import pytest

from tests.ports import HOST
from tests.sync.azurite import ACCOUNT, Azurite
from tests.sync.pod import Pod, request
from tests.sync.proxy import Line, line
from tritium.api.fetch import FetchReason
from tritium.sync.download import CHUNK

CONTENT = os.urandom(3 * CHUNK)
NAME, KEY, SAS = "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"


@pytest.fixture(autouse=True)
def keys(azurite: Azurite, pod: Pod) -> None:
    pod.secret = azurite.keys


@pytest.fixture(autouse=True, scope="module")
def model(azurite: Azurite) -> None:
    azurite.put("refusals/1/model.onnx", b"weights")


def through(between: Line) -> dict[str, str]:
    """Options that lead over a line."""
    return {"endpoint": f"{between.endpoint}/{ACCOUNT}", "allowHttp": "true"}


async def test_objects_that_only_mark_a_folder_are_no_files(azurite: Azurite, pod: Pod, prefix: str) -> None:
    azurite.put_all(prefix, {"1/": b"", "1/model.onnx": b"abc", "1/assets/": b"", "1/__init__.py": b""})
    found = await pod.resolve(request(azurite, prefix))
    assert (found.files, found.bytes) == (2, 3)


async def test_the_fingerprint_is_that_of_one_state(azurite: Azurite, pod: Pod, prefix: str) -> None:
    azurite.put(f"{prefix}/1/model.onnx", b"weights")
    first = await pod.resolve(request(azurite, prefix))
    assert await pod.resolve(request(azurite, prefix)) == first
    azurite.put(f"{prefix}/1/model.onnx", b"WEIGHTS")
    assert (await pod.resolve(request(azurite, prefix))).fingerprint != first.fingerprint


@pytest.mark.parametrize("begin", ["", "?"])
async def test_a_token_in_place_of_the_key(azurite: Azurite, pod: Pod, begin: str) -> None:
    pod.secret = {NAME: ACCOUNT, SAS: begin + azurite.token() + "\n"}
    await pod.resolve_and_fetch(request(azurite, "refusals"))
    assert pod.model() == {"1/model.onnx": b"weights"}


async def test_the_spec_can_name_the_account(azurite: Azurite, pod: Pod) -> None:
    pod.secret[NAME] = "another"
    options = {"endpoint": azurite.endpoint, "allowHttp": "true", "accountName": ACCOUNT}
    assert (await pod.resolve(request(azurite, "refusals", options=options))).files == 1


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (NAME, f"set it as model.source.options.accountName, or as {NAME} in Secret s3-keys"),
        (KEY, f"Secret s3-keys has no key {KEY}"),
    ],
)
async def test_a_secret_without_one_of_the_keys(azurite: Azurite, pod: Pod, gone: str, said: str) -> None:
    del pod.secret[gone]
    reason, message = await pod.refuses("resolve", request(azurite, "refusals"))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert said in message


async def test_a_secret_that_does_not_exist(azurite: Azurite, pod: Pod) -> None:
    pod.secret = {}
    reason, message = await pod.refuses("resolve", request(azurite, "refusals"))
    assert reason == FetchReason.SECRET_MISSING
    assert message.endswith(f"Create it with the keys {NAME} and {KEY}")


async def test_a_key_that_is_none(azurite: Azurite, pod: Pod) -> None:
    pod.secret[KEY] = "not in base64!!"
    reason, message = await pod.refuses("resolve", request(azurite, "refusals"))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert f"{KEY} in Secret s3-keys is no key in base64" in message


async def test_a_wrong_key(azurite: Azurite, pod: Pod) -> None:
    pod.secret[KEY] = "cXVpdGUgd3Jvbmc="
    first = await pod.refuses("resolve", request(azurite, "refusals"))
    reason, message = first
    assert reason == FetchReason.ACCESS_DENIED
    assert message.startswith(
        f"az://models/refusals at {azurite.endpoint}: access was refused (403 AuthorizationFailure:"
    )
    assert message.endswith("Check the keys in Secret s3-keys, and that they may list the bucket and read its objects")
    assert first == await pod.refuses("resolve", request(azurite, "refusals")), "without numbers and times"


@pytest.mark.parametrize(("allows", "hours"), [("rl", -1), ("r", 1)], ids=["expired", "may not list"])
async def test_a_token_that_does_not_do(azurite: Azurite, pod: Pod, allows: str, hours: float) -> None:
    pod.secret = {NAME: ACCOUNT, SAS: azurite.token(sp=allows, hours=hours)}
    reason, message = await pod.refuses("resolve", request(azurite, "refusals"))
    assert reason == FetchReason.ACCESS_DENIED
    assert "sig=" not in message


async def test_anonymous_where_nothing_is_public(azurite: Azurite, pod: Pod) -> None:
    options = {"endpoint": azurite.endpoint, "allowHttp": "true", "anonymous": "true", "accountName": ACCOUNT}
    reason, message = await pod.refuses("resolve", request(azurite, "refusals", options=options, credentials=False))
    assert reason == FetchReason.ACCESS_DENIED
    assert "remove options.anonymous" in message


async def test_no_credentials_anywhere(azurite: Azurite, pod: Pod) -> None:
    options = {"endpoint": azurite.endpoint, "allowHttp": "true", "accountName": ACCOUNT}
    reason, message = await pod.refuses("resolve", request(azurite, "refusals", options=options, credentials=False))
    assert reason == FetchReason.CREDENTIALS_MISSING, message
    assert "the node offers none to its pods" in message


async def test_no_such_container(azurite: Azurite, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", request(azurite, "az://nowhere/refusals"))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert "there is no container nowhere" in message


@pytest.mark.parametrize("path", ["refusals/2", "refusals/1/model.onnx/", "refus"])
async def test_no_such_object(azurite: Azurite, pod: Pod, path: str) -> None:
    reason, message = await pod.refuses("resolve", request(azurite, path))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert f"az://models/{path} at {azurite.endpoint}: nothing is there" in message


@pytest.mark.parametrize("option", ["endpoint", "proxyUrl"])
async def test_a_server_that_cannot_be_reached(azurite: Azurite, pod: Pod, option: str) -> None:
    options = {"endpoint": azurite.endpoint, "allowHttp": "true"} | {option: f"http://{HOST}:1"}
    reason, message = await pod.refuses("resolve", request(azurite, "refusals", options=options))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "the server cannot be reached: Connection refused" in message


async def test_connections_that_break_are_taken_up_where_they_broke(azurite: Azurite, pod: Pod, prefix: str) -> None:
    azurite.put(f"{prefix}/1/model.onnx", CONTENT)
    async with line(azurite.port) as between:
        between.cut = 1_700_000
        await pod.resolve_and_fetch(request(azurite, prefix, options=through(between)))
        assert between.connections > len(CONTENT) // between.cut
        assert between.passed < 1.5 * len(CONTENT), "what had arrived is not fetched again"
    assert pod.model() == {"1/model.onnx": CONTENT}


@pytest.mark.parametrize("content", [CONTENT[::-1] * 4, b"short", None], ids=["as long", "shorter", "gone"])
async def test_an_object_that_is_replaced_on_the_way(
    azurite: Azurite, pod: Pod, prefix: str, content: bytes | None
) -> None:
    key = f"{prefix}/1/model.onnx"
    azurite.put(key, CONTENT * 4)
    replaced = asyncio.Event()

    def replace(passed: int) -> None:
        if passed > CHUNK and not replaced.is_set():
            replaced.set()
            obstore.delete(azurite.store, key) if content is None else azurite.put(key, content)

    async with line(azurite.port) as between:
        found = await pod.resolve(request(azurite, prefix, options=through(between)))
        between.watch = replace
        wanted = request(azurite, prefix, options=through(between), fingerprint=found.fingerprint)
        reason, message = await pod.refuses("fetch", wanted)
    assert replaced.is_set()
    assert reason == FetchReason.SOURCE_CHANGED
    assert "1/model.onnx was replaced while it was read" in message
    assert not pod.ready.exists()
