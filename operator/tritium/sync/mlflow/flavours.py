"""How a model that MLflow saved becomes a Triton repository: its MLmodel and its files' names in, names out.

Of the flavours that an MLmodel names one is taken that Triton's image can serve. What needs the Python that the model
was made in is refused, with what to log instead: a pod would start, and fail.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import yaml

from tritium.api.source import Layout
from tritium.sync.bare import EXPORT, SAVED_MODEL
from tritium.sync.mlflow import forest
from tritium.sync.mlflow.signature import Field, Signature, signature
from tritium.sync.places import CONFIG, NotAModel, Plan, check_names, some

DESCRIPTION: Final = "MLmodel"
"""The file by which a model of MLflow is known."""

BESIDE: Final = "mlflow"
"""Where files go that are no part of what Triton loads, in the model's folder."""

_LAYOUTS: Final = frozenset({"auto", "onnx", "torchscript", "savedmodel"})
"""With the others the user says that the files are no model of MLflow, whatever lies beside them."""

_ALONGSIDE: Final = frozenset(
    {
        DESCRIPTION,
        "conda.yaml",
        "python_env.yaml",
        "requirements.txt",
        "registered_model_meta",
        "input_example.json",
        "serving_input_example.json",
    }
)
"""What MLflow puts beside every model."""

_INSTEAD: Final = (
    "Log the model as ONNX (mlflow.onnx.log_model; skl2onnx converts scikit-learn's), or write a model.py for Triton's "
    "python backend and set server.image to one with its packages"
)


SCRIPT: Final = (
    "Log torch.jit.script(model) or torch.jit.trace(model, example), with serialization_format='pickle', or log it as "
    "ONNX"
)
"""What to do about a model of PyTorch that is no TorchScript."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of it before it is here.

    Attributes:
        name: of the model in Triton's repository.
        flavours: of MLflow, by name, with their members.
        paths: of all its files.
    """

    name: str
    flavours: Mapping[str, Mapping[str, Any]]
    signature: Signature
    paths: Sequence[str]

    def file(self, flavour: str, path: str) -> str:
        """The file that a flavour names.

        Raises:
            NotAModel: it is not there.
        """
        if path not in self.paths:
            raise NotAModel(f"has an MLmodel whose flavour {flavour} names {path!r:.120}, and no such file")
        return path


def decides(paths: Collection[str], layout: Layout) -> bool:
    """Whether the MLmodel among these files says how they are laid out."""
    return DESCRIPTION in paths and layout in _LAYOUTS


def plan(mlmodel: str, paths: Sequence[str], name: str, layout: Layout) -> Plan:
    r"""Lay out a model of MLflow.

    Args:
        mlmodel: text of the file MLmodel.
        paths: of all files.
        name: of the model in Triton's repository.
        layout: `auto`, or the one that the user wrote.

    Raises:
        NotAModel: what Triton cannot serve, with what to do instead.

    >>> text = "flavors: {onnx: {data: model.onnx}, python_function: {}}"
    >>> laid = plan(text, ["MLmodel", "model.onnx"], "fraud", "auto")
    >>> laid.targets["model.onnx"], laid.targets["MLmodel"], laid.generated
    ('fraud/1/model.onnx', 'fraud/mlflow/MLmodel', {'fraud/config.pbtxt': 'backend: "onnxruntime"\n'})
    """
    check_names(paths)
    members = _members(mlmodel)
    model = Model(name, members["flavors"], signature(members), paths)
    for flavour, asked, lay in _SERVED:
        if flavour in model.flavours and layout in {"auto", asked}:
            return lay(model, layout)
    named = some([each for each in sorted(model.flavours) if each != "python_function"] or ["python_function"])
    if layout != "auto":
        raise NotAModel(f"has an MLmodel with the flavour {named}, which is not model.layout {layout}; use auto")
    raise NotAModel(
        f"has an MLmodel with the flavour {named}, which Triton's image has no Python packages for. {_INSTEAD}"
    )


def _members(mlmodel: str) -> Mapping[str, Any]:
    try:
        members = yaml.safe_load(mlmodel)
    except yaml.YAMLError as error:
        raise NotAModel("has an MLmodel that is no YAML; log the model again") from error
    flavours = members.get("flavors") if isinstance(members, dict) else None
    if not isinstance(flavours, dict) or not all(isinstance(each, dict) for each in flavours.values()):
        raise NotAModel("has an MLmodel without flavors; log the model again")
    return dict(members)


def _onnx(model: Model, _: Layout) -> Plan:
    """ONNX Runtime itself knows the inputs and outputs; the signature may be of a table that they were made from."""
    file = model.file("onnx", str(model.flavours["onnx"].get("data", "model.onnx")))
    folder = file.rpartition("/")[0]
    # Weights of a large model lie beside it, in files whose names stand in it.
    weights = {path for path in model.paths if path.rpartition("/")[0] == folder and path not in _ALONGSIDE}
    inside = {path: path.rpartition("/")[2] for path in weights} | {file: "model.onnx"}
    return _laid(model, inside, 'backend: "onnxruntime"\n')


def _torch(model: Model, layout: Layout) -> Plan:
    folder = str(model.flavours["pytorch"].get("model_data", "data"))
    if f"{folder}/model.pt2" in model.paths:
        raise NotAModel(
            "has an MLmodel with the flavour pytorch, saved by torch.export (model.pt2), which Triton does not load. "
            f"{SCRIPT}"
        )
    file = model.file("pytorch", f"{folder}/model.pth")
    told = _told(model.signature.inputs, "INPUT") + _told(model.signature.outputs, "OUTPUT", "output")
    complete = bool(model.signature.inputs and model.signature.outputs and told)
    text = 'backend: "pytorch"\n' + (told if complete else "")
    # The user's own word is taken for it.
    scripted = file if layout == "auto" else ""
    return _laid(model, {file: "model.pt"}, text, untold=not complete, scripted=scripted)


def _told(fields: Sequence[Field], unnamed: str, kind: str = "input") -> str:
    """Inputs or outputs of a TorchScript model, for the configuration; empty where they cannot be told.

    Without a name the convention is the place, and for several the place has to be in the name.
    """
    if not all(field.shape and field.datatype for field in fields):
        return ""
    lines = []
    for place, field in enumerate(fields):
        name = f"{field.name or unnamed}__{place}"
        dims = ", ".join(map(str, field.shape or ()))
        lines.append(f'{kind} {{ name: "{name}" data_type: TYPE_{field.datatype} dims: [{dims}] }}\n')
    return "".join(lines)


def _tensorflow(model: Model, layout: Layout) -> Plan:
    members = model.flavours["tensorflow"]
    folder = str(members.get("saved_model_dir") or f"{members.get('data', 'data')}/model")
    if f"{folder}/{EXPORT}" not in model.paths:
        raise NotAModel(
            "has an MLmodel with the flavour tensorflow that is no SavedModel, but a file of Keras, which Triton does "
            "not load. Convert it with tf2onnx, and log it as ONNX"
        )
    if layout == "auto":
        raise NotAModel(
            "has an MLmodel with the flavour tensorflow, and Triton's images have no TensorFlow any more. Convert it "
            "with tf2onnx, and log it as ONNX; or set model.layout: savedmodel, and server.image to one that has it"
        )
    inside = {
        path: f"{SAVED_MODEL}/{path.removeprefix(f'{folder}/')}"
        for path in model.paths
        if path.startswith(f"{folder}/")
    }
    return _laid(model, inside, 'backend: "tensorflow"\n')


def _xgboost(model: Model, _: Layout) -> Plan:
    members = model.flavours["xgboost"]
    file = model.file("xgboost", str(members.get("data", "model.xgb")))
    kind = forest.xgboost(file, members)
    classifier = str(members.get("model_class", "")).endswith("Classifier")
    text, untold = forest.config(kind.model_type, model.signature, classifier=classifier)
    return replace(_laid(model, {file: kind.name}, text, untold=untold), scoring="" if classifier else file)


def _lightgbm(model: Model, _: Layout) -> Plan:
    members = model.flavours["lightgbm"]
    file = model.file("lightgbm", str(members.get("data", "model.lgb")))
    if str(members.get("model_class", "lightgbm.basic.Booster")) != "lightgbm.basic.Booster":
        raise NotAModel(
            f"has an MLmodel with the flavour lightgbm of the class {members['model_class']}, which MLflow keeps as "
            "objects of Python. Log its booster instead: mlflow.lightgbm.log_model(model.booster_, ...)"
        )
    text, untold = forest.config("lightgbm", model.signature, classifier=False)
    return _laid(model, {file: "model.txt"}, text, untold=untold)


_SERVED: Final[tuple[tuple[str, Layout | None, Callable[[Model, Layout], Plan]], ...]] = (
    ("onnx", "onnx", _onnx),
    ("pytorch", "torchscript", _torch),
    ("tensorflow", "savedmodel", _tensorflow),
    ("xgboost", None, _xgboost),
    ("lightgbm", None, _lightgbm),
)
"""Flavours that Triton's own backends serve, the value of `model.layout` for each, and how it is laid out."""


def _laid(model: Model, inside: Mapping[str, str], text: str, *, untold: bool = False, scripted: str = "") -> Plan:
    """What is loaded into the version's folder, all else beside it; a configuration unless the model has one."""
    targets = {
        path: f"{model.name}/1/{inside[path]}" if path in inside else f"{model.name}/{BESIDE}/{path}"
        for path in model.paths
    }
    return Plan(targets, {f"{model.name}/{CONFIG}": text}, untold=untold, scripted=scripted)
