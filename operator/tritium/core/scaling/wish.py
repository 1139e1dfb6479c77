"""What a spec asks of scaling."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tritium.api.scaling import Scaling, Schedule
from tritium.core.revision import length
from tritium.core.scaling.knobs import Metric
from tritium.core.scaling.schedule import Entry, NoTime, check, in_force

IDLE_AFTER: Final = "30m"
HOLD_FOR: Final = "60s"
"""What is absent."""

SHORTEST_REST: Final = 10.0
"""Seconds without a request that are one: with less a model would fall asleep between two of them."""
SHORTEST_HOLD: Final = 10.0
LONGEST_HOLD: Final = 600.0
"""Seconds that a request can be held. Each takes a place in the gateway's memory, and each new hold of a model that
does not get ready a little of it for good."""


class Ignored(ValueError):
    """A member that would be ignored; the text says why, and begins with the member."""


@dataclass(frozen=True, slots=True)
class ScalingWish:
    """See the module. With mode External there is none: somebody else writes the replicas.

    Attributes:
        least, most: bounds of the replicas.
        acts: what is found is done; otherwise it is only shown.
        metric, target: the signal that decides, and what each pod should have of it.
        capacity: requests a second that each pod can do, where the user knows it.
        schedules: lower bounds by the clock.
        priority: who comes first where there are not GPUs enough: the higher number.
        may_sleep: a lower bound is 0, or will be.
        idle: seconds without a request after which the model sleeps,
        hold: and milliseconds for which a request waits until it is awake; 0: it is refused.
    """

    least: int
    most: int
    acts: bool = True
    metric: Metric = "auto"
    target: float | None = None
    capacity: float | None = None
    schedules: tuple[Entry, ...] = ()
    priority: int = 0
    may_sleep: bool = False
    idle: float = 1800.0
    hold: int = 60_000

    def at(self, now: datetime) -> "ScalingWish":
        """With the lower bound of that time."""
        least = in_force(self.schedules, now)
        return self if least is None else replace(self, least=least)


def scaling_wish(scaling: Scaling | None) -> ScalingWish | None:
    """Read it, with what is absent.

    Raises:
        NoTime: a schedule cannot be followed,
        Ignored: or two members cannot be honoured together. The text begins with the path in `scaling`.

    >>> scaling_wish(Scaling(max=8))
    ScalingWish(least=1, most=8, acts=True, metric='auto', target=None, capacity=None, schedules=(), priority=0, \
may_sleep=False, idle=1800.0, hold=60000)
    >>> scaling_wish(Scaling(mode="External")) is None
    True
    """
    if scaling is None or scaling.mode == "External":
        return None
    if scaling.capacity_rps is not None and scaling.metric not in {None, "auto"}:
        raise Ignored(f"capacityRps: has no meaning with metric {scaling.metric}; remove one of the two")
    least = 1 if scaling.min is None else scaling.min
    may_sleep = not least or any(not each.min for each in scaling.schedules or ())
    idle, hold = _times(scaling, may_sleep=may_sleep)
    return ScalingWish(
        least=least,
        most=max(1, least if scaling.max is None else scaling.max),
        acts=scaling.mode != "Recommend",
        metric=scaling.metric or "auto",
        target=scaling.target,
        capacity=scaling.capacity_rps,
        schedules=tuple(_entry(index, each) for index, each in enumerate(scaling.schedules or ())),
        priority=scaling.priority or 0,
        may_sleep=may_sleep,
        idle=idle,
        hold=round(1000 * hold),
    )


def _times(scaling: Scaling, *, may_sleep: bool) -> tuple[float, float]:
    """Seconds of idleAfter and holdFor.

    >>> _times(Scaling(min=0, hold_for="0s"), may_sleep=True)
    (1800.0, 0.0)
    """
    said = {"idleAfter": scaling.idle_after, "holdFor": scaling.hold_for}
    for name, value in said.items():
        if value is not None and not may_sleep:
            raise Ignored(f"{name}: has no meaning for a model that never sleeps; set min to 0, or remove it")
    idle = length(scaling.idle_after or IDLE_AFTER).total_seconds()
    hold = length(scaling.hold_for or HOLD_FOR).total_seconds()
    if idle < SHORTEST_REST:
        raise Ignored(f"idleAfter: must be {SHORTEST_REST:g}s or more")
    if 0 < hold < SHORTEST_HOLD:
        raise Ignored(f"holdFor: must be 0s, or {SHORTEST_HOLD:g}s or more")
    if hold > LONGEST_HOLD:
        raise Ignored(f"holdFor: must be {LONGEST_HOLD / 60:g}m or less")
    return idle, hold


def _entry(index: int, schedule: Schedule) -> Entry:
    entry = Entry(schedule.cron, schedule.time_zone or "UTC", schedule.min)
    try:
        check(entry)
    except NoTime as wrong:
        raise NoTime(f"schedules[{index}].{wrong}") from wrong
    return entry
