"""Who gets the next GPU where there are not enough of them: `scaling.priority`. Pure.

Nobody loses what he has. Who comes later asks for no more while somebody who comes first waits, and gives up what he
waits for himself: so the scheduler has only one to give the next one to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tritium.core.reasons import Reason
from tritium.core.scaling.wish import ScalingWish
from tritium.core.seen import PodSeen, RevisionSeen, Seen

OLD: Final = timedelta(hours=1)
"""A pod that has waited for so long may wait for what will never be: it holds nobody up any more."""

_NO_DEVICE: Final = frozenset({"kubernetes.io"})
"""Domains of resources that are none."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Of one ModelDeployment.

    Attributes:
        priority: the higher number comes first.
        uses: devices that its pods have, or would have, such as `nvidia.com/gpu`.
        lacks: those of them that a pod waits for.
    """

    priority: int = 0
    uses: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()


NO_CLAIM: Final = Claim()


def claim(asked: ScalingWish, seen: Seen, now: datetime) -> Claim:
    """What one claims; where nothing is done about its replicas it claims nothing."""
    if not asked.acts:
        return NO_CLAIM
    by_hash = {each.hash: _devices(each) for each in seen.revisions}
    pods = [pod for pod in seen.pods if not pod.terminating]
    uses = frozenset[str]().union(*(by_hash.get(pod.revision, ()) for pod in pods))
    lacks = frozenset[str]().union(
        *(by_hash.get(pod.revision, ()) for pod in pods if waits(pod) and now - pod.created < OLD)
    )
    return Claim(asked.priority, uses, lacks)


def waits(pod: PodSeen) -> bool:
    """Whether a pod waits for a device."""
    return not pod.ready and pod.trouble is not None and pod.trouble.reason == Reason.NO_GPU


def comes_first(mine: Claim, others: Mapping[str, Claim]) -> str:
    """The name of one who gets what I could have too; empty where there is none.

    >>> gpu = frozenset({"nvidia.com/gpu"})
    >>> night, day = Claim(0, gpu, gpu), Claim(10, gpu, gpu)
    >>> comes_first(night, {"ml/day": day}), comes_first(day, {"ml/night": night})
    ('ml/day', '')
    >>> comes_first(night, {"ml/day": Claim(10, gpu)}), comes_first(night, {"ml/as-high": night})
    ('', '')
    """
    first = (name for name, each in others.items() if each.priority > mine.priority and each.lacks & mine.uses)
    return min(first, default="")


def _devices(revision: RevisionSeen) -> frozenset[str]:
    return frozenset(_extended(revision.template.get("spec") or {}))


def _extended(spec: Mapping[str, Any]) -> Iterator[str]:
    containers: Iterable[Mapping[str, Any]] = spec.get("containers") or ()
    for each in containers:
        resources = each.get("resources") or {}
        for name in {**(resources.get("requests") or {}), **(resources.get("limits") or {})}:
            domain, slash, _ = name.partition("/")
            if slash and domain not in _NO_DEVICE:
                yield name
