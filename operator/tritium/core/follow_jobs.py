"""The Jobs that look for changes at sources, as Kubernetes stores them: what they told, and what keeps them from it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from tritium.api.follow import FollowResult
from tritium.core.pod_facts import Object, condition, is_true, main_statuses, state
from tritium.core.pod_trouble import pod_trouble
from tritium.core.reasons import Reason
from tritium.core.seen import FollowSeen, Trouble


@dataclass(frozen=True, slots=True)
class FollowJob:
    """A Job that looks for changes.

    Attributes:
        ended: when it ended, if it has.
        told: what it told, by the ModelDeployment's name.
        trouble: what keeps its newest pod from looking.
    """

    name: str
    uid: str
    ended: datetime | None
    told: dict[str, FollowSeen]
    trouble: Trouble | None


def follow_job(job: Object, pods: Sequence[Object]) -> FollowJob:
    """Read a Job.

    Args:
        job: the Job.
        pods: of which those that it owns are looked at.
    """
    metadata, ended = job["metadata"], _ended(job)
    own = sorted(_owned(job, pods), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    found = next((each for pod in reversed(own) if (each := _result(pod))), None) if ended else None
    trouble = pod_trouble(own[-1]) if own and not ended else None
    return FollowJob(
        name=metadata["name"],
        uid=metadata["uid"],
        ended=ended,
        told=_told(found, ended) if found and ended else {},
        # A pod that is only starting keeps nothing from being noticed.
        trouble=trouble if trouble and trouble.reason != Reason.STARTING else None,
    )


def _ended(job: Object) -> datetime | None:
    for kind in ("Complete", "Failed"):
        if is_true(job, kind):
            return datetime.fromisoformat(condition(job, kind)["lastTransitionTime"])
    return None


def _owned(job: Object, pods: Iterable[Object]) -> Iterator[Object]:
    uid = job["metadata"]["uid"]
    for pod in pods:
        if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences") or ()):
            yield pod


def _result(pod: Object) -> FollowResult | None:
    for each in main_statuses(pod):
        try:
            return FollowResult.model_validate_json(state(each, "terminated").get("message") or "")
        except ValidationError:
            continue
    return None


def _told(result: FollowResult, at: datetime) -> dict[str, FollowSeen]:
    return {
        each.name: FollowSeen(each.written, each.before, at, each.fingerprint, each.failure) for each in result.reports
    }
