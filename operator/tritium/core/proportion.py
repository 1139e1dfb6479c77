"""A share of requests, and how sure it is. Pure."""

from math import sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

CONFIDENCE: Final = 0.8
"""That the true share is between the bounds."""

_Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


class Tally(NamedTuple):
    """Requests, and those of them that went badly in the way that is asked about."""

    bad: int
    requests: int

    @property
    def share(self) -> float:
        """Of the requests went badly; 0 where there are none."""
        return self.bad / self.requests if self.requests else 0.0


def wilson(tally: Tally, z: float = _Z) -> tuple[float, float]:
    """Wilson's bounds of the true share: those shares from which what was seen is `z` standard deviations away.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).

    Args:
        tally: what was seen.
        z: 1.28 for 80 %, 1.96 for 95 %.

    >>> [f"{bound:.4f}" for bound in wilson(Tally(3, 50))]
    ['0.0294', '0.1186']
    >>> wilson(Tally(0, 0))
    (0.0, 1.0)
    """
    bad, requests = tally
    if not requests:
        return 0.0, 1.0
    spread = z * sqrt(bad * (requests - bad) / requests + z * z / 4)
    middle, whole = bad + z * z / 2, requests + z * z
    lower = (middle - spread) / whole if bad else 0.0
    upper = (middle + spread) / whole if bad < requests else 1.0
    return max(lower, 0.0), min(upper, 1.0)
