"""The demand: requests a second that come in, and requests in flight, smoothed. Pure.

Requests are counted as they arrive: what is answered stops at what the pods can do, so that it shows no overload.
"""

from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

from tritium.core.scaling.sight import Sight, Span

FAST: Final = 15.0
SLOW: Final = 60.0
FLIGHT: Final = 20.0
"""Seconds over which each is smoothed: the rate for the way up and for the way down, and the requests in flight."""

ENOUGH: Final = 100.0
"""Requests that the fast rate is taken from, as far as `SLOW` seconds have them: of fewer it would be chance."""

SURE: Final = 3.0
"""Standard deviations below what was counted that the rate was at least, were the arrivals independent."""


@dataclass(frozen=True, slots=True)
class Demand:
    """See the module; none where nothing was counted yet.

    Attributes:
        fast, slow: requests a second, over `FAST` and `SLOW` seconds.
        flight: requests in flight, over `FLIGHT` seconds.
        seconds: of which anything was counted so far.
        queue_ms, gpu: what the servers say of these, over `FAST` seconds.
    """

    fast: float | None = None
    slow: float | None = None
    flight: float | None = None
    seconds: float = 0.0
    queue_ms: float | None = None
    gpu: float | None = None

    @property
    def rate(self) -> float:
        """Requests a second: up with the fast one, down with the slow one.

        >>> Demand(fast=80.0, slow=100.0).rate, Demand().rate
        (100.0, 0.0)
        """
        return max(self.fast or 0.0, self.slow or 0.0)

    @property
    def chance(self) -> float:
        """Standard deviation of the rate, in requests a second, were the arrivals independent.

        >>> Demand(fast=120.0, slow=120.0, seconds=600.0).chance
        2.0
        """
        return sqrt(self.rate / (2 * _fast_over(self.slow or 0.0)))


def counted(before: Demand, what: Span, now: Sight) -> Demand:
    """The demand after a while in which something was counted.

    The fast rate is never below what that while alone proves: a step is not waited for.

    >>> calm = Demand(fast=100.0, slow=100.0, flight=5.0, seconds=600.0)
    >>> found = counted(calm, Span(1.0, 500.0, 160.0, 0.0), Sight(1, 500, 160, 340, 2))
    >>> round(found.fast), round(found.slow)
    (433, 107)
    """
    rate = what.arrived / what.seconds
    proven = max(0.0, what.arrived - SURE * sqrt(what.arrived)) / what.seconds
    seconds = before.seconds + what.seconds
    slow = smoothed(before.slow, rate, what.seconds, SLOW, seconds)
    fast = smoothed(before.fast, rate, what.seconds, _fast_over(before.slow or 0.0), seconds)
    flight = smoothed(before.flight, float(now.active), what.seconds, FLIGHT, seconds)
    queue, gpu = (
        smoothed(known, told, what.seconds, FAST) if told is not None else None
        for known, told in ((before.queue_ms, now.queue_ms), (before.gpu, now.gpu))
    )
    return Demand(max(fast, proven), slow, flight, seconds, queue, gpu)


def smoothed(before: float | None, value: float, seconds: float, over: float, known: float = float("inf")) -> float:
    """An exponential mean: a value that stays has all the weight but 1/e after so many seconds.

    While fewer seconds than that are known, it is their plain mean: the first value is not better than those after it.

    >>> smoothed(None, 8.0, 1.0, 10.0), round(smoothed(0.0, 8.0, 10.0, 10.0), 2)
    (8.0, 5.06)
    >>> smoothed(8.0, 2.0, 2.0, 10.0, known=4.0)
    5.0
    """
    share = max(1 - exp(-seconds / over), seconds / known)
    return value if before is None else before + (value - before) * share


def _fast_over(slow: float) -> float:
    return max(FAST, min(SLOW, ENOUGH / slow)) if slow else SLOW
