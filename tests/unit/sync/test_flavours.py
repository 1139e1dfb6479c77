"""What MLflow saved, and what Triton is given of it; the MLmodels are MLflow's own (tests/sync/models)."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from tests.sync.tracking import saved
from tritium.api.source import Layout
from tritium.sync.mlflow import flavours
from tritium.sync.places import NotAModel, Plan

FOREST = {"output_class": "false", "is_classifier": "false", "predict_proba": "false", "threshold": "0.5"}
CLASSES = FOREST | {"output_class": "true", "is_classifier": "true"}
TENSOR = "has an MLmodel with the flavour "


def plan(name: str, layout: Layout = "auto", extra: tuple[str, ...] = ()) -> Plan:
    files = saved(name)
    return flavours.plan(files["MLmodel"].decode(), [*files, *extra], "fraud", layout)


def served(laid: Plan) -> dict[str, str]:
    """What lies in the version's folder, by its name there."""
    return {
        target.removeprefix("fraud/1/"): path for path, target in laid.targets.items() if target.startswith("fraud/1/")
    }


def config(laid: Plan) -> model_config_pb2.ModelConfig:
    return text_format.Parse(laid.generated["fraud/config.pbtxt"], model_config_pb2.ModelConfig())


@pytest.mark.parametrize(
    ("name", "file", "source", "backend"),
    [
        ("onnx", "model.onnx", "model.onnx", "onnxruntime"),
        ("torchscript", "model.pt", "data/model.pth", "pytorch"),
        ("xgb-classifier", "xgboost.ubj", "model.ubj", "fil"),
        ("xgb-booster", "xgboost.json", "model.json", "fil"),
        ("lgb-booster", "model.txt", "model.lgb", "fil"),
    ],
)
def test_what_is_loaded_has_the_name_that_its_backend_looks_for(
    name: str, file: str, source: str, backend: str
) -> None:
    laid = plan(name)
    assert served(laid) == {file: source}
    assert config(laid).backend == backend
    assert not laid.untold
    beside = set(saved(name)) - {source}
    assert {laid.targets[each] for each in beside} == {f"fraud/mlflow/{each}" for each in beside}


def test_weights_of_onnx_stay_beside_it() -> None:
    laid = plan("onnx-big")
    (weights,) = (each for each in saved("onnx-big") if each.endswith(".data"))
    assert served(laid) == {"model.onnx": "model.onnx", weights: weights}


@pytest.mark.parametrize(
    ("name", "kind", "answer", "parameters"),
    [
        ("xgb-classifier", "xgboost_ubj", 1, CLASSES),
        ("xgb-booster", "xgboost_json", 1, FOREST),
        ("xgb-softprob", "xgboost_ubj", 3, CLASSES | {"predict_proba": "true"}),
        ("lgb-booster", "lightgbm", 1, FOREST),
    ],
)
def test_trees_answer_what_predict_answers(name: str, kind: str, answer: int, parameters: dict[str, str]) -> None:
    made = config(plan(name))
    assert made.max_batch_size == 1024
    assert [(each.name, each.data_type, list(each.dims)) for each in made.input] == [("input__0", 11, [4])]
    assert [(each.name, each.data_type, list(each.dims)) for each in made.output] == [("output__0", 11, [answer])]
    assert {key: each.string_value for key, each in made.parameters.items()} == parameters | {"model_type": kind}


def test_trees_without_a_signature_are_untold() -> None:
    laid = plan("xgb-unsigned")
    assert laid.untold
    assert not config(laid).input


def test_inputs_alone_do_not_say_how_many_numbers_trees_answer() -> None:
    text = 'flavors: {lightgbm: {data: model.lgb}}\nsignature: {inputs: \'[{"type": "double", "name": "a"}]\'}'
    laid = flavours.plan(text, ["MLmodel", "model.lgb"], "fraud", "auto")
    assert laid.untold
    assert not config(laid).input
    assert not config(laid).output


READ_ALWAYS = {"model_type", "predict_proba", "threshold"}
OF_A_RELEASE = [("output_class", "is_classifier"), ("is_classifier", "output_class")]
"""What FIL reads before 25.09 and since then, and what it does not look at, or warns of."""


@pytest.mark.parametrize(("read", "other"), OF_A_RELEASE, ids=["before 25.09", "since then"])
@pytest.mark.parametrize("name", ["xgb-classifier", "xgb-booster", "xgb-softprob", "lgb-booster"])
def test_fil_finds_what_has_no_default_and_nothing_that_it_does_not_know(name: str, read: str, other: str) -> None:
    """By its source (`src/shared_state.h`): the kind of the model, and a classifier's threshold."""
    made = {key: each.string_value for key, each in config(plan(name)).parameters.items()}
    assert set(made) == READ_ALWAYS | {read, other}
    assert {made[key] for key in (read, other, "predict_proba")} <= {"true", "false"}
    assert made[read] == made[other], "since 25.09 the old name goes before the new one"
    assert made["model_type"] in {"xgboost", "xgboost_json", "xgboost_ubj", "lightgbm"}
    assert float(made["threshold"]) == 0.5


def test_tensors_of_torchscript_are_those_of_the_signature() -> None:
    laid = plan("torchscript")
    made = config(laid)
    assert [(each.name, each.data_type, list(each.dims)) for each in made.input] == [("INPUT__0", 11, [-1, 4])]
    assert [(each.name, each.data_type, list(each.dims)) for each in made.output] == [("OUTPUT__0", 11, [-1, 2])]
    assert laid.scripted == "data/model.pth"
    assert plan("torchscript-unsigned").untold


@pytest.mark.parametrize(
    ("name", "layout", "says"),
    [
        ("sklearn", "auto", f"{TENSOR}sklearn, which Triton's image has no Python packages for. Log the model as ONNX"),
        ("pyfunc", "auto", f"{TENSOR}python_function, which Triton's image has no Python packages for"),
        ("lgb-classifier", "auto", f"{TENSOR}lightgbm of the class lightgbm.sklearn.LGBMClassifier"),
        ("torch-pt2", "auto", f"{TENSOR}pytorch, saved by torch.export"),
        ("onnx", "torchscript", f"{TENSOR}onnx, which is not model.layout torchscript; use auto"),
    ],
)
def test_what_triton_cannot_serve_is_refused_with_a_remedy(name: str, layout: Layout, says: str) -> None:
    with pytest.raises(NotAModel, match=says.replace(".", r"\.").replace("(", r"\(")):
        plan(name, layout)


TENSORFLOW = "flavors: {tensorflow: {saved_model_dir: tfmodel}}"
KERAS = "flavors: {tensorflow: {data: data, model_type: keras}}"


def test_tensorflow_is_served_only_where_the_user_says_that_the_image_can() -> None:
    paths = ["MLmodel", "tfmodel/saved_model.pb", "tfmodel/variables/variables.index"]
    with pytest.raises(NotAModel, match="have no TensorFlow any more"):
        flavours.plan(TENSORFLOW, paths, "fraud", "auto")
    laid = flavours.plan(TENSORFLOW, paths, "fraud", "savedmodel")
    assert laid.targets["tfmodel/saved_model.pb"] == "fraud/1/model.savedmodel/saved_model.pb"
    with pytest.raises(NotAModel, match="a file of Keras"):
        flavours.plan(KERAS, ["MLmodel", "data/model.keras"], "fraud", "auto")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no YAML"),
        ("flavors: []", "without flavors"),
        ("[]", "without flavors"),
        ("flavors: {onnx: {data: ../../etc/passwd}}", "names '../../etc/passwd', and no such file"),
        ("flavors: {onnx: {data: gone.onnx}}", "names 'gone.onnx', and no such file"),
        ("flavors: {onnx: {}}\nsignature: {inputs: '['}", "signature cannot be read"),
        ("!!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_a_broken_mlmodel_is_refused(text: str, says: str) -> None:
    with pytest.raises(NotAModel, match=says):
        flavours.plan(text, ["MLmodel", "model.onnx"], "fraud", "auto")


def test_words_are_no_input_of_trees() -> None:
    text = 'flavors: {xgboost: {data: model.json}}\nsignature: {inputs: \'[{"type": "string", "name": "city"}]\'}'
    with pytest.raises(NotAModel, match=r"no numbers \(city\)"):
        flavours.plan(text, ["MLmodel", "model.json"], "fraud", "auto")
