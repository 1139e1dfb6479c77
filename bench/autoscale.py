"""Tritium's controller against the HPA of Kubernetes and against perfect foresight, simulated; seeds do not change.

Two kinds of model: one that batches (up to 16, 20 ms and 5 ms for each: 160 requests a second at most), and one that
does not (40 a second). An hour of a recording and four made-up curves, in units of what one pod can do; pods that need
15, 60 and 300 s to start; from 1 to 12 pods. A request is to be answered within 250 ms; 64 may wait in a pod, and what
comes beyond that fails.

Everybody begins with what the first second needs. Tritium is told what the operator is told, every 2 s, and does not
know what a pod can do. The HPA is told that: its target is 75 % of the truth. So it is compared with "Tritium, told",
which has `capacityRps`. Foresight is the smallest number that, always there, answers 99 % in time. "At once" sees the
true rate without delay and has just what that needs; "ahead" has it as long before as a pod takes to start.

BENCH_SEED: of the arrivals, 1 unless told.
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.aims import Aim, judge
from bench.autoscale_runs import MOST, Run, simulate, smallest
from bench.curves import Curve, curves
from bench.fleet import SLO, Fleet, Service
from bench.scalers import Hpa, Oracle, Scaler, Tritium
from tritium.core.scaling.controller import LOAD
from tritium.core.scaling.knobs import Knobs

MODELS: Final = {"batches": Service(0.02, 0.005, 16), "one by one": Service(0.02, 0.005)}
COLD: Final = (15, 60, 300)
SEED: Final = int(os.environ.get("BENCH_SEED", "1"))
PER_POD: Final = 0.7
"""Requests in flight that a pod should have while nothing is known of it, of half its largest batch."""
OURS, TOLD, HPA, IN_FLIGHT = "Tritium", "Tritium, told", "HPA, arrivals", "HPA, in flight"
AT_ONCE, AHEAD = "at once", "ahead"
WHO: Final = (OURS, TOLD, HPA, IN_FLIGHT, AT_ONCE, AHEAD)
FORESIGHT: Final = "foresight"
console = Console(width=220, highlight=False)


class Case(NamedTuple):
    """What is simulated, by name."""

    curve: str
    model: str
    cold: int
    who: str


def scaler(case: Case, curve: Curve) -> Scaler:
    """Who decides."""
    service = MODELS[case.model]
    flight = PER_POD * max(1.0, service.batch / 2)
    knobs = Knobs(1, MOST, flight=flight, cold=case.cold)
    made: Mapping[str, Scaler] = {
        OURS: Tritium(knobs),
        TOLD: Tritium(replace(knobs, capacity=service.capacity)),
        HPA: Hpa(LOAD * service.capacity, MOST),
        IN_FLIGHT: Hpa(flight, MOST, flight=True),
        AT_ONCE: Oracle(curve.rates, 0.0),
        AHEAD: Oracle(curve.rates, case.cold + 1.0),
    }
    return made[case.who]


def run(case: Case) -> Run:
    """Simulate one."""
    curve = {each.name: each for each in curves()}[case.curve]
    service = MODELS[case.model]
    if case.who == FORESIGHT:
        return smallest(curve, service, SEED)
    return simulate(curve, Fleet(service, case.cold, SEED), scaler(case, curve))


def cases() -> Iterator[Case]:
    """All of them, the long ones first. Foresight needs no pods that start."""
    names = [each.name for each in sorted(curves(), key=lambda curve: -curve.rates.sum())]
    for model in MODELS:
        for name in names:
            yield Case(name, model, 0, FORESIGHT)
            for cold in COLD:
                yield from (Case(name, model, cold, who) for who in WHO)


async def main() -> None:
    """Simulate, print and judge."""
    with ProcessPoolExecutor() as processes:
        found = dict(zip(cases(), processes.map(run, cases()), strict=True))
    console.print(
        f"answered within {SLO * 1000:.0f} ms, %; pod-hours, and of those of foresight; missed; changes of direction"
    )
    for model in MODELS:
        console.print(_table(model, found))
    judge(console, aims(found))


def aims(found: Mapping[Case, Run]) -> Iterator[Aim]:
    """For each curve and model."""
    for case, ours in found.items():
        if case.who != OURS:
            continue
        name = f"{case.model}, {case.curve}, {case.cold} s"
        hpa, best = found[case._replace(who=HPA)], found[case._replace(who=FORESIGHT, cold=0)]
        if case.cold == COLD[0]:
            yield Aim(f"{name}: not answered in time, %", 100 * (1 - ours.attained), 1.0)
            yield Aim(f"{name}: pod-hours, of foresight's", ours.hours / best.hours, 1.3)
        told = found[case._replace(who=TOLD)]
        yield Aim(f"{name}: missed, of what the HPA misses", told.missed / max(1, hpa.missed), 1.0)
        yield Aim(f"{name}: pod-hours, of the HPA's", told.hours / hpa.hours, 1.0)


def _table(model: str, found: Mapping[Case, Run]) -> Table:
    table = Table("curve", "start, s", FORESIGHT, *WHO, title=model, title_justify="left")
    for curve in dict.fromkeys(case.curve for case in found):
        best = found[Case(curve, model, 0, FORESIGHT)]
        for cold in COLD:
            cells = (_cell(found[Case(curve, model, cold, each)], best) for each in WHO)
            table.add_row(curve, f"{cold}", _cell(best, best), *cells, end_section=cold == COLD[-1])
    return table


def _cell(run: Run, best: Run) -> str:
    return f"{run.attained:.2%} {run.hours:.2f} {run.hours / best.hours:.2f} {run.missed} {run.flips}"
