"""What is seen of the work of one ModelDeployment at one moment, and what is made of two of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sight:
    """See the module. What only goes up may begin again at 0: then nothing is known of the time between.

    Attributes:
        at: seconds of a clock that is never set.
        arrived: requests that came in so far, also those that were turned away or found no pod.
        answered: those of them that were answered well.
        active: requests in flight.
        pending: those of them that wait in the servers' queues; none where not every server has told.
        full: there is no server that has not had requests waiting since the last sight.
        ready: pods that are ready.
        queue_ms: milliseconds for which requests have waited in the servers lately, a mean; none where nobody tells.
        gpu: share of the time in which the pods' GPUs did anything, from 0 to 1, a mean; none where nobody tells.
        shed: requests that were turned away so far, because too many were in flight or there was no pod.
    """

    at: float
    arrived: float
    answered: float
    active: int
    ready: int
    pending: int | None = None
    full: bool = False
    shed: float = 0.0
    queue_ms: float | None = None
    gpu: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """What was done between two sights.

    Attributes:
        seconds: of it.
        arrived, answered, shed: requests in it.
    """

    seconds: float
    arrived: float
    answered: float
    shed: float


def span(before: Sight, now: Sight) -> Span | None:
    """What was done in between; nothing is known where a count began anew, or no time has passed.

    >>> span(Sight(10, 100, 90, 4, 2), Sight(12, 160, 140, 6, 2))
    Span(seconds=2, arrived=60, answered=50, shed=0.0)
    >>> span(Sight(10, 100, 90, 4, 2), Sight(12, 60, 40, 6, 2)) is None
    True
    """
    found = Span(
        now.at - before.at, now.arrived - before.arrived, now.answered - before.answered, now.shed - before.shed
    )
    return found if found.seconds > 0 and min(found.arrived, found.answered, found.shed) >= 0 else None
