"""The rule of the gates on many simulated windows at once: with numpy as far as it goes, then the rule itself.

To fail, a version needs evidence above the absolute share. There is never more of it than for the very share that was
seen, which numpy finds for all at once. And it must do worse than the stable revision, if that has had requests enough.
Only where both is so the rule is asked; `tests/unit/bench` compares.
"""

from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tritium.core.excess import COMPARABLE, LEAST_BAD, PROOF, Allowed, fails
from tritium.core.gates import MAX_FAILED, MAX_SLOW, MIN_REQUESTS, VS_STABLE
from tritium.core.proportion import CONFIDENCE, Tally

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

FAILED: Final = Allowed(MAX_FAILED, VS_STABLE, MIN_REQUESTS)
"""The gate `errors`, with the defaults."""
REFUSED: Final = Allowed(MAX_FAILED, VS_STABLE, MIN_REQUESTS, beside_stable=True)
"""The gate `refused`."""
SLOW: Final = Allowed(MAX_SLOW, VS_STABLE, MIN_REQUESTS)
"""The gate `latency`, with the defaults beside its threshold."""


class Windows(NamedTuple):
    """What was seen until each look: one row for each rollout, one column for each look."""

    bad: Numbers
    requests: Numbers
    bad_of_stable: Numbers
    requests_of_stable: Numbers


def first_failure(seen: Windows, allowed: Allowed) -> Numbers:
    """The first look at which each rollout fails; the number of looks where it does not.

    >>> rising = np.array([[5, 50, 100], [5, 50, 100]])
    >>> seen = Windows(np.array([[0, 0, 1], [1, 10, 20]]), rising, np.zeros_like(rising), 9 * rising)
    >>> first_failure(seen, FAILED).tolist()
    [3, 1]
    """
    rollouts, looks = seen.bad.shape
    first = np.full(rollouts, looks)
    for rollout, look in np.argwhere(may_fail(seen, allowed)):
        if look < first[rollout] and _fails(seen, (rollout, look), allowed):
            first[rollout] = look
    return first


def may_fail(seen: Windows, allowed: Allowed) -> Flags:
    """Whether the rule has to be asked, for an absolute share between 0 and 1."""
    bad, fine = seen.bad, seen.requests - seen.bad
    share = bad / np.maximum(seen.requests, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where(bad > 0, bad * np.log(share / allowed.share), 0.0)
        most += np.where(fine > 0, fine * np.log((1 - share) / (1 - allowed.share)), 0.0)
    # A little less is enough: numbers of so many digits are not exact.
    above = (bad >= LEAST_BAD) & (share > allowed.share) & (most >= PROOF - 1e-3)
    worse = bad * seen.requests_of_stable > seen.bad_of_stable * seen.requests
    found: Flags = above & (worse | (seen.requests_of_stable < COMPARABLE))
    return found


def passes(seen: Windows, allowed: Allowed) -> Flags:
    """Whether each passes at each look, unless it fails."""
    share_of_stable = seen.bad_of_stable / np.maximum(seen.requests_of_stable, 1)
    compared = np.where(seen.requests_of_stable >= COMPARABLE, allowed.ratio * share_of_stable, 0.0)
    limit = np.minimum(np.maximum(allowed.share, compared), 1.0)
    found: Flags = (seen.requests >= max(allowed.requests, 1)) & (_lower(seen.bad, seen.requests) <= limit)
    return found


def _lower(bad: Numbers, requests: Numbers) -> NDArray[np.float64]:
    """Wilson's lower bound, as `wilson` has it."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    spread = z * np.sqrt(bad * (requests - bad) / np.maximum(requests, 1) + z * z / 4)
    found: NDArray[np.float64] = np.where(bad > 0, (bad + z * z / 2 - spread) / (requests + z * z), 0.0)
    return found


def _fails(seen: Windows, at: tuple[int, int], allowed: Allowed) -> bool:
    bad, requests, bad_of_stable, requests_of_stable = (int(each[at]) for each in seen)
    return fails(Tally(bad, requests), Tally(bad_of_stable, requests_of_stable), allowed)
