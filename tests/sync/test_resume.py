"""A fetch that ended in the middle is gone on with: at most what was in flight comes over the network again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sync.pod import ROOT, Pod, request
from tests.sync.proxy import Line, line
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason, FetchRequest
from tritium.sync import publish
from tritium.sync.download import CHUNK, LANES, WINDOW

KILLS = 200
SMALL = 64 << 10
CHANCE = random.Random(3)  # noqa: S311 - the same each time
MODEL = {
    "1/model.onnx": CHANCE.randbytes((12 << 20) + 5),
    "1/vocab.txt": CHANCE.randbytes(2 << 20),
    **{f"1/tables/{number}": CHANCE.randbytes(number * 503) for number in range(40)},
}
LARGE = {"1/model.onnx": CHANCE.randbytes(12 * CHUNK)}


async def test_killed_at_random_moments(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    whole = {f"fraud/{path}": hashlib.sha256(content).hexdigest() for path, content in MODEL.items()}
    size = sum(map(len, MODEL.values()))
    async with line(server.port) as between:
        found = await pod.resolve(request(between.endpoint, prefix))
        wanted = request(between.endpoint, prefix, fingerprint=found.fingerprint)
        listing, between.rate = between.passed, 32 << 20
        runs = await harness(pod, wanted, "randomly.py", str(KILLS), str(3 << 20), str(SMALL))
    assert sum(each["ended"] < 0 for each in runs) == KILLS
    assert {each["ended"] for each in runs} == {-9, 0}
    assert runs[-1]["ready"] == whole
    for each in runs:
        assert each["ready"] in (None, whole), "the right bytes, or nothing"
    models = sum(each["ready"] is not None for each in runs)
    assert models >= 2, "no run lives long enough to fetch all of it"
    # What is said around the bytes: the listing of each run, and the heads of the answers.
    around = len(runs) * (2 * listing + (WINDOW + LANES) * 1024) + models * (size // SMALL + len(MODEL)) * 1024
    # The tables come whole, so many at a time; of the others it is parts.
    tables = sorted(len(content) for path, content in MODEL.items() if "tables" in path)
    in_flight = WINDOW * SMALL + sum(tables[-LANES:])
    assert between.passed <= models * size + KILLS * in_flight + around


async def test_killed_once_by_the_bytes(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, LARGE)
    async with line(server.port) as between:
        wanted = await killed_at(pod, between, prefix, 0.9)
        before = between.passed
        await pod.fetch(wanted)
        assert between.passed - before <= 0.1 * 12 * CHUNK + WINDOW * CHUNK + (1 << 20)
        assert between.passed - before < 12 * CHUNK, "less than all of it"
    assert pod.model() == LARGE
    assert {each.name for each in pod.mounts.models.iterdir()} == {"ready"}


@pytest.mark.parametrize("other", ["start of the machine", "model", "no start known"])
async def test_what_another_attempt_left_is_not_gone_on_with(  # noqa: PLR0917 - fixtures and a case
    server: S3, pod: Pod, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    server.put_all(prefix, LARGE)
    async with line(server.port) as between:
        wanted = await killed_at(pod, between, prefix, 0.9)
        [weights] = pod.mounts.models.rglob("model.onnx")
        weights.write_bytes(bytes(weights.stat().st_size))  # as after a machine that lost its power
        if other == "model":
            wanted = wanted.model_copy(update={"model": "other"})
        else:
            (tmp_path / "boot").write_text("another")
            monkeypatch.setattr(publish, "BOOT", tmp_path / ("nowhere" if "known" in other else "boot"))
        await pod.fetch(wanted)
    assert pod.model(wanted.model) == LARGE


async def test_a_store_that_comes_back_later(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, LARGE)
    async with line(server.port) as between:
        found = await pod.resolve(request(between.endpoint, prefix))
        wanted = request(between.endpoint, prefix, fingerprint=found.fingerprint)
        between.watch = lambda passed: setattr(between, "down", passed > 11 * CHUNK)
        assert (await pod.refuses("fetch", wanted))[0] == FetchReason.SOURCE_UNREACHABLE
        between.watch, between.down, before = lambda _: None, False, between.passed
        await pod.fetch(wanted)
        assert between.passed - before <= (1 + WINDOW) * CHUNK + (1 << 20)
    assert pod.model() == LARGE


def test_what_nobody_disturbed_is_read_once(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, {"1/model.onnx": b"weights" * 1000})
    pod.start("resolve", request(server, prefix)).communicate()
    wanted = request(server, prefix, fingerprint=pod.result().fingerprint)
    program = (
        "import os, sys\nfrom tritium.sync.__main__ import main\n"
        "def hook(event, given):\n"
        "    if event == 'open' and str(given[0]).endswith('model.onnx'): print('opened', given[2] & os.O_ACCMODE)\n"
        "sys.addaudithook(hook)\ncode = main(['fetch'], os.environ)\nsys.stdout.flush()\nos._exit(code)"
    )
    output = subprocess.check_output([sys.executable, "-c", program], env=pod.environment(wanted), text=True)
    assert output.split("\n")[:-1] == [f"opened {os.O_WRONLY}"]


async def test_everything_is_on_the_disk_before_it_is_seen(
    server: S3, pod: Pod, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put_all(prefix, MODEL)
    synced: set[int] = set()
    seen: set[int] = set()
    fsync, rename = os.fsync, Path.rename

    def noting_fsync(descriptor: int) -> None:
        fsync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    def noting_rename(path: Path, target: Path) -> Path:
        seen.update(each.stat().st_ino for each in (path, *path.rglob("*")))
        assert seen <= synced
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "rename", noting_rename)
    await pod.resolve_and_fetch(request(server, prefix, config={"maxBatchSize": 4, "raw": 'backend: "onnxruntime"'}))
    assert len(seen) > len(MODEL)
    assert pod.mounts.models.stat().st_ino in synced, "and then that it is to be seen"


async def test_a_volume_that_is_full_at_any_point(server: S3, pod: Pod, prefix: str) -> None:
    own = own_mounts()
    assert own, "this kernel lets nobody have mounts of his own: allow user namespaces"
    server.put_all(prefix, MODEL)
    found = await pod.resolve(request(server, prefix))
    wanted = request(server, prefix, fingerprint=found.fingerprint)
    total = sum(map(len, MODEL.values()))
    sizes = [str(CHANCE.randrange(1 << 16, total)) for _ in range(30)]
    runs = await harness(pod, wanted, "filling.py", *sizes, str(2 * total), before=own)
    *full, roomy = runs
    assert (roomy["code"], roomy["left"]) == (0, ["ready"])
    for each in full:
        assert (each["code"], each["answer"]["failure"]["reason"]) == (1, FetchReason.DISK_FULL), each
        assert not each["left"], "what filled it is removed"


def own_mounts() -> list[str]:
    """What a command begins with that has mounts of its own; empty where that is not to be had."""
    command = ["unshare", "--map-root-user", "--mount"]
    if not shutil.which(command[0]):
        return []
    return [] if subprocess.run([*command, "true"], check=False, capture_output=True).returncode else command


async def harness(
    pod: Pod, wanted: FetchRequest, program: str, *arguments: str, before: list[str] | None = None
) -> list[dict[str, Any]]:
    """The lines of a program beside this file."""
    process = await asyncio.create_subprocess_exec(
        *(before or []),
        sys.executable,
        str(ROOT / "tests" / "sync" / program),
        *arguments,
        env=pod.environment(wanted),
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(each) for each in output.splitlines() if each.startswith(b"{")]


async def killed_at(pod: Pod, between: Line, prefix: str, share: float) -> FetchRequest:
    """A fetch that was killed when so much of the model had arrived; what it was asked for."""
    found = await pod.resolve(request(between.endpoint, prefix))
    wanted = request(between.endpoint, prefix, fingerprint=found.fingerprint)
    before = between.passed
    process = pod.start("fetch", wanted)
    between.watch = lambda passed: process.kill() if passed - before > share * (found.bytes or 0) else None
    await asyncio.to_thread(process.communicate)
    between.watch = lambda _: None
    assert {each.name for each in pod.mounts.models.iterdir()} == {".incoming"}
    return wanted
