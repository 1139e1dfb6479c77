"""What a spec says of scaling, in the terms of the controller."""

from dataclasses import dataclass
from typing import Literal

Metric = Literal["auto", "requestRate", "concurrency", "queueTime", "gpuUtilization"]


@dataclass(frozen=True, slots=True)
class Knobs:
    """See the module.

    Attributes:
        least, most: bounds of the replicas; what schedules say is in `least`.
        metric: the signal that decides.
        target: what each pod should have of it; none with `auto`.
        capacity: requests a second that each pod can do, where the user knows it.
        flight: requests in flight that each pod should have while its capacity is not known.
        cold: seconds from a pod's creation until it is ready, as far as they are known.
    """

    least: int
    most: int
    metric: Metric = "auto"
    target: float | None = None
    capacity: float | None = None
    flight: float = 1.0
    cold: float = 60.0
