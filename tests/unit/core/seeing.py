"""Short ways to say what a pass sees, for tables of tests.

Where a test says nothing of the gateway, its two pods run what the status tells and know all pods that are ready. Where
it says nothing of what pods tell of their model's tensors, they were asked and are all alike.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tritium.api.fetch import FetchReason, FetchResult
from tritium.api.status import LastAction, ModelDeploymentStatus
from tritium.api.traffic_status import RevisionTraffic, TrafficStatus
from tritium.core import decide as deciding
from tritium.core.plan import Plan
from tritium.core.reasons import Reason
from tritium.core.revision import revision_hash
from tritium.core.seen import (
    Answer,
    DeploymentSeen,
    GatewayAnswer,
    GatewaySeen,
    PodSeen,
    ResolutionSeen,
    RevisionSeen,
    Seen,
    ServiceSeen,
    SignatureSeen,
    SmokeSeen,
    Trouble,
)
from tritium.core.signature import Signature, Tensor
from tritium.core.wish import Action, Wish

NOW: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
BAKE: Final = timedelta(minutes=10)
RETRY: Final = Action("retry", "7")
RETRIED: Final = LastAction(verb=RETRY.verb, token=RETRY.token, at=NOW)
PORT: Final = 10_374
ALL: Final = 10_000
"""All of the traffic."""

SIGNATURE: Final = Signature((Tensor("X", "FP32", (-1, 2)),), (Tensor("Y", "FP32", (-1, 1)),))

Gateway = Callable[[TrafficStatus | None, Seen], tuple[GatewaySeen, ...]]
"""The gateway's pods, when it is told that and there are those pods of models."""

A, B, C = (revision_hash(written, "sha256:1") for written in "abc")
"""The names of the revisions of the specs a, b and c."""

STARTING: Final = Trouble("pod", Reason.STARTING, "The pod waits for a node.")
NO_IMAGE: Final = Trouble("triton", Reason.IMAGE_PULL, "The image cannot be pulled.")
NO_ROOM: Final = Trouble("pod", Reason.UNSCHEDULABLE, "No node has room.")
LOST: Final = Trouble("pod", Reason.POD_LOST, "The node does not answer.")
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
    """The Service, when that revision is stable."""
    return ServiceSeen(to.number, PORT)


def selecting(to: RevisionSeen) -> ServiceSeen:
    """The Service from before there was a gateway."""
    return ServiceSeen(to.number, revision=to.hash)


def failed(*of: PodSeen) -> dict[str, SmokeSeen]:
    """Pods that answered their smoke test wrongly."""
    return {each.uid: SmokeSeen(Answer.FAILED, "y: 2 is not 3.") for each in of}


def passed(*of: PodSeen) -> dict[str, SmokeSeen]:
    """Pods that answered it rightly."""
    return {each.uid: SmokeSeen(Answer.PASSED) for each in of}


def described(signature: Signature, *of: PodSeen) -> dict[str, SignatureSeen]:
    """Pods that have said which tensors their model has."""
    return {each.uid: SignatureSeen(signature) for each in of}


def deployments(**replicas: int) -> tuple[DeploymentSeen, ...]:
    """By the letter of a spec, for its first source."""
    return tuple(DeploymentSeen(revision_hash(written, "sha256:1"), count) for written, count in replicas.items())


def told(version: int, *shares: tuple[RevisionSeen, int], **others: Any) -> TrafficStatus:
    """What the gateway is told: revisions and their weights."""
    parts = [
        RevisionTraffic(revision=each.number, service=f"fraud-{each.hash}", weight=weight) for each, weight in shares
    ]
    return TrafficStatus(version=version, revisions=parts, **{"port": PORT, "model": "fraud", **others})


def weights(of: TrafficStatus | None) -> dict[int, int]:
    """By the revision's number."""
    return {each.revision: each.weight for each in (of.revisions or () if of else ())}


def answer(runs: TrafficStatus | None, endpoints: dict[int, int] | None = None, **changes: Any) -> GatewayAnswer:
    """What a gateway pod says that runs this."""
    version, preview = (runs.version, runs.preview) if runs else (None, None)
    holds = runs.hold.since if runs and runs.hold and runs.hold.asleep else 0
    said = GatewayAnswer(True, "1.40.0", version, weights(runs), endpoints or {}, preview=preview, holds=holds)
    return replace(said, **changes)


def gateway(says: GatewayAnswer | None, name: str = "gw-a", **changes: Any) -> GatewaySeen:
    """A gateway pod that is ready."""
    return replace(GatewaySeen(name, ready=True, answer=says), **changes)


def endpoints(wanted: TrafficStatus | None, sees: Seen) -> dict[int, int]:
    """Pods that are ready, by the number of their revision, also where its record is gone."""
    hashes = {each.number: each.hash for each in sees.revisions}
    hashes |= {each.revision: each.service.rpartition("-")[2] for each in (wanted.revisions or () if wanted else ())}
    return {number: sum(pod.ready and pod.revision == name for pod in sees.pods) for number, name in hashes.items()}


def following(wanted: TrafficStatus | None, sees: Seen) -> tuple[GatewaySeen, ...]:
    """All is well."""
    return tuple(gateway(answer(wanted, endpoints(wanted, sees)), name) for name in ("gw-a", "gw-b"))


def beside(change: Callable[[GatewaySeen], GatewaySeen]) -> Gateway:
    """One pod follows, and the other is not quite as well."""

    def behaving(wanted: TrafficStatus | None, sees: Seen) -> tuple[GatewaySeen, ...]:
        well, other = following(wanted, sees)
        return well, change(other)

    return behaving


def saying(**changes: Any) -> Gateway:
    """One pod follows, and the other says something else."""
    return beside(lambda pod: replace(pod, answer=replace(pod.answer or answer(None), **changes)))


def lagging(runs: TrafficStatus | None, **changes: Any) -> Gateway:
    """One pod still runs what was told before."""
    before = {"version": runs.version if runs else None, "preview": runs.preview if runs else None}
    return saying(weights=weights(runs), **before, **changes)


def unaware_of(*revisions: RevisionSeen) -> Gateway:
    """One pod knows no endpoint of these."""

    def forget(pod: GatewaySeen) -> GatewaySeen:
        known = dict(pod.answer.endpoints) if pod.answer else {}
        return replace(pod, answer=replace(pod.answer or answer(None), endpoints=known | gone))

    gone = {each.number: 0 for each in revisions}
    return beside(forget)


def not_asked(wanted: TrafficStatus | None, sees: Seen) -> tuple[GatewaySeen, ...]:
    """The one that answered has gone, and the one in its place became ready a moment ago."""
    return (gateway(None, asked=False, trouble=STARTING),)


def unready(trouble: Trouble | None = None) -> Gateway:
    """No pod is ready."""
    return lambda *_: tuple(gateway(None, name, ready=False, trouble=trouble) for name in ("gw-a", "gw-b"))


def absent(wanted: TrafficStatus | None, sees: Seen) -> tuple[GatewaySeen, ...]:
    """There is no pod yet."""
    return ()


silent: Final = beside(lambda pod: replace(pod, answer=None))
"""One pod does not answer."""
unsynced: Final = saying(synced=False)
"""One pod has what it runs from its disk, and does not follow the API server."""


def with_gateway(snapshot: Seen, wanted: TrafficStatus | None, behaving: Gateway = following) -> Seen:
    """With the gateway's pods, and a port on them; and with pods that tell of their models."""
    alike = snapshot.signatures or described(SIGNATURE, *snapshot.pods)
    return replace(snapshot, gateways=behaving(wanted, snapshot), port=PORT, signatures=alike)


def decide(
    wanted: Wish, status: ModelDeploymentStatus, snapshot: Seen, now: datetime, behaving: Gateway = following
) -> Plan:
    """The decision, where the gateway has read this status."""
    return deciding.decide(wanted, status, with_gateway(snapshot, status.traffic, behaving), now)


def serving(of: RevisionSeen, *others: RevisionSeen, count: int = 1, **changes: Any) -> Seen:
    """The first revision serves; the others are kept without pods."""
    scaled = tuple(DeploymentSeen(each.hash, count if each is of else 0) for each in (of, *others))
    snapshot = Seen(revisions=(of, *others), deployments=scaled, pods=pods(of, count), service=service(of))
    return replace(snapshot, **changes)


def status_of(wanted: Wish, snapshot: Seen, now: datetime = NOW) -> ModelDeploymentStatus:
    """The status after a pass that saw this, from nothing: what the Service tells of is adopted."""
    return decide(wanted, ModelDeploymentStatus(), snapshot, now).status
