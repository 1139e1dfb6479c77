"""Looks things up in a snapshot: a revision's pods, its Deployment, and what keeps them from being ready."""

from dataclasses import replace
from typing import Final

from tritium.core.diagnosis import worst
from tritium.core.reasons import Reason
from tritium.core.seen import DeploymentSeen, PodSeen, Refusal, RevisionSeen, Seen, Trouble

BEFORE_A_REVISION: Final = frozenset({"Job", "ControllerRevision"})
"""Kinds of what is needed to have a revision; all others are needed to serve it."""
_FOR_WANT_OF_ROOM: Final = frozenset({Reason.UNSCHEDULABLE, Reason.NO_GPU, Reason.QUOTA})


def pods_of(seen: Seen, revision: RevisionSeen) -> tuple[PodSeen, ...]:
    """A revision's pods that are not on their way out."""
    return tuple(pod for pod in seen.pods if pod.revision == revision.hash and not pod.terminating)


def deployment_of(seen: Seen, revision: RevisionSeen) -> DeploymentSeen | None:
    """A revision's Deployment."""
    return next((each for each in seen.deployments if each.revision == revision.hash), None)


def trouble_of(seen: Seen, revision: RevisionSeen) -> Trouble | None:
    """What keeps a revision's pods from being ready, the worst of it."""
    return worst(_troubles(seen, revision))


def want_of_room(seen: Seen, revision: RevisionSeen | None) -> Trouble | None:
    """What a revision's pods find no room for, so that it would help if others gave pods up."""
    found = _troubles(seen, revision) if revision else []
    return worst(each for each in found if each.reason in _FOR_WANT_OF_ROOM)


def comes_first(seen: Seen, stable: RevisionSeen | None) -> Trouble | None:
    """Why the stable revision gets the room there is: one of its pods finds none.

    Also when none of them is ready: a candidate that took the last GPU and never got ready would prolong an outage.
    """
    trouble = want_of_room(seen, stable)
    if stable is None or trouble is None:
        return None
    return replace(trouble, message=f"revision {stable.number} comes first: {trouble.message}")


def refusal_as_trouble(refusal: Refusal) -> Trouble:
    """An object that could not be had, as what keeps a revision back."""
    return Trouble(refusal.kind, refusal.reason, refusal.message)


def _troubles(seen: Seen, revision: RevisionSeen) -> list[Trouble]:
    found = [pod.trouble for pod in pods_of(seen, revision) if pod.trouble and not pod.ready]
    deployment = deployment_of(seen, revision)
    return [*found, *([deployment.trouble] if deployment and deployment.trouble else [])]
