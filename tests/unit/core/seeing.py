"""Short ways to say what a pass sees, for tables of tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tritium.api.fetch import FetchReason, FetchResult
from tritium.api.status import LastAction, ModelDeploymentStatus
from tritium.core.decide import decide
from tritium.core.reasons import Reason
from tritium.core.revision import revision_hash
from tritium.core.seen import (
    Answer,
    DeploymentSeen,
    PodSeen,
    ResolutionSeen,
    RevisionSeen,
    Seen,
    ServiceSeen,
    SmokeSeen,
    Trouble,
)
from tritium.core.wish import Action, Wish

NOW: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
BAKE: Final = timedelta(minutes=10)
RETRY: Final = Action("retry", "7")
RETRIED: Final = LastAction(verb=RETRY.verb, token=RETRY.token, at=NOW)

A, B, C = (revision_hash(written, "sha256:1") for written in "abc")
"""The names of the revisions of the specs a, b and c."""

STARTING: Final = Trouble("pod", Reason.STARTING, "The pod waits for a node.")
NO_IMAGE: Final = Trouble("triton", Reason.IMAGE_PULL, "The image cannot be pulled.")
NO_ROOM: Final = Trouble("pod", Reason.UNSCHEDULABLE, "No node has room.")
NO_GPU: Final = Trouble("pod", Reason.NO_GPU, "No node has a GPU free.")
QUOTA: Final = Trouble("Deployment", Reason.QUOTA, "No pod can be made.")
CRASHED: Final = Trouble("triton", Reason.SERVER_CRASHED, "Triton ended.")
BROKEN: Final = Trouble("triton", Reason.MODEL_LOAD_FAILED, "Triton cannot load the model.", "pod", rejects=True)
DENIED: Final = Trouble("resolve", FetchReason.ACCESS_DENIED, "The bucket says no.")


def after(**passed: float) -> datetime:
    """So long after noon."""
    return NOW + timedelta(**passed)


def wish(written: str = "a", **others: Any) -> Wish:
    """A spec, by the one letter that its written fields are."""
    asked = Wish("ml", "fraud", 1, "fraud", written, 1, BAKE, history_limit=5)
    return replace(asked, **others)


def revision(number: int, written: str = "a", source: int = 1) -> RevisionSeen:
    """A kept revision: a spec, and the state of its source."""
    fingerprint = f"sha256:{source}"
    name = revision_hash(written, fingerprint)
    return RevisionSeen(name, number, written, fingerprint, NOW, {"spec": {}}, "fraud")


def pod(
    name: str, of: RevisionSeen, trouble: Trouble | None = None, *, ready: bool | None = None, **others: Any
) -> PodSeen:
    """A pod; without a trouble it is ready."""
    is_ready = trouble is None if ready is None else ready
    seen = PodSeen(name, f"uid-{name}", of.hash, NOW, "10.0.0.7", ready=is_ready, trouble=trouble)
    return replace(seen, **others)


def pods(of: RevisionSeen, count: int = 1) -> tuple[PodSeen, ...]:
    """Ready ones."""
    return tuple(pod(f"{of.hash}-{number}", of) for number in range(count))


def job(
    key: str = "a", attempt: int = 1, *, found: int | None = None, trouble: Trouble | None = None
) -> ResolutionSeen:
    """A resolution; with what it found, or its trouble, it has ended at noon."""
    result = None if found is None else FetchResult(fingerprint=f"sha256:{found}", files=2, bytes=10)
    finished = NOW if found is not None or trouble else None
    return ResolutionSeen(f"job-{attempt}", key, attempt, NOW, finished, result, trouble)


def service(to: RevisionSeen) -> ServiceSeen:
    """The Service."""
    return ServiceSeen(to.hash, to.number)


def failed(*of: PodSeen) -> dict[str, SmokeSeen]:
    """Pods that answered their smoke test wrongly."""
    return {each.uid: SmokeSeen(Answer.FAILED, "y: 2 is not 3.") for each in of}


def passed(*of: PodSeen) -> dict[str, SmokeSeen]:
    """Pods that answered it rightly."""
    return {each.uid: SmokeSeen(Answer.PASSED) for each in of}


def deployments(**replicas: int) -> tuple[DeploymentSeen, ...]:
    """By the letter of a spec, for its first source."""
    return tuple(DeploymentSeen(revision_hash(written, "sha256:1"), count) for written, count in replicas.items())


def serving(of: RevisionSeen, *others: RevisionSeen, count: int = 1, **changes: Any) -> Seen:
    """The first revision serves; the others are kept without pods."""
    scaled = tuple(DeploymentSeen(each.hash, count if each is of else 0) for each in (of, *others))
    snapshot = Seen(revisions=(of, *others), deployments=scaled, pods=pods(of, count), service=service(of))
    return replace(snapshot, **changes)


def status_of(wanted: Wish, snapshot: Seen, now: datetime = NOW) -> ModelDeploymentStatus:
    """The status after a pass that saw this, from nothing: what the Service selects is adopted."""
    return decide(wanted, ModelDeploymentStatus(), snapshot, now).status
