"""The controller: from what is seen of the work to the number of pods that it needs, and why. Pure.

Up at once, as far as the need is proven; down by the most that was needed in a window, and a part of the pods at a
time. What it says is a number of pods, never a change: asked again while pods start, it says the same again.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil, sqrt
from typing import Final

from tritium.core.scaling.capacity import Capacity, learned, shown
from tritium.core.scaling.demand import FLIGHT, Demand, counted
from tritium.core.scaling.knobs import Knobs
from tritium.core.scaling.sight import Sight, Span, span

LOAD: Final = 0.75
"""Share of its capacity that a pod is meant to have: the rest is for what arrives unevenly."""

DRAINED_IN: Final = 60.0
"""Seconds in which what has gathered is to be done, beside what comes in."""

NO_BACKLOG: Final = 4
"""Requests waiting for each pod that are none of a backlog."""

TOLERANCE: Final = 0.1
"""Share by which each pod but the first may have more than it is meant to: one pod alone has nobody that helps it over
what arrives unevenly, and small differences change nothing."""

MARGIN: Final = 2.0
"""Standard deviations of the need by which fewer pods have to be enough: what chance brings in the next minutes does
not ask for them again."""

CALM: Final = 300.0
"""Seconds of which the greatest need counts before there are fewer pods; twice a cold start, where that is more."""

STEP: Final = 60.0
PART: Final = 0.25
"""Every so many seconds so large a part of the pods may go, and one in any case."""

GAP: Final = 30.0
"""Seconds without anything known after which the window begins anew: nobody knows what was needed meanwhile."""

DOUBLED: Final = 2.0
"""Times its pods that a signal of theirs calls for at most: in an overload, how long requests wait has no bound."""

WINDUP: Final = 4.0
"""Times what its pods are meant to have that requests in flight count for: a queue that has formed is no demand."""


class Why(StrEnum):
    """The signal that decided."""

    DEMAND = "demand"
    BACKLOG = "backlog"
    CONCURRENCY = "concurrency"
    SHED = "shed"
    REQUEST_RATE = "requestRate"
    QUEUE_TIME = "queueTime"
    GPU = "gpuUtilization"


@dataclass(frozen=True, slots=True)
class Need:
    """What the work needs at one moment.

    Attributes:
        pods: as a fraction.
        why: the signal that says so,
        value: and its value, in its unit: requests a second, or requests.
        margin: pods by which fewer of them have to be enough.
    """

    pods: float
    why: Why
    value: float
    margin: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What the controller keeps between two looks.

    Attributes:
        began: when it began to look.
        needs: (when, pods), with the margin, the newest last; only those that none after them exceeds.
        lowered: when it last said fewer.
        ready: pods that were ready at the last look and at the one before.
    """

    began: float
    last: Sight | None = None
    demand: Demand = field(default_factory=Demand)
    capacity: Capacity = field(default_factory=Capacity)
    needs: tuple[tuple[float, int], ...] = ()
    lowered: float = float("-inf")
    ready: int = 0


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
    last = before.last
    what = span(last, now) if last else None
    if last is None or what is None:
        return replace(before, last=now)
    demand = counted(before.demand, what, now)
    same = last.ready == now.ready
    full = same and last.full and now.full
    capacity = shown(learned(before.capacity, what, now.ready, full=full), what, now, same=same)
    after = replace(before, last=now, demand=demand, capacity=capacity, ready=min(last.ready, now.ready))
    found = need(after, what, knobs)
    if found is None:
        return after
    wanted = whole(found.pods + found.margin)
    since = now.at - window(knobs)
    guessed = capacity.rps and not before.capacity.rps  # by requests in flight: no measure beside the capacity
    needs = () if guessed else tuple((at, pods) for at, pods in before.needs if at >= since and pods > wanted)
    known = before.needs[-1][0] if before.needs else before.began
    began = now.at if now.at - known > GAP else before.began
    return replace(after, needs=(*needs, (now.at, wanted)), began=began)


def need(memory: Memory, what: Span, knobs: Knobs) -> Need | None:
    """What the work needs now, within the tolerance or not; none where the servers do not tell what is to decide.

    With a capacity it is demand and backlog over that; without one, requests in flight over what a pod should have.
    """
    now, demand = memory.last, memory.demand
    assert now is not None  # noqa: S101 - a span has two sights
    if knobs.metric == "requestRate" and knobs.target:
        return _for_rate(demand, knobs.target, Why.REQUEST_RATE)
    if knobs.metric == "concurrency" and knobs.target:
        return _for_flight(demand, knobs.target, now.ready)
    if knobs.metric == "queueTime":
        return _for_servers(demand.queue_ms, knobs, now.ready, Why.QUEUE_TIME)
    if knobs.metric == "gpuUtilization":
        return _for_servers(demand.gpu, knobs, now.ready, Why.GPU)
    rps = knobs.capacity or memory.capacity.known
    found = _for_rate(demand, LOAD * rps, Why.DEMAND) if rps else _guessed(memory, now.ready, knobs)
    waiting = max(0.0, (now.pending or 0) - NO_BACKLOG * now.ready)
    if rps and waiting:
        found = replace(found, pods=found.pods + waiting / DRAINED_IN / (LOAD * rps), why=Why.BACKLOG, value=waiting)
    if what.shed and found.pods <= memory.ready:
        return Need(memory.ready + 1.0, Why.SHED, what.shed)
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
    >>> advise(memory, Need(5.8, Why.DEMAND, 87.0), 3, knobs, 700.0)[1].pods
    6
    >>> advise(memory, Need(2.0, Why.DEMAND, 30.0), 8, knobs, 700.0)[1]
    Advice(pods=6, need=Need(pods=2.0, why=<Why.DEMAND: 'demand'>, value=30.0, margin=0.0), limited='window')
    >>> advise(memory, None, 3, knobs, 700.0)[1].pods
    3
    """
    if what is None:
        return memory, _bounded(Advice(has), knobs)
    wanted = whole(what.pods)
    if wanted >= has:
        return memory, _bounded(Advice(wanted, what, "tolerance" if wanted < ceil(what.pods) else ""), knobs)
    advice = _bounded(_fewer(memory, what, has, knobs, at), knobs)
    return (replace(memory, lowered=at) if advice.pods < has else memory), advice


def whole(pods: float) -> int:
    """The fewest pods that are enough, within the tolerance.

    >>> [whole(each) for each in (0.0, 0.3, 1.0, 1.05, 4.2, 4.4)]
    [0, 1, 1, 2, 4, 5]
    """
    return ceil((pods + TOLERANCE) / (1 + TOLERANCE) - 1e-9) if pods > 0 else 0


def window(knobs: Knobs) -> float:
    """Seconds of which the greatest need counts."""
    return max(CALM, 2 * knobs.cold)


def _guessed(memory: Memory, ready: int, knobs: Knobs) -> Need:
    """Without a capacity: by requests in flight, but no more than what a pod can do at least asks for."""
    found, at_least = _for_flight(memory.demand, knobs.flight, ready), memory.capacity.at_least
    if not at_least:
        return found
    return min(found, _for_rate(memory.demand, LOAD * at_least, Why.DEMAND), key=lambda each: each.pods + each.margin)


def _for_rate(demand: Demand, each: float, why: Why) -> Need:
    return Need(demand.rate / each, why, demand.rate, MARGIN * demand.chance / each)


def _for_servers(value: float | None, knobs: Knobs, ready: int, why: Why) -> Need | None:
    """As an HPA does it: as many times the pods that are ready as the signal is of its target.

    >>> _for_servers(0.75, Knobs(1, 8, "gpuUtilization", 0.5), 2, Why.GPU).pods
    3.0
    >>> _for_servers(900.0, Knobs(1, 8, "queueTime", 50.0), 2, Why.QUEUE_TIME).pods
    4.0
    """
    if value is None or not knobs.target or not ready:
        return None
    return Need(ready * min(DOUBLED, value / knobs.target), why, value)


def _for_flight(demand: Demand, each: float, ready: int) -> Need:
    """By requests in flight, of which there are fewer with more pods: each has less to do, and is done sooner.

    So where they would do with fewer pods, the truth is between those and the ones there are. Taken is the geometric
    mean; without it the number of pods falls until they are overrun, and rises again.
    """
    ready = max(1, ready)
    flight = min(demand.flight or 0.0, each * ready * (WINDUP if demand.seconds >= FLIGHT else 1.0))
    pods, chance = flight / each, sqrt(flight / FLIGHT) / each
    return Need(pods, Why.CONCURRENCY, flight, max(MARGIN * chance, sqrt(pods * ready) - pods))


def _fewer(memory: Memory, what: Need, has: int, knobs: Knobs, at: float) -> Advice:
    since = at - window(knobs)
    greatest = max((pods for when, pods in memory.needs if when >= since), default=whole(what.pods))
    if memory.began > since or greatest >= has:
        return Advice(has, what, "window")
    if at - memory.lowered < STEP:
        return Advice(has, what, "step")
    pods = max(greatest, has - max(1, int(has * PART)))
    if pods <= whole(what.pods):
        return Advice(pods, what)
    return Advice(pods, what, "window" if pods == greatest else "step")


def _bounded(advice: Advice, knobs: Knobs) -> Advice:
    if advice.pods < knobs.least:
        return replace(advice, pods=knobs.least, limited="min")
    if advice.pods > knobs.most:
        return replace(advice, pods=knobs.most, limited="max")
    return advice
