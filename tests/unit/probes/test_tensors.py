"""Tensors of a smoke test, without a server: mistakes in the test, and what counts as equal."""

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tritium.api.tensors import ExpectedTensor, InputTensor
from tritium.core.elements import MistakeInTensor
from tritium.probes.comparing import compare
from tritium.probes.encoding import encode

NUMBER = 'a number, or one of "NaN", "Infinity" and "-Infinity"'


def given(datatype: str, *data: Any, shape: list[int] | None = None) -> InputTensor:
    written = {"name": "IN", "datatype": datatype, "shape": shape or [len(data)], "data": list(data)}
    return InputTensor.model_validate(written)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (given("FP32", 1, 2, shape=[3]), "in[0]: shape [3] has 3 elements, and data has 2"),
        (given("FP32", 1, shape=[0]), "in[0]: shape [0] has 0 elements, and data has 1"),
        (given("FP32", 1, None), f"in[0].data[1]: None is no FP32: {NUMBER}"),
        (given("FP32", []), f"in[0].data[0]: [] is no FP32: {NUMBER}"),
        (given("FP64", True), f"in[0].data[0]: True is no FP64: {NUMBER}"),
        (given("FP32", "1"), f"in[0].data[0]: '1' is no FP32: {NUMBER}"),
        (given("FP16", 70000), "in[0].data[0]: 70000 is no FP16: it is too large"),
        (given("FP64", 10**400), f"in[0].data[0]: {'1' + '0' * 78}… is no FP64: it is too large"),
        (given("BF16", -4e38), "in[0].data[0]: -4e+38 is no BF16: it is too large"),
        (given("INT8", 128), "in[0].data[0]: 128 is no INT8: a whole number from -128 to 127"),
        (given("UINT8", -1), "in[0].data[0]: -1 is no UINT8: a whole number from 0 to 255"),
        (given("INT32", 1.5), "in[0].data[0]: 1.5 is no INT32: a whole number from -2147483648 to 2147483647"),
        (given("INT32", True), "in[0].data[0]: True is no INT32: a whole number from -2147483648 to 2147483647"),
        (given("BOOL", 1), "in[0].data[0]: 1 is no BOOL: true or false"),
        (given("BYTES", 1), "in[0].data[0]: 1 is no BYTES: a string"),
        (given("BYTES", {}), "in[0].data[0]: {} is no BYTES: a string"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_input_is_named(tensor: InputTensor, message: str) -> None:
    with pytest.raises(MistakeInTensor) as caught:
        encode(tensor, "in[0]")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("answer", "data", "tolerance", "difference"),
    [
        (np.array([[1, 2]], np.int64), [1, 2.0], None, None),
        (np.array([3], np.int64), [1], 2, None),
        (np.array([2**63 + 1], np.uint64), [2**63], None, "9223372036854775809, expected 9223372036854775808"),
        (np.array([0.1], np.float16), [0.1], None, None),
        (np.array([1.75e38], np.float32), [1.75e38], 0, None),
        (np.array([0.1], ml_dtypes.bfloat16), [0.1], 0, None),
        (np.array([0.2], ml_dtypes.bfloat16), [0.1], 0, "0.2001953125, expected 0.1"),
        (np.array([math.inf], np.float32), [1e39], None, "inf, expected 1e+39"),
        (np.array([math.inf]), ["Infinity"], 0, None),
        (np.array([-math.inf]), ["Infinity"], 0, "-inf, expected 'Infinity'"),
        (np.array([math.nan]), ["NaN"], None, None),
        (np.array([math.nan]), [1], 1e9, "nan, expected 1"),
        (np.array([1.0]), ["NaN"], 1e9, "1.0, expected 'NaN'"),
        (np.array([True]), [False], None, "True, expected False"),
        (np.array([b"a"], object), ["a"], None, None),
        (np.array([b"\xff"], object), ["b"], None, "'�', expected 'b'"),
    ],
)
def test_what_counts_as_equal(answer: Any, data: list[Any], tolerance: float | None, difference: str | None) -> None:
    found = compare(ExpectedTensor(name="Y", data=data, tolerance=tolerance), answer, "out[0]")
    assert (found is None) is (difference is None)
    assert difference is None or f"output Y[0] is {difference}" in str(found)


@pytest.mark.parametrize(
    ("answer", "data", "kind"),
    [
        (np.array([1.0]), ["one"], "a number"),
        (np.array([1]), [True], "a number"),
        (np.array([1]), [None], "a number"),
        (np.array([True]), [1], "true or false"),
        (np.array([b"1"], object), [1], "a string"),
    ],
)
def test_what_can_never_be_equal_is_a_mistake(answer: Any, data: list[Any], kind: str) -> None:
    with pytest.raises(MistakeInTensor) as caught:
        compare(ExpectedTensor(name="Y", data=data), answer, "out[0]")
    said = f"out[0].data[0]: {data[0]!r} is compared with an output whose elements are each {kind}"
    assert str(caught.value) == said


def test_the_size_and_the_name_count() -> None:
    expected = ExpectedTensor(name="Y", data=[1])
    assert compare(expected, None, "out[0]") == "the answer has no output Y"
    assert compare(expected, np.zeros((2, 2)), "out[0]") == "output Y has 4 elements (shape [2, 2]), expected 1"
