"""What an element of a tensor is, as the user writes it in a smoke test or a warm-up request."""

import math
from typing import Any, Final

from tritium.core.wording import short

NAMED: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""JSON has no numbers for these, and other protocols' JSON writes them so."""

SHOWN: Final = 80
"""Characters of a value in a message."""


class MistakeInTensor(Exception):
    """What the user wrote of a tensor cannot be right; the message names the path."""


def is_number(value: Any) -> bool:
    """Whether it is a number; JSON's true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(value: Any) -> Any:
    """The number that is meant; None if none is.

    >>> number(3), number("-Infinity"), number("three"), number(True)
    (3, -inf, None, None)
    """
    meant = NAMED.get(value) if isinstance(value, str) else value
    return meant if is_number(meant) else None


def as_float(value: float) -> float:
    """A number as a float: JSON has integers of any size."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def show(value: Any) -> str:
    """A value in a message.

    >>> show(b"abc"), show(1.5), len(show("a" * 100))
    ("'abc'", '1.5', 80)
    """
    return short(repr(value.decode(errors="replace") if isinstance(value, bytes) else value), SHOWN)
