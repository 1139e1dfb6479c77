"""Trees of XGBoost and LightGBM, as the FIL backend of Triton serves them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tritium.sync.mlflow.signature import Signature
from tritium.sync.places import NotAModel, some

_BATCH: Final = 1024
"""Rows in a batch at most; FIL has no model without a batch. model.config.maxBatchSize changes it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a file of trees is written.

    Attributes:
        model_type: FIL's word for it.
        name: of the file, as FIL looks for it.
    """

    model_type: str
    name: str


_JSON: Final = Kind("xgboost_json", "xgboost.json")
_UBJ: Final = Kind("xgboost_ubj", "xgboost.ubj")
_BINARY: Final = Kind("xgboost", "xgboost.model")


def xgboost(file: str, members: Mapping[str, Any]) -> Kind:
    """What XGBoost wrote; where the name does not say so its version does: it has written UBJSON since 2.1.

    >>> xgboost("model.xgb", {"xgb_version": "1.7.6"}).model_type
    'xgboost'
    """
    if file.endswith(".json"):
        return _JSON
    if file.endswith(".ubj"):
        return _UBJ
    numbers = [int(each) for each in str(members.get("xgb_version", "")).split(".")[:2] if each.isdecimal()]
    return _UBJ if numbers >= [2, 1] else _BINARY


def config(model_type: str, signature: Signature, *, classifier: bool) -> tuple[str, bool]:
    """The configuration, and whether something is missing in it that only the user can say.

    It answers what the model's own `predict` answers in MLflow: a class, a number, or a number for each class.

    Raises:
        NotAModel: an input that is no number.
    """
    width, classes = _width(signature), _classes(signature)
    # Before 25.09 it is called output_class. A classifier's threshold has no default, though its documentation says so.
    parameters = {"model_type": model_type}
    parameters |= {name: str(classifier or classes > 1).lower() for name in ("is_classifier", "output_class")}
    parameters |= {"predict_proba": str(classes > 1).lower(), "threshold": "0.5"}
    text = f'backend: "fil"\nmax_batch_size: {_BATCH}\n'
    if width and signature.outputs:
        text += f'input {{ name: "input__0" data_type: TYPE_FP32 dims: [{width}] }}\n'
        text += f'output {{ name: "output__0" data_type: TYPE_FP32 dims: [{classes}] }}\n'
    text += "".join(
        f'parameters {{ key: "{name}" value: {{ string_value: "{value}" }} }}\n' for name, value in parameters.items()
    )
    # Of trees for several classes FIL writes as many numbers as there are, also where the output has room for one.
    return text + "dynamic_batching {}\n", not (width and signature.outputs)


def _width(signature: Signature) -> int:
    """Columns of a row; 0 where nothing tells."""
    if words := [field.name or field.written for field in signature.inputs if not field.datatype]:
        raise NotAModel(
            f"has an MLmodel whose signature has inputs that are no numbers ({some(words)}), and Triton's FIL backend "
            "takes only numbers. Log the model as ONNX, or encode them before it is trained"
        )
    if len(signature.inputs) == 1 and (shape := signature.inputs[0].shape):
        return max(shape[-1], 0) if len(shape) == 2 else 0
    return len(signature.inputs) if all(field.shape is None for field in signature.inputs) else 0


def _classes(signature: Signature) -> int:
    """Numbers in an answer for a row."""
    shape = signature.outputs[0].shape if len(signature.outputs) == 1 else None
    return shape[1] if shape and len(shape) == 2 and shape[1] > 0 else 1
