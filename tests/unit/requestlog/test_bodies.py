"""What tritonclient sends and understands is what the log says, for every type and in each of the three forms."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from tritonclient import utils
from tritonclient.grpc import InferInput as GrpcInput
from tritonclient.grpc import service_pb2
from tritonclient.grpc._utils import _get_inference_request
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

from tests.unit.requestlog.telling import INFER, framed
from tritium.requestlog.bodies import BINARY_HEADER, decode
from tritium.requestlog.jsontext import text
from tritium.requestlog.tensors import Undecodable

BF16 = np.dtype(ml_dtypes.bfloat16)
TYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(bool),
    "BF16": BF16,
    "BYTES": np.dtype(object),
    **{f"FP{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
    **{f"INT{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
}
NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

Tensors = list[tuple[str, "np.ndarray[Any, Any]"]]


@st.composite
def tensors(draw: st.DrawFn, *, readable: bool = False) -> Tensors:
    """Some, of any types."""
    elements = st.text().map(str.encode) if readable else st.binary(max_size=8)
    found = []
    for datatype in draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=3)):
        shape = draw(nps.array_shapes(max_dims=3, max_side=4))
        if datatype == "BYTES":
            values = draw(st.lists(elements, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
            array = np.empty(len(values), dtype=object)
            array[:] = values
            array = array.reshape(shape)
        elif datatype == "BF16":
            array = draw(nps.arrays(np.uint16, shape)).view(BF16)
        else:
            array = draw(nps.arrays(TYPES[datatype], shape))
        found.append((datatype, array))
    return found


def assert_same(logged: dict[str, Any], datatype: str, array: np.ndarray[Any, Any]) -> None:
    assert logged["datatype"] == datatype
    assert logged["shape"] == list(array.shape)
    if datatype == "BYTES":
        decode_one = base64.b64decode if logged.get("encoding") else str.encode
        assert [decode_one(each) for each in logged["data"]] == list(array.flatten())
    else:
        data = [NOT_FINITE.get(each, each) for each in logged["data"]]
        # What NaN is made of is not kept, and every other bit is.
        read, sent = np.array(data, dtype=TYPES[datatype]), array.flatten()
        same = (bits(read) == bits(sent)).all(axis=1)
        assert np.all(same | (sent != sent))  # noqa: PLR0124 - so NaN is found


def bits(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bytes of each value."""
    return array.view(np.uint8).reshape(len(array), -1)


def http_request(found: Tensors, *, binary: bool) -> tuple[bytes, dict[str, str]]:
    inputs = [InferInput(f"in{number}", list(array.shape), kind) for number, (kind, array) in enumerate(found)]
    for each, (_, array) in zip(inputs, found, strict=True):
        each.set_data_from_numpy(array, binary_data=binary)
    outputs = [InferRequestedOutput("out", binary_data=True)]
    body, size = InferenceServerClient.generate_request_body(inputs, outputs=outputs, request_id="7")
    return body, {} if size is None else {BINARY_HEADER: str(size)}


@given(tensors())
def test_http_with_binary_tensors(found: Tensors) -> None:
    decoded = decode(*http_request(found, binary=True), method=None, request=True)
    body = strictly(decoded.body)
    assert decoded.id == body["id"] == "7"
    for logged, (datatype, array) in zip(body["inputs"], found, strict=True):
        assert_same(logged, datatype, array)
        assert "binary_data_size" not in logged.get("parameters", {})


@given(st.lists(st.floats(width=32) | st.integers(-9, 9), min_size=1), st.text())
def test_http_as_json_is_kept_to_the_letter(values: list[float], name: str) -> None:
    content = json.dumps({"inputs": [{"name": name, "data": values}]}, indent=1).encode()
    logged = strictly(decode(content, {}, method=None, request=True).body)
    [tensor] = logged["inputs"]
    assert tensor["name"] == name
    np.testing.assert_array_equal([NOT_FINITE.get(each, each) for each in tensor["data"]], values)


@pytest.mark.parametrize("datatype", ["FP32", "INT64", "BOOL"])
def test_tritonclients_own_json(datatype: str) -> None:
    array = np.array([[1, 0], [0, 1]], dtype=TYPES[datatype])
    content, headers = http_request([(datatype, array)], binary=False)
    assert_same(strictly(decode(content, headers, method=None, request=True).body)["inputs"][0], datatype, array)


@given(tensors())
def test_grpc(found: Tensors) -> None:
    inputs = [GrpcInput(f"in{number}", list(array.shape), kind) for number, (kind, array) in enumerate(found)]
    for each, (_, array) in zip(inputs, found, strict=True):
        each.set_data_from_numpy(array)
    message = _get_inference_request(
        model_name="fraud",
        inputs=inputs,
        model_version="",
        request_id="7",
        outputs=None,
        sequence_id=5,
        sequence_start=True,
        sequence_end=False,
        priority=0,
        timeout=None,
        parameters=None,
    )
    decoded = decode(framed(message.SerializeToString()), {}, method=INFER, request=True)
    body = strictly(decoded.body)
    assert (decoded.id, body["model_name"]) == ("7", "fraud")
    assert body["parameters"] == {"sequence_id": 5, "sequence_start": True, "sequence_end": False}
    for logged, (datatype, array) in zip(body["inputs"], found, strict=True):
        assert_same(logged, datatype, array)


@given(tensors(readable=True))
def test_responses(found: Tensors) -> None:
    """What tritonclient reads from an answer is what the log has, in both protocols."""
    message, described, after = service_pb2.ModelInferResponse(model_name="fraud", id="7"), [], b""
    for number, (datatype, array) in enumerate(found):
        content = encoded(datatype, array)
        message.outputs.add(name=f"out{number}", datatype=datatype, shape=array.shape)
        message.raw_output_contents.append(content)
        size = {"binary_data_size": len(content)}
        described.append({"name": f"out{number}", "datatype": datatype, "shape": array.shape, "parameters": size})
        after += content
    head = json.dumps({"model_name": "fraud", "outputs": described}).encode()
    theirs = InferenceServerClient.parse_response_body(head + after, header_length=len(head))
    of_http = decode(head + after, {BINARY_HEADER: str(len(head))}, method=None, request=False)
    of_grpc = decode(framed(message.SerializeToString()), {}, method=INFER, request=False)
    for body in (strictly(of_http.body), strictly(of_grpc.body)):
        for logged, (datatype, _) in zip(body["outputs"], found, strict=True):
            assert_same(logged, datatype, theirs.as_numpy(logged["name"]))


@pytest.mark.parametrize(
    ("field", "datatype", "values", "said"),
    [
        ("bool_contents", "BOOL", [True, False], [True, False]),
        ("int_contents", "INT8", [-1], [-1]),
        ("uint64_contents", "UINT64", [2**64 - 1], [2**64 - 1]),
        ("fp32_contents", "FP32", [0.1, float("nan")], [0.100000001, "NaN"]),
        ("fp64_contents", "FP64", [0.1], [0.1]),
        ("bytes_contents", "BYTES", [b"h\xc3\xa9"], ["hé"]),
        # Whatever a client makes of it: it is still JSON.
        ("bool_contents", "INT8", [True], [True]),
    ],
)
def test_grpc_with_values_one_by_one(field: str, datatype: str, values: list[Any], said: list[Any]) -> None:
    message = service_pb2.ModelInferRequest(model_name="fraud")
    tensor = message.inputs.add(name="in", datatype=datatype, shape=[len(values)])
    getattr(tensor.contents, field).extend(values)
    body = strictly(decode(framed(message.SerializeToString()), {}, method=INFER, request=True).body)
    assert body["inputs"] == [{"name": "in", "datatype": datatype, "shape": [len(values)], "data": said}]


def test_a_tensor_in_shared_memory_has_no_data() -> None:
    message = service_pb2.ModelInferRequest(model_name="fraud")
    shared = message.inputs.add(name="far", datatype="FP32", shape=[1])
    shared.parameters["shared_memory_region"].string_param = "region"
    message.inputs.add(name="near", datatype="INT8", shape=[2])
    message.raw_input_contents.append(b"\1\2")
    body = strictly(decode(framed(message.SerializeToString()), {}, method=INFER, request=True).body)
    far, near = body["inputs"]
    assert far == {"name": "far", "datatype": "FP32", "shape": [1], "parameters": {"shared_memory_region": "region"}}
    assert near["data"] == [1, 2]


SHORT = b'{"inputs":[{"name":"a","datatype":"INT8","shape":[9],"parameters":{"binary_data_size":9}}]}'
NO_BYTES = service_pb2.ModelInferRequest(raw_input_contents=[b"1"]).SerializeToString()


@pytest.mark.parametrize(
    ("content", "headers", "method", "said"),
    [
        (b"data: {}\n\n", {}, None, "no JSON"),
        (b"\xff", {}, None, "no JSON"),
        (b"[1]", {}, None, "no JSON object"),
        (b'{"a":' * 100_000, {}, None, "nested too deeply"),
        (b'{"a":' + b"[" * 900 + b"]" * 900 + b"}x", {BINARY_HEADER: "1806"}, None, "nested too deeply"),
        (b"{}", {"content-encoding": "br"}, None, "compressed: br"),
        (b"{}", {"content-encoding": "gzip"}, None, "not gzip, as its headers say"),
        (gzip.compress(b"{}")[:-1], {"content-encoding": "gzip"}, None, "not gzip, as its headers say"),
        (
            gzip.compress(bytes(2**20 + 1)),
            {"content-encoding": "gzip"},
            None,
            "compressed: gzip, and more than 1048576 bytes",
        ),
        (SHORT, {BINARY_HEADER: str(len(SHORT))}, None, "binary_data_size does not fit the body"),
        (b"{}", {BINARY_HEADER: "3"}, None, f"{BINARY_HEADER} does not fit the body"),
        (b"{} ", {BINARY_HEADER: "2"}, None, f"{BINARY_HEADER} does not fit the body"),
        (b"{}", {BINARY_HEADER: "x"}, None, f"{BINARY_HEADER} does not fit the body"),
        (framed(b"", 1), {}, INFER, "compressed: unknown"),
        (framed(b"") * 2, {}, INFER, "a stream of messages"),
        (framed(b"abc")[:-1], {}, INFER, "no whole message"),
        (framed(b"\xff\xff"), {}, INFER, "no message of ModelInfer"),
        (framed(NO_BYTES), {}, INFER, "bytes of no tensor"),
        (framed(b""), {}, "/inference.GRPCInferenceService/ModelStreamInfer", "no call of ModelInfer"),
    ],
)
def test_what_cannot_be_decoded(content: bytes, headers: dict[str, str], method: str | None, said: str) -> None:
    with pytest.raises(Undecodable, match=f"^{said}$"):
        decode(content, headers, method=method, request=True)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_what_is_compressed_is_read(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """Over HTTP also where tensors follow the JSON, whose length is told of what it was before."""
    plain = b'{"id":"a","inputs":[]}'
    assert strictly(decode(pack(plain), {"content-encoding": encoding}, method=None, request=True).body) == json.loads(
        plain
    )
    head = b'{"inputs":[{"name":"X","shape":[1],"datatype":"INT8","parameters":{"binary_data_size":1}}]}'
    headers = {"content-encoding": encoding, BINARY_HEADER: str(len(head))}
    found = strictly(decode(pack(head + b"\x05"), headers, method=None, request=True).body)
    assert found["inputs"][0]["data"] == [5]
    message = service_pb2.ModelInferRequest(model_name="fraud").SerializeToString()
    called = decode(framed(pack(message), 1), {"grpc-encoding": encoding}, method=INFER, request=True)
    assert strictly(called.body)["model_name"] == "fraud"


@given(st.binary(max_size=200), st.integers(0, 200), st.sampled_from([None, INFER]), st.booleans())
def test_nothing_is_too_strange(content: bytes, length: int, method: str | None, request: bool) -> None:  # noqa: FBT001
    for headers in ({}, {BINARY_HEADER: str(length)}):
        for body in (content, framed(content)):
            try:
                strictly(decode(body, headers, method=method, request=request).body)
            except Undecodable:
                continue


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["parameters", "binary_data_size", "data"]), inner),
)


@given(st.dictionaries(st.sampled_from(["inputs", "outputs", "id"]), st.lists(JSON) | JSON), st.binary(max_size=9))
def test_no_object_is_too_strange(head: dict[str, Any], after: bytes) -> None:
    start = json.dumps(head).encode()
    for content, headers in ((start, {}), (start + after, {BINARY_HEADER: str(len(start))})):
        try:
            strictly(decode(content, headers, method=None, request=True).body)
        except Undecodable:
            continue


def encoded(datatype: str, array: np.ndarray[Any, Any]) -> bytes:
    """A tensor's bytes, by tritonclient."""
    if datatype == "BYTES":
        return bytes(utils.serialize_byte_tensor(array).item())
    return array.tobytes()


def strictly(body: Any) -> Any:
    """Read it as a reader that knows nothing but JSON, and lines."""
    line = text(body)
    assert "\n" not in line

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(line, parse_constant=refuse)
