"""A web server that answers with other lengths than it was asked for, in well-formed answers."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.ports import HOST
from tests.sync.pod import QUICK, Pod, request
from tests.sync.tls import authority
from tritium.api.fetch import FetchReason, FetchRequest
from tritium.sync.download import CHUNK

PARTS = 2
SIZE = PARTS * CHUNK
MORE = 1000
ENDLESS = 200_000_000
CONTENT = os.urandom(SIZE + MORE)
"""More than the file has: what follows it is sent by a server that does not stop in time."""

HARMS: dict[str, Callable[[int, int], bytes]] = {
    "something else after each part": lambda start, end: CONTENT[start:end] + b"X" * MORE,
    "what follows a part": lambda start, end: CONTENT[start : end + MORE],
    # In the order of the parts these bytes are one file that might well be signed, and as long as it is listed.
    "each part further on": lambda start, end: CONTENT[start + MORE if start else 0 : end + MORE],
}


@dataclass
class Website:
    """A server with one file.

    Attributes:
        answer: what is sent for the bytes from one place to before another.
        asked: how many parts were asked for.
        size: of the file.
        endless: whatever is asked for, `ENDLESS` bytes are sent.
        sent: how many of these there were until nobody took more.
    """

    address: str = ""
    answer: Callable[[int, int], bytes] = lambda start, end: CONTENT[start:end]
    asked: int = 0
    size: int = SIZE
    endless: bool = False
    sent: int = 0

    @property
    def wanted(self) -> FetchRequest:
        return request("", f"{self.address}/model.onnx", options={})


@pytest.fixture
async def website(tmp_path: Path, pod: Pod) -> AsyncIterator[Website]:
    private, site = authority(tmp_path), Website()
    pod.secret = {"ca.crt": private.ca.read_text()}

    async def go_on(asked: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        response = web.StreamResponse(status=206, headers=headers)
        response.content_length = ENDLESS
        await response.prepare(asked)
        with suppress(ConnectionError):
            for _ in range(ENDLESS // 1_000_000):
                await response.write(CONTENT[:1_000_000])
                site.sent += 1_000_000
        return response

    async def hand_out(asked: web.Request) -> web.StreamResponse:
        headers = {"ETag": '"w"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.headers.get("Range", ""))
        if not span:
            return web.Response(body=CONTENT[: site.size], headers=headers)
        site.asked += 1
        start, last = int(span[1]), int(span[2])
        headers["Content-Range"] = f"bytes {start}-{last}/{site.size}"
        if site.endless:
            return await go_on(asked, headers)
        return web.Response(status=206, body=site.answer(start, last + 1), headers=headers)

    application = web.Application()
    application.router.add_get("/model.onnx", hand_out)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(private.certificate, private.key)
    server = TestServer(application, scheme="https", host=HOST)
    await server.start_server(ssl=context)
    site.address = f"https://{HOST}:{server.port}"
    yield site
    for connection in server.handler.connections:
        if connection.transport:  # what a fetch that gave up does not read any more would keep it open
            connection.transport.abort()
    await server.close()


@pytest.mark.parametrize("harm", HARMS)
async def test_more_than_was_asked_for_is_refused(website: Website, pod: Pod, harm: str) -> None:
    found = await pod.resolve(website.wanted)
    website.answer = HARMS[harm]
    wanted = website.wanted.model_copy(update={"fingerprint": found.fingerprint})
    reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert f"{website.address}/model.onnx: the server sends more of model.onnx than it is asked for" in message
    assert not list(pod.mounts.models.iterdir())


async def test_nothing_in_every_answer_is_given_up(website: Website, pod: Pod) -> None:
    found = await pod.resolve(website.wanted)
    website.answer = lambda _start, _end: b""
    async with asyncio.timeout(20):
        wanted = website.wanted.model_copy(update={"fingerprint": found.fingerprint})
        reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert f"{website.address}/model.onnx: the server sends less of model.onnx than it is asked for" in message
    assert website.asked <= PARTS * QUICK.tries
    assert not pod.ready.exists()


async def test_less_than_was_asked_for_is_gone_on_with(website: Website, pod: Pod) -> None:
    found = await pod.resolve(website.wanted)
    website.answer = lambda start, end: CONTENT[start : min(end, start + 3_000_000)]
    await pod.fetch(website.wanted.model_copy(update={"fingerprint": found.fingerprint}))
    assert pod.model()["1/model.onnx"] == CONTENT[:SIZE]
    assert website.asked == PARTS * 3


async def test_what_never_ends_is_not_waited_for(website: Website, pod: Pod) -> None:
    """A small file, and an answer of which the headers say that it is one, and which goes on and on."""
    website.size = 1000
    found = await pod.resolve(website.wanted)
    website.endless = True
    async with asyncio.timeout(60):
        wanted = website.wanted.model_copy(update={"fingerprint": found.fingerprint})
        reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert "the server sends more of model.onnx than it is asked for" in message
    assert 0 < website.sent < ENDLESS * QUICK.tries / 4
