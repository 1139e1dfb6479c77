"""The controller: from what is seen of the work to the number of pods that it needs, and why. Pure.

Up at once, as far as the need is proven; down by the most that was needed in a window, and a part of the pods at a
time. What it says is a number of pods, never a change: asked again while pods start, it says the same again.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil
from typing import Final

from tritium.core.scaling.capacity import Capacity, learned
from tritium.core.scaling.demand import Demand, counted
from tritium.core.scaling.knobs import Knobs
from tritium.core.scaling.sight import Sight, Span, span

LOAD: Final = 0.75
"""Share of its capacity that a pod is meant to have: the rest is for what arrives unevenly."""

DRAINED_IN: Final = 60.0
"""Seconds in which what has gathered is to be done, beside what comes in."""

NO_BACKLOG: Final = 4
"""Requests waiting for each pod that are none of a backlog."""

TOLERANCE: Final = 0.1
"""Share of the pods by which the need may differ without anything being done."""

CALM: Final = 300.0
"""Seconds of which the greatest need counts before there are fewer pods; twice a cold start, where that is more."""

STEP: Final = 60.0
PART: Final = 0.25
"""Every so many seconds so large a part of the pods may go, and one in any case."""

WINDUP: Final = 4.0
"""Times what its pods are meant to have that requests in flight count for: a queue that has formed is no demand."""


class Why(StrEnum):
    """The signal that decided."""

    DEMAND = "demand"
    BACKLOG = "backlog"
    CONCURRENCY = "concurrency"
    SHED = "shed"
    REQUEST_RATE = "requestRate"


@dataclass(frozen=True, slots=True)
class Need:
    """What the work needs at one moment.

    Attributes:
        pods: as a fraction.
        why: the signal that says so,
        value: and its value, in its unit: requests a second, or requests.
    """

    pods: float
    why: Why
    value: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What the controller keeps between two looks.

    Attributes:
        began: when it began to look.
        needs: (when, pods), the newest last; only those that none after them exceeds.
        lowered: when it last said fewer.
    """

    began: float
    last: Sight | None = None
    demand: Demand = field(default_factory=Demand)
    capacity: Capacity = field(default_factory=Capacity)
    needs: tuple[tuple[float, int], ...] = ()
    lowered: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Advice:
    """How many pods there should be.

    Attributes:
        pods: within the bounds.
        need: what the work needs, before bounds and waiting; none where nothing is known.
        limited: what makes `pods` another number than the need: `min`, `max`, `window`, `step`, `tolerance`.
    """

    pods: int
    need: Need | None = None
    limited: str = ""


def look(before: Memory, now: Sight, knobs: Knobs) -> Memory:
    """Take in what is seen.

    >>> seen = [Sight(5.0 * tick, 100.0 * tick, 100.0 * tick, 4, 2) for tick in range(3)]
    >>> memory = Memory(began=0.0)
    >>> for each in seen:
    ...     memory = look(memory, each, Knobs(1, 8, capacity=20.0))
    >>> memory.demand.rate, memory.needs
    (20.0, ((10.0, 2),))
    """
    what = span(before.last, now) if before.last else None
    if what is None:
        return replace(before, last=now)
    after = replace(
        before,
        last=now,
        demand=counted(before.demand, what, now),
        capacity=learned(before.capacity, what, now.ready, full=now.full),
    )
    wanted = ceil(need(after, what, knobs).pods)
    since = now.at - window(knobs)
    needs = tuple((at, pods) for at, pods in before.needs if at >= since and pods > wanted)
    return replace(after, needs=(*needs, (now.at, wanted)))


def need(memory: Memory, what: Span, knobs: Knobs) -> Need:
    """What the work needs now, within the tolerance or not.

    With a capacity it is demand and backlog over that; without one, requests in flight over what a pod should have.
    """
    now, demand = memory.last, memory.demand
    assert now is not None  # noqa: S101 - a span has two sights
    rps = knobs.capacity or memory.capacity.rps
    if knobs.metric == "requestRate" and knobs.target:
        return Need(demand.rate / knobs.target, Why.REQUEST_RATE, demand.rate)
    if knobs.metric == "concurrency" and knobs.target:
        return Need((demand.flight or 0.0) / knobs.target, Why.CONCURRENCY, demand.flight or 0.0)
    if rps is None:
        flight = min(demand.flight or 0.0, WINDUP * knobs.flight * max(1, now.ready))
        found = Need(flight / knobs.flight, Why.CONCURRENCY, flight)
    else:
        waiting = max(0.0, (now.pending or 0) - NO_BACKLOG * now.ready)
        found = Need(demand.rate / (LOAD * rps), Why.DEMAND, demand.rate)
        if waiting:
            found = Need(found.pods + waiting / DRAINED_IN / (LOAD * rps), Why.BACKLOG, waiting)
    if what.shed and found.pods <= now.ready:
        return Need(now.ready + 1.0, Why.SHED, what.shed)
    return found


def advise(memory: Memory, what: Need | None, has: int, knobs: Knobs, at: float) -> tuple[Memory, Advice]:
    """How many pods there should be, where there are to be `has` now.

    Args:
        memory: after the last look.
        what: the need of now; none where nothing is known: that changes nothing but what the bounds demand.
        has: pods that are asked for.
        knobs: of the spec.
        at: now.

    >>> knobs, memory = Knobs(1, 8), Memory(began=0.0, needs=((400.0, 6), (690.0, 2)))
    >>> advise(memory, Need(5.2, Why.DEMAND, 78.0), 3, knobs, 700.0)[1].pods
    6
    >>> advise(memory, Need(2.0, Why.DEMAND, 30.0), 8, knobs, 700.0)[1]
    Advice(pods=6, need=Need(pods=2.0, why=<Why.DEMAND: 'demand'>, value=30.0), limited='window')
    >>> advise(memory, None, 3, knobs, 700.0)[1].pods
    3
    """
    if what is None:
        return memory, _bounded(Advice(has), knobs)
    wanted = ceil(what.pods)
    if wanted == has or (has and abs(what.pods / has - 1) <= TOLERANCE):
        return memory, _bounded(Advice(has, what, "" if wanted == has else "tolerance"), knobs)
    if wanted > has:
        return memory, _bounded(Advice(wanted, what), knobs)
    advice = _bounded(_fewer(memory, what, has, knobs, at), knobs)
    return (replace(memory, lowered=at) if advice.pods < has else memory), advice


def window(knobs: Knobs) -> float:
    """Seconds of which the greatest need counts."""
    return max(CALM, 2 * knobs.cold)


def _fewer(memory: Memory, what: Need, has: int, knobs: Knobs, at: float) -> Advice:
    since = at - window(knobs)
    greatest = max((pods for when, pods in memory.needs if when >= since), default=ceil(what.pods))
    if memory.began > since or greatest >= has:
        return Advice(has, what, "window")
    if at - memory.lowered < STEP:
        return Advice(has, what, "step")
    step = max(1, int(has * PART))
    return Advice(max(greatest, has - step), what, "window" if greatest >= has - step else "step")


def _bounded(advice: Advice, knobs: Knobs) -> Advice:
    if advice.pods < knobs.least:
        return replace(advice, pods=knobs.least, limited="min")
    if advice.pods > knobs.most:
        return replace(advice, pods=knobs.most, limited="max")
    return advice
