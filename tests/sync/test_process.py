"""The program as a container runs it: exit code, termination message, and lines for people."""

from __future__ import annotations

import json

import pytest

from tests.sync.pod import Pod, request
from tests.sync.s3 import S3
from tritium.api.fetch import REQUEST_VARIABLE, FetchReason
from tritium.sync.__main__ import ROOT_VARIABLE, main


def test_resolve_and_fetch(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, {"1/model.onnx": b"weights" * 1000})
    resolving = pod.start("resolve", request(server, prefix))
    output, _ = resolving.communicate()
    assert (resolving.returncode, pod.result().failure) == (0, None), output
    found = pod.result()
    fetching = pod.start("fetch", request(server, prefix, fingerprint=found.fingerprint))
    output, _ = fetching.communicate()
    assert fetching.returncode == 0, output
    answer = json.loads(pod.mounts.termination.read_text())
    assert answer == {
        "fingerprint": found.fingerprint,
        "files": 1,
        "bytes": 7000,
        "digest": pod.result().digest,
    }
    assert f"Listing s3://models/{prefix}\n" in output
    assert "Fetched 1 file, 6.8 KiB in " in output
    assert output.endswith(f"Model fraud is ready in {pod.ready}/repository\n")


@pytest.mark.parametrize(
    ("value", "said"),
    [("", "Invalid JSON"), ('{"source": {"uri": "s3://a/b"}, "model": "/x"}', "model: Value error, must be letters")],
)
def test_a_request_that_is_none(pod: Pod, value: str, said: str) -> None:
    assert main(["fetch"], {REQUEST_VARIABLE: value, ROOT_VARIABLE: str(pod.root)}) == 1
    failure = pod.result().failure
    assert failure is not None
    assert failure.reason == FetchReason.FETCH_FAILED
    assert said in failure.message


def test_a_volume_that_cannot_be_written(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, {"1/model.onnx": b"weights"})
    pod.mounts.models.rmdir()
    pod.mounts.models.write_text("not a folder")
    pod.digest = "sha256:" + "0" * 64
    pod.mount()
    assert main(["fetch"], pod.environment(request(server, prefix))) == 1
    failure = pod.result().failure
    assert failure is not None
    assert failure.reason == FetchReason.FETCH_FAILED
    assert str(pod.mounts.models) in failure.message


def test_an_unknown_verb() -> None:
    assert main(["push"], {}) == 2
