"""The smoke test against a real Triton."""

import asyncio
import socket
import time
from typing import Any

import pytest

from tests.dataplane.triton import Triton
from tests.ports import HOST, free_ports
from tritium.api.tensors import SmokeTest
from tritium.core.seen import Answer, SmokeSeen
from tritium.probes.triton import smoke

Object = dict[str, Any]


def tensor(name: str, datatype: str, shape: list[int], *data: Any) -> Object:
    return {"name": name, "datatype": datatype, "shape": shape, "data": list(data)}


def asked(*inputs: Object, **rest: Any) -> SmokeTest:
    return SmokeTest.model_validate({"inputs": list(inputs), **rest})


def add(first: list[Any], second: list[Any], *outputs: Object, **rest: Any) -> SmokeTest:
    inputs = (tensor("A", "FP32", [1, len(first)], *first), tensor("B", "FP32", [1, len(second)], *second))
    return asked(*inputs, outputs=list(outputs), **rest)


def total(*data: Any, **rest: Any) -> Object:
    return {"name": "SUM", "data": list(data), **rest}


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ([add([1, 2], [3, 4], total(4, 6))], ""),
        ([add([1, 2], [3, 4])], ""),
        ([add([0.1, 2], [0.2, 4], total(0.3, 6))], ""),
        ([add([1, 2], [3, 4], total(4.4, 5.6, tolerance=0.5))], ""),
        ([add(["NaN", 2], [3, "Infinity"], total("NaN", "Infinity"))], ""),
        (
            [add([1, 2], [3, 4], total(4, 7), name="control")],
            "model.smokeTest[0] (control): output SUM[1] is 6.0, expected 7 (tolerance 1e-05).",
        ),
        (
            [add([1, 2], [3, 4], total(4, 6)), add(["NaN", 2], [3, 4], total(4, 6))],
            "model.smokeTest[1]: output SUM[0] is nan, expected 4 (tolerance 1e-05).",
        ),
        (
            [add([1, 2], [3, 4], total(4))],
            "model.smokeTest[0]: output SUM has 2 elements (shape [1, 2]), expected 1.",
        ),
        (
            [add([1, 2], [3, 4], {"name": "DIFFERENCE", "data": [1]})],
            "model.smokeTest[0]: the answer has no output DIFFERENCE.",
        ),
        (
            [add([-1, 2], [3, 4])],
            "model.smokeTest[0]: Triton answers: A must not be negative.",
        ),
        (
            [add([1, 2], [3, 4], total("four", 6))],
            ("The smoke test is not right: model.smokeTest[0].outputs[0].data[0]: 'four' is compared with an output "
            "whose elements are each a number."),
        ),
    ],
)  # fmt: skip
async def test_the_adder(triton: Triton, tests: list[SmokeTest], message: str) -> None:
    answer = Answer.FAILED if message else Answer.PASSED
    assert await smoke(triton.address, "adder", tests) == SmokeSeen(answer, message)


@pytest.mark.parametrize(
    ("test", "says"),
    [
        (add([1, 2, 3], [1, 2, 3]), "unexpected shape for input"),
        (asked(tensor("A", "FP32", [1, 2], 1, 2)), "expected 2 inputs but got 1"),
        (asked(tensor("A", "INT8", [1, 2], 1, 2), tensor("B", "FP32", [1, 2], 1, 2)), "data-type"),
        (asked(tensor("A", "FP32", [1, 2], 1, 2), tensor("C", "FP32", [1, 2], 1, 2)), "unexpected inference input"),
    ],
)
async def test_triton_refuses_what_the_model_does_not_take(triton: Triton, test: SmokeTest, says: str) -> None:
    seen = await smoke(triton.address, "adder", [test])
    assert seen.answer is Answer.FAILED
    assert seen.message.startswith("model.smokeTest[0]: Triton answers: ")
    assert says in seen.message


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("BOOL", [True, False]),
        ("UINT8", [0, 255]),
        ("UINT16", [0, 65535]),
        ("UINT32", [0, 4294967295]),
        ("UINT64", [0, 18446744073709551615]),
        ("INT8", [-128, 127]),
        ("INT16", [-32768, 32767]),
        ("INT32", [-2147483648, 2147483647.0]),
        ("INT64", [-9223372036854775808, 9223372036854775807]),
        ("FP16", [1.5, "-Infinity"]),
        ("FP32", [3.5e38 / 2, "NaN"]),
        ("FP64", [1e308, -0.1]),
        ("BF16", [1.5, 3e38]),
        ("BYTES", ["", "größer"]),
    ],
)
async def test_every_type_comes_back(triton: Triton, datatype: str, data: list[Any]) -> None:
    given = tensor(f"IN_{datatype}", datatype, [2, 1], *data)
    tolerance = 1e36 if datatype == "BF16" else 0
    right = {"name": f"OUT_{datatype}", "data": data, "tolerance": tolerance}
    assert await smoke(triton.address, "identity", [asked(given, outputs=[right])]) == SmokeSeen(Answer.PASSED)
    wrong = right | {"data": [data[0], data[0]], "tolerance": 0}
    seen = await smoke(triton.address, "identity", [asked(given, outputs=[wrong])])
    assert seen.answer is Answer.FAILED
    assert f"output OUT_{datatype}[1] is " in seen.message


async def test_an_answer_that_takes_too_long(triton: Triton) -> None:
    slow = asked(tensor("SECONDS", "FP32", [1], 1.5), timeout="300ms")
    began = time.monotonic()
    seen = await smoke(triton.address, "slow", [slow])
    assert seen == SmokeSeen(Answer.FAILED, "model.smokeTest[0]: the model did not answer within 300ms.")
    assert time.monotonic() - began < 1.5


async def test_a_model_that_is_not_there_is_asked_again(triton: Triton) -> None:
    seen = await smoke(triton.address, "gone", [add([1, 2], [3, 4])])
    assert seen.answer is Answer.UNREACHABLE
    assert "unknown model: 'gone'" in seen.message


async def test_nobody_listens() -> None:
    seen = await smoke(f"{HOST}:{free_ports(1)[0]}", "adder", [add([1, 2], [3, 4])])
    assert seen.answer is Answer.UNREACHABLE
    assert seen.message.startswith("Triton does not answer: ")


async def test_somebody_listens_and_says_nothing() -> None:
    with socket.create_server((HOST, 0)) as server:
        seen = await smoke(f"{HOST}:{server.getsockname()[1]}", "adder", [add([1, 2], [3, 4])])
    assert seen.answer is Answer.UNREACHABLE


async def test_a_server_that_vanishes_while_it_is_asked_does_not_count_against_the_model(triton: Triton) -> None:
    slow = asked(tensor("SECONDS", "FP32", [1], 2), timeout="1s")
    asking = asyncio.create_task(smoke(triton.address, "slow", [slow]))
    await asyncio.sleep(0.5)
    with triton.frozen():
        seen = await asking
    assert seen.answer is Answer.UNREACHABLE
