"""From an output to a verdict: is it what the smoke test expects? No I/O."""

import math
from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from tritium.api.tensors import ExpectedTensor
from tritium.core.elements import MistakeInTensor, as_float, is_number, number, show

TOLERANCE: Final = 1e-5
"""Largest absolute difference of numbers that count as equal, where the test names none."""


def compare(expected: ExpectedTensor, answer: NDArray[Any] | None, path: str) -> str | None:
    """The first difference between an output and what it should be; nothing if there is none.

    A number is also equal to what the output's type makes of it: 0.1 is 0.09998 in FP16. NaN is equal to NaN only.

    Args:
        expected: as the user wrote it.
        answer: the output of that name, of any shape: elements are compared in row-major order.
        path: of the expectation in the spec, such as `model.smokeTest[0].outputs[0]`.

    Raises:
        MistakeInTensor: an element can never be equal to one of the output's type.

    >>> compare(ExpectedTensor(name="SUM", data=[1, 2]), np.array([[1.0, 2.5]]), "outputs[0]")
    'output SUM[1] is 2.5, expected 2 (tolerance 1e-05)'
    """
    if answer is None:
        return f"the answer has no output {expected.name}"
    if answer.size != len(expected.data):
        has = f"{answer.size} elements (shape {list(answer.shape)})"
        return f"output {expected.name} has {has}, expected {len(expected.data)}"
    tolerance = TOLERANCE if expected.tolerance is None else expected.tolerance
    for index, (wanted, element) in enumerate(zip(expected.data, answer.reshape(-1), strict=True)):
        if not _equal(wanted, element, tolerance, f"{path}.data[{index}]"):
            got = _plain(element)
            about = f" (tolerance {tolerance:g})" if is_number(got) else ""
            return f"output {expected.name}[{index}] is {show(got)}, expected {show(wanted)}{about}"
    return None


def _plain(element: Any) -> Any:
    """The same value without NumPy, which has no BF16 of its own."""
    if isinstance(element, ml_dtypes.bfloat16):
        return float(element)
    return element.item() if isinstance(element, np.generic) else element


def _equal(wanted: Any, element: Any, tolerance: float, path: str) -> bool:
    got = _plain(element)
    if isinstance(got, bytes):
        return bool(_of_kind(wanted, str, "a string", path).encode() == got)
    if isinstance(got, bool):
        return _of_kind(wanted, bool, "true or false", path) is got
    meant = _of_kind(number(wanted), int | float, "a number", path, shown=wanted)
    if isinstance(got, int):
        return bool(abs(meant - got) <= tolerance)
    return any(_close(each, got, tolerance) for each in (as_float(meant), _held(meant, element)))


def _of_kind(value: Any, kind: Any, name: str, path: str, shown: Any = None) -> Any:
    if not isinstance(value, kind):
        said = show(value if shown is None else shown)
        raise MistakeInTensor(f"{path}: {said} is compared with an output whose elements are each {name}")
    return value


def _held(meant: float, element: Any) -> float:
    """A number as the type of that element holds it."""
    with np.errstate(over="ignore"):
        held = float(type(element)(as_float(meant)))
    return as_float(meant) if math.isinf(held) else held


def _close(wanted: float, got: float, tolerance: float) -> bool:
    if math.isnan(wanted) or math.isnan(got):
        return math.isnan(wanted) and math.isnan(got)
    # Equal first: the difference of two infinities is no number.
    return wanted == got or abs(wanted - got) <= tolerance
