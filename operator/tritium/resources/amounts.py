"""Amounts of resources: those that users write, and those that are made here."""

from fractions import Fraction
from typing import Any, Final

from tritium.core.revision import amount

MI: Final = 1024**2
GI: Final = 1024**3


def mebibytes(size: float | Fraction) -> str:
    """Bytes as a whole number of Mi, rounded up.

    >>> mebibytes(1), mebibytes(512 * MI)
    ('1Mi', '512Mi')
    """
    return f"{-(-int(size) // MI)}Mi"


def number(value: Any) -> Fraction | None:
    """What an amount comes to, None for what is no amount.

    >>> number("1Ki"), number("500m"), number("much")
    (Fraction(1024, 1), Fraction(1, 2), None)
    """
    known = amount(value)
    return Fraction(known["amount"]) if "amount" in known else None
