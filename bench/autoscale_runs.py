"""One curve, one kind of model and one who decides, simulated from beginning to end; and the smallest static number."""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, inf
from typing import Final

from bench.curves import Curve
from bench.fleet import Fleet, Service
from bench.scalers import Scaler, Static
from tritium.core.scaling.controller import LOAD

ATTAINED: Final = 0.99
MOST: Final = 12


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it.

    Attributes:
        arrived, missed: requests; `missed` was not answered within the SLO, or not at all.
        hours: of pods, from their creation until they are gone.
        flips: how often the number of pods changed in the other direction than before.
        sizes: (when, pods), each change.
    """

    arrived: int
    missed: int
    hours: float
    flips: int
    sizes: tuple[tuple[float, int], ...]

    @property
    def attained(self) -> float:
        """Share of the requests that was answered within the SLO."""
        return 1 - self.missed / self.arrived if self.arrived else 1.0


def simulate(curve: Curve, fleet: Fleet, scaler: Scaler, enough: float = inf) -> Run:
    """Begin with as many pods as the first second needs, all ready; end when all is done.

    Args:
        curve: of the requests.
        fleet: without a pod yet; its seed is that of the requests as well.
        scaler: who decides.
        enough: where so many were missed, nobody wants to know the rest.
    """
    first = scaler.pods if isinstance(scaler, Static) else max(1, ceil(float(curve.rates[0]) / LOAD))
    fleet.resize(first, ready=True)
    sizes = [(0.0, first)]
    for second, times in enumerate(curve.requests(fleet.service.capacity, fleet.seed)):
        if second % scaler.every == 0:
            has = fleet.size
            wanted = scaler.wants(fleet.sight(), has)
            if wanted != has:
                fleet.resize(wanted)
                sizes.append((fleet.now, wanted))
        fleet.take(times, second + 1.0)
        if fleet.missed > enough:
            break
    hours = fleet.spent() / 3600
    fleet.take([], fleet.now + 60)
    return Run(fleet.arrived, fleet.arrived - fleet.within, hours, flips([size for _, size in sizes]), tuple(sizes))


def flips(sizes: list[int]) -> int:
    """How often the direction changes.

    >>> flips([1, 2, 4, 3, 2, 5])
    2
    """
    up = [after > before for before, after in pairwise(sizes)]
    return sum(after != before for before, after in pairwise(up))


def smallest(curve: Curve, service: Service, seed: int = 1) -> Run:
    """The fewest pods that, always there, answer enough within the SLO: perfect foresight of a static size."""
    pods = max(1, ceil(float(curve.rates.mean())))
    most = 1.1 * (1 - ATTAINED) * float(curve.rates.sum()) * service.capacity
    while (run := simulate(curve, Fleet(service, 0.0, seed), Static(pods), most)).attained < ATTAINED:
        pods += 1
    return run
