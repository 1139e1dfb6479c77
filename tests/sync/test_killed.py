"""Killed at any point, nothing half-made is visible, and the next run makes it whole."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.sync.hostile import packed, tar
from tests.sync.pod import ROOT, Pod, request
from tests.sync.proxy import line
from tests.sync.s3 import S3
from tritium.api.fetch import FetchRequest
from tritium.core import manifest
from tritium.core.manifest import FileEntry
from tritium.sync.download import CHUNK

MODEL = {
    "1/model.onnx": b"weights",
    "1/vocab.txt": b"a b",
    "labels.txt": b"c",
    "config.pbtxt": b"# longer than what becomes of it, so that this could be a beginning of it\n",
}
WHOLE = sorted(["identity", "manifest", *(f"repository/fraud/{path}" for path in MODEL)])
CHANGES = {"config": {"raw": 'backend: "onnxruntime"'}}


@pytest.mark.parametrize(
    ("start", "more", "whole"),
    [
        ("afresh", {}, WHOLE),
        ("from a broken one", {}, WHOLE),
        ("afresh", CHANGES, sorted(["added", *WHOLE])),
    ],
    ids=["afresh", "from a broken one", "with a changed configuration"],
)
async def test_at_every_step_on_the_disk(  # noqa: PLR0917 - fixtures and a case
    server: S3, pod: Pod, prefix: str, start: str, more: dict[str, Any], whole: list[str]
) -> None:
    server.put_all(prefix, MODEL)
    found = await pod.resolve(request(server, prefix))
    wanted = request(server, prefix, fingerprint=found.fingerprint, **more)
    await demand_whole_or_nothing(pod, wanted, start, whole)


async def test_an_archive_at_every_step_on_the_disk(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/model.tar.gz", packed(tar(*MODEL.items(), good=False), "tar.gz"))
    found = await pod.resolve(request(server, f"{prefix}/model.tar.gz"))
    wanted = request(server, f"{prefix}/model.tar.gz", fingerprint=found.fingerprint)
    await demand_whole_or_nothing(pod, wanted, "afresh", WHOLE)


async def demand_whole_or_nothing(pod: Pod, wanted: FetchRequest, start: str, whole: list[str]) -> None:
    """Kill a fetch before each of its steps."""
    lines = [FileEntry(path, len(each), hashlib.sha256(each).hexdigest()) for path, each in MODEL.items()]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "tests" / "sync" / "killed.py"), start, "1"),
        env=pod.environment(wanted),
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    runs = [json.loads(each) for each in output.splitlines()]
    assert len(runs) > 15
    assert {each["killed"] for each in runs[:-1]} == {-signal.SIGKILL}
    assert runs[-1]["killed"] == 0
    for each in runs:
        assert each["ready"] in (None, whole), each
        assert (each["healed"], each["then"]) == (0, whole), each
        assert each["digest"] == manifest.digest(lines), "what was changed is not taken for the source's"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
async def test_while_bytes_arrive(server: S3, pod: Pod, prefix: str, share: float) -> None:
    content = os.urandom(4 * CHUNK)
    server.put(f"{prefix}/1/model.onnx", content)
    async with line(server.port) as between:
        found = await pod.resolve(request(between.endpoint, prefix))
        wanted = request(between.endpoint, prefix, fingerprint=found.fingerprint)
        process = pod.start("fetch", wanted)
        between.watch = lambda passed: process.kill() if passed > share * len(content) else None
        await asyncio.to_thread(process.communicate)
        between.watch = lambda _: None
        assert process.returncode == -signal.SIGKILL
        assert {each.name for each in pod.mounts.models.iterdir()} == {".incoming"}
        await pod.fetch(wanted)
    assert pod.model() == {"1/model.onnx": content}


async def test_a_pod_that_is_deleted_does_not_wait_for_its_download(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/1/model.onnx", os.urandom(4 * CHUNK))
    async with line(server.port) as between:
        found = await pod.resolve(request(between.endpoint, prefix))
        between.rate, arriving = CHUNK, asyncio.Event()
        between.watch = lambda passed: arriving.set() if passed > CHUNK else None
        process = pod.start("fetch", request(between.endpoint, prefix, fingerprint=found.fingerprint))
        await arriving.wait()
        process.terminate()
        started = time.monotonic()
        await asyncio.to_thread(process.communicate)
        assert time.monotonic() - started < 1
        assert process.returncode == 128 + signal.SIGTERM, "as process 1 it has to handle the signal itself"
