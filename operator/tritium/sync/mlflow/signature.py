"""A model's signature, as MLflow writes it: columns of a table, or tensors."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tritium.sync.places import NotAModel

_TYPES: Final[Mapping[str, str]] = {
    "bool": "BOOL",
    "boolean": "BOOL",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "integer": "INT32",
    "int64": "INT64",
    "long": "INT64",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "float16": "FP16",
    "float32": "FP32",
    "float": "FP32",
    "float64": "FP64",
    "double": "FP64",
}
"""MLflow's and NumPy's names, and what Triton calls them. What is not in here is no number."""


@dataclass(frozen=True, slots=True)
class Field:
    """An input or an output.

    Attributes:
        name: empty where it has none.
        datatype: Triton's name without TYPE_; empty for what is no number.
        written: MLflow's name of the type.
        shape: of a tensor, with the batch, -1 for any length; None for a column.
    """

    name: str
    datatype: str
    written: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Signature:
    """All of them; empty where MLflow wrote none."""

    inputs: tuple[Field, ...] = ()
    outputs: tuple[Field, ...] = ()


def signature(members: Mapping[str, Any]) -> Signature:
    """The signature of an MLmodel, by its members.

    Raises:
        NotAModel: it cannot be read.

    >>> tensor = '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]'
    >>> signature({"signature": {"inputs": tensor}}).inputs
    (Field(name='', datatype='FP32', written='float32', shape=(-1, 4)),)
    """
    written = members.get("signature") or {}
    try:
        return Signature(_fields(written.get("inputs")), _fields(written.get("outputs")))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotAModel("has an MLmodel whose signature cannot be read; log the model again") from error


def _fields(text: str | None) -> tuple[Field, ...]:
    entries: Sequence[Mapping[str, Any]] = json.loads(text) if text else ()
    return tuple(_field(each) for each in entries)


def _field(entry: Mapping[str, Any]) -> Field:
    name = str(entry.get("name") or "")
    if entry["type"] != "tensor":
        return Field(name, _TYPES.get(str(entry["type"]), ""), str(entry["type"]), None)
    spec = entry["tensor-spec"]
    return Field(name, _TYPES.get(spec["dtype"], ""), spec["dtype"], tuple(int(each) for each in spec["shape"]))
