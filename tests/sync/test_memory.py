"""A model of any size takes the same memory."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.sync.pod import Pod, request
from tests.sync.s3 import S3
from tests.sync.tracking import Mlflow
from tritium.api.fetch import FetchRequest

SIZE = 600 << 20
WHOLE = 400 << 20
MEASURED = """
import os, sys
from tritium.sync.__main__ import main
code = main(sys.argv[1:], os.environ)
print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0], flush=True)
os._exit(code)
"""


@pytest.mark.parametrize("files", [1, 600])
def test_memory_is_bounded_whatever_the_size(server: S3, pod: Pod, prefix: str, files: int) -> None:
    folder = server.lay(f"{prefix}/1/model.onnx", b"").parent
    block = os.urandom(1 << 20)
    for number in range(files):
        with (folder / (f"{number}.bin" if number else "model.onnx")).open("wb") as file:
            for _ in range((SIZE // files) >> 20):
                file.write(block)
    server.put(f"{prefix}/config.pbtxt", b'backend: "onnxruntime"\n')
    wanted = request(server, prefix)
    pod.mount()
    found = run(pod, "resolve", wanted)
    assert pod.result().bytes == SIZE + 23, found
    fingerprint = pod.result().fingerprint
    output = run(pod, "fetch", wanted.model_copy(update={"fingerprint": fingerprint}))
    peak = int(output.rpartition("VmHWM:")[2].split()[0]) >> 10
    assert pod.result().failure is None
    assert sum(each.stat().st_size for each in (pod.ready / "repository" / "fraud" / "1").iterdir()) == SIZE
    assert peak <= 256, output


def test_memory_is_bounded_where_files_only_come_whole(guarded: Mlflow, server: S3, pod: Pod, prefix: str) -> None:
    place, run_id = guarded.log({"1/model.py": b""})
    below = place.replace("mlflow-artifacts:/", "behind-mlflow/")
    block = os.urandom(1 << 20)
    with server.lay(f"{below}/1/weights.bin", b"").open("wb") as file:
        for _ in range(WHOLE >> 20):
            file.write(block)
    wanted = guarded.wants(prefix, version=guarded.register(prefix, place, run_id))
    pod.secret = guarded.keys
    pod.mount()
    run(pod, "resolve", wanted)
    output = run(pod, "fetch", wanted.model_copy(update={"fingerprint": pod.result().fingerprint}))
    assert pod.result().failure is None
    assert (pod.ready / "repository" / "fraud" / "1" / "weights.bin").stat().st_size == WHOLE
    assert int(output.rpartition("VmHWM:")[2].split()[0]) >> 10 <= 256, output


def run(pod: Pod, verb: str, wanted: FetchRequest) -> str:
    """Run it, and have it say its peak at the end."""
    command = [sys.executable, "-c", MEASURED, verb]
    return subprocess.check_output(command, env=pod.environment(wanted), text=True)
