"""Who decides how many pods there are: Tritium's controller, the Kubernetes HPA, and those who know what comes."""

from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import Final, Protocol

from bench.curves import Rates
from tritium.core.scaling.controller import LOAD, Memory, advise, look, need
from tritium.core.scaling.knobs import Knobs
from tritium.core.scaling.sight import Sight, span


class Scaler(Protocol):
    """Asked every so many seconds."""

    every: int

    def wants(self, seen: Sight, has: int) -> int:
        """How many pods there should be, where there are `has`, the starting ones among them."""


@dataclass(slots=True)
class Tritium:
    """The controller as the operator runs it."""

    knobs: Knobs
    memory: Memory = field(default_factory=lambda: Memory(began=0.0))
    every: int = 2

    def wants(self, seen: Sight, has: int) -> int:
        """See `Scaler`."""
        before = self.memory.last
        self.memory = look(self.memory, seen, self.knobs)
        what = span(before, seen) if before else None
        found = need(self.memory, what, self.knobs) if what else None
        self.memory, advice = advise(self.memory, found, has, self.knobs, seen.at)
        return advice.pods


TOLERANCE: Final = 0.1
STABLE: Final = 300.0


@dataclass(slots=True)
class Hpa:
    """The HorizontalPodAutoscaler of Kubernetes (autoscaling/v2) with its defaults, on a metric of its pods.

    After `pkg/controller/podautoscaler` of Kubernetes 1.34: every 15 s the mean over the ready pods; pods that start
    count as idle when there are to be more, and not at all when there are to be fewer; a tolerance of 10 %; up by the
    greater of 100 % and 4 pods, down to the greatest number found in 300 s. Its metric is better than it would be: the
    mean over exactly the last 15 s, without any delay.

    Attributes:
        target: of the metric, for each pod.
        flight: the metric is requests in flight, and not those that arrive in a second.
    """

    target: float
    most: int
    flight: bool = False
    every: int = 15
    _last: Sight | None = None
    _found: deque[tuple[float, int]] = field(default_factory=deque)

    def wants(self, seen: Sight, has: int) -> int:
        """See `Scaler`."""
        before, self._last = self._last, seen
        if before is None:
            self._found.append((seen.at, has))
            return has
        total = seen.active if self.flight else (seen.arrived - before.arrived) / (seen.at - before.at)
        wanted = max(1, min(self.most, self._replicas(total, seen.ready, has)))
        while self._found and self._found[0][0] <= seen.at - STABLE:
            self._found.popleft()
        self._found.append((seen.at, wanted))
        if wanted > has:
            return min(wanted, max(2 * has, has + 4))
        return min(has, max(pods for _, pods in self._found))

    def _replicas(self, total: float, ready: int, has: int) -> int:
        """What `calcPlainMetricReplicas` finds."""
        if not ready:
            return has
        ratio = total / (self.target * ready)
        starting = has - ready
        if ratio > 1 and starting > 0:
            ratio = total / (self.target * has)
            wanted = ceil(ratio * has)
            return has if abs(ratio - 1) <= TOLERANCE or wanted < has else wanted
        return has if abs(ratio - 1) <= TOLERANCE else ceil(ratio * ready)


@dataclass(slots=True)
class Static:
    """Always the same."""

    pods: int
    every: int = 60

    def wants(self, seen: Sight, has: int) -> int:  # noqa: ARG002 - whatever there is
        """See `Scaler`."""
        return self.pods


@dataclass(slots=True)
class Oracle:
    """Knows the true rate, and for as many seconds `ahead` what it will be; it has as many pods as Tritium is to have.

    With 0 seconds it sees at once what others have to find out; it keeps nothing for what may come.
    """

    rates: Rates
    ahead: float
    every: int = 1

    def wants(self, seen: Sight, has: int) -> int:
        """See `Scaler`."""
        now = int(seen.at)
        coming = self.rates[now : now + 1 + ceil(self.ahead)]
        return max(1, ceil(float(coming.max()) / LOAD - 1e-9)) if len(coming) else has
