"""What the layouts make, by a real Triton: served where it has the backend, and otherwise known by its core.

The Triton of the tests has the python backend and ensembles. Of the others its core reads the configuration and the
version folders, and then says which backend it misses.
"""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.dataplane.runtime import Runtime
from tests.dataplane.triton import MODELS, Triton
from tests.ports import HOST
from tests.sync.tracking import saved
from tritium.api.fetch import FetchRequest
from tritium.sync import configure, planning
from tritium.sync.mlflow.flavours import DESCRIPTION
from tritium.sync.publish import Shelf

Object = dict[str, Any]
ADDER = (MODELS / "adder.py").read_bytes()
ADDER_CONFIG = (MODELS / "adder.pbtxt").read_bytes()
ENSEMBLE = b"""
max_batch_size: 8
input [ { name: "X" data_type: TYPE_FP32 dims: 2 }, { name: "Y" data_type: TYPE_FP32 dims: 2 } ]
output { name: "Z" data_type: TYPE_FP32 dims: 2 }
platform: "ensemble"
ensemble_scheduling { step {
  model_name: "adder" model_version: -1
  input_map { key: "A" value: "X" } input_map { key: "B" value: "Y" } output_map { key: "SUM" value: "Z" }
} }
"""


def fetched(folder: Path, files: dict[str, bytes], model: str = "fraud", **asked: Any) -> Path:
    """A repository as fetch leaves it, from these files."""
    request = FetchRequest.model_validate({"source": {"uri": "s3://models/fraud/1"}, "model": model, **asked})
    description = files[DESCRIPTION].decode() if DESCRIPTION in files else None
    shelf, plan = Shelf(folder), planning.plan(request, list(files), description)
    for path, target in shelf.prepare(plan).items():
        target.write_bytes(files[path])
    if changes := configure.changes(request, plan, shelf.repository):
        shelf.change(request, changes)
    return shelf.repository


def asked_of(server: Triton, path: str, body: Object | None = None) -> Object:
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(f"http://{HOST}:{server.http}/v2/models/{path}", data, timeout=10) as answer:
        return dict(json.load(answer))


def inputs(*names: str) -> Object:
    return {"inputs": [{"name": each, "datatype": "FP32", "shape": [1, 2], "data": [1, 2]} for each in names]}


def test_a_bare_python_model_with_all_its_settings_from_the_spec(triton_runtime: Runtime, tmp_path: Path) -> None:
    settings = {
        "maxBatchSize": 16,
        "instanceGroups": [{"count": 2, "kind": "KIND_CPU"}],
        "dynamicBatching": {"preferredBatchSize": [4], "maxQueueDelay": "1ms", "maxQueueSize": 7},
        "parameters": {"threshold": "0.5"},
        "raw": ADDER_CONFIG.decode().split("max_batch_size: 8")[1].split("instance_group")[0],
    }
    warmup = [inputs("A", "B")]
    models = fetched(tmp_path / "models", {"anything.py": ADDER}, layout="python", config=settings, warmup=warmup)
    with Triton(triton_runtime, models, tmp_path / "log") as server:
        config = asked_of(server, "fraud/config")
        answer = asked_of(server, "fraud/infer", inputs("A", "B"))
        statistics = asked_of(server, "fraud/stats")["model_stats"][0]
    assert answer["outputs"][0]["data"] == [2, 4]
    assert statistics["execution_count"] == 2 + 1, "each of the two instances was warmed up"
    assert (config["max_batch_size"], config["instance_group"][0]["count"]) == (16, 2)
    assert config["dynamic_batching"]["preferred_batch_size"] == [4]
    assert config["dynamic_batching"]["max_queue_delay_microseconds"] == 1000
    assert config["dynamic_batching"]["default_queue_policy"]["max_queue_size"] == 7
    assert config["parameters"]["threshold"]["string_value"] == "0.5"


def test_an_ensemble_and_its_model(triton_runtime: Runtime, tmp_path: Path) -> None:
    files = {
        "fraud/config.pbtxt": ENSEMBLE,
        "adder/config.pbtxt": ADDER_CONFIG,
        "adder/3/model.py": ADDER,
        "README.md": b"",
    }
    models = fetched(tmp_path / "models", files)
    with Triton(triton_runtime, models, tmp_path / "log") as server:
        assert asked_of(server, "fraud/infer", inputs("X", "Y"))["outputs"][0]["data"] == [2, 4]


def test_a_folder_beside_models_would_keep_triton_from_starting(triton_runtime: Runtime, tmp_path: Path) -> None:
    """Why the layout refuses it."""
    models = fetched(tmp_path / "models", {"config.pbtxt": ADDER_CONFIG, "1/model.py": ADDER}, model="adder")
    (models / "shared").mkdir()
    (models / "shared" / "vocabulary.txt").write_text("x")
    code, message = Triton(triton_runtime, models, tmp_path / "log").run_to_its_end()
    assert code == 1
    assert "Poll failed for model directory 'shared'" in message


@pytest.mark.parametrize(
    ("named", "files", "backend"),
    [
        ("onnx", ["a.onnx"], "onnxruntime"),
        ("torchscript", ["a.pt"], "pytorch"),
        ("tensorrt", ["a.engine"], "tensorrt"),
        ("openvino", ["a.xml", "a.bin"], "openvino"),
        ("savedmodel", ["saved_model.pb", "variables/a"], "tensorflow"),
    ],
)
def test_the_core_knows_the_backend_of_each_layout(
    triton_runtime: Runtime, tmp_path: Path, named: str, files: list[str], backend: str
) -> None:
    tensors = 'input { name: "A" data_type: TYPE_FP32 dims: 2 } output { name: "B" data_type: TYPE_FP32 dims: 2 }'
    models = fetched(tmp_path / "models", dict.fromkeys(files, b"x"), layout=named, config={"raw": tensors})
    code, message = Triton(triton_runtime, models, tmp_path / "log").run_to_its_end()
    assert code == 1
    assert f"'fraud' version 1: Invalid argument: unable to find backend library for backend '{backend}'" in message


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("onnx", "onnxruntime"),
        ("torchscript", "pytorch"),
        ("xgb-classifier", "fil"),
        ("xgb-booster", "fil"),
        ("xgb-softprob", "fil"),
        ("lgb-booster", "fil"),
    ],
)
@pytest.mark.parametrize("config", [None, {"maxBatchSize": 8, "instanceGroups": [{"count": 2, "kind": "KIND_CPU"}]}])
def test_the_core_takes_what_is_generated_for_models_of_mlflow(
    triton_runtime: Runtime, tmp_path: Path, name: str, backend: str, config: Object | None
) -> None:
    """Up to the backend, which it looks for when it has read and judged the configuration."""
    models = fetched(tmp_path / "models", saved(name), config=config)
    code, message = Triton(triton_runtime, models, tmp_path / "log").run_to_its_end()
    assert code == 1
    assert f"'fraud' version 1: Invalid argument: unable to find backend library for backend '{backend}'" in message


def test_the_core_judges_a_configuration_before_it_looks_for_the_backend(
    triton_runtime: Runtime, tmp_path: Path
) -> None:
    """Otherwise the test above would say nothing."""
    models = fetched(tmp_path / "models", saved("lgb-booster"))
    made = models / "fraud" / "config.pbtxt"
    good = made.read_text()
    made.write_text(good.replace("dims: [4]", "dims: [0]"))
    assert made.read_text() != good
    code, message = Triton(triton_runtime, models, tmp_path / "log").run_to_its_end()
    assert code == 1
    assert "unable to find backend library" not in message
    assert "model input 'input__0' dimension" in message
