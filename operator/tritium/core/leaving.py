"""Pods that do not end. Where the next one waits for that, a node that is lost holds it up for good.

The API server notes by when a pod that is deleted is to be gone; only its node can say that it is.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tritium.core.diagnosis import worst
from tritium.core.pod_trouble import POD
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import PodSeen, RevisionSeen, Seen, Trouble

OVERDUE: Final = timedelta(minutes=1)
"""After what a pod was given to end: a kubelet cleans up behind it."""


def watched(seen: Seen, now: datetime) -> Seen:
    """With a trouble for each pod that should be gone by now."""
    return replace(seen, pods=tuple(_judged(pod, now) for pod in seen.pods))


def stuck(seen: Seen, beside: RevisionSeen) -> Trouble | None:
    """A pod of any other revision that should be gone, and is not."""
    others = (pod for pod in seen.pods if pod.terminating and pod.revision != beside.hash)
    return worst(pod.trouble for pod in others if pod.trouble)


def overdue_at(seen: Seen, now: datetime) -> Iterator[datetime]:
    """When pods that end now will have taken too long: of a lost node nobody hears."""
    return (pod.gone_by + OVERDUE for pod in seen.pods if pod.gone_by and pod.gone_by + OVERDUE > now)


def _judged(pod: PodSeen, now: datetime) -> PodSeen:
    if pod.gone_by is None or now < pod.gone_by + OVERDUE:
        return pod
    reason, where = Reason.POD_STUCK, f"on the node {pod.node}" if pod.node else "which has no node"
    message = f"The pod {pod.name}, {where}, was deleted and does not end. {REMEDIES[reason]}"
    return replace(pod, trouble=Trouble(POD, reason, message, pod.name))
