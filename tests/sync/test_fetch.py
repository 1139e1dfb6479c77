"""Fetching: what lies on the disk afterwards, and what decides whether it may."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.ports import HOST, free_ports
from tests.sync.bucket import Bucket
from tests.sync.pod import Pod, request
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason
from tritium.cli.manifest import files
from tritium.core import manifest
from tritium.core.manifest import FileEntry
from tritium.sync import disk
from tritium.sync.download import CHUNK
from tritium.sync.errors import from_system

MODEL = {
    "config.pbtxt": b'backend: "onnxruntime"\n',
    "1/model.onnx": b"weights",
    "1/vocab/a.txt": b"",
    "labels.txt": b"x",
}


async def test_a_model_lies_in_tritons_repository(bucket: Bucket, pod: Pod, prefix: str, tmp_path: Path) -> None:
    bucket.put_all(prefix, MODEL)
    result = await pod.resolve_and_fetch(request(bucket, prefix))
    assert pod.model() == MODEL
    for path, content in MODEL.items():
        (tmp_path / "local" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / path).write_bytes(content)
    assert result.digest == manifest.digest(files(tmp_path / "local")), "as `tritium digest` prints it"
    assert (result.files, result.bytes) == (4, sum(map(len, MODEL.values())))
    assert {each.name for each in pod.mounts.models.iterdir()} == {"ready"}
    assert {each.name for each in pod.ready.iterdir()} == {"manifest", "identity", "repository"}


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK - 1])
async def test_every_size_arrives_whole(bucket: Bucket, pod: Pod, prefix: str, size: int) -> None:
    content = os.urandom(size)
    bucket.put(f"{prefix}/1/model.onnx", content)
    await pod.resolve_and_fetch(request(bucket, prefix))
    assert pod.model() == {"1/model.onnx": content}


async def test_many_files_share_the_window(server: S3, pod: Pod, prefix: str) -> None:
    model = {f"1/part-{number}": os.urandom(number * 997) for number in range(300)}
    model |= {f"1/large-{number}": os.urandom(2 * CHUNK + number) for number in range(3)}
    server.put_all(prefix, model)
    await pod.resolve_and_fetch(request(server, prefix))
    assert pod.model() == model


async def test_bare_files_become_version_one(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, {"model.py": b"code", "weights/a.bin": b"1"})
    await pod.resolve_and_fetch(request(server, prefix, layout="python"))
    assert pod.model() == {
        "config.pbtxt": b'backend: "python"\n',
        "1/model.py": b"code",
        "1/weights/a.bin": b"1",
    }


async def test_one_object_gets_tritons_name(bucket: Bucket, pod: Pod, prefix: str) -> None:
    bucket.put(f"{prefix}/resnet.onnx", b"weights")
    await pod.resolve_and_fetch(request(bucket, f"{prefix}/resnet.onnx"))
    assert pod.model() == {"1/model.onnx": b"weights", "config.pbtxt": b'backend: "onnxruntime"\n'}


async def test_a_second_run_needs_no_network(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    first = await pod.resolve_and_fetch(request(server, prefix))
    nowhere = request(f"http://{HOST}:{free_ports(1)[0]}", prefix, fingerprint=first.fingerprint)
    assert await pod.fetch(nowhere) == first
    pod.digest = first.digest
    assert await pod.fetch(nowhere.model_copy(update={"fingerprint": "sha256:other"})) == first


@pytest.mark.parametrize("harm", ["shorter", "gone", "manifest gone", "manifest changed", "other revision"])
async def test_what_is_broken_is_fetched_anew(server: S3, pod: Pod, prefix: str, harm: str) -> None:
    server.put_all(prefix, MODEL)
    result = await pod.resolve_and_fetch(request(server, prefix))
    weights, lines = pod.ready / "repository" / "fraud" / "1" / "model.onnx", pod.ready / "manifest"
    match harm:
        case "shorter":
            weights.write_bytes(b"w")
        case "gone":
            weights.unlink()
        case "manifest gone":
            lines.unlink()
        case "manifest changed":
            lines.write_text(lines.read_text().replace(lines.read_text()[:8], "0" * 8, 1))
        case _:
            (pod.ready / "identity").write_text(f"sha256:other\n{result.digest}\n")
    (pod.mounts.models / ".incoming" / "repository").mkdir(parents=True)
    assert await pod.fetch(request(server, prefix, fingerprint=result.fingerprint)) == result
    assert f"sha256:{hashlib.sha256(lines.read_bytes()).hexdigest()}" == result.digest
    assert pod.model() == MODEL
    assert {each.name for each in pod.mounts.models.iterdir()} == {"ready"}


async def test_a_source_that_changed_is_refused(bucket: Bucket, pod: Pod, prefix: str) -> None:
    bucket.put_all(prefix, MODEL)
    found = await pod.resolve(request(bucket, prefix))
    bucket.put(f"{prefix}/1/model.onnx", b"replaced")
    reason, message = await pod.refuses("fetch", request(bucket, prefix, fingerprint=found.fingerprint))
    assert reason == FetchReason.SOURCE_CHANGED
    assert "put the new one at another path" in message
    assert not list(pod.mounts.models.iterdir())


async def test_where_a_digest_is_known_it_alone_decides(server: S3, pod: Pod, prefix: str) -> None:
    path = server.lay(f"{prefix}/1/model.onnx", b"weights")
    digest = manifest.digest([entry("1/model.onnx", b"weights")])
    found = await pod.resolve(request(server, prefix))
    os.utime(path, (1, 1))
    wanted = request(server, prefix, fingerprint=found.fingerprint)
    assert (await pod.refuses("fetch", wanted))[0] == FetchReason.SOURCE_CHANGED
    pod.digest = digest
    assert (await pod.fetch(wanted)).digest == digest
    path.write_bytes(b"WEIGHTS")
    assert (await Pod(pod.root / "next", digest=digest).refuses("fetch", wanted))[0] == FetchReason.DIGEST_MISMATCH


async def test_a_pin_that_the_bytes_do_not_match(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    wanted = request(server, prefix, digest="sha256:" + "0" * 64)
    reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.DIGEST_MISMATCH
    assert "model.source.digest pins sha256:000" in message
    assert not list(pod.mounts.models.iterdir())


async def test_a_fetch_without_an_identity_is_refused(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    assert (await pod.refuses("fetch", request(server, prefix)))[0] == FetchReason.FETCH_FAILED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'backend: "onnxruntime"\nmax_batch_size: "eight"\n', "cannot be read at line 2, column 17"),
        (b'name: "other"\n', "remove name from config.pbtxt, or set model.name to other"),
        (b'name: "\xff"\n', "is not text in UTF-8 (byte 7)"),
        (b"#" * (5 << 20), "is larger than 4 MiB"),
    ],
)
async def test_a_configuration_that_triton_would_not_take(
    server: S3, pod: Pod, prefix: str, text: bytes, said: str
) -> None:
    server.put_all(prefix, MODEL | {"config.pbtxt": text})
    found = await pod.resolve(request(server, prefix))
    reason, message = await pod.refuses("fetch", request(server, prefix, fingerprint=found.fingerprint))
    assert reason == FetchReason.CONFIG_INVALID
    assert message.startswith(f"s3://models/{prefix}: config.pbtxt ")
    assert said in message
    assert not pod.ready.exists()


async def test_fields_of_a_newer_triton_pass(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL | {"config.pbtxt": b'name: "fraud"\nnot_yet_known { a: 1 }\n'})
    await pod.resolve_and_fetch(request(server, prefix))
    assert pod.ready.exists()


async def test_a_model_larger_than_the_disk_is_refused_at_once(server: S3, pod: Pod, prefix: str) -> None:
    os.truncate(server.lay(f"{prefix}/1/model.onnx", b""), 10 << 40)  # 10 TiB of which nothing is on the disk
    found = await pod.resolve(request(server, prefix))
    reason, message = await pod.refuses("fetch", request(server, prefix, fingerprint=found.fingerprint))
    assert reason == FetchReason.DISK_FULL
    assert "the model needs 10.0 TiB" in message


def test_a_disk_that_fills_up_on_the_way() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space left") as caught:
        disk.write(descriptor, [b"piece"], 0)
    os.close(descriptor)
    assert from_system(caught.value).reason == FetchReason.DISK_FULL


def entry(path: str, content: bytes) -> FileEntry:
    sha256 = entry_hash()
    sha256.update(content)
    return FileEntry(path, len(content), sha256.hexdigest())


def entry_hash() -> hashlib._Hash:
    return hashlib.sha256()
