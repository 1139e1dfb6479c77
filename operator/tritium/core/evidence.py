"""How strongly requests speak against a version, in a number that may be looked at as often as one likes. Pure.

A bound that errs once in a hundred looks errs nearly always if it is looked at every five seconds. So what was seen is
weighed otherwise: how much likelier is it if the true share is any at all than if it is one that is allowed? *Any at
all* is a mixture, fixed in advance, of all shares. For a version whose share is allowed, this ratio is above x at *any*
time, however long and however often one looks, with a probability of at most 1/x (Ville's inequality for the
likelihood ratio of a mixture, which is a martingale; H. Robbins, Statistical Methods Related to the Law of the
Iterated Logarithm, 1970). Where several shares are allowed, the one that explains best what was seen is taken.

It holds for requests that fail independently of each other.
"""

from math import inf, lgamma, log, log1p, sqrt
from typing import Final, NamedTuple

from tritium.core.proportion import Tally


class Mixture(NamedTuple):
    """A Beta distribution of the true share: about `a` bad requests of `a + b`, as if they had been seen before.

    Any mixture keeps the promise; this choice decides only what is found soonest.
    """

    a: float
    b: float


OF_CANDIDATE: Final = Mixture(1, 5)
"""A version that is broken, by a little or altogether."""
OF_STABLE: Final = Mixture(0.5, 20)
"""A version that serves has been found good once: its share is small."""


def above_limit(candidate: Tally, limit: float) -> float:
    """Evidence that the candidate's share is above a limit: the natural logarithm of the ratio.

    >>> f"{above_limit(Tally(20, 100), 0.01):.1f}", f"{above_limit(Tally(1, 100), 0.01):.1f}"
    ('41.3', '-2.1')
    """
    return _mixed(candidate, OF_CANDIDATE) - _log_likelihood(candidate, min(limit, candidate.share))


def above_stable(candidate: Tally, stable: Tally, ratio: float) -> float:
    """Evidence that the candidate's share is above `ratio` times the stable revision's, whatever that truly is.

    Args:
        candidate: its requests.
        stable: the stable revision's, in the same window.
        ratio: at least 1.

    >>> f"{above_stable(Tally(20, 100), Tally(9, 900), 1.5):.1f}"
    '20.5'
    >>> above_stable(Tally(20, 100), Tally(180, 900), 1.5) < 0
    True
    """
    of_candidate, of_stable = _likeliest_allowed(candidate, stable, ratio)
    seen = _mixed(candidate, OF_CANDIDATE) + _mixed(stable, OF_STABLE)
    return seen - _log_likelihood(candidate, of_candidate) - _log_likelihood(stable, of_stable)


def _likeliest_allowed(candidate: Tally, stable: Tally, ratio: float) -> tuple[float, float]:
    """The true shares, the first at most `ratio` times the second, that explain best what was seen.

    If what was seen is not allowed, the first is exactly `ratio` times the second, p. There the derivative of the
    logarithm of the likelihood is zero: bad / p - ratio · fine / (1 - ratio · p) - fine of stable / (1 - p) = 0, which
    is a quadratic equation; its smaller root is the one for which no share is above 1.
    """
    if candidate.bad * stable.requests <= ratio * stable.bad * candidate.requests:
        return candidate.share, stable.share
    bad = candidate.bad + stable.bad
    fine, fine_of_stable = candidate.requests - candidate.bad, stable.requests - stable.bad
    square = ratio * (bad + fine + fine_of_stable)
    linear = bad * (1 + ratio) + ratio * fine + fine_of_stable
    share = 2 * bad / (linear + sqrt(max(linear * linear - 4 * square * bad, 0.0)))
    return min(ratio * share, 1.0), min(share, 1.0)


def _mixed(tally: Tally, mixture: Mixture) -> float:
    """Logarithm of how likely what was seen is, one request after the other, if the share is any of the mixture."""
    (bad, requests), (a, b) = tally, mixture
    return _log_beta(a + bad, b + requests - bad) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _log_likelihood(tally: Tally, share: float) -> float:
    fine = tally.requests - tally.bad
    if (tally.bad and share <= 0) or (fine and share >= 1):
        return -inf
    return (tally.bad * log(share) if tally.bad else 0.0) + (fine * log1p(-share) if fine else 0.0)
