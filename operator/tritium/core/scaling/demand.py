"""The demand: requests a second that come in, and requests in flight, smoothed. Pure.

Requests are counted as they arrive: what is answered stops at what the pods can do, so that it shows no overload.
"""

from dataclasses import dataclass, replace
from math import exp, sqrt
from typing import Final

from tritium.core.scaling.sight import Sight, Span

FAST: Final = 15.0
SLOW: Final = 60.0
FLIGHT: Final = 10.0
"""Seconds over which each is smoothed: the rate for the way up and for the way down, and the requests in flight."""

SURE: Final = 3.0
"""Standard deviations below what was counted that the rate was at least, were the arrivals independent."""


@dataclass(frozen=True, slots=True)
class Demand:
    """See the module; none where nothing was counted yet.

    Attributes:
        fast, slow: requests a second, over `FAST` and `SLOW` seconds.
        flight: requests in flight, over `FLIGHT` seconds.
    """

    fast: float | None = None
    slow: float | None = None
    flight: float | None = None

    @property
    def rate(self) -> float:
        """Requests a second: up with the fast one, down with the slow one.

        >>> Demand(fast=80.0, slow=100.0).rate, Demand().rate
        (100.0, 0.0)
        """
        return max(self.fast or 0.0, self.slow or 0.0)


def counted(before: Demand, what: Span, now: Sight) -> Demand:
    """The demand after a while in which something was counted.

    The fast rate is never below what that while alone proves: a step is not waited for.

    >>> calm = Demand(fast=100.0, slow=100.0, flight=5.0)
    >>> found = counted(calm, Span(1.0, 500.0, 160.0, 0.0), Sight(1, 500, 160, 340, 2))
    >>> round(found.fast), round(found.slow)
    (433, 107)
    """
    rate = what.arrived / what.seconds
    proven = max(0.0, what.arrived - SURE * sqrt(what.arrived)) / what.seconds
    return replace(
        before,
        fast=max(smoothed(before.fast, rate, what.seconds, FAST), proven),
        slow=smoothed(before.slow, rate, what.seconds, SLOW),
        flight=smoothed(before.flight, float(now.active), what.seconds, FLIGHT),
    )


def smoothed(before: float | None, value: float, seconds: float, over: float) -> float:
    """An exponential mean: a value that stays has all the weight but 1/e after so many seconds.

    >>> smoothed(None, 8.0, 1.0, 10.0), round(smoothed(0.0, 8.0, 10.0, 10.0), 2)
    (8.0, 5.06)
    """
    return value if before is None else before + (value - before) * (1 - exp(-seconds / over))
