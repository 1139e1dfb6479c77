"""What a measurement in rounds says, and how sure that is. Pure.

All that is compared is measured in every round, one shortly after the other. So rounds are drawn, with all that was
measured in them, as often as there are rounds and again and again; between what the 2.5 % smallest and the 2.5 %
largest of these draws say lies the truth with 95 % confidence (percentile bootstrap).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Picks = NDArray[np.intp]
"""One row for each draw: the rounds that are in it. The first row is all rounds, each once."""

Draws = NDArray[np.float64]
"""What each draw says; the first is what was measured."""

TIMES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Interval:
    """What was measured, and its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        value, low, high = (format(each, spec) for each in (self.value, self.low, self.high))
        return f"{value} [{low}, {high}]"


def picks(rounds: int, times: int = TIMES, seed: int = 5) -> Picks:
    """Which rounds are in which draw."""
    draw = np.random.default_rng(seed)
    return np.concatenate([np.arange(rounds)[None], draw.integers(0, rounds, (times, rounds))])


def quantiles(rounds: Sequence[NDArray[np.float64]], shares: Sequence[float], chosen: Picks) -> list[Draws]:
    """Quantiles of all values of a draw's rounds taken together, one `Draws` for each share.

    >>> rounds = [np.array([1.0, 2.0]), np.array([9.0])]
    >>> [each.tolist() for each in quantiles(rounds, [0.5], np.array([[0, 1], [1, 1]]))]
    [[2.0, 9.0]]
    """
    found = [np.quantile(np.concatenate([rounds[each] for each in row]), shares) for row in chosen]
    return list(np.array(found).T)


def per(amounts: Sequence[float], counts: Sequence[int], chosen: Picks) -> Draws:
    """An amount for each of what was counted.

    >>> per([1.0, 3.0], [10, 10], np.array([[0, 1], [1, 1]])).tolist()
    [0.2, 0.3]
    """
    amount, count = (np.asarray(each, float)[chosen].sum(axis=1) for each in (amounts, counts))
    found: Draws = amount / count
    return found


def interval(draws: Draws) -> Interval:
    """What they say together.

    >>> print(f"{interval(np.array([5.0, 1.0, 9.0])):.1f}")
    5.0 [1.2, 8.8]
    """
    low, high = np.quantile(draws[1:], (0.025, 0.975))
    return Interval(float(draws[0]), float(low), float(high))
