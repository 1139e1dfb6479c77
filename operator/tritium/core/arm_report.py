"""What the status says of the arms of an experiment: where they stand, and what they did."""

from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any, Final

from tritium.api.gateway import BOUNDS_MS, MAX_WEIGHT
from tritium.api.status import STABLE_ARM, ArmStatus, ModelDeploymentStatus, Quantile
from tritium.core.arms import trouble
from tritium.core.experiment import NUMBERS_EVERY
from tritium.core.exposure import exposed
from tritium.core.lookup import deployment_of, pods_of
from tritium.core.plan import Arm, View
from tritium.core.proportion import Tally, wilson
from tritium.core.quantile import Z, quantile
from tritium.core.sample import Sample, bound_of
from tritium.core.seen import RevisionSeen
from tritium.core.target import by_number

QUANTILES: Final = (0.5, 0.95)

_NUMBERS: Final = ("requests", "errors", "lower", "upper", "latency", "buckets", "counted_at")


def arms(view: View, before: ModelDeploymentStatus, now: datetime) -> list[ArmStatus] | None:
    """The arms, and the stable revision beside them if no arm is it.

    What they did stays when the experiment is over, for as long as it is in the spec, or until it begins again.
    """
    course = view.course
    if not course.arms:
        listed = before.arms if view.wish.experiment and course.ledger.ended else None
        return [_left(view, each, now) for each in listed or ()] or None
    known = {} if before.experiment_ended else {(each.name, each.revision): each for each in before.arms or ()}
    found = [_arm(view, each) for each in course.arms]
    if course.stable and course.stable not in [each.revision for each in course.arms]:
        found.append(_stood(view, STABLE_ARM, course.stable))
    return [_counted(view, each, known.get((each.name, each.revision)), now) for each in found]


def sample_of(arm: ArmStatus) -> Sample:
    """What a status keeps of what an arm did.

    >>> sample_of(ArmStatus(name="b", requests=9, errors=1, buckets=[2, 7])).latency[:3]
    ((1, 2), (2, 9), (5, 9))
    """
    buckets = [*(arm.buckets or ()), *([0] * len(BOUNDS_MS))][: len(BOUNDS_MS)]
    latency = tuple(zip(BOUNDS_MS, accumulate(buckets), strict=True)) if arm.buckets else ()
    return Sample(arm.requests or 0, arm.errors or 0, 0, latency)


def _arm(view: View, arm: Arm) -> ArmStatus:
    found = trouble(view.wish, view.course, arm, view.seen)
    stood = _stood(view, arm.wish.name, arm.revision)
    return stood.model_copy(update={"message": found.message}) if found else stood


def _stood(view: View, name: str, revision: RevisionSeen | None) -> ArmStatus:
    """Where it stands."""
    if revision is None:
        return ArmStatus(name=name, weight=0)
    overlays = {each.name: each.overlay for each in view.course.ledger.arms}
    deployment = deployment_of(view.seen, revision)
    return ArmStatus(
        name=name,
        revision=revision.number,
        overlay=overlays.get(name) or None,
        weight=exposed(view.course.ledger, revision) * 100 // MAX_WEIGHT,
        replicas=deployment.replicas if deployment else 0,
        ready_replicas=sum(pod.ready for pod in pods_of(view.seen, revision)),
    )


def _left(view: View, arm: ArmStatus, now: datetime) -> ArmStatus:
    """One of an experiment that is over: it has no part any more, and its numbers.

    Its revision may be a candidate now and have another part, and the stable one of then may be another, or gone.
    """
    is_kept = arm.name == STABLE_ARM or by_number(view.seen.revisions, arm.revision) is not None
    nothing = {"weight": 0, "replicas": None, "ready_replicas": None, "message": None}
    over = arm.model_copy(update=nothing | ({} if is_kept else {"revision": None, "overlay": None}))
    return _counted(view, over, arm, now)


def _counted(view: View, arm: ArmStatus, before: ArmStatus | None, now: datetime) -> ArmStatus:
    """With its numbers: new ones where anything else is new, and otherwise every half minute.

    Of an arm that has just become one nothing was counted yet: its revision may have been another arm.
    """
    if before is None:
        return arm
    kept = {name: getattr(before, name) for name in _NUMBERS}
    did = view.seen.totals.get(arm.revision or 0)
    if did is None or did.requests == (before.requests or 0):
        return arm.model_copy(update=kept)
    same = (before.weight, before.message) == (arm.weight, arm.message)
    if same and before.counted_at and now - before.counted_at < NUMBERS_EVERY:
        return arm.model_copy(update=kept)
    return arm.model_copy(update=_numbers(did) | {"counted_at": now})


def _numbers(did: Sample) -> dict[str, Any]:
    lower, upper = wilson(Tally(did.failed, did.requests), Z)
    return {
        "requests": did.requests,
        "errors": did.failed,
        "lower": round(lower, 6),
        "upper": round(upper, 6),
        "latency": list(_quantiles(did)) or None,
        "buckets": _buckets(did) or None,
    }


def _quantiles(did: Sample) -> Iterator[Quantile]:
    for part in QUANTILES:
        if found := quantile(did.latency, part):
            yield Quantile(quantile=part, ms=found.value, lower=found.lower, upper=found.upper)


def _buckets(did: Sample) -> list[int]:
    """Requests in each of the gateway's classes, without the empty ones at the end."""
    counts: dict[float, int] = dict.fromkeys(BOUNDS_MS, 0)
    for (_, below), (bound, number) in pairwise([(0.0, 0), *did.latency]):
        counts[bound_of(bound) or BOUNDS_MS[-1]] += number - below
    found = list(counts.values())
    while found and not found[-1]:
        found.pop()
    return found
