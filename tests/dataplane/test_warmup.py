"""Warm-up by a real Triton: what fetch adds to a model is what Triton then does, and what fails ends it."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.dataplane.runtime import Runtime
from tests.dataplane.test_load_failures import crashed
from tests.dataplane.triton import Triton, repository
from tests.ports import HOST
from tritium.api.tensors import WarmupRequest
from tritium.core.diagnosis import pod_seen
from tritium.core.reasons import Reason
from tritium.core.seen import Trouble
from tritium.sync.warmup import additions

Object = dict[str, Any]

EVERY_TYPE: Object = {
    "BOOL": [True, False],
    "UINT8": [0, 255],
    "UINT16": [0, 65535],
    "UINT32": [0, 4294967295],
    "UINT64": [0, 18446744073709551615],
    "INT8": [-128, 127],
    "INT16": [-32768, 32767],
    "INT32": [-2147483648, 2147483647],
    "INT64": [-9223372036854775808, 9223372036854775807],
    "FP16": [1.5, "-Infinity"],
    "FP32": [1.5, "NaN"],
    "FP64": [1e308, -0.1],
    "BF16": [1.5, 3e38],
    "BYTES": ["", "größer"],
}


def tensor(name: str, datatype: str, shape: list[int], *data: Any) -> Object:
    return {"name": name, "datatype": datatype, "shape": shape} | ({"data": list(data)} if data else {})


def adding(*first: float, batch: int = 1, **rest: Any) -> Object:
    rows = [batch, 2]
    return {"inputs": [tensor("A", "FP32", rows, *first * batch), tensor("B", "FP32", rows)], **rest}


def warmed(folder: Path, model: str, *requests: Object) -> Path:
    """A repository as fetch leaves it."""
    models = repository(folder / "models", model)
    asked = [WarmupRequest.model_validate(each) for each in requests]
    text = (models / model / "config.pbtxt").read_text()
    for name, content in additions(text, "s3://models: config.pbtxt", asked).items():
        path = models / model / name
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(content)
    return models


def statistics(server: Triton, model: str) -> Object:
    with urllib.request.urlopen(f"http://{HOST}:{server.http}/v2/models/{model}/stats", timeout=10) as answer:
        (found,) = json.load(answer)["model_stats"]
    return dict(found)


def test_all_requests_were_made_before_it_is_ready(triton_runtime: Runtime, tmp_path: Path) -> None:
    models = warmed(tmp_path, "adder", adding(1, 2), adding(1, 2, batch=4, count=3), adding())
    with Triton(triton_runtime, models, tmp_path / "log") as server:
        found = statistics(server, "adder")
    assert (found["execution_count"], found["inference_count"]) == (1 + 3 + 1, 1 + 3 * 4 + 1)
    assert found["inference_stats"]["fail"]["count"] == 0


def test_what_the_model_brings_itself_stays(triton_runtime: Runtime, tmp_path: Path) -> None:
    models = repository(tmp_path / "models", "adder")
    config = models / "adder" / "config.pbtxt"
    inputs = "".join(
        f' inputs {{ key: "{each}" value {{ data_type: TYPE_FP32 dims: 2 zero_data: true }} }}' for each in "AB"
    )
    config.write_text(
        f'{config.read_text()}model_warmup [ {{ name: "own" batch_size: 1 count: 2{inputs} }} ] # the end'
    )
    asked = [WarmupRequest.model_validate(adding(1, 2))]
    added = additions(config.read_text(), "s3://models: config.pbtxt", asked)
    config.write_bytes(config.read_bytes() + added.pop("config.pbtxt"))
    (models / "adder" / "warmup").mkdir()
    for name, content in added.items():
        (models / "adder" / name).write_bytes(content)
    with Triton(triton_runtime, models, tmp_path / "log") as server:
        assert statistics(server, "adder")["execution_count"] == 3


def test_every_type(triton_runtime: Runtime, tmp_path: Path) -> None:
    given = [tensor(f"IN_{each}", each, [2, 1], *data) for each, data in EVERY_TYPE.items()]
    zeros = [tensor(f"IN_{each}", each, [3, 2]) for each in EVERY_TYPE]
    models = warmed(tmp_path, "identity", {"inputs": given}, {"inputs": zeros})
    with Triton(triton_runtime, models, tmp_path / "log") as server:
        found = statistics(server, "identity")
    assert (found["inference_count"], found["inference_stats"]["fail"]["count"]) == (2, 0)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (adding(-1, 2), "Triton cannot warm the model up: model.warmup[0]: A must not be negative. "),
        ({"inputs": [tensor("A", "FP32", [1, 2])]}, "expected 2 inputs but got 1"),
        ({"inputs": [tensor("A", "FP32", [1, 3]), tensor("B", "FP32", [1, 3])]}, "unexpected shape for input"),
        ({"inputs": [tensor("A", "INT8", [1, 2]), tensor("B", "FP32", [1, 2])]}, "data-type is 'INT8'"),
    ],
)
def test_what_fails_ends_the_server_and_says_why(
    triton_runtime: Runtime, tmp_path: Path, request_: Object, says: str
) -> None:
    models = warmed(tmp_path, "adder", request_)
    code, message = Triton(triton_runtime, models, tmp_path / "log").run_to_its_end()
    found = pod_seen(crashed(code, message)).trouble
    assert found is not None
    assert found == Trouble("triton", Reason.WARMUP_FAILED, found.message, "pod", rejects=True)
    assert says in found.message
