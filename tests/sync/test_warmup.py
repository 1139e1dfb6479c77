"""What `model.warmup` adds to a model, and which requests cannot be right. `tests/dataplane` asks Triton itself."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.ports import HOST, free_ports
from tests.sync.pod import Pod, request
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason

Object = dict[str, Any]
CONFIG = b"""backend: "python"
max_batch_size: 8
input { name: "A" data_type: TYPE_FP32 dims: 2 }
input { name: "S" data_type: TYPE_STRING dims: 1 } # the last line has no end"""
UNBATCHED = b'backend: "python"\ninput { name: "A" data_type: TYPE_FP32 dims: [ 2, 2 ] }\n'
MODEL = {"config.pbtxt": CONFIG, "1/model.py": b"code"}


def tensor(name: str = "A", shape: tuple[int, ...] = (2, 2), data: Any = (1, 2, 1, 2), kind: str = "FP32") -> Object:
    return {"name": name, "datatype": kind, "shape": list(shape)} | ({"data": list(data)} if data else {})


def asked(*inputs: Object, **rest: Any) -> list[Object]:
    return [{"inputs": list(inputs or [tensor()]), **rest}]


async def test_it_is_added_to_the_configuration_and_the_data_beside_it(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    plain = await pod.resolve_and_fetch(request(server, prefix))
    warmed = Pod(pod.root / "warmed")
    text = tensor("S", (2, 1), ["größer"] * 2, "BYTES")
    warmup = [*asked(tensor(), text, count=3), *asked(tensor("A", (1, 2), ()))]
    assert await warmed.resolve_and_fetch(request(server, prefix, warmup=warmup)) == plain
    model = warmed.model()
    added = model.pop("config.pbtxt").removeprefix(CONFIG).decode()
    assert model == {
        "1/model.py": b"code",
        "warmup/model.warmup[0].inputs[0]": struct.pack("<2f", 1, 2),
        "warmup/model.warmup[0].inputs[1]": struct.pack("<I", 8) + "größer".encode(),
    }
    assert " ".join(added.split()) == (
        'model_warmup { name: "model.warmup[0]" batch_size: 2 '
        'inputs { key: "A" value { data_type: TYPE_FP32 dims: 2 input_data_file: "model.warmup[0].inputs[0]" } } '
        'inputs { key: "S" value { data_type: TYPE_STRING dims: 1 input_data_file: "model.warmup[0].inputs[1]" } } '
        "count: 3 } "
        'model_warmup { name: "model.warmup[1]" batch_size: 1 '
        'inputs { key: "A" value { data_type: TYPE_FP32 dims: 2 zero_data: true } } count: 1 }'
    )


async def test_without_a_batch_the_shape_is_as_it_is(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL | {"config.pbtxt": UNBATCHED})
    await pod.resolve_and_fetch(request(server, prefix, warmup=asked(tensor(data=(1, 2, 3, 4)))))
    model = pod.model()
    assert model["warmup/model.warmup[0].inputs[0]"] == struct.pack("<4f", 1, 2, 3, 4)
    assert b"batch_size: 1\n" in model["config.pbtxt"]
    assert b"dims: 2\n      dims: 2\n" in model["config.pbtxt"]


@pytest.mark.parametrize("harm", ["", "shorter", "gone", "record gone", "other requests"])
async def test_a_second_run_needs_no_network_while_all_is_as_it_was(
    server: S3, pod: Pod, prefix: str, harm: str
) -> None:
    server.put_all(prefix, MODEL)
    wanted = request(server, prefix, warmup=asked())
    first = await pod.resolve_and_fetch(wanted)
    before = pod.model()
    data = pod.ready / "repository" / "fraud" / "warmup" / "model.warmup[0].inputs[0]"
    again = request(f"http://{HOST}:{free_ports(1)[0]}", prefix, warmup=asked(), fingerprint=first.fingerprint)
    match harm:
        case "shorter":
            data.write_bytes(b"1")
        case "gone":
            data.unlink()
        case "record gone":
            (pod.ready / "added").unlink()
        case "other requests":
            wanted = request(server, prefix, warmup=asked(tensor(), count=2))
    if harm:
        again = wanted.model_copy(update={"fingerprint": first.fingerprint})
    assert await pod.fetch(again) == first
    assert (pod.model() == before) is (harm != "other requests")
    assert (b"count: 2" in pod.model()["config.pbtxt"]) is (harm == "other requests")


@pytest.mark.parametrize(
    ("files", "warmup", "says"),
    [
        ({}, asked(tensor(data=(1, 2, 3))), "model.warmup[0].inputs[0]: shape [2, 2] has 4 elements, and data has 3"),
        ({}, asked(tensor(data=(1, 2, "x", 4))), "model.warmup[0].inputs[0].data[2]: 'x' is no FP32"),
        ({}, asked(tensor(data=(1, 2, 3, 4))), "model.warmup[0].inputs[0]: Triton warms up with equal rows"),
        ({}, asked(tensor(shape=(9, 2), data=())), "shape [9, 2] must begin with a batch from 1 to 8"),
        ({}, asked(tensor(shape=(0, 2), data=())), "shape [0, 2] must begin with a batch from 1 to 8"),
        ({}, asked(tensor(shape=(), data=(1,))), "shape [] must begin with a batch from 1 to 8"),
        ({}, asked(tensor(), tensor("S", (1, 1), ())), "must be the same for all inputs"),
        ({"config.pbtxt": b'backend: "python"\n'}, asked(), "has neither max_batch_size nor an input A"),
        ({"config.pbtxt": b""}, asked(), "has neither max_batch_size nor an input A"),
        ({"configs/gpu.pbtxt": b""}, asked(), "configs/ has others"),
    ],
)
async def test_what_cannot_be_right_is_said(  # noqa: PLR0917 - the columns of a table, and three fixtures
    server: S3, pod: Pod, prefix: str, files: dict[str, bytes], warmup: list[Object], says: str
) -> None:
    server.put_all(prefix, MODEL | files)
    found = await pod.resolve(request(server, prefix))
    wanted = request(server, prefix, warmup=warmup, fingerprint=found.fingerprint)
    reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.CONFIG_INVALID
    assert says in message
    assert not list(pod.mounts.models.iterdir())


async def test_a_model_without_a_configuration(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/1/model.onnx", b"weights")
    found = await pod.resolve(request(server, prefix))
    wanted = request(server, prefix, warmup=asked(), fingerprint=found.fingerprint)
    reason, message = await pod.refuses("fetch", wanted)
    assert (reason, "config.pbtxt is missing" in message) == (FetchReason.CONFIG_INVALID, True)
