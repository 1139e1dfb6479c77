"""What a spec asks of scaling."""

from dataclasses import dataclass, replace
from datetime import datetime

from tritium.api.scaling import Scaling, Schedule
from tritium.core.scaling.knobs import Metric
from tritium.core.scaling.schedule import Entry, NoTime, check, in_force


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
    """

    least: int
    most: int
    acts: bool = True
    metric: Metric = "auto"
    target: float | None = None
    capacity: float | None = None
    schedules: tuple[Entry, ...] = ()

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
    ScalingWish(least=1, most=8, acts=True, metric='auto', target=None, capacity=None, schedules=())
    >>> scaling_wish(Scaling(mode="External")) is None
    True
    """
    if scaling is None or scaling.mode == "External":
        return None
    if scaling.capacity_rps is not None and scaling.metric not in {None, "auto"}:
        raise Ignored(f"capacityRps: has no meaning with metric {scaling.metric}; remove one of the two")
    least = 1 if scaling.min is None else scaling.min
    return ScalingWish(
        least=least,
        most=max(1, least if scaling.max is None else scaling.max),
        acts=scaling.mode != "Recommend",
        metric=scaling.metric or "auto",
        target=scaling.target,
        capacity=scaling.capacity_rps,
        schedules=tuple(_entry(index, each) for index, each in enumerate(scaling.schedules or ())),
    )


def _entry(index: int, schedule: Schedule) -> Entry:
    entry = Entry(schedule.cron, schedule.time_zone or "UTC", schedule.min)
    try:
        check(entry)
    except NoTime as wrong:
        raise NoTime(f"schedules[{index}].{wrong}") from wrong
    return entry
