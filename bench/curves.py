"""Requests a second over time, real and made up, and the requests that come of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Rates = NDArray[np.float64]
"""Requests a second, one for each second."""

RECORDED: Final = Path(__file__).with_name("arrivals") / "azure-llm-2023-conv.txt"
SMOOTHED: Final = 10
"""Seconds of the recording of which the mean is taken: what is left of its chance is slower than that."""
HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate over time, in units of what one pod can do, so that it means the same for each kind of model."""

    name: str
    rates: Rates

    def requests(self, capacity: float, seed: int) -> Iterator[list[float]]:
        """When requests come, in seconds from the beginning; one list for each second, in order.

        Args:
            capacity: requests a second that one pod can do.
            seed: of chance; within a second they come independently of each other.
        """
        draw = np.random.default_rng(seed)
        counts = draw.poisson(self.rates * capacity)
        for second, count in enumerate(counts):
            times: list[float] = np.sort(draw.random(count)).tolist()
            yield [second + each for each in times]


def curves() -> list[Curve]:
    """All of them."""
    return [
        Curve("recorded", recorded()),
        Curve("steps", _pieces((600, 0.6), (600, 3.0), (900, 0.6), (600, 1.8), (900, 0.6))),
        Curve("ramps", np.interp(np.arange(HOUR), (0, 600, 1200, 1800, 2700, 3600), (0.6, 0.6, 3.0, 3.0, 0.6, 0.6))),
        Curve("bursts", _bursts()),
        Curve("day", _day()),
    ]


def recorded() -> Rates:
    """The recording, on average so much as 2.8 pods can do."""
    counts = np.loadtxt(RECORDED)
    means: Rates = np.convolve(np.pad(counts, SMOOTHED // 2, mode="edge"), np.ones(SMOOTHED) / SMOOTHED, "same")
    return means[SMOOTHED // 2 : -SMOOTHED // 2] * (2.8 / float(counts.mean()))


def _pieces(*pieces: tuple[int, float]) -> Rates:
    return np.concatenate([np.full(seconds, rate) for seconds, rate in pieces])


def _bursts() -> Rates:
    """Every ten minutes twice as much, for a minute."""
    seconds = np.arange(HOUR)
    return np.where((seconds % 600 >= 300) & (seconds % 600 < 360), 3.0, 1.5)


def _day() -> Rates:
    """A day in two hours: next to nothing at night, four pods' worth at noon."""
    seconds = np.arange(2 * HOUR)
    return np.array([0.2 + 1.9 * (1 - cos(2 * pi * each / len(seconds))) for each in seconds])
