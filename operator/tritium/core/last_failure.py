"""The last failure: what is wrong, or was a moment ago. It ends with its cause, and stays as long as it explains one.

What is wrong comes and goes while a pod is started again and again; so it is over only when all the pods of that
revision are ready, or are not wanted any more, and not as soon as nothing is to be seen of it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tritium.api.status import Failure
from tritium.core.arms import first_trouble
from tritium.core.findings import refused
from tritium.core.lookup import deployment_of, pods_of, trouble_of
from tritium.core.mirror import mirrored
from tritium.core.mirror import trouble as mirror_trouble
from tritium.core.plan import View
from tritium.core.reasons import Reason
from tritium.core.revision import revision_name
from tritium.core.seen import RevisionSeen, Seen, Trouble
from tritium.core.verdict import failed_smoke_test

OF_A_LISTING: Final = frozenset({"resolve", "Job"})
"""Components of what is wrong before there is a revision."""
_OF_PODS: Final = "Deployment"
"""Component of what keeps pods from being made."""
_NO_FAILURE: Final = frozenset({Reason.STARTING, Reason.NO_REPLICAS, Reason.RESOLVING})


def last_failure(view: View, before: Failure | None, now: datetime) -> Failure | None:
    """What goes wrong now; else what did, until its cause is gone."""
    trouble = _failure(view)
    if trouble is None:
        return before if before and _lasts(view, before) else None
    if before and (before.component, before.reason, before.message) == (
        trouble.component,
        trouble.reason,
        trouble.message,
    ):
        return before  # the same failure, of another pod perhaps: nothing new to tell
    return Failure(component=trouble.component, pod=trouble.pod, reason=trouble.reason, message=trouble.message, at=now)


def _failure(view: View) -> Trouble | None:
    target, course, seen = view.target, view.course, view.seen
    stable = trouble_of(seen, course.stable) if course.stable else None
    refusal = refused(seen) or seen.preview_refusal
    from_refusal = Trouble(refusal.kind, refusal.reason, refusal.message) if refusal else None
    arm = first_trouble(view.wish, course, seen)
    copies = mirror_trouble(view.wish, course, seen)
    for trouble in (course.trouble, target.trouble, _of_rejected(view), from_refusal, stable, arm, copies):
        if trouble and trouble.reason not in _NO_FAILURE:
            return trouble
    return None


def _of_rejected(view: View) -> Trouble | None:
    """What is wrong with the pods of the revision that is asked for, and was turned down."""
    wanted = view.target.revision
    if wanted is None or not view.course.ledger.rejection(wanted.number):
        return None
    return failed_smoke_test(pods_of(view.seen, wanted), view.seen) or trouble_of(view.seen, wanted)


def _lasts(view: View, failure: Failure) -> bool:
    """Whether a failure that is not to be seen now is not over."""
    if _explains(view, failure):
        return True
    if failure.component in OF_A_LISTING:  # of the spec's own source it would be seen
        return any(arm.source and arm.source.resolution for arm in view.course.arms)
    return any(_wants_pods(view.seen, each) for each in _concerned(view, failure))


def _explains(view: View, failure: Failure) -> bool:
    """Whether it is why the revision that is asked for was turned down: what was over by then is gone since then."""
    wanted, course = view.target.revision, view.course
    rejection = course.ledger.rejection(wanted.number) if wanted and course.candidate is None else None
    if wanted is None or rejection is None:
        return False
    is_told = failure.reason == rejection.reason or failure.message in (rejection.message or "")
    return is_told or _is_of(view, failure, wanted)


def _concerned(view: View, failure: Failure) -> Iterator[RevisionSeen]:
    """The revisions whose pods it may be of; of one that is not to serve anything it is of no concern."""
    course = view.course
    arms = (arm.revision for arm in course.arms)
    for each in (course.candidate, course.stable, mirrored(view.wish, course, view.seen), *arms):
        if each and (failure.component == _OF_PODS or _is_of(view, failure, each)):
            yield each


def _is_of(view: View, failure: Failure, revision: RevisionSeen) -> bool:
    if failure.pod is None:
        return False
    known = next((pod.revision for pod in view.seen.pods if pod.name == failure.pod), None)
    named = failure.pod.startswith(f"{revision_name(view.wish.name, revision.hash)}-")
    return known == revision.hash or (known is None and named)


def _wants_pods(seen: Seen, revision: RevisionSeen) -> bool:
    """Whether not all of its pods are ready."""
    deployment = deployment_of(seen, revision)
    return deployment is not None and sum(pod.ready for pod in pods_of(seen, revision)) < deployment.replicas
