"""Lines that break, a store that is restarted, and an object that is replaced, all during a download."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.sync.pod import Pod, request
from tests.sync.proxy import line
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason
from tritium.sync.download import CHUNK

CONTENT = os.urandom(3 * CHUNK)


@pytest.mark.parametrize("etag", [True, False])
async def test_connections_that_break_are_taken_up_where_they_broke(
    server: S3, pod: Pod, prefix: str, *, etag: bool
) -> None:
    (server.put if etag else server.lay)(f"{prefix}/1/model.onnx", CONTENT)
    async with line(server.port) as between:
        between.cut = 1_700_000
        result = await pod.resolve_and_fetch(request(between.endpoint, prefix))
        assert between.connections > len(CONTENT) // between.cut
        assert between.passed < 1.5 * len(CONTENT), "what had arrived is not fetched again"
    assert pod.model() == {"1/model.onnx": CONTENT}
    assert result.bytes == len(CONTENT)


async def test_a_store_that_is_down_for_a_moment(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/1/model.onnx", CONTENT)
    went_down = asyncio.Event()
    async with line(server.port) as between:

        def go_down(passed: int) -> None:
            if passed > CHUNK and not went_down.is_set():
                between.down = True
                went_down.set()

        between.watch = go_down
        fetching = asyncio.create_task(pod.resolve_and_fetch(request(between.endpoint, prefix)))
        await went_down.wait()
        await asyncio.sleep(1)
        assert not fetching.done()
        between.down = False
        await fetching
    assert pod.model() == {"1/model.onnx": CONTENT}


async def test_a_store_that_stays_down_is_given_up(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/1/model.onnx", CONTENT)
    async with line(server.port) as between:
        between.watch = lambda passed: setattr(between, "down", passed > CHUNK)
        found = await pod.resolve(request(between.endpoint, prefix))
        wanted = request(between.endpoint, prefix, fingerprint=found.fingerprint)
        reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.SOURCE_UNREACHABLE
    assert between.endpoint in message
    assert not pod.ready.exists()


@pytest.mark.parametrize("etag", [True, False])
@pytest.mark.parametrize("content", [CONTENT[::-1] * 4, b"short", None], ids=["as long", "shorter", "gone"])
async def test_an_object_that_is_replaced_on_the_way(
    server: S3, pod: Pod, prefix: str, *, etag: bool, content: bytes | None
) -> None:
    put = server.put if etag else server.lay
    put(f"{prefix}/1/model.onnx", CONTENT * 4)
    os.utime(server.data / "models" / prefix / "1" / "model.onnx", (1_700_000_000, 1_700_000_000))
    replaced = asyncio.Event()

    def replace(passed: int) -> None:
        if passed > CHUNK and not replaced.is_set():
            replaced.set()
            (server.data / "models" / prefix / "1" / "model.onnx").unlink()
            if content is not None:
                put(f"{prefix}/1/model.onnx", content)

    async with line(server.port) as between:
        found = await pod.resolve(request(between.endpoint, prefix))
        between.watch = replace
        reason, message = await pod.refuses("fetch", request(between.endpoint, prefix, fingerprint=found.fingerprint))
    assert replaced.is_set()
    assert reason == FetchReason.SOURCE_CHANGED
    assert "1/model.onnx was replaced while it was read" in message
    assert not pod.ready.exists()
