"""Rollouts, simulated: how many does the rule abort, and how many does it let pass?

Requests come by chance (Poisson), and each fails or is refused by chance. The rollout is that of the defaults: a step
takes at least 5 minutes, passes at the first look after that at which both gates pass, and holds the rollout if it has
not passed after 30 minutes. At each look a failure aborts.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from bench.judged import FAILED, REFUSED, Flags, Numbers, Windows, first_failure, passes

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
    """

    steps: tuple[int, ...]
    rate: float
    share: float
    of_stable: float


class Outcome(NamedTuple):
    """How many rollouts ended how."""

    aborted: int
    promoted: int
    held: int


class _Sums(NamedTuple):
    """Requests, failures and refusals of either side so far, a number for each rollout or a row of looks."""

    requests: Numbers
    failed: Numbers
    refused: Numbers
    requests_of_stable: Numbers
    failed_of_stable: Numbers
    refused_of_stable: Numbers

    def errors(self) -> Windows:
        return Windows(self.failed, self.requests, self.failed_of_stable, self.requests_of_stable)

    def refusals(self) -> Windows:
        return Windows(self.refused, self.requests, self.refused_of_stable, self.requests_of_stable)

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
            sums = _Sums(none, none, none, *sums[3:])
        sums, failures = _step(plan, weight, sums, draw)
        aborted += failures
    promoted = len(sums.requests)
    return Outcome(aborted, promoted, number - aborted - promoted)


def _step(plan: Plan, weight: int, sums: _Sums, draw: np.random.Generator) -> tuple[_Sums, int]:
    """Those that passed, as they were seen then; and how many were aborted."""
    passed, aborted = [], 0
    for looks, least in ((LEAST_LOOKS, LEAST_LOOKS - 1), (MOST_LOOKS - LEAST_LOOKS, 0)):
        seen = _look(plan, weight, looks, sums, draw)
        failure = np.minimum(first_failure(seen.errors(), FAILED), first_failure(seen.refusals(), REFUSED))
        passing = passes(seen.errors(), FAILED) & passes(seen.refusals(), REFUSED)
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
        sides += [requests, failed, refused]
    return _Sums(*(start[:, None] + new.cumsum(axis=1) for start, new in zip(before, sides, strict=True)))


def _zero(number: int) -> _Sums:
    return _Sums(*np.zeros((6, number), np.int64))
