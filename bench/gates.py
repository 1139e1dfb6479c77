"""How often the rule of the gates is wrong, and how soon it is right: simulated, with seeds that do not change.

Healthy versions: as good as the one before, at a share that is fine, at one that is exactly what is allowed, where
both are sick, and alone with all requests from the start; as slow as the one before; and with all gates together.
Worse ones: what becomes of them. Broken and slow ones: how many are found within their first 100 requests, and when a
look finds them.

BENCH_ROLLOUTS: how many of each, 10,000 unless told.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import broken, rollouts
from bench.aims import Aim, judge
from bench.broken import FIRST, Broken, Found
from bench.judged import SLOW
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
SLOWNESS: Final = (0, 0.01, SLOW.share)
"""Of the requests, above the threshold: none, few, and exactly what is allowed."""
AS_SLOW: Final = (
    *(Plan(STEPS, rate, 0, 0, slow) for slow in SLOWNESS for rate in RATES),
    *(Plan(AT_ONCE, rate, 0, 0, SLOW.share) for rate in RATES),
)
TOGETHER: Final = (Plan(STEPS, 10, 0.001, 0.001, 0.01), Plan(STEPS, 10, 0.01, 0.01, SLOW.share))
"""Each gate has its chance to err: at shares that are usual, and at those that are just allowed."""
WORSE: Final = tuple(Plan(STEPS, rate, share, 0.001) for share in (0.02, 0.03, 0.05, 0.1, 0.2) for rate in RATES)
BROKEN: Final = tuple(Broken(0.2, of_stable, 10, rate) for of_stable in SHARES for rate in RATES)
SLOWER: Final = {
    share: tuple(Broken(share, of_stable, 10, rate, SLOW) for of_stable in SLOWNESS for rate in RATES)
    for share in (0.2, 0.5)
}
"""By the share of their requests that is above the threshold. There is no aim for 20 %: where 5 % are allowed, a test
of the same certainty that looked only once, at the 100th request, would find 92 % of them."""
_SOON: Final = ("requests until a look, p50", "p99", f"s after the first {FIRST}, p50", "p99")
"""Until a look every five seconds finds it: the candidate's requests; and how long after its first ones that is."""
console = Console(width=140, highlight=False)


async def main() -> None:
    """Simulate and print."""
    console.print(
        f"{ROLLOUTS:,} of each, a look every {EVERY} s, evidence of {np.exp(PROOF):,.0f} to 1; intervals: 95 %, Wilson"
    )
    outcomes, as_slow, together, worse = (_rollouts(plans) for plans in (HEALTHY, AS_SLOW, TOGETHER, WORSE))
    console.print(_ends("versions that are healthy: they fail what the stable one does; as many are refused", outcomes))
    console.print(_ends("versions that are as slow as the stable one", as_slow))
    console.print(_ends("all gates together; no container of a healthy version is started again", together))
    console.print(_ends("versions that are worse, by a little or by much", worse))
    found = _found(BROKEN)
    console.print(_found_in_time("fails 20 % of its requests", "stable fails", found))
    slower = {share: _found(plans) for share, plans in SLOWER.items()}
    for share, versions in slower.items():
        console.print(_found_in_time(f"is slow for {share:.0%} of its requests", "stable is slow for", versions))
    console.print(_how_soon())
    judge(console, aims(outcomes | as_slow | together, found, slower[0.5]))


def aims(
    outcomes: Mapping[Plan, Outcome], found: Mapping[Broken, Found], slow: Mapping[Broken, Found]
) -> Iterator[Aim]:
    """Of each kind of version by itself, so of the one that comes off worst."""
    aborted = max(each.aborted / sum(each) for each in outcomes.values())
    yield Aim("healthy versions that are aborted, %", 100 * aborted, 0.1)
    for which, versions in (("that fail 20 %", found), ("that are slow for 50 %", slow)):
        missed = max(1 - each.within / len(each.requests) for each in versions.values())
        yield Aim(f"versions {which} and are not found within their first {FIRST} requests, %", 100 * missed, 5)


def _rollouts(plans: Iterable[Plan]) -> dict[Plan, Outcome]:
    return {plan: rollouts.simulate(plan, ROLLOUTS, seed) for seed, plan in enumerate(plans)}


def _found(plans: Iterable[Broken]) -> dict[Broken, Found]:
    return {plan: broken.simulate(plan, ROLLOUTS, 400, seed) for seed, plan in enumerate(plans)}


def _ends(title: str, outcomes: Mapping[Plan, Outcome]) -> Table:
    columns = ("fails", "stable fails", "slow", "requests/s", "aborted", "interval", "promoted", "held after 30 min")
    table = Table("steps, %", *columns, title=title, title_justify="left")
    for plan, found in outcomes.items():
        alone = plan.steps == AT_ONCE
        row = ["/".join(map(str, plan.steps)), f"{plan.share:.1%}", "-" if alone else f"{plan.of_stable:.1%}"]
        row += [
            f"{plan.slow:.0%}",
            f"{plan.rate}",
            f"{found.aborted:,}",
            _interval(found.aborted),
            f"{found.promoted:,}",
            f"{found.held:,}",
        ]
        table.add_row(*row, end_section=plan.rate == RATES[-1])
    return table


def _found_in_time(what: str, of_stable: str, versions: Mapping[Broken, Found]) -> Table:
    title = f"a version that {what}, with 10 % of all: found within its first {FIRST}"
    table = Table(of_stable, "requests/s", "found", "interval", *_SOON, title=title, title_justify="left")
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
