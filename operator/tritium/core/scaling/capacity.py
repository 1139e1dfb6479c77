"""What one pod can do, learned when all of them have more to do than they can. Pure.

Nothing else shows it: a pod that is not busy all the time answers what comes in, however much more it could. While
every server has requests waiting, what they answer is what they can do.

At all other times it is only seen what a pod can do *at least*: what it does, and as many requests as it could answer
one after the other, each in the time that they take now (Little's law: requests in flight are those that come in a
second times how long each takes).
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

from tritium.core.scaling.sight import Sight, Span

WINDOW: Final = 10.0
"""Seconds of being full in a row that show it."""

DECAY: Final = 0.8
"""For each such window: one that shows less than before counts by and by, so that a model that is slower now is
learned anew. Not slower than that: the pods that are made for the first such windows end them, and a model that takes
twice as long was never learned with 0.98. A bad window that was none of the model's costs a fourth of the pods until
the next one."""

INHERITED: Final = 0.8
"""Share of what a pod of the revision before could do that one of the next is taken to do, until it is seen."""

FEW: Final = 50.0
MANY: Final = 400.0
"""Requests in flight, seen one look after the other, of which it is said how long they take, and with which that begins
anew."""

SURE: Final = 3.0
"""Standard deviations by which they may take longer than was seen."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Requests a second for each pod.

    Attributes:
        rps: none while it is not known.
        windows: how many of them have shown it.
        full_for: seconds in a row in which every server has had requests waiting,
        answered: and the requests for each pod that were answered well in them.
        at_least: what it is at least by what was seen since, or before it was known.
        seen: requests in flight, added up over the looks since the number of pods changed,
        spent: the same in request-seconds,
        done, seconds: and the requests for each pod that were answered well in that time, and the time.
    """

    rps: float | None = None
    windows: int = 0
    full_for: float = 0.0
    answered: float = 0.0
    at_least: float = 0.0
    seen: float = 0.0
    spent: float = 0.0
    done: float = 0.0
    seconds: float = 0.0

    @property
    def known(self) -> float | None:
        """What is reckoned with: none while it is not known.

        >>> Capacity(15.0, 1).known, Capacity(15.0, 1, at_least=18.0).known, Capacity(at_least=18.0).known
        (15.0, 18.0, None)
        """
        return max(self.rps, self.at_least) if self.rps else None


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
    12.0
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


def inherited(before: Capacity) -> Capacity:
    """What is taken for known of the next revision.

    >>> inherited(Capacity(30.0, 5)), inherited(Capacity())
    (Capacity(rps=24.0, windows=0, full_for=0.0, answered=0.0, at_least=0.0, seen=0.0, spent=0.0, done=0.0, \
seconds=0.0), Capacity(rps=None, windows=0, full_for=0.0, answered=0.0, at_least=0.0, seen=0.0, spent=0.0, done=0.0, \
seconds=0.0))
    """
    return Capacity(before.known * INHERITED if before.known else None)


def shown(before: Capacity, what: Span, now: Sight, *, same: bool) -> Capacity:
    """What a pod can do at least, after a while.

    Args:
        before: what was known.
        what: what was done in that while.
        now: what is seen at its end.
        same: the number of pods is what it was at its beginning.

    Here two pods answer 20 requests a second, and whenever somebody looks there is one of them in flight: each takes
    50 ms, or with what chance may hide, 65 ms. So a pod that had no pause would answer 15 a second at least.

    >>> found = Capacity()
    >>> for look in range(100):
    ...     found = shown(found, Span(2.0, 40.0, 40.0, 0.0), Sight(2.0 * look, 0, 0, active=1, ready=2), same=True)
    >>> round(found.at_least, 1)
    15.4
    """
    if not same or not now.ready or before.seen >= MANY:
        return replace(before, seen=0.0, spent=0.0, done=0.0, seconds=0.0)
    seen, spent = before.seen + now.active, before.spent + now.active * what.seconds
    done, seconds = before.done + what.answered, before.seconds + what.seconds
    at_least = before.at_least
    if seen >= FEW and seconds >= WINDOW:
        one_by_one = done / (spent * (1 + SURE / sqrt(seen)))
        at_least = max(at_least, one_by_one, (done - SURE * sqrt(done)) / seconds / now.ready)
    return replace(before, at_least=at_least, seen=seen, spent=spent, done=done, seconds=seconds)
