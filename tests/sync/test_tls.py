"""Servers with a certificate of a private authority: S3, and a web server."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.ports import HOST
from tests.sync.pod import Pod, request
from tests.sync.s3 import S3, Server
from tests.sync.tls import Authority, authority
from tritium.api.fetch import FetchReason
from tritium.sync.download import CHUNK


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, private: Authority) -> Iterator[S3]:
    running = Server(tmp_path_factory.mktemp("secure"), private.certificate, private.key)
    running.s3.authority = private.ca
    running.s3.put("tls/1/model.onnx", b"weights")
    yield running.s3
    running.stop()


@pytest.fixture
async def website(tmp_path: Path, private: Authority) -> AsyncIterator[tuple[str, Path]]:
    """Address and folder of a web server that answers range requests; below /plain it does not."""
    folder = tmp_path / "site"
    folder.mkdir()

    async def plain(_: web.Request) -> web.Response:
        return web.Response(body=b"weights")

    application = web.Application()
    application.router.add_static("/files", folder)
    application.router.add_get("/plain/model.onnx", plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(private.certificate, private.key)
    server = TestServer(application, scheme="https", host=HOST)
    await server.start_server(ssl=context)
    yield f"https://{HOST}:{server.port}", folder
    await server.close()


async def test_s3_with_the_authority_in_the_secret(secure: S3, pod: Pod, private: Authority) -> None:
    pod.secret["ca.crt"] = private.ca.read_text()
    await pod.resolve_and_fetch(request(secure, "tls", options={"endpoint": secure.endpoint}))
    assert pod.model() == {"1/model.onnx": b"weights"}


async def test_an_authority_that_nobody_named(secure: S3, pod: Pod) -> None:
    wanted = request(secure, "tls", options={"endpoint": secure.endpoint})
    reason, message = await pod.refuses("resolve", wanted)
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "certificate is from an unknown authority. Add the authority's certificate as ca.crt to Secret" in message


@pytest.mark.parametrize(
    "text", ["rubbish", "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----"], ids=["text", "pem"]
)
async def test_an_authority_that_is_none(secure: S3, pod: Pod, text: str) -> None:
    pod.secret["ca.crt"] = text
    reason, message = await pod.refuses("resolve", request(secure, "tls", options={"endpoint": secure.endpoint}))
    assert reason == FetchReason.CREDENTIALS_MISSING
    assert "ca.crt in Secret s3-keys holds no certificate in PEM form" in message


async def test_one_file_of_a_web_server(website: tuple[str, Path], pod: Pod, private: Authority) -> None:
    address, folder = website
    content = os.urandom(2 * CHUNK + 1)
    (folder / "rés net.onnx").write_bytes(content)
    pod.secret = {"ca.crt": private.ca.read_text()}
    await pod.resolve_and_fetch(request("", f"{address}/files/r%C3%A9s%20net.onnx", options={}))
    assert pod.model()["1/model.onnx"] == content


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/files/none.onnx", FetchReason.SOURCE_NOT_FOUND),
        ("", FetchReason.SOURCE_NOT_FOUND),
    ],
)
async def test_a_file_that_is_not_there(
    website: tuple[str, Path], pod: Pod, private: Authority, path: str, reason: FetchReason
) -> None:
    address, _ = website
    pod.secret = {"ca.crt": private.ca.read_text()}
    assert (await pod.refuses("resolve", request("", address + path, options={})))[0] == reason


async def test_a_web_server_without_ranges(website: tuple[str, Path], pod: Pod, private: Authority) -> None:
    address, _ = website
    pod.secret = {"ca.crt": private.ca.read_text()}
    wanted = request("", f"{address}/plain/model.onnx", options={})
    found = await pod.resolve(wanted)
    reason, message = await pod.refuses("fetch", wanted.model_copy(update={"fingerprint": found.fingerprint}))
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "does not answer range requests" in message
