"""Configurations on their way from a real server: merged with the spec, completed, checked, and refused in time."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from tests.ports import HOST, free_ports
from tests.sync.pod import Pod, request
from tests.sync.s3 import S3
from tritium.api.fetch import FetchReason

Object = dict[str, Any]
MODEL = {"config.pbtxt": b'backend: "python" # mine\nmax_batch_size: 4\n', "1/model.py": b"code"}
TENSORS = 'input { name: "A" data_type: TYPE_FP32 dims: 2 } output { name: "B" data_type: TYPE_FP32 dims: 2 }'
ENSEMBLE = b'ensemble_scheduling { step { model_name: "words" } step { model_name: "score" } }'
TOGETHER = {"fraud/config.pbtxt": ENSEMBLE, "words/1/model.py": b"", "score/1/model.onnx": b"", "README.md": b""}


def read(model: dict[str, bytes]) -> Any:
    return text_format.Parse(model["config.pbtxt"].decode(), model_config_pb2.ModelConfig())


async def test_the_spec_is_merged_into_the_models_own(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    plain = await Pod(pod.root / "plain").resolve_and_fetch(request(server, prefix))
    asked = {"maxBatchSize": 8, "raw": "response_cache { enable: true }"}
    assert await pod.resolve_and_fetch(request(server, prefix, config=asked)) == plain, "the source's own digest"
    model = pod.model()
    assert model.pop("1/model.py") == b"code"
    assert read(model) == text_format.Parse(
        'backend: "python" max_batch_size: 8 response_cache { enable: true }', model_config_pb2.ModelConfig()
    )


async def test_without_one_of_its_own_the_spec_is_all_there_is(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/1/model.onnx", b"weights")
    await pod.resolve_and_fetch(request(server, prefix, config={"maxBatchSize": 8}))
    assert pod.model() == {"1/model.onnx": b"weights", "config.pbtxt": b"max_batch_size: 8\n"}


async def test_what_says_nothing_changes_nothing(server: S3, pod: Pod, prefix: str) -> None:
    server.put_all(prefix, MODEL)
    await pod.resolve_and_fetch(request(server, prefix, config={"raw": "", "instanceGroups": []}))
    assert pod.model() == MODEL


async def test_a_warm_up_fits_the_configuration_that_the_spec_makes(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/resnet.onnx", b"weights")
    warmup = [{"inputs": [{"name": "A", "datatype": "FP32", "shape": [8, 2], "data": [1] * 16}]}]
    asked = {"maxBatchSize": 8, "dynamicBatching": {}}
    await pod.resolve_and_fetch(request(server, prefix, layout="onnx", config=asked, warmup=warmup))
    model = pod.model()
    config = read(model)
    assert set(model) == {"config.pbtxt", "1/model.onnx", "warmup/model.warmup[0].inputs[0]"}
    assert (config.backend, config.max_batch_size, config.model_warmup[0].batch_size) == ("onnxruntime", 8, 8)
    assert config.HasField("dynamic_batching")


@pytest.mark.parametrize("harm", ["", "other config", "config.pbtxt"])
async def test_a_second_run_needs_no_network_while_all_is_as_it_was(
    server: S3, pod: Pod, prefix: str, harm: str
) -> None:
    server.put_all(prefix, MODEL)
    first = await pod.resolve_and_fetch(request(server, prefix, config={"maxBatchSize": 8}))
    if harm == "config.pbtxt":
        (pod.ready / "repository" / "fraud" / harm).write_bytes(MODEL["config.pbtxt"])
    size = 16 if harm == "other config" else 8
    where = server if harm else f"http://{HOST}:{free_ports(1)[0]}"
    again = request(where, prefix, config={"maxBatchSize": size}, fingerprint=first.fingerprint)
    assert await pod.fetch(again) == first
    assert read(pod.model()).max_batch_size == size


async def test_a_torchscript_model_has_its_tensors_from_the_spec(server: S3, pod: Pod, prefix: str) -> None:
    server.put(f"{prefix}/traced.pt", b"weights")
    reason, message = await pod.refuses("resolve", request(server, prefix))
    assert reason == FetchReason.CONFIG_INVALID
    assert "Write them into model.config.raw (input and output), or add a config.pbtxt" in message
    await pod.resolve_and_fetch(request(server, prefix, config={"raw": TENSORS}))
    config = read(pod.model())
    assert (config.backend, config.input[0].name, config.output[0].name) == ("pytorch", "A", "B")


@pytest.mark.parametrize(
    ("files", "asked", "says"),
    [
        ({}, {"raw": "\nmax_batch: 8"}, "model.config.raw cannot be read at line 2, column 1"),
        ({}, {"raw": 'name: "other"'}, "model.config.raw has name: 'other'"),
        ({"1/model.pt": b""}, {"maxBatchSize": 8}, "holds a TorchScript model without config.pbtxt"),
    ],
)
async def test_a_mistake_in_the_spec_is_told_before_there_is_a_revision(  # noqa: PLR0917 - a table, and three fixtures
    server: S3, pod: Pod, prefix: str, files: dict[str, bytes], asked: Object, says: str
) -> None:
    server.put_all(prefix, files or MODEL)
    reason, message = await pod.refuses("resolve", request(server, prefix, config=asked))
    assert reason == FetchReason.CONFIG_INVALID
    assert says in message


@pytest.mark.parametrize(
    ("files", "asked", "says"),
    [
        (MODEL | {"config.pbtxt": b"max_batch_size: 4\ninput {"}, None, "config.pbtxt cannot be read at line 2"),
        (MODEL | {"config.pbtxt": b"\xff"}, None, "config.pbtxt is not text in UTF-8 (byte 0)"),
        (MODEL | {"config.pbtxt": b"new: 1"}, {"maxBatchSize": 8}, "is to be merged, cannot be read at line 1"),
        (MODEL | {"configs/gpu.pbtxt": b"x"}, None, "configs/gpu.pbtxt cannot be read at line 1"),
        (MODEL | {"configs/gpu.pbtxt": b""}, {"maxBatchSize": 8}, "others (gpu.pbtxt), which model.config does not"),
        (MODEL | {"config.pbtxt": ENSEMBLE}, None, "is an ensemble with the model score, which is not beside it"),
        (TOGETHER | {"words/config.pbtxt": b'name: "word"'}, None, "words/config.pbtxt has name: 'word'"),
        (TOGETHER | {"fraud/config.pbtxt": b""}, None, "fraud has no version folder, without which only an ensemble"),
    ],
)
async def test_a_mistake_at_the_source_leaves_nothing_behind(  # noqa: PLR0917 - a table, and three fixtures
    server: S3, pod: Pod, prefix: str, files: dict[str, bytes], asked: Object | None, says: str
) -> None:
    server.put_all(prefix, files)
    found = await pod.resolve(request(server, prefix))
    wanted = request(server, prefix, config=asked, fingerprint=found.fingerprint)
    reason, message = await pod.refuses("fetch", wanted)
    assert reason == FetchReason.CONFIG_INVALID
    assert says in message
    assert not list(pod.mounts.models.iterdir())


@pytest.mark.parametrize("harm", ["", "version gone"])
async def test_an_ensemble_lies_beside_its_models(server: S3, pod: Pod, prefix: str, harm: str) -> None:
    server.put_all(prefix, TOGETHER)
    first = await pod.resolve_and_fetch(request(server, prefix))
    version = pod.ready / "repository" / "fraud" / "1"
    assert version.is_dir()
    assert pod.model("words") == {"1/model.py": b""}
    if harm:
        version.rmdir()
    where = server if harm else f"http://{HOST}:{free_ports(1)[0]}"
    assert await pod.fetch(request(where, prefix, fingerprint=first.fingerprint)) == first
    assert version.is_dir()
