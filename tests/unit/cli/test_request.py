"""Requests that `tritium infer` makes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cli.samples import IDLE, NEW, Object, model
from tests.unit.cli.stories import told
from tritium.cli.complaints import Complaint
from tritium.cli.facts.advice import advice
from tritium.cli.facts.model import read
from tritium.cli.facts.request import of_inputs, of_smoke_test, of_text, service

METADATA = {
    "inputs": [
        {"name": "X", "datatype": "FP32", "shape": [-1, 3]},
        {"name": "GRID", "datatype": "INT64", "shape": [-1, -1]},
        {"name": "TEXT", "datatype": "BYTES", "shape": [1]},
        {"name": "HALF", "datatype": "FP16", "shape": [1]},
    ]
}


@pytest.mark.parametrize(
    ("given", "shape", "data"),
    [
        ("X=[[1, 2, 3], [4, 5, 6]]", [2, 3], [1, 2, 3, 4, 5, 6]),
        ("X=[1, 2, 3]", [1, 3], [1, 2, 3]),
        ("GRID=[[1], [2]]", [2, 1], [1, 2]),
        ("TEXT=hello world", [1], ["hello world"]),
        ('TEXT=["a=b"]', [1], ["a=b"]),
        ('TEXT="7"', [1], ["7"]),
    ],
)
def test_an_input_gets_the_types_and_shapes_of_the_model(given: str, shape: list[int], data: list[Any]) -> None:
    (made,) = of_inputs([given], METADATA)["inputs"]
    assert (made["shape"], made["data"]) == (shape, data)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("X", "--input X has no value: write NAME=JSON"),
        ("Y=1", "the model has no input Y; its inputs are: X, GRID, TEXT, HALF"),
        ("X=one", "--input X: one is not JSON"),
        ("X=[1, 2]", r"2 elements in shape \[2\] do not fit the model's shape \[-1, 3\]"),
        ("GRID=[1, 2]", r"do not fit the model's shape \[-1, -1\]"),
        ("X=[[1, 2, 3], [4]]", "do not fit"),
        ("X=[[1, 2, 3], [4], [5, 6]]", "do not fit"),
        ("HALF=1", "HALF is FP16, which JSON cannot carry"),
    ],
)
def test_an_input_that_does_not_fit_says_why(given: str, message: str) -> None:
    with pytest.raises(Complaint, match=message):
        of_inputs([given], METADATA)


@given(st.integers(1, 5), st.integers(1, 5))
def test_a_nested_list_is_its_own_shape(rows: int, columns: int) -> None:
    metadata = {"inputs": [{"name": "X", "datatype": "INT32", "shape": [-1, columns]}]}
    nested = [[row * columns + column for column in range(columns)] for row in range(rows)]
    flat = list(range(rows * columns))
    assert of_inputs([f"X={nested}"], metadata) == of_inputs([f"X={flat}"], metadata)


def test_the_smoke_test_is_a_request() -> None:
    inputs = [{"name": "X", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}]
    outputs = [{"name": "SCORE", "data": [0.25]}]
    facts = read(model(model={"smokeTest": [{"inputs": inputs, "outputs": outputs}]}))
    assert of_smoke_test(facts) == {"inputs": inputs}
    with pytest.raises(Complaint, match="give --input NAME=JSON or --data FILE"):
        of_smoke_test(read(IDLE))


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "request.json is not JSON"), ("[]", "is no request"), ('{"inputs": 1}', "is no request")],
)
def test_a_file_that_is_no_request(text: str, message: str) -> None:
    with pytest.raises(Complaint, match=message):
        of_text(text, "request.json")


PREVIEWED = model({"previewUrl": "http://fraud-preview.ml.svc:8000"})


@pytest.mark.parametrize(
    ("obj", "preview", "expected"),
    [(IDLE, False, "fraud"), (PREVIEWED, True, "fraud-preview"), (PREVIEWED, False, "fraud")],
)
def test_the_service_that_is_asked(obj: Object, *, preview: bool, expected: str) -> None:
    assert service(read(obj), preview=preview) == expected


def test_without_an_address_nothing_is_asked() -> None:
    with pytest.raises(Complaint, match=r"fraud has no preview: it has one with rollout\.strategy: blueGreen"):
        service(read(IDLE), preview=True)
    with pytest.raises(Complaint, match="fraud has no address yet: nothing serves"):
        service(read(NEW), preview=False)


def test_the_preview_is_offered_where_somebody_is_to_look_at_it() -> None:
    found = advice(read(told("awaits-a-look")[0]), "tritium")
    assert [(each.command, each.why) for each in found][:1] == [
        ("tritium infer fraud --preview", "ask revision 2, before it serves")
    ]
