"""Looking for changes at a real server: what is told, and when."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.sync.pod import Pod, request
from tritium.api.fetch import FetchReason
from tritium.api.follow import FOLLOW_VARIABLE, Followed, FollowRequest, FollowResult
from tritium.sync import report
from tritium.sync.follow import PATIENCE, Follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sync.bucket import Bucket
    from tests.sync.s3 import S3
    from tritium.api.fetch import FetchRequest

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MODEL = {"1/model.onnx": b"weights"}


class Clock:
    """Time that passes only while somebody sleeps; after each sleep the next of the events happens."""

    def __init__(self, *events: Callable[[], object]) -> None:
        self.now, self._events = NOON, list(events)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        assert self._events, "it goes on although all has happened"
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        self._events.pop(0)()

    def __call__(self) -> datetime:
        return self.now


async def followed(pod: Pod, asked: FetchRequest, name: str = "fraud", **others: Any) -> Followed:
    """A source as it is now, looked at at noon."""
    found = await pod.resolve(asked)
    known = asked.model_copy(update={"fingerprint": found.fingerprint})
    return Followed(name=name, written="sha256:w", request=known, **{"every": 60.0, "looked": NOON, **others})


def told_together(*sources: Followed) -> FollowRequest:
    """As the operator writes it: where connections may go is told once."""
    networks = sources[0].request.allowed_networks
    bare = [each.request.model_copy(update={"allowed_networks": None}) for each in sources]
    several = [each.model_copy(update={"request": one}) for each, one in zip(sources, bare, strict=True)]
    return FollowRequest(sources=several, allowed_networks=networks)


async def follow(pod: Pod, clock: Clock, *sources: Followed) -> FollowResult:
    pod.mount()
    async with asyncio.timeout(60):
        return await Follow(pod.mounts, clock, clock.sleep)(told_together(*sources))


def nothing() -> None:
    """Happens."""


async def test_a_change_is_told_at_the_first_look_after_it(bucket: Bucket, pod: Pod, prefix: str) -> None:
    bucket.put_all(prefix, MODEL)
    source = await followed(pod, request(bucket, prefix))
    clock = Clock(nothing, nothing, lambda: bucket.put(f"{prefix}/1/model.onnx", b"other weights"))
    (told,) = (await follow(pod, clock, source)).reports
    assert clock.slept == [60, 60, 60]
    assert (told.name, told.written, told.before) == ("fraud", "sha256:w", source.request.fingerprint)
    assert told.fingerprint == (await pod.resolve(request(bucket, prefix))).fingerprint != told.before
    assert told.failure is None


async def test_what_changed_with_it_is_told_with_it(server: S3, pod: Pod, prefix: str) -> None:
    for name in ("one", "two", "three"):
        server.put_all(f"{prefix}/{name}", MODEL)
    one, two, three = [
        await followed(pod, request(server, f"{prefix}/{name}"), name, every=every)
        for name, every in (("one", 60), ("two", 3600), ("three", 3600))
    ]

    def change() -> None:
        for name in ("one", "two"):
            server.put(f"{prefix}/{name}/1/model.onnx", b"other weights")

    told = await follow(pod, Clock(change), one, two, three)
    assert [each.name for each in told.reports] == ["one", "two"]


async def test_one_that_was_looked_at_long_ago_is_due_at_once(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    source = await followed(pod, request(server, prefix), looked=NOON - timedelta(hours=1))
    server.put(f"{prefix}/1/model.onnx", b"other weights")
    clock = Clock()
    assert (await follow(pod, clock, source)).reports[0].fingerprint
    assert clock.slept == []


async def test_a_source_that_is_gone_is_told_after_some_looks_and_once(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    source = await followed(pod, request(server, prefix))
    gone = source.model_copy(update={"request": _moved_to(source, server.uri(f"{prefix}-gone"))})
    clock = Clock(*[nothing] * PATIENCE)
    (told,) = (await follow(pod, clock, gone)).reports
    assert len(clock.slept) == PATIENCE
    assert told.fingerprint is None
    assert told.failure
    assert told.failure.reason == FetchReason.SOURCE_NOT_FOUND
    with pytest.raises(AssertionError, match="it goes on"):
        await follow(pod, Clock(*[nothing] * 9), gone.model_copy(update={"failing": True}))


async def test_a_source_that_is_there_again_is_told(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    source = await followed(pod, request(server, prefix), failing=True)
    (told,) = (await follow(pod, Clock(nothing), source)).reports
    assert (told.fingerprint, told.failure) == (None, None)


async def test_the_process_ends_with_what_is_to_be_told(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    source = await followed(pod, request(server, prefix), every=0.2, looked=datetime.now(UTC))
    asked = told_together(source).model_dump_json(by_alias=True, exclude_none=True)
    pod.mount()
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tritium.sync",
        "follow",
        env=pod.environment(source.request) | {FOLLOW_VARIABLE: asked},
        stdout=asyncio.subprocess.PIPE,
    )
    assert running.stdout
    server.put(f"{prefix}/1/model.onnx", b"other weights")
    async with asyncio.timeout(60):
        said, _ = await running.communicate()
    assert running.returncode == 0
    assert b"fraud: the source has changed" in said
    told = FollowResult.model_validate_json(pod.mounts.termination.read_text())
    assert told.reports[0].fingerprint == (await pod.resolve(request(server, prefix))).fingerprint


def test_as_much_is_told_as_a_kubelet_keeps() -> None:
    reports = [
        {"name": f"model-{number}", "written": "sha256:" + "a" * 64, "before": "b" * 71, "fingerprint": "c" * 71}
        for number in range(50)
    ]
    text = report.told(FollowResult.model_validate({"reports": reports}))
    assert len(text.encode()) <= report.LARGEST
    assert len(json.loads(text)["reports"]) > 10


def _moved_to(source: Followed, uri: str) -> FetchRequest:
    elsewhere = source.request.source.model_copy(update={"uri": uri})
    return source.request.model_copy(update={"source": elsewhere})
