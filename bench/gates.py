"""How often the rule of the gates is wrong, and how soon it is right: simulated, with seeds that do not change.

Healthy versions: as good as the one before, at a share that is fine, at one that is exactly what is allowed, where both
are sick, and alone with all requests from the start. Worse ones: what becomes of them. Broken ones: how many are found
within their first 100 requests, and when a look finds them.

BENCH_ROLLOUTS: how many of each, 10,000 unless told.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import broken, rollouts
from bench.aims import Aim, judge
from bench.broken import FIRST, Broken, Found
from bench.rollouts import EVERY, Outcome, Plan
from tritium.core.excess import PROOF
from tritium.core.proportion import Tally, wilson

ROLLOUTS: Final = int(os.environ.get("BENCH_ROLLOUTS", "10000"))
STEPS: Final = (5, 25, 50, 100)
AT_ONCE: Final = (100,)
RATES: Final = (1, 10, 200)
SHARES: Final = (0, 0.001, 0.01)
SICK: Final = (0.05, 0.2)
DEGREES: Final = (0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Of being broken."""
HEALTHY: Final = (
    *(Plan(STEPS, rate, share, share) for share in (*SHARES, *SICK) for rate in RATES),
    *(Plan(AT_ONCE, rate, share, share) for share in SHARES for rate in RATES),
)
WORSE: Final = tuple(Plan(STEPS, rate, share, 0.001) for share in (0.02, 0.03, 0.05, 0.1, 0.2) for rate in RATES)
BROKEN: Final = tuple(Broken(0.2, of_stable, 10, rate) for of_stable in SHARES for rate in RATES)
_SOON: Final = ("requests until a look, p50", "p99", f"s after the first {FIRST}, p50", "p99")
"""Until a look every five seconds finds it: the candidate's requests; and how long after its first ones that is."""
console = Console(width=140, highlight=False)


async def main() -> None:
    """Simulate and print."""
    console.print(
        f"{ROLLOUTS:,} of each, a look every {EVERY} s, evidence of {np.exp(PROOF):,.0f} to 1; intervals: 95 %, Wilson"
    )
    outcomes, worse = (
        {plan: rollouts.simulate(plan, ROLLOUTS, seed) for seed, plan in enumerate(plans)} for plans in (HEALTHY, WORSE)
    )
    console.print(_ends("versions that are healthy: they fail what the stable one does; as many are refused", outcomes))
    console.print(_ends("versions that are worse, by a little or by much", worse))
    found = {plan: broken.simulate(plan, ROLLOUTS, 400, seed) for seed, plan in enumerate(BROKEN)}
    console.print(_found_in_time(found))
    console.print(_how_soon())
    judge(console, aims(outcomes, found))


def aims(outcomes: Mapping[Plan, Outcome], found: Mapping[Broken, Found]) -> Iterator[Aim]:
    """Of each kind of version by itself, so of the one that comes off worst."""
    aborted = max(each.aborted / sum(each) for each in outcomes.values())
    yield Aim("healthy versions that are aborted, %", 100 * aborted, 0.1)
    missed = max(1 - each.within / len(each.requests) for each in found.values())
    yield Aim(f"versions that fail 20 % and are not found within their first {FIRST} requests, %", 100 * missed, 5)


def _ends(title: str, outcomes: Mapping[Plan, Outcome]) -> Table:
    columns = ("fails", "stable fails", "requests/s", "aborted", "interval", "promoted", "held after 30 min")
    table = Table("steps, %", *columns, title=title, title_justify="left")
    for plan, found in outcomes.items():
        alone = plan.steps == AT_ONCE
        row = ["/".join(map(str, plan.steps)), f"{plan.share:.1%}", "-" if alone else f"{plan.of_stable:.1%}"]
        row += [
            f"{plan.rate}",
            f"{found.aborted:,}",
            _interval(found.aborted),
            f"{found.promoted:,}",
            f"{found.held:,}",
        ]
        table.add_row(*row, end_section=plan.rate == RATES[-1])
    return table


def _found_in_time(versions: Mapping[Broken, Found]) -> Table:
    title = f"a version that fails 20 % of its requests, with 10 % of all: found within its first {FIRST}"
    columns = ("requests/s", "found", "interval", *_SOON)
    table = Table("stable fails", *columns, title=title, title_justify="left")
    for plan, found in versions.items():
        row = (f"{plan.of_stable:.1%}", f"{plan.rate}", f"{found.within:,}", _interval(found.within))
        table.add_row(*row, *_soon(found), end_section=plan.rate == RATES[-1])
    return table


def _how_soon() -> Table:
    number = max(ROLLOUTS // 10, 1)
    title = f"how soon it is found: {number:,} of each,\n10 requests/s, stable fails 0.1 %"
    table = Table("it fails", "weight, %", *_SOON[:2], title=title, title_justify="left")
    for seed, (share, weight) in enumerate((share, weight) for share in DEGREES for weight in STEPS[:-1]):
        found = broken.simulate(Broken(share, 0.001, weight, 10), number, 4_000, seed)
        table.add_row(f"{share:.0%}", f"{weight}", *_soon(found)[:2], end_section=weight == STEPS[-2])
    return table


def _soon(found: Found) -> list[str]:
    requests, seconds = (np.quantile(each, (0.5, 0.99), method="higher") for each in (found.requests, found.seconds))
    return [*(f"{each:,.0f}" for each in requests), *(f"{each:.1f}" for each in seconds)]


def _interval(number: int) -> str:
    lower, upper = wilson(Tally(number, ROLLOUTS), 1.96)
    return f"{lower:.3%} to {upper:.3%}"
