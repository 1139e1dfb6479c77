"""Whether a version does something too often: the rule for every gate that counts requests. Pure.

Fail: it is proven that its share is above the limit; that may come at any look. Pass: enough requests, and its share
is not even likely to be above the limit, by the bounds that people are shown. In between more requests will tell.
`python -m bench gates` prints how often this rule is wrong.
"""

from dataclasses import dataclass
from math import log
from typing import Final

from tritium.core.evidence import above_limit, above_stable
from tritium.core.gate import Verdict
from tritium.core.proportion import Tally, wilson

PROOF: Final = log(4_000)
"""Evidence that fails a version. One that is as good as it has to be reaches it at a gate in a step with a probability
of at most 1 in 4,000, however often one looks; so in the four steps of the default with at most 1 in 1,000."""

LEAST_BAD: Final = 5
"""So many requests must have gone badly. One hiccup at the first requests proves nothing, whatever the mathematics
say: they take requests for independent, and those of one moment are not."""

COMPARABLE: Final = 50
"""Requests of the stable revision with which its share is worth being shown and multiplied."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """How often is not too often.

    Attributes:
        share: this share of the requests, or less.
        ratio: or this many times the stable revision's share in the same window, if that is more.
        requests: the smallest sample that passes.
        beside_stable: only beside a stable revision that was seen to do it less often it is too often.
    """

    share: float
    ratio: float
    requests: int
    beside_stable: bool = False

    def limit(self, stable: Tally) -> float:
        """The share that is allowed. A stable revision without enough requests leaves only the absolute one.

        >>> allowed = Allowed(share=0.01, ratio=1.5, requests=50)
        >>> [allowed.limit(stable) for stable in (Tally(0, 0), Tally(4, 400), Tally(100, 400), Tally(9, 9))]
        [0.01, 0.015, 0.375, 0.01]
        """
        compared = self.ratio * stable.share if stable.requests >= COMPARABLE else 0.0
        return min(max(self.share, compared), 1.0)


def verdict(candidate: Tally, stable: Tally, allowed: Allowed) -> Verdict:
    """The verdict.

    Args:
        candidate: what it did in the window.
        stable: what the stable revision did in the same window.
        allowed: how often is not too often.

    >>> allowed = Allowed(share=0.01, ratio=1.5, requests=50)
    >>> [str(verdict(Tally(bad, 100), Tally(9, 900), allowed)) for bad in (2, 4, 20)]
    ['Pass', 'Inconclusive', 'Fail']
    >>> str(verdict(Tally(20, 100), Tally(150, 900), allowed))
    'Pass'
    """
    if fails(candidate, stable, allowed):
        return Verdict.FAIL
    lower, _ = wilson(candidate)
    enough = 0 < candidate.requests >= allowed.requests
    return Verdict.PASS if enough and lower <= allowed.limit(stable) else Verdict.INCONCLUSIVE


def fails(candidate: Tally, stable: Tally, allowed: Allowed) -> bool:
    """Whether it is proven that the share is above what is allowed: above the absolute share *and* above the ratio."""
    if candidate.bad < LEAST_BAD or above_limit(candidate, allowed.share) < PROOF:
        return False
    if above_stable(candidate, stable, allowed.ratio) >= PROOF:
        return True
    return not allowed.beside_stable and _is_alone(candidate, stable)


def _is_alone(candidate: Tally, stable: Tally) -> bool:
    """Whether so few requests still reach the stable revision that waiting for more of them would take for ever.

    With half of the requests each, or more for the stable revision, this does not come about: a candidate with 50 has
    a stable revision with a dozen beside it.
    """
    return candidate.requests >= COMPARABLE and 4 * stable.requests < COMPARABLE
