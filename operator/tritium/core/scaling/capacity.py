"""What one pod can do, learned when all of them have more to do than they can. Pure.

Nothing else shows it: a pod that is not busy all the time answers what comes in, however much more it could. While
every server has requests waiting, what they answer is what they can do.
"""

from dataclasses import dataclass, replace
from typing import Final

from tritium.core.scaling.sight import Span

WINDOW: Final = 10.0
"""Seconds of being full in a row that show it."""

DECAY: Final = 0.98
"""For each such window: one that shows less than before counts by and by, so that a model that is slower now is
learned anew, and one bad window changes little."""

SURE_AFTER: Final = 3
"""Windows after which it is said to be known well."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Requests a second for each pod.

    Attributes:
        rps: none while it is not known.
        windows: how many of them have shown it.
        full_for: seconds in a row in which every server has had requests waiting,
        answered: and the requests for each pod that were answered well in them.
    """

    rps: float | None = None
    windows: int = 0
    full_for: float = 0.0
    answered: float = 0.0


def learned(before: Capacity, what: Span, ready: int, *, full: bool) -> Capacity:
    """What is known after a while.

    Args:
        before: what was known.
        what: what was done in that while.
        ready: pods that are ready.
        full: every one of them has had requests waiting all the time.

    >>> known = learned(Capacity(), Span(10.0, 900.0, 600.0, 0.0), 4, full=True)
    >>> known.rps, known.windows
    (15.0, 1)
    >>> round(learned(known, Span(10.0, 900.0, 400.0, 0.0), 4, full=True).rps, 1)
    14.7
    >>> learned(known, Span(10.0, 900.0, 900.0, 0.0), 4, full=False).rps
    15.0
    """
    if not full or not ready:
        return replace(before, full_for=0.0, answered=0.0)
    seconds, answered = before.full_for + what.seconds, before.answered + what.answered / ready
    if seconds < WINDOW:
        return replace(before, full_for=seconds, answered=answered)
    found = answered / seconds
    if not found:
        return replace(before, full_for=0.0, answered=0.0)  # nothing comes through: that is no measure
    return Capacity(max(DECAY * (before.rps or 0.0), found), before.windows + 1)
