"""`gs://`: its keys and identities, what a user is told when it refuses, and objects that change on the way.

What is alike in all stores is tested with the others, in test_resolve.py and test_fetch.py.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.ports import HOST
from tests.sync.google import Google, account, private_key
from tests.sync.pod import Pod, request
from tests.sync.proxy import line
from tritium.api.fetch import FetchReason, FetchRequest
from tritium.sync.download import CHUNK

CONTENT = os.urandom(3 * CHUNK)
FILE = "GOOGLE_APPLICATION_CREDENTIALS"


@pytest.fixture(autouse=True)
def keys(google: Google, pod: Pod) -> None:
    pod.secret = google.keys


@pytest.fixture(autouse=True, scope="module")
def model(google: Google) -> None:
    google.put("refusals/1/model.onnx", b"weights")


def with_identity(wanted: FetchRequest, account: str | None = None) -> FetchRequest:
    """The same request with a ServiceAccount, or with nothing, in place of the Secret."""
    named = {"serviceAccountName": account} if account else None
    source = wanted.source.model_dump(by_alias=True, exclude_none=True) | {"credentials": named}
    return FetchRequest.model_validate(wanted.model_dump(by_alias=True) | {"source": source})


async def test_objects_that_only_mark_a_folder_are_no_files(google: Google, pod: Pod, prefix: str) -> None:
    google.put_all(prefix, {"": b"", "1/": b"", "1/model.onnx": b"abc", "1/assets/": b"", "1/__init__.py": b""})
    found = await pod.resolve(request(google, prefix))
    assert (found.files, found.bytes) == (2, 3)


async def test_the_other_name_of_the_key(google: Google, pod: Pod) -> None:
    pod.secret = {"GOOGLE_SERVICE_ACCOUNT_KEY": pod.secret[FILE] + "\n"}
    assert (await pod.resolve(request(google, "refusals"))).files == 1


async def test_a_secret_that_does_not_exist(google: Google, pod: Pod) -> None:
    pod.secret = {}
    reason, message = await pod.refuses("resolve", request(google, "refusals"))
    assert reason == FetchReason.SECRET_MISSING
    assert message.endswith(f"Create it with the key {FILE}")


async def test_a_secret_for_another_store(google: Google, pod: Pod) -> None:
    pod.secret = {"AWS_ACCESS_KEY_ID": "tritium", "AWS_SECRET_ACCESS_KEY": "not-shown"}
    reason, message = await pod.refuses("resolve", request(google, "refusals"))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert f"has no key {FILE}" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "is no JSON object"),
        ({"type": "authorized_user"}, "is not of type service_account"),
        ({"private_key": None}, "lacks private_key"),
        ({"private_key": "rubbish"}, "has a private_key that cannot be read"),
        (
            {"private_key": "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"},
            "has a private_key that cannot be read",
        ),
    ],
)
async def test_a_file_that_cannot_be_used(google: Google, pod: Pod, change: dict[str, str] | None, said: str) -> None:
    pod.secret[FILE] = "rubbish" if change is None else json.dumps(json.loads(pod.secret[FILE]) | change)
    reason, message = await pod.refuses("resolve", request(google, "refusals"))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert f"{FILE} in Secret s3-keys {said}. Put a service account's key there" in message


async def test_the_file_cannot_lead_elsewhere_or_leave_the_signature_out(google: Google, pod: Pod) -> None:
    more = {"gcs_base_url": f"http://{HOST}:1", "disable_oauth": True}
    pod.secret[FILE] = json.dumps(json.loads(pod.secret[FILE]) | more)
    assert (await pod.resolve(request(google, "refusals"))).files == 1


async def test_another_accounts_key(google: Google, pod: Pod, tmp_path: Path) -> None:
    pod.secret[FILE] = account(private_key(tmp_path, "other"))
    reason, message = await pod.refuses("resolve", request(google, "refusals"))
    assert reason == FetchReason.ACCESS_DENIED
    assert message == (
        f"gs://models/refusals at {google.endpoint}: access was refused (401 AuthenticationRequired: Authentication "
        "required). Check the keys in Secret s3-keys, and that they may list the bucket and read its objects"
    )


async def test_a_clock_that_is_far_behind(google: Google, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "ahead", 7200)
    assert (await pod.refuses("resolve", request(google, "refusals")))[0] == FetchReason.ACCESS_DENIED


async def test_anonymous_where_nothing_is_public(google: Google, pod: Pod) -> None:
    options = {"endpoint": google.endpoint, "allowHttp": "true", "anonymous": "true"}
    reason, message = await pod.refuses("resolve", request(google, "refusals", options=options, credentials=False))
    assert reason == FetchReason.ACCESS_DENIED
    assert "remove options.anonymous" in message


async def test_a_public_bucket(google: Google, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google, "tokens", {""})
    options = {"endpoint": google.endpoint, "allowHttp": "true", "anonymous": "true"}
    assert (await pod.resolve(request(google, "refusals", options=options, credentials=False))).files == 1


async def test_no_credentials_anywhere(google: Google, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", with_identity(request(google, "refusals")))
    assert reason == FetchReason.CREDENTIALS_MISSING, message
    assert "the node offers none to its pods" in message


@pytest.fixture
async def metadata(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[tuple[int, str]]]:
    """A node's metadata server, which answers with the status and text that a test puts into the list."""
    answers: list[tuple[int, str]] = []

    async def token(asked: web.Request) -> web.Response:
        assert asked.headers["Metadata-Flavor"] == "Google"
        status, text = answers[0]
        return web.Response(status=status, text=text, content_type="application/json")

    application = web.Application()
    application.router.add_get("/computeMetadata/v1/instance/service-accounts/default/token", token)
    server = TestServer(application, host=HOST)
    await server.start_server()
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
        monkeypatch.setenv(name, f"{HOST}:{server.port}")
    yield answers
    await server.close()


async def test_the_identity_of_the_pods_service_account(
    google: Google, pod: Pod, metadata: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google, "tokens", {"of-the-pod"})
    token = {"access_token": "of-the-pod", "expires_in": 3600, "token_type": "Bearer"}
    metadata.append((200, json.dumps(token)))
    assert (await pod.resolve(with_identity(request(google, "refusals"), "model-reader"))).files == 1


async def test_a_service_account_without_a_role(google: Google, pod: Pod, metadata: list[tuple[int, str]]) -> None:
    metadata.append((403, "Permission 'iam.serviceAccounts.getAccessToken' denied"))
    wanted = with_identity(request(google, "refusals"), "model-reader")
    reason, message = await pod.refuses("resolve", wanted)
    assert reason == FetchReason.ACCESS_DENIED
    assert "Check what role ServiceAccount model-reader has" in message


async def test_no_such_bucket(google: Google, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", request(google, "gs://nowhere/refusals"))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert "there is no bucket nowhere" in message


@pytest.mark.parametrize("path", ["refusals/2", "refusals/1/model.onnx/", "refus"])
async def test_no_such_object(google: Google, pod: Pod, path: str) -> None:
    reason, message = await pod.refuses("resolve", request(google, path))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert f"gs://models/{path} at {google.endpoint}: nothing is there" in message


async def test_a_server_that_cannot_be_reached(google: Google, pod: Pod) -> None:
    options = {"endpoint": f"http://{HOST}:1", "allowHttp": "true"}
    reason, message = await pod.refuses("resolve", request(google, "refusals", options=options))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "gs://models/refusals at http://127.0.0.1:1: the server cannot be reached: Connection refused" in message


async def test_requests_go_through_the_proxy(google: Google, pod: Pod) -> None:
    options = {"endpoint": google.endpoint, "allowHttp": "true", "proxyUrl": f"http://{HOST}:1"}
    reason, message = await pod.refuses("resolve", request(google, "refusals", options=options))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "Connection refused" in message


async def test_connections_that_break_are_taken_up_where_they_broke(google: Google, pod: Pod, prefix: str) -> None:
    google.put(f"{prefix}/1/model.onnx", CONTENT)
    async with line(google.port) as between:
        between.cut = 1_700_000
        options = {"endpoint": between.endpoint, "allowHttp": "true"}
        await pod.resolve_and_fetch(request(google, prefix, options=options))
        assert between.connections > len(CONTENT) // between.cut
        assert between.passed < 1.5 * len(CONTENT), "what had arrived is not fetched again"
    assert pod.model() == {"1/model.onnx": CONTENT}


@pytest.mark.parametrize("content", [CONTENT[::-1] * 4, b"short", None], ids=["as long", "shorter", "gone"])
async def test_an_object_that_is_replaced_on_the_way(
    google: Google, pod: Pod, prefix: str, content: bytes | None
) -> None:
    key = f"{prefix}/1/model.onnx"
    google.put(key, CONTENT * 4)
    replaced = asyncio.Event()

    def replace(passed: int) -> None:
        if passed > CHUNK and not replaced.is_set():
            replaced.set()
            google.remove(key) if content is None else google.put(key, content)

    async with line(google.port) as between:
        options = {"endpoint": between.endpoint, "allowHttp": "true"}
        found = await pod.resolve(request(google, prefix, options=options))
        between.watch = replace
        wanted = request(google, prefix, options=options, fingerprint=found.fingerprint)
        reason, message = await pod.refuses("fetch", wanted)
    assert replaced.is_set()
    assert reason == FetchReason.SOURCE_CHANGED
    assert "1/model.onnx was replaced while it was read" in message
    assert not pod.ready.exists()
