"""How sources become a repository, and what is told to those whose source is none."""

from __future__ import annotations

import pytest

from tritium.api.source import Layout
from tritium.sync.layout import plan
from tritium.sync.listing import MAX_FILES
from tritium.sync.places import NotAModel


@pytest.mark.parametrize(
    ("layout", "paths", "targets"),
    [
        ("auto", ["config.pbtxt", "1/model.onnx"], ["config.pbtxt", "1/model.onnx"]),
        ("triton", ["1/model.onnx", "20/model.onnx", "labels.txt"], ["1/model.onnx", "20/model.onnx", "labels.txt"]),
        ("auto", ["1/model.json"], ["1/model.json"]),
        ("auto", ["fraud/1/model.onnx", "fraud/config.pbtxt"], ["1/model.onnx", "config.pbtxt"]),
        ("triton", ["other/1/model.onnx", "other/config.pbtxt"], ["1/model.onnx", "config.pbtxt"]),
        ("auto", ["model.plan", "config.pbtxt"], ["1/model.plan", "config.pbtxt"]),
        ("auto", ["model.py", "model.onnx", "config.pbtxt"], ["1/model.py", "1/model.onnx", "config.pbtxt"]),
        ("auto", ["model.py", "checkpoint/1/x", "config.pbtxt"], ["1/model.py", "1/checkpoint/1/x", "config.pbtxt"]),
        ("auto", ["model.onnx", "model.plan", "config.pbtxt"], ["1/model.onnx", "1/model.plan", "config.pbtxt"]),
        ("python", ["model.py", "1/x", "config.pbtxt"], ["1/model.py", "1/1/x", "config.pbtxt"]),
        ("onnx", ["a.onnx", "config.pbtxt"], ["1/model.onnx", "config.pbtxt"]),
        ("triton", ["1/saved_model.pb"], ["1/saved_model.pb"]),
        ("auto", ["config.pbtxt", "1/model.py", "1/saved_model.pb"], None),
        ("auto", ["1/model.savedmodel/saved_model.pb"], ["1/model.savedmodel/saved_model.pb"]),
    ],
)
def test_what_is_known_is_laid_out(layout: Layout, paths: list[str], targets: list[str] | None) -> None:
    laid = plan(paths, "fraud", layout)
    assert laid.targets == {path: f"fraud/{target}" for path, target in zip(paths, targets or paths, strict=True)}
    assert not laid.generated
    assert not laid.untold


@pytest.mark.parametrize(
    ("layout", "paths", "targets", "backend"),
    [
        ("auto", ["model.py"], ["model.py"], "python"),
        ("python", ["x.py"], ["model.py"], "python"),
        ("python", ["x.py", "weights.bin"], ["model.py", "weights.bin"], "python"),
        ("auto", ["model.py", "x"], ["model.py", "x"], "python"),
        ("auto", ["model.onnx", "model.onnx.data"], ["model.onnx", "model.onnx.data"], "onnxruntime"),
        ("auto", ["model.onnx/model.onnx", "model.onnx/w"], ["model.onnx/model.onnx", "model.onnx/w"], "onnxruntime"),
        ("auto", ["resnet.onnx"], ["model.onnx"], "onnxruntime"),
        ("onnx", ["resnet.onnx", "README.md"], ["model.onnx", "README.md"], "onnxruntime"),
        ("onnx", ["model.onnx", "model.py", "old.onnx"], ["model.onnx", "model.py", "old.onnx"], "onnxruntime"),
        ("auto", ["model.pt"], ["model.pt"], "pytorch"),
        ("auto", ["traced.pt"], ["model.pt"], "pytorch"),
        ("torchscript", ["best.torchscript", "labels.txt"], ["model.pt", "labels.txt"], "pytorch"),
        ("auto", ["model.plan"], ["model.plan"], "tensorrt"),
        ("auto", ["resnet.fp16.plan"], ["model.plan"], "tensorrt"),
        ("tensorrt", ["best.engine"], ["model.plan"], "tensorrt"),
        ("auto", ["model.xml", "model.bin"], ["model.xml", "model.bin"], "openvino"),
        ("openvino", ["a.xml", "a.bin", "a.mapping"], ["model.xml", "model.bin", "a.mapping"], "openvino"),
        ("auto", ["saved_model.pb", "variables/a"], ["model.savedmodel/saved_model.pb", "model.savedmodel/variables/a"],
         "tensorflow"),
        ("auto", ["model.savedmodel/saved_model.pb"], ["model.savedmodel/saved_model.pb"], "tensorflow"),
        ("auto", ["model.savedmodel/variables/1/x", "model.savedmodel/saved_model.pb"], None, "tensorflow"),
    ],
)  # fmt: skip
def test_bare_files_become_version_one_of_their_backend(
    layout: Layout, paths: list[str], targets: list[str] | None, backend: str
) -> None:
    laid = plan(paths, "fraud", layout)
    assert laid.targets == {path: f"fraud/1/{to}" for path, to in zip(paths, targets or paths, strict=True)}
    assert laid.generated == {"fraud/config.pbtxt": f'backend: "{backend}"\n'}
    assert laid.untold is (backend == "pytorch")


def test_a_configuration_says_what_a_saved_model_has_and_lies_beside_its_version() -> None:
    laid = plan(["saved_model.pb", "config.pbtxt"], "fraud", "savedmodel")
    assert laid.targets["config.pbtxt"] == "fraud/config.pbtxt"
    assert laid.targets["saved_model.pb"] == "fraud/1/model.savedmodel/saved_model.pb"
    assert not laid.generated


def test_what_tensorflow_serving_has_gets_the_folder_that_triton_wants() -> None:
    laid = plan(["3/saved_model.pb", "3/variables/a", "4/saved_model.pb"], "fraud", "savedmodel")
    assert laid.targets == {
        "3/saved_model.pb": "fraud/3/model.savedmodel/saved_model.pb",
        "3/variables/a": "fraud/3/model.savedmodel/variables/a",
        "4/saved_model.pb": "fraud/4/model.savedmodel/saved_model.pb",
    }
    assert laid.generated == {"fraud/config.pbtxt": 'backend: "tensorflow"\n'}


@pytest.mark.parametrize("paths", [["1/model.pt"], ["fraud/2/model.pt", "fraud/2/x"]])
def test_a_torchscript_model_cannot_say_which_tensors_it_has(paths: list[str]) -> None:
    assert plan(paths, "fraud", "auto").untold


@pytest.mark.parametrize("paths", [["1/model.pt", "config.pbtxt"], ["1/model.pt", "1/model.onnx"], ["1/a/model.pt"]])
def test_where_something_else_says_it_that_is_left_to_triton(paths: list[str]) -> None:
    assert not plan(paths, "fraud", "auto").untold


@pytest.mark.parametrize("layout", ["auto", "triton"])
def test_models_that_belong_together_stay_together(layout: Layout) -> None:
    paths = ["fraud/config.pbtxt", "words/1/model.py", "words/vocabulary.txt", "score/2/model.onnx", "README.md"]
    laid = plan(paths, "fraud", layout)
    assert laid.targets == {path: path for path in paths}
    assert laid.versions == ("fraud/1",), "of an ensemble, whose version folder is empty"
    assert laid.models == {"fraud", "words", "score"}


@pytest.mark.parametrize(
    ("layout", "paths", "said"),
    [
        ("auto", [], "must hold 1 to 10000 files"),
        ("auto", [f"1/{number}" for number in range(MAX_FILES + 1)], "must hold 1 to 10000 files"),
        ("auto", ["weights.bin", "x.txt"], "holds weights.bin, x.txt, which is no model. Expected is a folder with"),
        ("auto", ["config.pbtxt"], "holds config.pbtxt, which is no model"),
        ("auto", ["model.xml"], "holds model.xml, which is no model"),
        ("auto", ["fraud/model.onnx"], "holds fraud/, which is no model"),
        ("auto", ["01/model.onnx", "0/model.onnx"], "holds 0/, 01/, which is no model"),
        (
            "auto",
            ["model.onnx", "model.plan"],
            "more than one model (model.onnx, model.plan); set model.layout to onnx or tensorrt, or keep one",
        ),
        ("auto", ["saved_model.pb", "model.savedmodel/saved_model.pb"], "saved_model.pb); keep one"),
        ("auto", ["saved_model.pb", "model.onnx", "config.pbtxt"], "set model.layout to onnx or savedmodel"),
        ("auto", ["resnet.onnx", "README.md"], "If it is one, set model.layout to onnx. Expected is"),
        ("auto", ["a.xml", "a.bin"], "If it is one, set model.layout to openvino. Expected is"),
        ("auto", ["best.pth"], "If it is one, set model.layout to torchscript. Expected is"),
        ("auto", ["1/saved_model.pb", "1/variables/x"], "as TensorFlow Serving has it; set model.layout to savedmodel"),
        ("auto", ["other/1/model.onnx"], "point model.source.uri to the folder other, or set model.name to other"),
        (
            "auto",
            ["a/1/x", "b/1/x"],
            "several models (a, b) and none of the name fraud; set model.name to the one that clients ask, or point",
        ),
        ("triton", ["fraud/config.pbtxt", "a/1/x", "shared/x"], "the folder shared, which Triton would take for a"),
        ("triton", ["a/1/x", "README.md"], "holds model a and other files beside it (README.md, a/)"),
        (
            "triton",
            ["model.onnx"],
            "holds model.onnx, which is no model with a version folder (1/model.onnx); use auto",
        ),
        ("triton", ["fraud/config.pbtxt", "a/config.pbtxt"], "which is no model with a version folder"),
        ("python", ["1/model.py"], "holds 1/ and no model.py, which model.layout python needs; use auto"),
        ("python", ["model.onnx"], "no model.py, which model.layout python needs; use auto"),
        ("python", ["model.onnx", "x"], "no model.py, which model.layout python needs; use auto"),
        ("onnx", ["1/model.onnx"], "holds 1/ and no model.onnx, which model.layout onnx needs; use auto"),
        ("onnx", ["b.onnx", "a.onnx"], "holds a.onnx, b.onnx: call the one that is meant model.onnx"),
        ("openvino", ["a.xml", "b.bin"], "holds a.xml, b.bin: call the one that is meant model.xml and model.bin"),
        ("openvino", ["a.xml"], "holds a.xml: call the one that is meant model.xml and model.bin"),
        ("torchscript", ["a.pt", "model.pt/x"], "holds a.pt: call the one that is meant model.pt"),
        ("savedmodel", ["model.onnx"], "and no model.savedmodel/ or saved_model.pb, which model.layout savedmodel"),
        ("auto", ["1/x", "1/x"], "lists the same file twice"),
        ("auto", ["1/x", "1"], "holds '1' both as a file and as a folder"),
        ("auto", ["a", "b", "c", "d", "e", "f", "g"], "holds a, b, c, d, e and 2 more, which"),
    ],
)
def test_what_is_none_is_refused(layout: Layout, paths: list[str], said: str) -> None:
    with pytest.raises(NotAModel) as caught:
        plan(paths, "fraud", layout)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/1/x",
        "../x",
        "1/../x",
        "1/./x",
        "1//x",
        "1/x/",
        "1/a\\b",
        "1/a\0b",
        "1/a\nb",
        "1/a\x7fb",
        "1/a\x85b",
        "1/\ud800",
        "1/" + "x" * 256,
        "1/" + "é" * 128,
        "1/" + "/".join("x" * 32),
        "1/" + "/".join(["x" * 100] * 11),
    ],
)
def test_names_that_cannot_be_used_are_refused(name: str) -> None:
    with pytest.raises(NotAModel, match="whose name cannot be used; rename it"):
        plan(["1/model.onnx", name], "fraud", "auto")


@pytest.mark.parametrize("name", ["1/..x", "1/.hidden", "1/é ü", "1/模型", "1/-rf", "1/" + "x" * 255, "1/a%2F..%2Fb"])
def test_unusual_names_are_names(name: str) -> None:
    assert plan(["1/model.onnx", name], "fraud", "auto").targets[name] == f"fraud/{name}"
