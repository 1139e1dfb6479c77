"""How sources become a repository, and what is told to those whose source is none."""

from __future__ import annotations

import pytest

from tritium.api.source import Layout
from tritium.sync.layout import NotAModel, plan
from tritium.sync.listing import MAX_FILES


@pytest.mark.parametrize(
    ("layout", "paths", "targets"),
    [
        ("auto", ["config.pbtxt", "1/model.onnx"], ["config.pbtxt", "1/model.onnx"]),
        ("triton", ["1/model.onnx", "20/model.onnx", "labels.txt"], ["1/model.onnx", "20/model.onnx", "labels.txt"]),
        ("auto", ["1/model.json"], ["1/model.json"]),
        ("auto", ["fraud/1/model.onnx", "fraud/config.pbtxt"], ["1/model.onnx", "config.pbtxt"]),
        ("triton", ["other/1/model.onnx", "other/config.pbtxt"], ["1/model.onnx", "config.pbtxt"]),
        ("auto", ["model.onnx", "model.onnx.data"], ["1/model.onnx", "1/model.onnx.data"]),
        ("auto", ["model.plan", "config.pbtxt"], ["1/model.plan", "config.pbtxt"]),
        ("auto", ["model.pt"], ["1/model.pt"]),
        ("auto", ["model.xml", "model.bin"], ["1/model.xml", "1/model.bin"]),
        ("auto", ["model.savedmodel/saved_model.pb"], ["1/model.savedmodel/saved_model.pb"]),
        ("auto", ["model.savedmodel/variables/1/x", "model.savedmodel/saved_model.pb"], None),
        ("auto", ["model.py", "model.onnx", "config.pbtxt"], ["1/model.py", "1/model.onnx", "config.pbtxt"]),
        ("auto", ["model.py", "checkpoint/1/x", "config.pbtxt"], ["1/model.py", "1/checkpoint/1/x", "config.pbtxt"]),
        ("auto", ["model.onnx", "model.plan", "config.pbtxt"], ["1/model.onnx", "1/model.plan", "config.pbtxt"]),
        ("python", ["model.py", "1/x", "config.pbtxt"], ["1/model.py", "1/1/x", "config.pbtxt"]),
        ("auto", ["resnet.onnx"], ["1/model.onnx"]),
        ("auto", ["resnet.fp16.plan"], ["1/model.plan"]),
        ("auto", ["traced.pt"], ["1/model.pt"]),
    ],
)
def test_what_is_known_is_laid_out(layout: Layout, paths: list[str], targets: list[str] | None) -> None:
    wanted = targets or [f"1/{path}" for path in paths]
    laid = plan(paths, "fraud", layout)
    assert laid.targets == {path: f"fraud/{target}" for path, target in zip(paths, wanted, strict=True)}
    assert not laid.generated


@pytest.mark.parametrize(
    ("layout", "paths"), [("auto", ["model.py"]), ("python", ["x.py"]), ("auto", ["model.py", "x"])]
)
def test_a_python_model_without_configuration_gets_one(layout: Layout, paths: list[str]) -> None:
    laid = plan(paths, "fraud", layout)
    assert laid.targets[paths[0]] == "fraud/1/model.py"
    assert laid.generated == {"fraud/config.pbtxt": 'backend: "python"\n'}


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
            "more than one model (model.onnx, model.plan); keep one, or add a config",
        ),
        ("auto", ["other/1/model.onnx"], "point model.source.uri to the folder other, or set model.name to other"),
        (
            "auto",
            ["a/1/x", "b/1/x"],
            "holds several models (a, b); point model.source.uri to the folder of one of them",
        ),
        ("triton", ["a/1/x", "README.md"], "holds model a and other files beside it (README.md, a/)"),
        (
            "triton",
            ["model.onnx"],
            "holds model.onnx, which is no model with a version folder (1/model.onnx); use auto",
        ),
        ("python", ["1/model.py"], "which is no model"),
        ("python", ["model.onnx"], "no model.py, which model.layout python needs; use auto"),
        ("python", ["model.onnx", "x"], "no model.py, which model.layout python needs; use auto"),
        ("onnx", ["model.onnx"], "model.layout onnx in this version; use auto, triton or python"),
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
