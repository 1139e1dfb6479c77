"""Measures several ways to one model in rounds: each way, protocol and load for a moment, in an order of chance.

What drifts, the machine and its other users, hits all of them alike.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.client import Heard
from bench.confidence import Draws, Picks, per, picks, quantiles
from bench.load import LEAD, Clients, Load
from bench.targets import Target
from bench.usage import cpu_seconds

PROTOCOLS: Final = ("http", "grpc")
WARM_UP: Final = 0.1
"""Seconds instead of those that count."""


@dataclass(slots=True)
class Series:
    """What came of one way, protocol and load, by round.

    Attributes:
        latencies: in milliseconds.
        cpu: seconds that the Envoy on the way had.
    """

    latencies: list[NDArray[np.float64]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, heard: Heard, cpu: float) -> None:
        """One round more."""
        self.latencies.append(1e3 * np.array(heard.latencies))
        self.cpu.append(cpu)
        self.failures += heard.failures

    def quantiles(self, shares: Sequence[float], chosen: Picks) -> list[Draws]:
        """Quantiles of the latency."""
        return quantiles(self.latencies, shares, chosen)

    def cpu_per_thousand(self, chosen: Picks) -> Draws:
        """Milliseconds of CPU for 1,000 requests."""
        return per([1e6 * each for each in self.cpu], [len(each) for each in self.latencies], chosen)


@dataclass(frozen=True, slots=True)
class Measured:
    """All series, by protocol, load and way."""

    series: Mapping[tuple[str, str, str], Series]
    rounds: int

    def picks(self) -> Picks:
        """The draws of rounds; the same each time, so that what is compared stays together."""
        return picks(self.rounds)

    def failures(self) -> dict[str, Counter[str]]:
        """What failed, by way."""
        failed = {" ".join(key): each.failures for key, each in self.series.items()}
        return {name: kinds for name, kinds in failed.items() if kinds}


async def measure(targets: Mapping[str, Target], loads: Sequence[Load], *, rounds: int, seconds: float) -> Measured:
    """Ask each target over each protocol and with each load for some seconds, in each round.

    Of one protocol and load all targets come right after each other, because they are compared.
    """
    kinds = [(protocol, load) for protocol in PROTOCOLS for load in loads]
    series = {(protocol, load.name, name): Series() for protocol, load in kinds for name in targets}
    order = random.Random(7)  # noqa: S311 - chance enough
    async with Clients(max(load.clients for load in loads)) as clients:
        for number in range(-1, rounds):  # the first to get warm
            for protocol, load in order.sample(kinds, len(kinds)):
                for name in order.sample(sorted(targets), len(targets)):
                    asked = _once(clients, targets[name], protocol, load, seconds if number >= 0 else WARM_UP)
                    heard, cpu = await asked
                    if number >= 0:
                        series[protocol, load.name, name].add(heard, cpu)
    return Measured(series, rounds)


async def _once(clients: Clients, target: Target, protocol: str, load: Load, seconds: float) -> tuple[Heard, float]:
    """What the clients heard, and the CPU that the Envoy on the way had."""
    begin = time.monotonic() + LEAD
    asking = asyncio.create_task(clients.run(load, protocol, target.port(protocol), begin, seconds))
    await asyncio.sleep(begin - time.monotonic())
    before = cpu_seconds(target.pid) if target.pid else 0.0
    heard = await asking
    return heard, cpu_seconds(target.pid) - before if target.pid else 0.0
