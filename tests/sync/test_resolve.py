"""Listing a source: what it finds, and the fingerprint that tells states apart."""

from __future__ import annotations

import os

from tests.sync.bucket import Bucket
from tests.sync.pod import Pod, request
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason

MODEL = {"config.pbtxt": b'backend: "onnxruntime"\n', "1/model.onnx": b"weights", "1/empty": b""}


async def test_it_says_what_is_there(bucket: Bucket, pod: Pod, prefix: str) -> None:
    bucket.put_all(prefix, MODEL)
    found = await pod.resolve(request(bucket, prefix))
    assert (found.files, found.bytes, found.digest) == (3, 30, None)
    assert found.fingerprint
    assert found == await pod.resolve(request(bucket, prefix + "/"))


async def test_a_longer_name_is_another_model(bucket: Bucket, pod: Pod, prefix: str) -> None:
    bucket.put_all(f"{prefix}/7", MODEL)
    bucket.put_all(f"{prefix}/70", {"1/model.onnx": b"of another model"})
    assert (await pod.resolve(request(bucket, f"{prefix}/7"))).files == 3


async def test_the_fingerprint_follows_names_and_contents_only(server: S3, pod: Pod, prefix: str) -> None:
    for version in ("a", "b"):
        server.put_all(f"{prefix}/{version}", MODEL)
    first, second = [(await pod.resolve(request(server, f"{prefix}/{each}"))).fingerprint for each in "ab"]
    assert first == second, "the same objects elsewhere"
    server.put(f"{prefix}/b/1/model.onnx", b"WEIGHTS")
    assert first != (await pod.resolve(request(server, f"{prefix}/b"))).fingerprint


async def test_without_etags_the_modification_time_decides(server: S3, pod: Pod, prefix: str) -> None:
    path = server.lay(f"{prefix}/1/model.onnx", b"weights")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    before = (await pod.resolve(request(server, prefix))).fingerprint
    assert before == (await pod.resolve(request(server, prefix))).fingerprint
    os.utime(path, (1_700_000_001, 1_700_000_001))
    assert before != (await pod.resolve(request(server, prefix))).fingerprint


async def test_one_object_is_a_source_too(bucket: Bucket, pod: Pod, prefix: str) -> None:
    bucket.put(f"{prefix}/résnet+50%20.onnx", b"weights")  # which must reach the bucket as it is
    found = await pod.resolve(request(bucket, f"{prefix}/résnet+50%20.onnx"))
    assert (found.files, found.bytes) == (1, 7)


async def test_what_is_no_model_is_refused_before_a_pod_starts(bucket: Bucket, pod: Pod, prefix: str) -> None:
    bucket.put_all(prefix, {"weights.bin": b"1", "README.md": b"2"})
    reason, message = await pod.refuses("resolve", request(bucket, prefix))
    assert reason == FetchReason.MODEL_INVALID
    assert f"{bucket.uri(prefix)} holds README.md, weights.bin, which is no model" in message


async def test_names_that_lead_elsewhere_are_refused(server: S3, pod: Pod, prefix: str) -> None:
    for key, shown in ((r"1\model.onnx", r"'1\\model.onnx'"), ("1/new\nline", "new")):
        server.lay(f"{prefix}/{len(shown)}/1/model.onnx", b"weights")
        server.lay(f"{prefix}/{len(shown)}/{key}", b"")
        reason, message = await pod.refuses("resolve", request(server, f"{prefix}/{len(shown)}"))
        assert reason == FetchReason.MODEL_INVALID
        assert shown in message
