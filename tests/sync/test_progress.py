"""How far a fetch is, as the operator asks the pod: while it downloads, and in nobody's way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable

import pytest

from tests.controlplane.waiting import wait_for
from tests.sync.pod import QUICK, Pod, request
from tests.sync.proxy import Line, line
from tests.sync.s3 import S3
from tritium.api.fetch import ADDRESS_VARIABLE, PROGRESS_PORT, FetchProgress, FetchRequest
from tritium.probes import fetch as probe
from tritium.sync import saying, showing, work

SIZE = 12 << 20


@pytest.fixture
def address() -> str:
    """One of the loopback network that is the test's own."""
    return f"127.{243 + secrets.randbelow(4)}.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"


@pytest.fixture
async def slow(server: S3) -> AsyncIterator[Line]:
    """A line to the server, by which a fetch takes some seconds."""
    async with line(server.port) as found:
        found.rate = 2 << 20
        yield found


@pytest.fixture
async def wanted(server: S3, pod: Pod, slow: Line, prefix: str) -> FetchRequest:
    """A model that was listed, by that line."""
    server.put(f"{prefix}/1/model.onnx", os.urandom(SIZE))
    listed = request(slow.endpoint, prefix)
    found = await pod.resolve(listed)
    return listed.model_copy(update={"fingerprint": found.fingerprint})


async def on_the_way(address: str) -> FetchProgress:
    """What it says once something is here."""
    found = await wait_for(lambda: probe.ask(address), 30, until=lambda far: far is not None and far.there > 0)
    assert found is not None
    return found


async def ended(slow: Line, address: str, fetching: Awaitable[object]) -> None:
    slow.rate = None
    await fetching
    assert await probe.ask(address) is None, "the port is free for what comes after it"


async def test_a_container_says_how_far_it_is(pod: Pod, slow: Line, wanted: FetchRequest, address: str) -> None:
    fetching = pod.start("fetch", wanted, **{ADDRESS_VARIABLE: address})
    said = asyncio.create_task(asyncio.to_thread(fetching.communicate))
    found = await on_the_way(address)
    assert found.total == SIZE
    assert found.there < SIZE
    await ended(slow, address, said)
    assert fetching.returncode == 0
    assert pod.result().bytes == SIZE


async def test_how_quickly_it_comes(
    pod: Pod, slow: Line, wanted: FetchRequest, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saying, "_EVERY", 0.2)
    task = asyncio.create_task(work.fetch(wanted, pod.mounts, QUICK, address))
    found = await wait_for(lambda: probe.ask(address), 30, until=lambda far: far is not None and far.rate > 0)
    assert found is not None
    assert found.rate < 100 << 20
    await ended(slow, address, task)


async def test_who_has_the_port_keeps_it_and_the_model_comes(
    pod: Pod, slow: Line, wanted: FetchRequest, address: str
) -> None:
    slow.rate = None
    other = await asyncio.start_server(lambda *_: None, address, PROGRESS_PORT)
    async with other:
        assert (await work.fetch(wanted, pod.mounts, QUICK, address)).bytes == SIZE


async def test_nobody_keeps_it_busy(
    pod: Pod, slow: Line, wanted: FetchRequest, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who connects and says nothing, or too much, is let go, and has no part in when the fetch ends."""
    monkeypatch.setattr(showing, "_PATIENCE", 0.5)
    task = asyncio.create_task(work.fetch(wanted, pod.mounts, QUICK, address))
    await on_the_way(address)
    silent = [await asyncio.open_connection(address, PROGRESS_PORT) for _ in range(20)]
    silent[0][1].write(b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000)
    for reader, _ in silent:
        with contextlib.suppress(ConnectionResetError):  # how the one ends that said too much
            assert await asyncio.wait_for(reader.read(), 10) == b""
    last = await asyncio.open_connection(address, PROGRESS_PORT)
    await ended(slow, address, task)
    for _, writer in (*silent, last):
        writer.close()
