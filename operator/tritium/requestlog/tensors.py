"""A tensor's bytes, as Triton takes and gives them, as the `data` of KServe's JSON."""

import base64
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from tritium.requestlog.jsontext import Lazy, Raw, number, text

BYTES: Final = "BYTES"

_DIGITS: Final = {"FP16": ".5g", "BF16": ".4g", "FP32": ".9g", "FP64": "r"}
"""As many as give the same value again in its own type, and no more."""

_CODES: Final = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "BF16": "H",
    "FP32": "f",
    "FP64": "d",
}
"""How `struct` names one value; of BF16 the two upper bytes of an FP32."""

_TURN: Final = 4096
"""Values that are Python objects at a time."""


class Undecodable(ValueError):
    """Bytes that are not what they should be; the text says why."""


def data(datatype: str, content: bytes) -> dict[str, Any]:
    """The members that hold a tensor's values: `data`, and how it is encoded where it is no plain text.

    Args:
        datatype: as KServe names it.
        content: row by row, little-endian; for BYTES each value with its length before it.

    Raises:
        Undecodable: these are no such values.

    >>> text(data("BF16", bytes.fromhex("803f c07f"))), text(data("BYTES", bytes.fromhex("02000000 6869")))
    ('{"data":[1,"NaN"]}', '{"data":["hi"]}')
    """
    if datatype == BYTES:
        return texts(list(_elements(content)))
    if datatype not in _CODES:
        raise Undecodable(f"datatype {datatype[:32]} is not known")
    code = _CODES[datatype]
    size = struct.calcsize(code)
    if len(content) % size:
        raise Undecodable(f"{len(content)} bytes are no whole number of {datatype}")
    write = _writer(datatype) or ((lambda value: "true" if value else "false") if code == "?" else str)
    return {"data": Lazy(lambda: _written(write, _unpacked(datatype, code, size, content)))}


def values(datatype: str, found: Sequence[Any]) -> dict[str, Any]:
    """The same for values that are apart already, whatever their type says.

    >>> text(values("FP32", [0.5, float("inf")])), text(values("BOOL", [True]))
    ('{"data":[0.5,"Infinity"]}', '{"data":[true]}')
    """
    return {"data": Lazy(lambda: _written(_writer(datatype) or text, iter(found)))}


def texts(elements: Sequence[bytes]) -> dict[str, Any]:
    """Values of BYTES: text, or where not all of them are text, all in base64.

    >>> texts([bytes.fromhex("ff")])
    {'data': '["/w=="]', 'encoding': 'base64'}
    """
    try:
        return {"data": Raw(f"[{','.join(json.dumps(each.decode()) for each in elements)}]")}
    except UnicodeDecodeError:
        encoded = (f'"{base64.b64encode(each).decode()}"' for each in elements)
        return {"data": Raw(f"[{','.join(encoded)}]"), "encoding": "base64"}


def _unpacked(datatype: str, code: str, size: int, content: bytes) -> Iterator[Any]:
    for start in range(0, len(content), _TURN * size):
        part = content[start : start + _TURN * size]
        count = len(part) // size
        found = struct.unpack(f"<{count}{code}", part)
        if datatype == "BF16":
            found = struct.unpack(f"<{count}f", struct.pack(f"<{count}I", *(each << 16 for each in found)))
        yield from found


def _writer(datatype: str) -> Callable[[Any], str] | None:
    digits = _DIGITS.get(datatype)
    return (lambda value: number(value, digits)) if digits else None


def _written(write: Callable[[Any], str], found: Iterator[Any]) -> Iterator[str]:
    """A few thousand at a time."""
    comma = "["
    while turn := [write(each) for each in islice(found, _TURN)]:
        yield comma + ",".join(turn)
        comma = ","
    yield "]" if comma == "," else "[]"


def _elements(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        start = at + 4
        at = start + int.from_bytes(content[at:start], "little")
        if at > len(content) or start > len(content):
            raise Undecodable("a value of BYTES is longer than what is there")
        yield content[start:at]
