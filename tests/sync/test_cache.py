"""A claim that keeps models: each byte comes over the network once, and what is not as it came is not used."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.sync.caching import MODEL, NOWHERE, Pods, blobs, cached, left, versions
from tests.sync.pod import ROOT, Pod
from tests.sync.proxy import line
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason, FetchRequest, FetchResult
from tritium.sync import publish
from tritium.sync.__main__ import main
from tritium.sync.cache import Cache
from tritium.sync.download import CHUNK, WINDOW
from tritium.sync.publish import Shelf
from tritium.sync.room import LATELY, make_room


async def test_replicas_revisions_and_the_way_back_need_no_source(
    server: S3, pods: Pods, claim: Path, prefix: str
) -> None:
    server.put_all(prefix, MODEL)
    first = pods("first")
    found = await first.resolve(cached(server, prefix))
    result = await first.fetch(cached(server, prefix, fingerprint=found.fingerprint))
    assert first.model() == MODEL
    assert (result.files, result.bytes, result.fingerprint) == (found.files, found.bytes, found.fingerprint)
    came = blobs(claim)
    assert len(came) == 4, "the same bytes are kept once"

    # All that names the place is as before, and nobody is there.
    server.put_all(prefix, dict.fromkeys(MODEL, b"gone"))
    wanted = cached(server, prefix, fingerprint=found.fingerprint)
    replica, other = pods("replica"), pods("other")
    assert await replica.fetch(wanted) == result
    assert replica.model() == MODEL
    changed = wanted.model_copy(update={"model": "other", "layout": "triton"})
    await other.fetch(changed)
    assert other.model("other") == MODEL
    configured = cached(server, prefix, "fraud-00000002", fingerprint=found.fingerprint, config={"maxBatchSize": 4})
    later = pods("later")
    await later.fetch(configured)
    assert b"max_batch_size: 4" in later.model()["config.pbtxt"]
    assert replica.model() == MODEL, "what one revision changes, others do not see"
    back = pods("back")
    back.digest = result.digest
    assert (await back.fetch(cached(NOWHERE, "elsewhere", fingerprint="sha256:other"))).digest == result.digest

    after = blobs(claim)
    assert {name: each.st_ino for name, each in after.items()} == {name: each.st_ino for name, each in came.items()}
    inode = (replica.ready / "repository" / "fraud" / "1" / "model.onnx").stat().st_ino
    assert inode in {each.st_ino for each in after.values()}, "a link, not a copy"
    assert sum(each.lstat().st_size for each in replica.ready.rglob("*") if each.is_file()) < 4096
    assert not left(claim)


async def test_the_same_fingerprint_at_another_place_is_another_model(server: S3, pods: Pods, prefix: str) -> None:
    for name, content in (("a", b"weights"), ("b", b"WEIGHTS")):
        os.utime(server.lay(f"{prefix}/{name}/1/model.onnx", content), (1_700_000_000, 1_700_000_000))
    found = {name: await pods(name).resolve(cached(server, f"{prefix}/{name}")) for name in "ab"}
    assert found["a"].fingerprint == found["b"].fingerprint
    for name, content in (("a", b"weights"), ("b", b"WEIGHTS")):
        pod = pods(f"{name}-pod")
        await pod.fetch(cached(server, f"{prefix}/{name}", fingerprint=found[name].fingerprint))
        assert pod.model()["1/model.onnx"] == content


async def test_a_container_that_starts_again_looks_only_at_its_own(server: S3, pods: Pods, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    pod = pods("pod")
    found = await pod.resolve(cached(server, prefix))
    wanted = cached(server, prefix, fingerprint=found.fingerprint)
    assert await pod.fetch(wanted) == await pod.fetch(wanted)
    assert {each.name for each in pod.mounts.models.iterdir()} == {"ready"}


async def test_many_at_once_fetch_it_once(server: S3, pods: Pods, claim: Path, prefix: str) -> None:
    content = os.urandom(2 * CHUNK + 7)
    server.put(f"{prefix}/1/model.onnx", content)
    async with line(server.port) as between:
        found = await pods("resolve").resolve(cached(between.endpoint, prefix))
        before = between.passed
        started = [pods(f"pod-{number}") for number in range(5)]
        wanted = [
            cached(between.endpoint, prefix, f"fraud-0000000{number}", fingerprint=found.fingerprint)
            for number in range(5)
        ]
        running = [each.start("fetch", asked) for each, asked in zip(started, wanted, strict=True)]
        for each in running:
            output, _ = await asyncio.to_thread(each.communicate)
            assert each.returncode == 0, output
        assert between.passed - before < len(content) + (1 << 20)
    for pod in started:
        assert pod.model() == {"1/model.onnx": content}
    assert not left(claim)


async def test_who_waits_for_one_that_is_killed_goes_on_where_it_was(
    server: S3, pods: Pods, claim: Path, prefix: str
) -> None:
    content = os.urandom(14 * CHUNK)
    server.put(f"{prefix}/1/model.onnx", content)
    async with line(server.port) as between:
        found = await pods("resolve").resolve(cached(between.endpoint, prefix))
        before, begun, half = between.passed, asyncio.Event(), asyncio.Event()

        def watch(passed: int) -> None:
            if passed - before > CHUNK:
                begun.set()
            if passed - before > 10 * CHUNK:
                half.set()

        between.watch = watch
        between.rate = 8 * CHUNK
        wanted = cached(between.endpoint, prefix, fingerprint=found.fingerprint)
        first, second = pods("first"), pods("second")
        killed = first.start("fetch", wanted)
        await begun.wait()
        waits = second.start("fetch", wanted)
        await half.wait()
        killed.kill()
        between.rate = None
        await asyncio.to_thread(killed.communicate)
        output, _ = await asyncio.to_thread(waits.communicate)
        assert waits.returncode == 0, output
        assert "had " in output
        assert "going on after" in output
        assert between.passed - before < 14 * CHUNK + WINDOW * CHUNK + (1 << 20)
    assert not first.ready.exists()
    assert second.model() == {"1/model.onnx": content}
    assert not left(claim)


HARMS: dict[str, Callable[[Path], object]] = {
    "written into": lambda path: path.write_bytes(b"X" * path.stat().st_size),
    "cut": lambda path: os.truncate(path, 5),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("harm", list(HARMS))
@pytest.mark.parametrize("where", ["blobs", "trees"])
async def test_what_is_not_as_it_came_is_not_used(  # noqa: PLR0917 - fixtures and a case
    server: S3, pods: Pods, claim: Path, prefix: str, harm: str, where: str
) -> None:
    server.put_all(prefix, MODEL)
    first = pods("first")
    found = await first.resolve(cached(server, prefix))
    wanted = cached(server, prefix, fingerprint=found.fingerprint)
    await first.fetch(wanted)
    large = next(
        each
        for each in (claim / "tritium" / "v1" / where).rglob("*")
        if each.is_file() and each.stat().st_size == 3 << 20
    )
    HARMS[harm](large)
    second = pods("second")
    await second.fetch(wanted)
    assert second.model() == MODEL


async def test_pods_that_want_the_same_of_what_is_there_make_it_once(
    server: S3, pods: Pods, claim: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put_all(prefix, MODEL)
    first = pods("first")
    found = await first.resolve(cached(server, prefix))
    await first.fetch(cached(server, prefix, fingerprint=found.fingerprint))
    others = [pods(f"pod-{number}") for number in range(3)]
    wanted = cached(server, prefix, "fraud-00000002", fingerprint=found.fingerprint, config={"maxBatchSize": 4})
    all_at_once, change = threading.Barrier(len(others)), Shelf.change

    def meeting(shelf: Shelf, request: FetchRequest, changes: Mapping[str, bytes]) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            all_at_once.wait(timeout=0.5)  # in vain, where each waits for the other
        change(shelf, request, changes)

    def in_a_loop(pod: Pod) -> FetchResult:
        return asyncio.run(pod.fetch(wanted))

    monkeypatch.setattr(Shelf, "change", meeting)
    await asyncio.gather(*(asyncio.to_thread(in_a_loop, each) for each in others))
    for each in others:
        assert b"max_batch_size: 4" in each.model()["config.pbtxt"]
    assert len(versions(claim)) == 2, "one for each revision"
    assert not left(claim)


async def test_a_running_pod_has_its_model_while_a_harmed_one_is_replaced(
    server: S3, pods: Pods, claim: Path, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put_all(prefix, MODEL)
    runs = pods("runs")
    found = await runs.resolve(cached(server, prefix))
    wanted = cached(server, prefix, fingerprint=found.fingerprint)
    await runs.fetch(wanted)
    (was,) = versions(claim)
    (was / "repository" / "fraud" / "config.pbtxt").unlink()
    rename, steps, folder = Path.rename, list[bool](), (was / "repository" / "fraud").resolve()

    def looking(path: Path, target: Path) -> Path:  # whoever is killed, is so before or after one of these
        moved = rename(path, target)
        steps.append("1/model.onnx" in runs.model())
        return moved

    monkeypatch.setattr(Path, "rename", looking)
    await pods("next").fetch(wanted)
    assert len(steps) > 2
    assert all(steps)
    assert runs.model() == MODEL
    assert (folder / "1" / "model.onnx").exists(), "who found its way there before goes on"

    then = time.time() - LATELY - 60
    for each in versions(claim):
        os.utime(each, (then, then))
    make_room(Cache(claim, "models"), {"fraud-00000001"}, lambda: False)
    assert len(versions(claim)) == 1
    assert runs.model() == MODEL


async def test_an_empty_file_does_not_cost_the_model(server: S3, pods: Pods, claim: Path, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    pod = pods("pod")
    found = await pod.resolve(cached(server, prefix))
    await pod.fetch(cached(server, prefix, fingerprint=found.fingerprint))
    with pytest.MonkeyPatch.context() as later:
        later.setattr("tritium.sync.room.LATELY", -60.0)
        make_room(Cache(claim, "models"), {"fraud-00000001"}, lambda: False)
    server.put_all(prefix, dict.fromkeys(MODEL, b"gone"))
    changed = pods("changed")
    await changed.fetch(cached(server, prefix, fingerprint=found.fingerprint, config={"maxBatchSize": 4}))
    assert changed.model()["1/empty"] == b""


NO_LOCKS = OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


@pytest.mark.parametrize(
    ("machine", "locks"),
    [("known", NO_LOCKS), ("unknown", NO_LOCKS), ("unknown", None)],
    ids=["no locks", "no locks, and nobody knows which node it is", "locks of each node's own, and the same"],
)
async def test_without_locks_pods_fetch_the_same_and_nothing_worse(  # noqa: PLR0917 - fixtures and a case
    server: S3,
    pods: Pods,
    claim: Path,
    prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    locks: OSError | None,
) -> None:
    if machine == "unknown":
        monkeypatch.setattr(publish, "BOOT", tmp_path / "nowhere")

    def flock(_: int, __: int) -> None:
        if locks:
            raise locks

    monkeypatch.setattr(fcntl, "flock", flock)
    content = os.urandom(3 * CHUNK)
    server.put_all(prefix, {"1/model.onnx": content, "1/empty": b""})
    async with line(server.port) as between:
        found = await pods("resolve").resolve(cached(between.endpoint, prefix))
        wanted = cached(between.endpoint, prefix, fingerprint=found.fingerprint)
        between.rate = 16 << 20
        started = [pods(f"pod-{number}") for number in range(2)]
        await asyncio.gather(*(each.fetch(wanted) for each in started))
        for each in started:
            assert each.model() == {"1/model.onnx": content, "1/empty": b""}
        assert main(["verify"], started[0].environment(wanted)) == 0
        assert not left(claim)


async def test_verify_goes_on_after_what_cannot_be_read(
    server: S3, pods: Pods, claim: Path, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.put_all(prefix, MODEL)
    pod = pods("pod")
    found = await pod.resolve(cached(server, prefix))
    wanted = cached(server, prefix, fingerprint=found.fingerprint)
    await pod.fetch(wanted)
    first, *_, last = sorted(claim.glob("tritium/v1/blobs/*/*"))
    first.unlink()
    first.symlink_to("/proc/self/mem")  # whose first page nobody can read
    last.unlink()
    last.mkdir()
    assert main(["verify"], pod.environment(wanted)) == 1
    assert f"{first.name} cannot be read (Input/output error)" in caplog.text
    assert not first.is_symlink()
    assert f"{last.name} cannot be removed" in caplog.text


async def test_verify_reads_every_byte(
    server: S3, pods: Pods, claim: Path, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.put_all(prefix, MODEL)
    pod = pods("pod")
    found = await pod.resolve(cached(server, prefix))
    wanted = cached(server, prefix, fingerprint=found.fingerprint)
    await pod.fetch(wanted)
    assert main(["verify"], pod.environment(wanted)) == 0
    [large] = [each for each in claim.glob("tritium/v1/blobs/*/*") if each.stat().st_size == 3 << 20]
    was = large.stat()
    with large.open("r+b") as file:  # as a disk does that loses a bit
        file.seek(1 << 20)
        file.write(b"?")
    os.utime(large, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert main(["verify"], pod.environment(wanted)) == 1
    assert f"{large.name} is not what its name says" in caplog.text
    assert main(["verify"], pod.environment(wanted)) == 0
    next_one = pods("next")
    await next_one.fetch(wanted)
    assert next_one.model() == MODEL


async def test_a_digest_that_is_not_the_known_one_is_not_kept(server: S3, pods: Pods, claim: Path, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    pod = pods("pod")
    found = await pod.resolve(cached(server, prefix))
    wanted = cached(server, prefix, fingerprint=found.fingerprint, digest="sha256:" + "0" * 64)
    assert (await pod.refuses("fetch", wanted))[0] == FetchReason.DIGEST_MISMATCH
    assert not blobs(claim)
    assert not pod.ready.exists()


async def test_a_claim_that_cannot_be_written(server: S3, tmp_path: Path, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    pod = Pod(tmp_path / "pod", claim=Path("/sys"))  # where nobody can make a folder
    found = await pod.resolve(cached(server, prefix))
    reason, message = await pod.refuses("fetch", cached(server, prefix, fingerprint=found.fingerprint))
    assert reason == FetchReason.ACCESS_MODE_UNSUPPORTED
    assert "claim models of model.cache cannot be written" in message


async def test_killed_at_many_steps(server: S3, pods: Pods, prefix: str) -> None:
    model = {"1/model.onnx": b"weights", "1/empty": b"", "config.pbtxt": b"# longer " * 20}
    server.put_all(prefix, model)
    pod = pods("pod")
    found = await pod.resolve(cached(server, prefix))
    wanted = cached(server, prefix, fingerprint=found.fingerprint, config={"raw": 'backend: "onnxruntime"'})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "tests" / "sync" / "killed.py"), "afresh", "3"),
        env=pod.environment(wanted),
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    runs = [json.loads(each) for each in output.splitlines()]
    whole = sorted(["added", "identity", "manifest", *(f"repository/fraud/{path}" for path in model)])
    assert len(runs) > 20
    for each in runs:
        assert each["ready"] in (None, whole), each
        assert (each["healed"], each["then"], each["digest"]) == (0, whole, runs[0]["digest"]), each
