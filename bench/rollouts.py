"""Rollouts, simulated: how many does the rule abort, and how many does it let pass?

Requests come by chance (Poisson), each fails or is refused by chance, and takes longer than the threshold by chance,
whatever became of it. The rollout is that of the defaults, with a threshold: a step takes at least 5 minutes, passes at
the first look after that at which all gates pass, and holds the rollout if it has not passed after 30 minutes. At each
look one gate that fails aborts.

Of the gateway's classes of latency the gate uses one sum: the requests in those above its bound. Each request is in one
class by chance, so that sum is binomial, whatever the distribution over the classes looks like otherwise.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Final, NamedTuple

import numpy as np

from bench.judged import FAILED, REFUSED, SLOW, Flags, Numbers, Windows, first_failure, passes
from tritium.core.excess import Allowed

EVERY: Final = 5
"""Seconds between two looks."""
LEAST_LOOKS: Final = 5 * 60 // EVERY
MOST_LOOKS: Final = 30 * 60 // EVERY
AT_ONCE: Final = 2_000
"""Rollouts in memory."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated.

    Attributes:
        steps: percent of the requests for the candidate.
        rate: requests in a second, both sides together.
        share: of the candidate's requests fails.
        of_stable: of the stable revision's requests fails. As many are refused, by either side.
        slow: of the requests takes longer than the gate's bound, on either side.
    """

    steps: tuple[int, ...]
    rate: float
    share: float
    of_stable: float
    slow: float = 0.0


class Outcome(NamedTuple):
    """How many rollouts ended how."""

    aborted: int
    promoted: int
    held: int


class _Sums(NamedTuple):
    """What came of the requests of either side so far, a number for each rollout or a row of looks."""

    requests: Numbers
    failed: Numbers
    refused: Numbers
    slow: Numbers
    requests_of_stable: Numbers
    failed_of_stable: Numbers
    refused_of_stable: Numbers
    slow_of_stable: Numbers

    def gates(self) -> tuple[tuple[Windows, Allowed], ...]:
        """What each gate sees, and what it allows."""
        requests, of_stable = self.requests, self.requests_of_stable
        return (
            (Windows(self.failed, requests, self.failed_of_stable, of_stable), FAILED),
            (Windows(self.refused, requests, self.refused_of_stable, of_stable), REFUSED),
            (Windows(self.slow, requests, self.slow_of_stable, of_stable), SLOW),
        )

    def of(self, rollouts: Numbers | Flags) -> "_Sums":
        return _Sums(*(each[rollouts] for each in self))

    def at(self, looks: Numbers) -> "_Sums":
        return _Sums(*(each[np.arange(len(looks)), looks] for each in self))


def simulate(plan: Plan, rollouts: int, seed: int) -> Outcome:
    """Simulate so many rollouts."""
    draw = np.random.default_rng(seed)
    parts = [min(AT_ONCE, rollouts - done) for done in range(0, rollouts, AT_ONCE)]
    return Outcome(*map(sum, zip(*(_rollouts(plan, number, draw) for number in parts), strict=True)))


def _rollouts(plan: Plan, number: int, draw: np.random.Generator) -> Outcome:
    aborted = 0
    sums = _zero(number)
    for weight in plan.steps:
        if weight < 100:
            sums = _zero(len(sums.requests))
        else:  # The stable revision's last window is what there is to compare with.
            none = np.zeros_like(sums.requests)
            sums = _Sums(none, none, none, none, *sums[4:])
        sums, failures = _step(plan, weight, sums, draw)
        aborted += failures
    promoted = len(sums.requests)
    return Outcome(aborted, promoted, number - aborted - promoted)


def _step(plan: Plan, weight: int, sums: _Sums, draw: np.random.Generator) -> tuple[_Sums, int]:
    """Those that passed, as they were seen then; and how many were aborted."""
    passed, aborted = [], 0
    for looks, least in ((LEAST_LOOKS, LEAST_LOOKS - 1), (MOST_LOOKS - LEAST_LOOKS, 0)):
        seen = _look(plan, weight, looks, sums, draw)
        failure = reduce(np.minimum, (first_failure(*gate) for gate in seen.gates()))
        passing = reduce(np.logical_and, (passes(*gate) for gate in seen.gates()))
        passing[:, :least] = False
        passing = np.column_stack([passing, np.ones(len(passing), bool)])
        first = passing.argmax(axis=1)
        fails, through = (failure < looks) & (failure <= first), (first < looks) & (first < failure)
        aborted += int(fails.sum())
        passed.append(seen.of(through).at(first[through]))
        sums = seen.of(~fails & ~through)
        sums = sums.at(np.full(len(sums.requests), looks - 1))
    return _Sums(*map(np.concatenate, zip(*passed, strict=True))), aborted


def _look(plan: Plan, weight: int, looks: int, before: _Sums, draw: np.random.Generator) -> _Sums:
    """What is seen until each of the next looks."""
    sides = []
    for part, share in ((weight / 100, plan.share), (1 - weight / 100, plan.of_stable)):
        requests = draw.poisson(plan.rate * EVERY * part, (len(before.requests), looks))
        failed = draw.binomial(requests, share)
        refused = draw.binomial(requests - failed, plan.of_stable / (1 - share))
        sides += [requests, failed, refused, draw.binomial(requests, plan.slow)]
    return _Sums(*(start[:, None] + new.cumsum(axis=1) for start, new in zip(before, sides, strict=True)))


def _zero(number: int) -> _Sums:
    return _Sums(*np.zeros((len(_Sums._fields), number), np.int64))
