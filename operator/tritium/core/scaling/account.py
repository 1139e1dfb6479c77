"""The account of the replicas: what the status and the condition ScalingActive say of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from tritium.api.conditions import Condition, ConditionType, Finding, Status
from tritium.api.status import CapacityStatus, ScalingStatus
from tritium.core.lookup import pods_of
from tritium.core.reasons import Reason
from tritium.core.scaling.controller import Advice, Need, Why
from tritium.core.scaling.wish import ScalingWish
from tritium.core.seen import PodSeen, RevisionSeen, Seen
from tritium.core.wording import span

NUMBERS_EVERY: Final = timedelta(seconds=30)
NEW: Final = timedelta(hours=1)
"""So old may a pod be whose start is learned from; half of it is the longest start that is reckoned with."""
NEWS: Final = 0.1
QUARTER: Final = 0.25
"""Numbers are written again no sooner than that, and only where they differ by more than this share."""

_LIMITS: Final = {
    "min": ", which is scaling.min",
    "schedule": ", which is the min of a schedule",
    "max": ", which is scaling.max",
    "window": ": as many were needed a while ago",
    "step": ": there are fewer by and by",
    "tolerance": ": that is near enough",
    "partial": ": there are fewer when every gateway pod tells what arrives",
    "gpu": ": there are fewer when the GPUs are less busy",
    "rollout": ": there are fewer when the rollout is over",
    "starting": ": there are fewer when no pod is starting",
    "awake": ": the model is awake until no request came for {idle}",
    "idle": ": no request came for {idle}, and the next one wakes the model",
    "priority": ": {first} comes first, and waits for what they need",
    "room": ": the cluster has no room for another",
}


@dataclass(frozen=True, slots=True)
class Case:
    """What was decided, and of what.

    Attributes:
        known: what the status said before.
        stable: the revision that serves.
        desired: the replicas that are asked for.
        advice: what the controller says, as far as it is allowed.
    """

    asked: ScalingWish
    known: ScalingStatus | None
    stable: RevisionSeen | None
    seen: Seen
    desired: int
    advice: Advice
    now: datetime


def account(case: Case) -> ScalingStatus:
    """As it is written: numbers only where they are news, so that a load that stays writes nothing."""
    known, need = case.known, case.advice.need
    learned = {"capacity": _capacity(case), "cold_start_seconds": _cold(case)}
    recommended = None if case.asked.acts else case.advice.pods
    same = known is not None and (known.desired, known.recommended) == (case.desired, recommended)
    if known and same and (need is None or not _is_news(known, case, need)):
        return known.model_copy(update=learned)
    found = ScalingStatus(
        desired=case.desired,
        changed_at=known.changed_at if known and same else case.now,
        recommended=recommended,
        limited_by=case.advice.limited or None,
    ).model_copy(update=learned)
    if need is None:
        return found
    numbers = {"signal": need.why, "value": _rounded(need.value), "need": _rounded(need.pods), "at": case.now}
    return found.model_copy(update=numbers | {"message": _sentence(case, need)})


def finding(case: Case, before: Condition | None) -> Finding:
    """What ScalingActive says.

    Args:
        case: what was decided.
        before: what it said until now. A process that begins has seen nothing yet, and says nothing else.
    """
    work, asked, kind = case.seen.work, case.asked, ConditionType.SCALING_ACTIVE
    if asked.acts and not case.desired:
        return Finding(kind, "True", Reason.ASLEEP, f"no request came for {span(asked.idle)}: the model sleeps")
    if work and work.silent:
        return Finding(kind, "False", Reason.NO_DATA, work.silent)
    if case.advice.need is None and before and before.reason != Reason.FIXED_REPLICAS:
        return Finding(kind, before.status, before.reason, before.message)
    if case.advice.need is None:
        return Finding(kind, "Unknown", Reason.WAITING_FOR_DATA, "nothing is known of the work yet")
    if case.advice.limited == "priority":
        first = f"{_first(case)} has a higher scaling.priority, and a pod of it waits for a GPU"
        return Finding(kind, "False", Reason.NO_ROOM, first)
    status, reason, message = _state(case.advice.limited, asked)
    return Finding(kind, status, reason, message)


def _state(limited: str, asked: ScalingWish) -> tuple[Status, Reason, str]:
    if not asked.acts:
        return "False", Reason.RECOMMENDING, "scaling.mode is Recommend: what it finds is shown, and not done"
    if limited == "room":
        return (
            "False",
            Reason.NO_ROOM,
            "the work needs more pods than the cluster has room for",
        )
    if limited == "max":
        return "True", Reason.AT_MAX, f"the work needs more than the {asked.most} pods of scaling.max"
    return "True", Reason.SCALING, f"the operator scales between {asked.least} and {asked.most} pods"


def _first(case: Case) -> str:
    return case.seen.work.first if case.seen.work else ""


def _is_news(known: ScalingStatus, case: Case, need: Need) -> bool:
    if known.at is None:
        return True
    said = (known.signal, known.limited_by or "") != (need.why, case.advice.limited)
    return (said or is_other(need.pods, known.need or 0.0)) and case.now - known.at >= NUMBERS_EVERY


def is_other(pods: float, told: float) -> bool:
    """Whether a need is another than was told: by a tenth, and by a fourth of a pod. Less is chance, where few come.

    >>> is_other(0.2, 0.1), is_other(1.2, 0.9), is_other(10.4, 10.0), is_other(11.2, 10.0)
    (False, True, False, True)
    """
    return abs(pods - told) > max(QUARTER, NEWS * max(pods, told))


def _sentence(case: Case, need: Need) -> str:
    """Such as: 86 requests a second need 3.8 pods; 4 are asked for."""
    value, asked = f"{_rounded(need.value):g}", case.asked
    said = {
        Why.BACKLOG: f"{value} requests that wait, beside those that come in, need {_rounded(need.pods):g} pods",
        Why.CONCURRENCY: f"{value} requests in flight need {_rounded(need.pods):g} pods",
        Why.QUEUE_TIME: f"{value} ms of waiting in Triton need {_rounded(need.pods):g} pods",
        Why.GPU: f"GPUs that are busy {_rounded(100 * need.value):g} % of the time need {_rounded(need.pods):g} pods",
        Why.SHED: f"{value} requests were turned away, which calls for one pod more",
    }.get(need.why, f"{value} requests a second need {_rounded(need.pods):g} pods")
    verb = "is" if case.desired == 1 else "are"
    end = f"{case.desired} {verb} asked for" if asked.acts else f"{case.advice.pods} would be asked for"
    return f"{said}; {end}{_LIMITS.get(case.advice.limited, '').format(idle=span(asked.idle), first=_first(case))}"


def _capacity(case: Case) -> CapacityStatus | None:
    """What was learned, as soon as it is something else."""
    known, stable, work = case.known.capacity if case.known else None, case.stable, case.seen.work
    found = work.memory.capacity if work else None
    if stable is None or found is None or found.known is None:
        return known
    same = known is not None and known.revision == stable.number and abs(found.known - known.rps) <= NEWS * known.rps
    if known and same and known.windows.bit_length() >= found.windows.bit_length():
        return known  # how sure it is, is written as it doubles
    return CapacityStatus(revision=stable.number, rps=_rounded(found.known), windows=found.windows)


def _cold(case: Case) -> int | None:
    """Seconds from the node on which a pod was placed until it was ready, in the middle of those that are new."""
    known = case.known.cold_start_seconds if case.known else None
    found = _took(pods_of(case.seen, case.stable), case.now) if case.stable else None
    if found is None:
        return known
    return known if known is not None and abs(found - known) <= max(2, known * 2 * NEWS) else found


def _took(pods: Iterable[PodSeen], now: datetime) -> int | None:
    """An older pod may have become ready again, long after it was first; and what waits for a node does not start."""
    new = (pod for pod in pods if pod.ready and pod.moved and not pod.restarts and now - pod.created <= NEW)
    took = [(pod.moved - (pod.placed or pod.created)).total_seconds() for pod in new if pod.moved]
    return round(min(median(took), NEW.total_seconds() / 2)) if took else None


def _rounded(value: float) -> float:
    """To three digits.

    >>> _rounded(123.456), _rounded(0.0123456), _rounded(1234.5)
    (123.0, 0.0123, 1230.0)
    """
    return float(f"{value:.3g}")
