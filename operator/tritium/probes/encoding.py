"""From a tensor as the user wrote it to the input of a request. No I/O.

It is taken exactly: a number that the type cannot hold, or an element too many, is a mistake in the test, named by
its path, and never a request that means something else.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput

from tritium.api.tensors import InputTensor
from tritium.probes.elements import MistakeInTest, as_float, is_number, number, show

_INTEGERS: Final = frozenset({"UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"})
_FLOATS: Final[Mapping[str, Any]] = {
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BF16": ml_dtypes.bfloat16,
}


def encode(tensor: InputTensor, path: str) -> InferInput:
    """The input of a request.

    Args:
        tensor: as the user wrote it.
        path: of the tensor in the spec, such as `model.smokeTest[0].inputs[0]`.

    Raises:
        MistakeInTest: shape and data do not fit each other, or an element does not fit the type.

    >>> encode(InputTensor(name="A", datatype="INT8", shape=[1, 2], data=[1, -2]), "inputs[0]").shape()
    [1, 2]
    >>> encode(InputTensor(name="A", datatype="INT8", shape=[2], data=[1, 200]), "inputs[0]")
    Traceback (most recent call last):
    tritium.probes.elements.MistakeInTest: inputs[0].data[1]: 200 is no INT8: a whole number from -128 to 127
    """
    wanted = math.prod(tensor.shape)
    if wanted != len(tensor.data):
        raise MistakeInTest(f"{path}: shape {tensor.shape} has {wanted} elements, and data has {len(tensor.data)}")
    array = _array(tensor, path).reshape(tensor.shape)
    made = InferInput(tensor.name, tensor.shape, tensor.datatype)
    made.set_data_from_numpy(array)
    return made


def _array(tensor: InputTensor, path: str) -> NDArray[Any]:
    to_element, dtype = _element(tensor.datatype)
    elements = []
    for index, value in enumerate(tensor.data):
        try:
            elements.append(to_element(value))
        except ValueError as why:
            raise MistakeInTest(f"{path}.data[{index}]: {show(value)} is no {tensor.datatype}: {why}") from None
    return np.array(elements, dtype=dtype)


def _element(datatype: str) -> tuple[Callable[[Any], Any], Any]:
    """How an element of that type is made from what was written, and NumPy's name for the type."""
    if datatype == "BYTES":
        return _text, np.object_
    if datatype == "BOOL":
        return _truth, np.bool_
    if datatype in _INTEGERS:
        dtype = np.dtype(datatype.lower())
        return lambda value: _whole(value, np.iinfo(dtype)), dtype
    return lambda value: _real(value, _FLOATS[datatype]), _FLOATS[datatype]


def _text(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("a string")  # noqa: TRY004 - one kind of mistake, whatever was written
    return value.encode()


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - one kind of mistake, whatever was written
    return value


def _whole(value: Any, limits: "np.iinfo[Any]") -> int:
    if not is_number(value) or value != value // 1 or not limits.min <= value <= limits.max:
        raise ValueError(f"a whole number from {limits.min} to {limits.max}")
    return int(value)


def _real(value: Any, dtype: Any) -> Any:
    meant = number(value)
    if meant is None:
        raise ValueError('a number, or one of "NaN", "Infinity" and "-Infinity"')
    with np.errstate(over="ignore"):
        made = dtype(as_float(meant))
    if math.isinf(made) and abs(meant) != math.inf:
        raise ValueError("it is too large")
    return made
