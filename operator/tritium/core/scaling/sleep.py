"""Whether a model sleeps: it has no pods, and who asks for it waits at the gateway until it is awake. Pure.

It falls asleep when nothing came for a while and nothing else goes on; the gateway is told first, and the pods go when
every gateway pod holds what comes. It wakes for a request, and for what needs pods (`core.waking`): another revision,
an experiment, a lower bound.
"""

from datetime import datetime
from typing import Final

from tritium.api.status import ModelDeploymentStatus
from tritium.api.traffic_status import HoldTraffic, TrafficStatus
from tritium.core.scaling.wish import ScalingWish
from tritium.core.scaling.work import Work
from tritium.core.wish import Wish

_CALLED: Final = "somebody waits for the model, whose spec cannot be followed: 1 is asked for until it can"


def may_rest(asked: ScalingWish, work: Work | None) -> bool:
    """Whether nothing came for so long that the model may sleep; what is not known is no rest."""
    return not asked.least and asked.acts and work is not None and not work.partial and work.quiet >= asked.idle


def is_called(told: TrafficStatus | None, work: Work | None) -> bool:
    """Whether somebody waits for a model that sleeps; who waited for an earlier sleep has been answered."""
    hold = told.hold if told else None
    return work is not None and work.waited is not None and (hold is None or work.waited == hold.since)


def woken(status: ModelDeploymentStatus, now: datetime) -> ModelDeploymentStatus:
    """One pod again, for a model whose spec says nothing that could be followed: it was asleep, and is called."""
    scaling, traffic = status.scaling, status.traffic
    if scaling is None or traffic is None or traffic.hold is None:
        return status
    awake = traffic.hold.model_copy(update={"asleep": False})
    told = traffic.model_copy(update={"version": traffic.version + 1, "hold": awake})
    one = scaling.model_copy(update={"desired": 1, "changed_at": now, "limited_by": None, "message": _CALLED})
    return status.model_copy(update={"scaling": one, "traffic": told})


def hold(wish: Wish, before: TrafficStatus | None, version: int, *, reached: bool) -> HoldTraffic | None:
    """What the gateway is told of it; none for a model that never sleeps.

    One that may sleep no more is waited for until it is awake: its spec was changed while it slept.

    Args:
        wish: with the replicas that are asked for.
        before: what the gateway was told last,
        version: and the version of what it is told next.
        reached: a pod takes requests.
    """
    known, asked = before.hold if before else None, wish.scaling
    since = known.since if known else 0
    if asked is None or not (asked.acts and asked.may_sleep):
        return HoldTraffic(asleep=False, since=since, ms=known.ms) if known and wish.replicas and not reached else None
    if not wish.asleep:
        return HoldTraffic(asleep=False, since=since, ms=asked.hold)
    return HoldTraffic(asleep=True, since=since if known and known.asleep else version, ms=asked.hold)
