"""JSON as text, where some of it is text already: a tensor of a million values is never a million Python objects."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any


class Raw(str):
    """Text that is JSON already, in one line."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Lazy:
    """The same, made while it is written, piece by piece.

    Attributes:
        pieces: makes them anew each time; it cannot fail.
    """

    pieces: Callable[[], Iterator[str]]


def pieces(value: Any) -> Iterator[str]:
    """One line of valid JSON in ASCII, in pieces.

    Raises:
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, Raw):
        yield value
    elif isinstance(value, Lazy):
        yield from value.pieces()
    elif isinstance(value, dict):
        yield from _enclosed("{}", ((f"{json.dumps(str(key))}:", member) for key, member in value.items()))
    elif isinstance(value, list | tuple):
        yield from _enclosed("[]", (("", each) for each in value))
    else:
        yield number(value) if isinstance(value, float) else json.dumps(value)


def text(value: Any) -> Raw:
    """The same in one piece.

    >>> text({"shape": [2], "data": Raw("[1,2]"), "scale": float("nan")})
    '{"shape":[2],"data":[1,2],"scale":"NaN"}'
    """
    return Raw("".join(pieces(value)))


def _enclosed(brackets: str, members: Iterable[tuple[str, Any]]) -> Iterator[str]:
    comma = ""
    yield brackets[0]
    for name, member in members:
        yield comma + name
        yield from pieces(member)
        comma = ","
    yield brackets[1]


def number(value: float, digits: str = "r") -> str:
    """A number; what JSON has no number for is a string, as protobuf's JSON has it.

    Args:
        value: of any size.
        digits: how many are written, as a format such as `.9g`; `r` for as few as give the same 64 bits.

    >>> [number(each) for each in (0.1, float("-inf"), float("nan"))]
    ['0.1', '"-Infinity"', '"NaN"']
    """
    if isfinite(value):
        # A reader takes -0 for an integer, of which there is but one zero.
        return repr(value) if digits == "r" or not value else format(value, digits)
    if isnan(value):
        return '"NaN"'
    return '"Infinity"' if value > 0 else '"-Infinity"'
