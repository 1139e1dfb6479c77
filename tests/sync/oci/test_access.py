"""Who may read from a registry, and what a user is told of what cannot be read."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.ports import HOST
from tests.sync.oci.asking import MODEL, NAME, fetched, wanted
from tests.sync.oci.turnstile import SENT, turnstile
from tests.sync.pod import Pod, request
from tests.sync.proxy import line
from tests.sync.registry import (
    PASSWORD,
    USER,
    Door,
    Registry,
    Tokens,
    named,
)
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason
from tritium.sync.download import CHUNK


@pytest.mark.parametrize("form", ["keys", "auth", "names"])
async def test_a_password_from_a_secret(guarded: Registry, pod: Pod, form: str) -> None:
    both = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    entry = {"auth": both} if form == "auth" else {"username": USER, "password": PASSWORD}
    if form != "keys":
        auths = {"elsewhere.example.com": {"auth": "eDp5"}, f"https://{guarded.host}/v2/": entry}
        pod.secret = {".dockerconfigjson": json.dumps({"auths": auths})}
    assert await fetched(pod, wanted(guarded, credentials=True)) == MODEL


async def test_a_token_for_a_password_and_none_for_the_object_store(
    clouds: Registry, tokens: Tokens, between: Door, pod: Pod
) -> None:
    tokens.given.clear()
    between.seen.clear()
    assert await fetched(pod, wanted(clouds, credentials=True)) == MODEL
    assert set(tokens.given) == {USER}
    signed = [headers for verb, path, headers in between.seen if verb == "GET" and "X-Amz-Signature" in path]
    assert len(signed) >= len(MODEL), "the registry leads to the store"
    assert not any("uthorization" in str(headers) for headers in signed)


async def test_a_token_for_a_stranger(clouds: Registry, tokens: Tokens, pod: Pod) -> None:
    tokens.given.clear()
    tokens.public.add(NAME)
    assert await fetched(pod, wanted(clouds)) == MODEL
    tokens.public.clear()
    assert set(tokens.given) == {""}
    reason, message = await pod.refuses("resolve", wanted(clouds))
    assert reason == FetchReason.ACCESS_DENIED
    assert "Name a Secret with keys that may pull from the repository" in message


async def test_a_token_that_expires_on_the_way(
    clouds: Registry, tokens: Tokens, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await pod.resolve(wanted(clouds, credentials=True))
    tokens.given.clear()
    monkeypatch.setattr(tokens, "lasts", -54)  # the registry forgives a minute
    slow = False

    def until_it_has_expired(_: int) -> None:
        nonlocal slow
        if tokens.given and not slow:
            slow, tokens.lasts = True, 3600
            time.sleep(6.5)

    async with line(clouds.port) as between:
        between.watch = until_it_has_expired
        asked = wanted(f"{HOST}:{between.port}", credentials=True)
        assert found.origin
        await pod.fetch(asked.model_copy(update={"fingerprint": found.fingerprint, "pin": found.origin.pin}))
    assert pod.model() == MODEL
    assert len(tokens.given) > 1


async def test_a_token_that_expires_while_a_blob_breaks_off(public: Registry, pod: Pod, repository: str) -> None:
    weights = os.urandom(CHUNK - 1)
    public.push_files(repository, "1", {"model.onnx": weights})
    with turnstile(public) as front:
        await pod.resolve_and_fetch(wanted(f"{HOST}:{front.port}", f"{repository}:1"))
    assert pod.model()["1/model.onnx"] == weights
    assert front.worn
    first, second = (int(each.removeprefix("bytes=").split("-")[0]) for each in front.parts)
    assert first == 0
    assert 0 < second <= SENT, "what had arrived is not fetched again"


async def test_blobs_that_are_not_what_their_digest_says(public: Registry, pod: Pod, repository: str) -> None:
    public.push_files(repository, "1", {"model.onnx": b"weights"})
    found = await pod.resolve(wanted(public, f"{repository}:1"))
    harmed = public.blob(repository, b"weights")["digest"].removeprefix("sha256:")
    stored = public.folder / "data/docker/registry/v2/blobs/sha256" / harmed[:2] / harmed / "data"
    stored.write_bytes(b"WEIGHTS")
    assert found.origin
    update = {"fingerprint": found.fingerprint, "pin": found.origin.pin}
    asked = wanted(public, f"{repository}:1").model_copy(update=update)
    reason, message = await pod.refuses("fetch", asked)
    stored.write_bytes(b"weights")
    assert reason == FetchReason.DIGEST_MISMATCH
    assert "the bytes of model.onnx that arrived are not those that the source lists" in message
    assert not list(pod.mounts.models.iterdir())


async def test_a_manifest_that_is_not_what_its_digest_says(public: Registry, pod: Pod, repository: str) -> None:
    digest = public.push_files(repository, "1", {"model.onnx": b"weights"}).removeprefix("sha256:")
    stored = public.folder / "data/docker/registry/v2/blobs/sha256" / digest[:2] / digest / "data"
    stored.write_bytes(stored.read_bytes().replace(b"model.onnx", b"model.evil"))
    reason, message = await pod.refuses("resolve", wanted(public, f"{repository}@sha256:{digest}"))
    assert reason == FetchReason.DIGEST_MISMATCH, message
    assert "the manifest that arrived has the digest sha256:" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"annotations": {}}, "has a layer of type 'application/vnd.oci.image.layer.v1.tar' without a name"),
        ({"annotations": {"org.opencontainers.image.title": "../../etc/passwd"}}, "whose name cannot be used"),
        ({"annotations": {"org.opencontainers.image.title": "/etc/passwd"}}, "whose name cannot be used"),
        (None, "has no layers"),
    ],
)
async def test_layers_that_are_no_files(
    public: Registry, pod: Pod, repository: str, change: dict[str, Any] | None, said: str
) -> None:
    layer = named(public.blob(repository, b"weights"), "model.onnx")
    public.push(repository, "1", [] if change is None else [layer | change])
    reason, message = await pod.refuses("resolve", wanted(public, f"{repository}:1"))
    assert reason == FetchReason.MODEL_INVALID
    assert said in message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere:1", "there is no 1 (404 MANIFEST_UNKNOWN)"),
        (f"{NAME}:8", "there is no 8 (404 MANIFEST_UNKNOWN)"),
        ("Team/Fraud:7", "names no repository of a registry. Write oci://registry/repository:tag, in lower case"),
        (f"{NAME}@sha256:12", "names no repository of a registry"),
    ],
)
async def test_what_is_not_there(public: Registry, pod: Pod, name: str, said: str) -> None:
    public.push_files(NAME, "7", {"model.onnx": b"weights"})
    reason, message = await pod.refuses("resolve", wanted(public, name))
    assert reason == FetchReason.SOURCE_NOT_FOUND
    assert said in message


@pytest.mark.parametrize("secret", [None, {"username": USER, "password": "quite-wrong"}])
@pytest.mark.parametrize("kind", ["guarded", "clouds"])
async def test_who_may_not_read(
    request: pytest.FixtureRequest, pod: Pod, kind: str, secret: dict[str, str] | None
) -> None:
    where: Registry = request.getfixturevalue(kind)
    if secret:
        pod.secret = secret
    reason, message = await pod.refuses("resolve", wanted(where, credentials=secret is not None))
    assert reason == FetchReason.ACCESS_DENIED
    assert "access was refused (401 UNAUTHORIZED)" in message or "access was refused (401)" in message
    assert ("Secret s3-keys" if secret else "Name a Secret") in message


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ({"token": "x"}, "Secret s3-keys has no key .dockerconfigjson"),
        ({"username": USER}, "Secret s3-keys has no key password"),
        ({".dockerconfigjson": "rubbish"}, "cannot be read. Make it anew"),
        (
            {".dockerconfigjson": '{"auths": {"ghcr.io": {"auth": "eDp5"}}}'},
            "only for: ghcr.io. Add this registry to it",
        ),
        ({".dockerconfigjson": '{"auths": {"%s": {"auth": "???"}}}'}, "cannot be read. Make it anew"),
        ({".dockerconfigjson": '{"auths": {"%s": {}}}'}, "cannot be read. Make it anew"),
    ],
)
async def test_secrets_that_cannot_be_used(guarded: Registry, pod: Pod, secret: dict[str, str], said: str) -> None:
    pod.secret = {key: value.replace("%s", guarded.host) for key, value in secret.items()}
    reason, message = await pod.refuses("resolve", wanted(guarded, credentials=True))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert said in message


async def test_a_secret_that_does_not_exist(guarded: Registry, pod: Pod) -> None:
    pod.secret = {}
    reason, message = await pod.refuses("resolve", wanted(guarded, credentials=True))
    assert reason == FetchReason.SECRET_MISSING
    assert message.endswith("Create it with the key .dockerconfigjson, or username and password")


async def test_registries_that_cannot_be_reached_are_reported_soon(guarded: Registry, tmp_path: Path) -> None:
    silent = socket.create_server((HOST, 0))  # the kernel accepts, and nobody answers
    places = {
        f"{HOST}:1": "Connection refused",
        "nowhere.invalid": "its name cannot be resolved",
        f"{HOST}:{silent.getsockname()[1]}": "no answer within the time allowed",
    }
    for number, (host, said) in enumerate(places.items()):
        started = time.monotonic()
        reason, message = await Pod(tmp_path / str(number)).refuses("resolve", wanted(host))
        assert reason == FetchReason.SOURCE_UNREACHABLE
        assert f"{host}: the server cannot be reached: {said}" in message
        assert time.monotonic() - started < 15
    silent.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"allowHttp": "false"}, "it does not speak TLS on this port"),
        ({"proxyUrl": f"http://{HOST}:1"}, "Connection refused"),
    ],
)
async def test_a_registry_that_is_spoken_to_wrongly(
    guarded: Registry, pod: Pod, options: dict[str, str], said: str
) -> None:
    wrong = request("", f"oci://{guarded.host}/{NAME}", options={"allowHttp": "true"} | options, credentials=False)
    reason, message = await pod.refuses("resolve", wrong)
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert f"the server cannot be reached: {said}" in message


async def test_a_registry_that_nobody_allows(guarded: Registry, pod: Pod) -> None:
    closed = wanted(guarded).model_copy(update={"allowed_networks": []})
    reason, message = await pod.refuses("resolve", closed)
    assert reason == FetchReason.ADDRESS_FORBIDDEN, message
    assert f"it leads to {HOST}" in message


async def test_a_server_that_is_no_registry(server: S3, pod: Pod) -> None:
    reason, message = await pod.refuses("resolve", wanted(f"{HOST}:{server.port}"))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "the server cannot be read from (400)" in message
