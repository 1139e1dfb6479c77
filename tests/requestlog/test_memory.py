"""Whatever comes, the logger stays within the memory of its container (256Mi); what it cannot keep is counted."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import service_pb2

from tests.requestlog.envoy import envoy
from tests.requestlog.pod import Pod, request
from tests.sync.s3 import Server
from tests.unit.requestlog.telling import Told

MOST = 2**20
WAVES = 2
AT_ONCE = 48
BOUND = 208
"""MiB, of which 87 are there before anything comes."""


def small_integers() -> bytes:
    """Each byte a number."""
    message = service_pb2.ModelInferRequest(model_name="fraud")
    message.inputs.add(name="x", datatype="INT8", shape=[MOST - 200])
    message.raw_input_contents.append(random.Random(7).randbytes(MOST - 200))  # noqa: S311 - only noise
    return bytes(message.SerializeToString())


def half_floats() -> bytes:
    """What is longest as text: twelve times as long."""
    message = service_pb2.ModelInferRequest(model_name="fraud")
    message.inputs.add(name="x", datatype="FP16", shape=[MOST // 2 - 100])
    message.raw_input_contents.append(b"\x91\x83" * (MOST // 2 - 100))
    return bytes(message.SerializeToString())


TOLD = {
    "integers": lambda: Told.grpc(small_integers(), small_integers()),
    "floats": lambda: Told.grpc(half_floats(), half_floats()),
    "lists": lambda: Told(b'{"a":[' + b"[]," * (MOST // 3 - 10) + b"[]]}", b"{}"),
    "texts": lambda: Told(json.dumps({"a": ["x"] * (MOST // 6)}).encode(), b"y" * 20 * MOST),
}


@pytest.mark.parametrize("kind", TOLD)
async def test_a_flood_while_the_store_is_away(own_server: Server, pod: Pod, kind: str) -> None:
    pod.start(request(own_server.s3, "logs", maxBytes=MOST))
    await pod.ready()
    own_server.stop()
    told = TOLD[kind]()
    told.chunk = 256 * 1024
    codes: list[grpc.StatusCode] = []
    async with envoy(pod.grpc) as gateway:
        for _ in range(WAVES):
            codes += await asyncio.gather(*(gateway.tell(told) for _ in range(AT_ONCE)))
    assert peak(pod) <= BOUND
    refused = await pod.counted('dropped_total{reason="memory"}') + await pod.counted('dropped_total{reason="streams"}')
    assert codes.count(grpc.StatusCode.OK) + refused == len(codes)
    own_server.start()


def peak(pod: Pod) -> int:
    """MiB that it has had at most."""
    status = Path(f"/proc/{pod.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10
