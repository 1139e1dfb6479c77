"""What a body says, in KServe's JSON form (v2), whichever way it was sent."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import DecodeError
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse

from tritium.api.request_log import MOST_BYTES
from tritium.requestlog import tensors
from tritium.requestlog.jsontext import Raw, text
from tritium.requestlog.tensors import Undecodable

BINARY_HEADER: Final = "inference-header-content-length"
"""How long the JSON is, where tensors follow it as bytes."""

_WINDOWS: Final[Mapping[str, int]] = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""Content encodings, and zlib's word for the format of each."""

_SIZE: Final = "binary_data_size"
_SHARED: Final = "shared_memory_region"
_METHOD: Final = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body.

    Attributes:
        body: the object, for `jsontext`; of anything that a client may have nested it is text already.
        id: that the client gave the request; empty for none.
    """

    body: Any
    id: str


def decode(content: bytes, headers: Mapping[str, str], *, method: str | None, request: bool) -> Decoded:
    """The body as an object.

    Args:
        content: all of it.
        headers: by name in lower case.
        method: of gRPC; None for HTTP.
        request: it is the request, not the response.

    Raises:
        Undecodable: why it can only be kept as it is.
    """
    try:
        if method is not None:
            return _message(_frame(content, headers.get("grpc-encoding", "")), method, request=request)
        content = _unpacked(content, headers.get("content-encoding", ""))
        return _binary(content, headers[BINARY_HEADER]) if BINARY_HEADER in headers else _plain(content)
    except RecursionError as error:
        raise Undecodable("nested too deeply") from error


def _unpacked(content: bytes, encoding: str) -> bytes:
    """Whatever asks for compressed answers gets them from Triton, as most clients for Python do.

    >>> _unpacked(zlib.compress(b"{}"), "deflate")
    b'{}'
    """
    if encoding in {"identity", ""}:
        return content
    if encoding not in _WINDOWS:
        raise Undecodable(f"compressed: {encoding[:32]}")
    unpacking = zlib.decompressobj(_WINDOWS[encoding])
    try:
        found = unpacking.decompress(content, MOST_BYTES + 1)
    except zlib.error as error:
        raise Undecodable(f"not {encoding}, as its headers say") from error
    if len(found) > MOST_BYTES:
        raise Undecodable(f"compressed: {encoding}, and more than {MOST_BYTES} bytes")
    if not unpacking.eof or unpacking.unused_data:
        raise Undecodable(f"not {encoding}, as its headers say")
    return found


def _plain(content: bytes) -> Decoded:
    """JSON is kept to the letter, so that no digit is lost; only its lines become one."""
    odd: list[str] = []

    def note(constant: str) -> str:
        odd.append(constant)
        return constant

    found = _json(content, note)
    # Within a string JSON has no line's end, so this changes only what stands between.
    line = text(found) if odd else Raw(content.decode().translate({10: " ", 13: " "}))
    return Decoded(line, _id(found))


def _json(content: bytes, constant: Any = str) -> dict[str, Any]:
    try:
        # Text first: json itself would take UTF-16 as well.
        found = json.loads(content.decode(), parse_constant=constant)
    except ValueError as error:
        raise Undecodable("no JSON") from error
    if not isinstance(found, dict):
        raise Undecodable("no JSON object")
    return found


def _id(found: dict[str, Any]) -> str:
    given = found.get("id")
    return given if isinstance(given, str) else ""


def _binary(content: bytes, length: str) -> Decoded:
    """The JSON first, and then the bytes of the tensors that have a size for them, in their order."""
    if not length.isdecimal() or len(length) > 12 or int(length) > len(content):
        raise Undecodable(f"{BINARY_HEADER} does not fit the body")
    at = int(length)
    found = _json(content[:at])
    kind = "inputs" if "inputs" in found else "outputs"
    listed = found.get(kind)
    body: dict[str, Any] = {name: text(value) for name, value in found.items()}
    if isinstance(listed, list):
        # Of a request only the inputs: what it says of outputs has no bytes.
        filled = []
        for each in listed:
            size = _size(each)
            filled.append(text(each) if size is None else _filled(each, content[at : at + size], size))
            at += size or 0
        body |= {kind: filled}
    if at != len(content):
        raise Undecodable(f"{BINARY_HEADER} does not fit the body")
    return Decoded(body, _id(found))


def _size(tensor: Any) -> int | None:
    """How many bytes a tensor has after the JSON."""
    parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
    size = parameters.get(_SIZE) if isinstance(parameters, dict) else None
    return size if isinstance(size, int) else None


def _filled(tensor: dict[str, Any], content: bytes, size: int) -> dict[str, Any]:
    """A tensor with its values in the place of their size."""
    if size != len(content):
        raise Undecodable(f"{_SIZE} does not fit the body")
    left = {name: value for name, value in tensor["parameters"].items() if name != _SIZE}
    members = {name: text(value) for name, value in tensor.items() if name != "parameters"}
    return members | ({"parameters": text(left)} if left else {}) | tensors.data(str(tensor.get("datatype")), content)


def _frame(content: bytes, encoding: str) -> bytes:
    """The one message of a call."""
    if len(content) < 5 or len(content) < (end := 5 + int.from_bytes(content[1:5], "big")):
        raise Undecodable("no whole message")
    if len(content) > end:
        raise Undecodable("a stream of messages")
    return _unpacked(content[5:], encoding or "unknown") if content[0] else content[5:]


def _message(content: bytes, method: str, *, request: bool) -> Decoded:
    if method != _METHOD:
        raise Undecodable("no call of ModelInfer")
    message = ModelInferRequest() if request else ModelInferResponse()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise Undecodable("no message of ModelInfer") from error
    raw = message.raw_input_contents if request else message.raw_output_contents
    of_values = _with_data(message.inputs if request else message.outputs, list(raw))
    body = {
        "model_name": message.model_name,
        "model_version": message.model_version,
        "id": message.id,
        "parameters": _parameters(message.parameters),
        "inputs" if request else "outputs": of_values,
    }
    if request:
        asked = [{"name": each.name, "parameters": _parameters(each.parameters)} for each in message.outputs]
        body["outputs"] = [_without_empty(each) for each in asked]
    return Decoded(_without_empty(body), message.id)


def _with_data(described: Sequence[Any], raw: list[bytes]) -> list[dict[str, Any]]:
    """Each tensor with its values, in the order in which those that are sent as bytes follow the description."""
    found, left = [], iter(raw)
    for each in described:
        tensor = _without_empty(
            {"name": each.name, "datatype": each.datatype, "parameters": _parameters(each.parameters)}
        ) | {"shape": list(each.shape)}
        if _SHARED not in each.parameters:
            content = next(left, None) if raw else None
            if raw and content is None:
                raise Undecodable("a tensor has no bytes")
            tensor |= _typed(each) if content is None else tensors.data(each.datatype, content)
        found.append(tensor)
    if next(left, None) is not None:
        raise Undecodable("bytes of no tensor")
    return found


def _typed(tensor: Any) -> dict[str, Any]:
    """Values that are sent one by one, each in the field for its type."""
    for field, values in tensor.contents.ListFields():
        if field.name == "bytes_contents":
            return dict(tensors.texts(list(values)))
        return dict(tensors.values(tensor.datatype, values))
    return {"data": Raw("[]")}


def _parameters(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: getattr(value, value.WhichOneof("parameter_choice") or "string_param") for name, value in found.items()
    }


def _without_empty(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}
