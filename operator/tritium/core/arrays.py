"""From a tensor as the user wrote it to an array. No I/O.

It is taken exactly: a number that the type cannot hold, or an element too many, is a mistake of the user's, named by
its path, and never a request that means something else.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tritium.core.elements import MistakeInTensor, as_float, is_number, number, show

_INTEGERS: Final = frozenset({"UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"})
_FLOATS: Final[Mapping[str, Any]] = {
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BF16": ml_dtypes.bfloat16,
}


def array(datatype: str, shape: Sequence[int], data: Sequence[Any], path: str) -> NDArray[Any]:
    """The elements of a tensor, in its shape.

    Args:
        datatype: such as FP32.
        shape: of the tensor.
        data: elements in row-major order, flat, as the user wrote them.
        path: of the tensor in the spec, such as `model.smokeTest[0].inputs[0]`.

    Raises:
        MistakeInTensor: shape and data do not fit each other, or an element does not fit the type.

    >>> array("INT8", [1, 2], [1, -2], "inputs[0]").tolist()
    [[1, -2]]
    >>> array("INT8", [2], [1, 200], "inputs[0]")
    Traceback (most recent call last):
    tritium.core.elements.MistakeInTensor: inputs[0].data[1]: 200 is no INT8: a whole number from -128 to 127
    """
    wanted = math.prod(shape)
    if wanted != len(data):
        raise MistakeInTensor(f"{path}: shape {list(shape)} has {wanted} elements, and data has {len(data)}")
    to_element, dtype = _element(datatype)
    elements = []
    for index, value in enumerate(data):
        try:
            elements.append(to_element(value))
        except ValueError as why:
            raise MistakeInTensor(f"{path}.data[{index}]: {show(value)} is no {datatype}: {why}") from None
    return np.array(elements, dtype=dtype).reshape(shape)


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
