"""`hf://`: at one commit for ever, no token for the CDN, and what a user is told when the hub refuses."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.ports import HOST
from tests.sync.hub import Hub, Repo, hugging_face
from tests.sync.places import CLOSED
from tests.sync.pod import Pod, request
from tests.sync.proxy import line
from tritium.api.fetch import FetchReason, FetchRequest
from tritium.sync.download import CHUNK

NAME = "org/fraud"
TOKEN = "hf_of-a-test"  # noqa: S105 - of a server that lives for a test
MODEL = {
    "config.pbtxt": b'backend: "onnxruntime"\n',
    "1/model.onnx": os.urandom(2 * CHUNK + 7),
    "1/assets/voc ab+50%#é.txt": b"words",
    "1/empty": b"",
    "README.md": b"# Fraud\n",
}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hugging_face() as running:
        running.repos[NAME] = Repo()
        running.members[TOKEN] = {NAME}
        yield running


@pytest.fixture(autouse=True)
def keys(pod: Pod) -> None:
    pod.secret = {"HF_TOKEN": TOKEN}


def wanted(hub: Hub, uri: str = f"hf://{NAME}", *, credentials: bool = False, **options: str) -> FetchRequest:
    return request("", uri, options=hub.options | options, credentials=credentials)


async def fetched(pod: Pod, request: FetchRequest) -> dict[str, bytes]:
    """What the operator does for a new revision."""
    found = await pod.resolve(request)
    assert found.origin
    await pod.fetch(request.model_copy(update={"fingerprint": found.fingerprint, "pin": found.origin.pin}))
    return pod.model()


async def test_a_repository_of_a_model(hub: Hub, pod: Pod) -> None:
    commit = hub.repos[NAME].commit(MODEL)
    found = await pod.resolve(wanted(hub))
    assert found.origin
    assert (found.files, found.bytes, found.origin.pin) == (5, sum(map(len, MODEL.values())), commit)
    assert await fetched(pod, wanted(hub)) == MODEL


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("triton", {"config.pbtxt": b'backend: "onnxruntime"\n', "1/model.onnx": b"w" * 2000}),
        ("triton/1/model.onnx", {"config.pbtxt": b'backend: "onnxruntime"\n', "1/model.onnx": b"w" * 2000}),
    ],
)
async def test_a_folder_or_a_file_of_a_repository(hub: Hub, pod: Pod, path: str, files: dict[str, bytes]) -> None:
    config = b'backend: "onnxruntime"\n'
    hub.repos[NAME].commit({"triton/config.pbtxt": config, "triton/1/model.onnx": b"w" * 2000, "tritonX/a": b"1"})
    assert await fetched(pod, wanted(hub, f"hf://{NAME}@main/{path}")) == files


@pytest.mark.parametrize("revision", ["main", "team%2Fnext", "refs/pr/3", None])
async def test_a_revision_goes_on_meaning_what_it_meant(hub: Hub, pod: Pod, revision: str | None) -> None:
    repo, branch = hub.repos[NAME], (revision or "main").replace("%2F", "/")
    first = repo.commit({"model.onnx": b"first" * 1000}, branch)
    asked = wanted(hub, f"hf://{NAME}" + (f"@{revision}" if revision else ""))
    found = await pod.resolve(asked)
    repo.commit({"model.onnx": b"second" * 1000}, branch)
    assert found.origin
    assert found.origin.pin == first
    await pod.fetch(asked.model_copy(update={"fingerprint": found.fingerprint, "pin": first}))
    assert pod.model()["1/model.onnx"] == b"first" * 1000
    assert (await pod.resolve(asked)).fingerprint != found.fingerprint


async def test_several_are_listed_together(hub: Hub, tmp_path: Path) -> None:
    """As one who follows them does."""
    for number in range(4):
        hub.repos[f"org/{number}"] = Repo()
        hub.repos[f"org/{number}"].commit({f"1/{each}": b"1" for each in range(number + 1)})
    pods = [Pod(tmp_path / str(number)) for number in range(4)]
    asked = [wanted(hub, f"hf://org/{number}") for number in range(4)]
    found = await asyncio.gather(*(pod.resolve(each) for pod, each in zip(pods, asked, strict=True)))
    assert [each.files for each in found] == [1, 2, 3, 4]


async def test_a_commit_can_be_named(hub: Hub, pod: Pod) -> None:
    first = hub.repos[NAME].commit({"model.onnx": b"first"})
    hub.repos[NAME].commit({"model.onnx": b"second"})
    assert (await fetched(pod, wanted(hub, f"hf://{NAME}@{first}")))["1/model.onnx"] == b"first"


async def test_the_token_goes_to_the_hub_and_nowhere_else(hub: Hub, pod: Pod) -> None:
    hub.repos[NAME].private = True
    hub.repos[NAME].commit(MODEL)
    assert await fetched(pod, wanted(hub, credentials=True)) == MODEL
    assert {(server, TOKEN in str(headers)) for server, _, headers in hub.asked} == {("hub", True), ("cdn", False)}


async def test_a_line_that_breaks_is_taken_up_where_it_broke(hub: Hub, pod: Pod) -> None:
    hub.repos[NAME].commit(MODEL)
    async with line(hub.cdn) as between:
        hub.cdn, between.cut = between.port, 1_700_000
        assert await fetched(pod, wanted(hub)) == MODEL
        assert between.connections > 2 * CHUNK // between.cut
        assert between.passed < 1.5 * 2 * CHUNK, "what had arrived is not fetched again"


@pytest.mark.parametrize(("size", "kind"), [(5000, "sha256"), (500, "git blob")])
async def test_bytes_that_are_not_those_of_the_listing_are_refused(hub: Hub, pod: Pod, size: int, kind: str) -> None:
    content = b"w" * size
    hub.repos[NAME].commit({"model.onnx": content})
    hub.harmed[hashlib.sha256(content).hexdigest()] = b"W" * size
    found = await pod.resolve(wanted(hub))
    assert found.origin
    asked = wanted(hub).model_copy(update={"fingerprint": found.fingerprint, "pin": found.origin.pin})
    reason, message = await pod.refuses("fetch", asked)
    assert reason == FetchReason.DIGEST_MISMATCH
    assert f"the bytes of model.onnx that arrived are not those that the source lists ({kind} " in message
    assert not list(pod.mounts.models.iterdir())


@pytest.mark.parametrize("member", [True, False])
@pytest.mark.parametrize("kind", ["private", "gated"])
async def test_a_repository_that_is_not_for_everybody(hub: Hub, pod: Pod, kind: str, *, member: bool) -> None:
    hub.repos[NAME].commit({"model.onnx": b"weights"})
    setattr(hub.repos[NAME], kind, True)
    if member:
        assert (await fetched(pod, wanted(hub, credentials=True)))["1/model.onnx"] == b"weights"
        return
    hub.members[TOKEN] = set()
    reason, message = await pod.refuses("resolve", wanted(hub, credentials=True))
    if kind == "private":
        assert reason == FetchReason.SOURCE_NOT_FOUND
        assert "or this token may not see it" in message
    else:
        assert reason == FetchReason.ACCESS_DENIED
        assert "is gated. To read it, accept its terms on its page on the hub, and check the token in Secret" in message


@pytest.mark.parametrize("kind", ["private", "gated", "unknown"])
async def test_a_stranger(hub: Hub, pod: Pod, kind: str) -> None:
    hub.repos[NAME].commit({"model.onnx": b"weights"})
    setattr(hub.repos[NAME], kind, True)
    name = "org/nowhere" if kind == "unknown" else NAME
    reason, message = await pod.refuses("resolve", wanted(hub, f"hf://{name}"))
    assert reason == FetchReason.ACCESS_DENIED
    assert ("is gated" if kind == "gated" else "is private, or does not exist") in message
    assert "name a Secret with a token in model.source.credentials" in message


async def test_a_token_that_the_hub_does_not_know(hub: Hub, pod: Pod) -> None:
    hub.members.clear()
    reason, message = await pod.refuses("resolve", wanted(hub, credentials=True))
    assert reason == FetchReason.ACCESS_DENIED
    assert "the hub answers 401" in message
    assert TOKEN not in message


async def test_a_secret_without_the_token(hub: Hub, pod: Pod) -> None:
    pod.secret = {"token": TOKEN}
    reason, message = await pod.refuses("resolve", wanted(hub, credentials=True))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert "has no key HF_TOKEN" in message


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (f"hf://{NAME}@v9", f"{NAME} has no revision v9. Check what follows @"),
        (f"hf://{NAME}@main/onnx", "nothing is at onnx, at commit "),
        ("hf://org/no..name", "org/no..name is no name of a repository"),
    ],
)
async def test_what_is_not_there(hub: Hub, pod: Pod, uri: str, said: str) -> None:
    hub.repos[NAME].commit({"model.onnx": b"weights"})
    reason, message = await pod.refuses("resolve", wanted(hub, uri))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert said in message


async def test_a_commit_that_was_taken_away(hub: Hub, pod: Pod) -> None:
    hub.repos[NAME].commit({"model.onnx": b"weights"})
    found = await pod.resolve(wanted(hub))
    hub.repos[NAME].commits.clear()
    assert found.origin
    asked = wanted(hub).model_copy(update={"fingerprint": found.fingerprint, "pin": found.origin.pin})
    assert (await pod.refuses("fetch", asked))[0] == FetchReason.SOURCE_NOT_FOUND


async def test_a_repository_of_too_many_files(hub: Hub, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.sync.hub.PAGE", 1000)
    hub.repos[NAME].commit({f"1/{number}": b"1" for number in range(10_001)})
    reason, message = await pod.refuses("resolve", wanted(hub))
    assert reason == FetchReason.MODEL_INVALID
    assert "more than 10000 files" in message


async def test_a_server_that_is_no_hub(hub: Hub, pod: Pod) -> None:
    cdn = wanted(hub, endpoint=f"http://{HOST}:{hub.cdn}")
    assert (await pod.refuses("resolve", cdn))[0] == FetchReason.ACCESS_DENIED
    reason, message = await pod.refuses("resolve", wanted(hub, endpoint=hub.endpoint + "/elsewhere"))
    assert reason == FetchReason.SOURCE_UNREACHABLE, message


async def test_hubs_that_cannot_be_reached_are_reported_soon(hub: Hub, tmp_path: Path) -> None:
    silent = socket.create_server((HOST, 0))  # the kernel accepts, and nobody answers
    places = {
        f"http://{HOST}:1": "Connection refused",
        "http://nowhere.invalid": "its name cannot be resolved",
        f"http://{HOST}:{silent.getsockname()[1]}": "no answer within the time allowed",
        f"https://{HOST}:{hub.port}": "it does not speak TLS on this port",
    }
    started = time.monotonic()
    for number, (endpoint, said) in enumerate(places.items()):
        asked = wanted(hub, endpoint=endpoint)
        reason, message = await Pod(tmp_path / str(number)).refuses("resolve", asked)
        assert reason == FetchReason.SOURCE_UNREACHABLE
        assert f"hf://{NAME} at {endpoint}: the server cannot be reached: {said}" in message
    assert time.monotonic() - started < 15
    silent.close()


async def test_http_is_only_spoken_if_it_is_said(hub: Hub, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", wanted(hub, allowHttp="false"))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "Set model.source.options.allowHttp: 'true'" in message
    assert not hub.asked


async def test_a_hub_and_a_cdn_that_nobody_allows(hub: Hub, pod: Pod) -> None:
    hub.repos[NAME].commit(MODEL)
    closed = wanted(hub).model_copy(update={"allowed_networks": []})
    reason, message = await pod.refuses("resolve", closed)
    assert reason == FetchReason.ADDRESS_FORBIDDEN, message
    assert f"hf://{NAME} at {hub.endpoint}: it leads to {HOST}" in message
    assert not hub.asked
    hub.cdn_host = CLOSED
    only = [ip_network(f"{HOST}/32")]
    found = await pod.resolve(wanted(hub).model_copy(update={"allowed_networks": only}))
    assert found.origin
    update = {"fingerprint": found.fingerprint, "pin": found.origin.pin, "allowed_networks": only}
    assert (await pod.refuses("fetch", wanted(hub).model_copy(update=update)))[0] == FetchReason.ADDRESS_FORBIDDEN
    assert not [each for each, _, _ in hub.asked if each == "cdn"]


async def test_requests_go_through_the_proxy(hub: Hub, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", wanted(hub, proxyUrl=f"http://{HOST}:1"))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "Connection refused" in message


def test_nothing_is_written_beside_the_model_and_nobody_else_is_told(hub: Hub, pod: Pod) -> None:
    """As in a container: a home that cannot be written, and a token of somebody else's in it."""
    hub.repos[NAME].commit(MODEL)
    home = pod.root / "home"
    (home / ".cache" / "huggingface").mkdir(parents=True)
    (home / ".cache" / "huggingface" / "token").write_text("hf_of-somebody-else")
    before = sorted(home.rglob("*"))
    process = pod.start("resolve", wanted(hub), HOME=str(home), TMPDIR=str(home))
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert sorted(home.rglob("*")) == before
    assert not any("uthorization" in str(headers) for _, _, headers in hub.asked)
    assert {path.split("?")[0] for _, path, _ in hub.asked} <= {
        f"GET /api/models/{NAME}/revision/main",
        f"GET /api/models/{NAME}/tree/{pod.result().origin.pin}",  # type: ignore[union-attr]
    }
