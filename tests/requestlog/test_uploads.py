"""How long a store may be away, with one that really is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.requestlog.pod import request
from tests.sync.pod import KEYS
from tests.sync.s3 import Server
from tritium.api.fetch import FetchReason
from tritium.requestlog.batch import File
from tritium.requestlog.metrics import Metrics
from tritium.requestlog.place import Place
from tritium.requestlog.uploads import Uploads
from tritium.sync.errors import Failed

SHORT = 0.2


@pytest.fixture
async def place(own_server: Server, tmp_path: Path) -> AsyncIterator[Place]:
    secret = tmp_path / "secret"
    secret.mkdir()
    for name, text in KEYS.items():
        (secret / name).write_text(text)
    made = Place(request(own_server.s3, "logs"), secret)
    yield made
    made.close()


async def test_it_is_not_ready_while_nothing_could_be_stored_for_long(own_server: Server, place: Place) -> None:
    uploads = Uploads(place, Metrics(), patience=SHORT)
    assert uploads.ready == (False, "nothing could be written yet")
    await uploads.prove()
    assert uploads.ready[0]
    own_server.stop()
    uploads.add(File("date=2026-11-30/120000-pod-1.jsonl.gz", b"x", 1))
    running = asyncio.create_task(uploads.run())
    await _until(uploads, ready=False)
    own_server.start()
    await _until(uploads, ready=True)
    uploads.finish()
    await running
    assert (own_server.s3.data / "models/logs/team/fraud/date=2026-11-30/120000-pod-1.jsonl.gz").read_bytes() == b"x"


async def test_a_start_waits_for_the_store_no_longer_than_that(own_server: Server, place: Place) -> None:
    own_server.stop()
    with pytest.raises(Failed) as caught:
        await Uploads(place, Metrics(), patience=SHORT).prove()
    assert caught.value.reason == FetchReason.SOURCE_UNREACHABLE
    assert "the server cannot be reached: Connection refused. Check logging.uri" in caught.value.message
    own_server.start()


async def _until(uploads: Uploads, *, ready: bool) -> None:
    async with asyncio.timeout(60):
        while uploads.ready[0] is not ready:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
