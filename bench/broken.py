"""Versions that are broken or slow, simulated request by request: how soon does the rule find them?"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.judged import FAILED, Numbers, Windows, first_failure
from bench.rollouts import EVERY
from tritium.core.excess import Allowed

FIRST: Final = 100
"""The requests within which it is to be found."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What is simulated.

    Attributes:
        share: of the candidate's requests is bad: fails, or is slow.
        of_stable: of the stable revision's requests is bad.
        weight: percent of the requests for the candidate.
        rate: requests in a second, both sides together.
        allowed: of the gate that asks about it.
    """

    share: float
    of_stable: float
    weight: int
    rate: float
    allowed: Allowed = FAILED


@dataclass(frozen=True, slots=True)
class Found:
    """What became of each version.

    Attributes:
        within: at how many it is proven with its first requests, at one of the looks or at the last of these requests.
        requests: how many each had had when a look found it; infinite where none did.
        seconds: how long after its first requests that look was; 0 if before.
    """

    within: int
    requests: NDArray[np.float64]
    seconds: NDArray[np.float64]


def simulate(plan: Broken, versions: int, most: int, seed: int) -> Found:
    """Simulate so many versions.

    Args:
        plan: what is simulated.
        versions: how many.
        most: requests of each candidate; more than `FIRST`.
        seed: of chance.
    """
    draw = np.random.default_rng(seed)
    gaps = draw.exponential(100 / plan.weight / plan.rate, (versions, most))
    between = draw.poisson(gaps * plan.rate * (1 - plan.weight / 100))
    arrivals, requests = gaps.cumsum(axis=1), np.tile(np.arange(1, most + 1), (versions, 1))
    seen = Windows(
        draw.binomial(1, plan.share, requests.shape).cumsum(axis=1),
        requests,
        draw.binomial(between, plan.of_stable).cumsum(axis=1),
        between.cumsum(axis=1),
    )
    looks = np.column_stack([np.ceil(arrivals / EVERY), np.full(versions, np.inf)])
    looked_at = looks[:, :-1] < looks[:, 1:]
    """Whether there is a look between this request and the next."""
    within = _first(seen, looked_at | (requests == FIRST), plan.allowed)
    at = _first(seen, looked_at, plan.allowed)
    found = at < most
    late = looks[np.arange(versions), at] * EVERY - arrivals[:, FIRST - 1]
    return Found(
        within=int((within < FIRST).sum()),
        requests=np.where(found, at + 1, np.inf),
        seconds=np.where(found, np.maximum(late, 0), np.inf),
    )


def _first(seen: Windows, looked_at: NDArray[np.bool_], allowed: Allowed) -> Numbers:
    """The index of the request with which a look finds each version guilty; how many there are if none does."""
    unseen = np.where(looked_at, seen.bad, 0)
    return first_failure(seen._replace(bad=unseen), allowed)
