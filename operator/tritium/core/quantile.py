"""How long requests took, read off a histogram, and how sure that is. Pure."""

from math import sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

from tritium.core.sample import Histogram

CONFIDENCE: Final = 0.95
Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class Estimate(NamedTuple):
    """A number, and the bounds between which the true one is."""

    value: float
    lower: float
    upper: float


def quantile(histogram: Histogram, part: float) -> Estimate | None:
    """The time in which a part of the requests is answered, in milliseconds; None without any request.

    The bounds need no assumption about the shape: so many of the requests that were seen lie below the true quantile as
    a coin with that probability falls, give or take `Z` standard deviations. They are bounds of the gateway's classes,
    for nothing finer is known; in between, the value is where it would be if a class were filled evenly.

    >>> quantile(((1, 0), (5, 90), (250, 100)), 0.5)
    Estimate(value=3.22, lower=1, upper=5)
    >>> quantile(((1, 0), (5, 90), (250, 100)), 0.95)
    Estimate(value=127.5, lower=5, upper=250)
    >>> quantile((), 0.5)
    """
    total = histogram[-1][1] if histogram else 0
    if not total:
        return None
    spread = Z * sqrt(total * part * (1 - part))
    lower, _ = _class_of(histogram, total * part - spread)
    _, upper = _class_of(histogram, total * part + spread)
    return Estimate(_within(histogram, total * part), lower, upper)


def _class_of(histogram: Histogram, rank: float) -> tuple[float, float]:
    """The class in which the request of a rank is: its lower and its upper bound."""
    below = 0.0
    for bound, number in histogram:
        if number and number >= rank:
            return below, bound
        below = bound
    return below, below


def _within(histogram: Histogram, rank: float) -> float:
    below, before = 0.0, 0
    for bound, number in histogram:
        if number > before and number >= rank:
            return round(below + (bound - below) * (rank - before) / (number - before), 2)
        below, before = bound, number
    return below
