"""What a pass sees: one immutable snapshot of everything a decision is made from.

The fields are facts, already read out of Kubernetes' objects and freed of what no decision needs. What is absent on
the server is absent here; nothing is assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tritium.api.fetch import FetchFailure, FetchProgress, FetchResult
from tritium.core.sample import Sample
from tritium.core.scaling.work import Work
from tritium.core.signature import Signature


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps a pod, or an object that makes pods, from doing its work.

    Attributes:
        component: `fetch`, `triton`, `resolve`, or the kind of an object that was refused.
        reason: one word, from `core.reasons`.
        message: what happened and what to do, without counters and times, so that it stays the same while it lasts.
        pod: the pod's name, where there is one.
        rejects: the model itself is at fault (digest, layout, load), beyond doubt: trying again cannot help.
    """

    component: str
    reason: str
    message: str
    pod: str | None = None
    rejects: bool = False


@dataclass(frozen=True, slots=True)
class PodSeen:
    """A pod of a revision.

    Attributes:
        revision: eight characters of the revision it serves.
        ready: its condition Ready is True, and it is not being deleted.
        terminating: it is being deleted.
        fetched: what its fetch answered, once that ended.
        trouble: what keeps it from being ready; or from being gone, if it is being deleted.
        restarts: how often Triton was started again.
        moved: when it last came further: it was made, had fetched the model, became ready.
        placed: when it got its node.
        at_work: it fetches or loads the model, for the first time.
        fetching: its fetch runs.
        node: the node that it is on.
        gone_by: when it should be gone, if it is being deleted.
    """

    name: str
    uid: str
    revision: str
    created: datetime
    ip: str | None = None
    ready: bool = False
    terminating: bool = False
    fetched: FetchResult | None = None
    trouble: Trouble | None = None
    restarts: int = 0
    moved: datetime | None = None
    placed: datetime | None = None
    at_work: bool = False
    fetching: bool = False
    node: str | None = None
    gone_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class RevisionSeen:
    """A kept revision: its ControllerRevision.

    Attributes:
        hash: the eight characters that name it.
        number: 1, 2, 3 …
        written: hash of the fields it was made from (`core.revision.written_hash`).
        template: the pod template, used verbatim ever after.
        model: name of the model in Triton.
    """

    hash: str
    number: int
    written: str
    fingerprint: str
    created: datetime
    template: Mapping[str, Any]
    model: str


@dataclass(frozen=True, slots=True)
class DeploymentSeen:
    """The Deployment of a revision.

    Attributes:
        replicas: what it was asked for.
        trouble: why it cannot make pods, such as a quota.
    """

    revision: str
    replicas: int
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class ResolutionSeen:
    """A Job that lists a source.

    Attributes:
        written: hash of the fields it resolves.
        attempt: which try it is, from 1.
        finished: when it ended, well or badly.
        result: what it answered.
        trouble: what keeps it from answering.
        has_pod: a pod of it is seen.
    """

    name: str
    written: str
    attempt: int
    created: datetime
    finished: datetime | None = None
    result: FetchResult | None = None
    trouble: Trouble | None = None
    has_pod: bool = True


@dataclass(frozen=True, slots=True)
class FollowSeen:
    """What was told of the source by a Job that looks for changes.

    Attributes:
        written: hash of the fields that the source is part of.
        before: the fingerprint that it was compared with.
        told: when the Job ended.
        fingerprint: what the source has now; none where that could not be listed, or is as before.
        failure: why it could not be listed.
    """

    written: str
    before: str
    told: datetime
    fingerprint: str | None = None
    failure: FetchFailure | None = None


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """The Service that clients use.

    Attributes:
        number: the stable revision, from the annotation.
        port: the gateway's port it leads to; none where it leads to pods of a revision.
        revision: eight characters of that revision. Before there was a gateway the Service selected its pods.
    """

    number: int | None = None
    port: int | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """What a gateway pod says it does for one ModelDeployment.

    Attributes:
        synced: it follows the API server; what it has from its disk may be old.
        version: of `status.traffic`, all of it acknowledged by its Envoy; none where it has nothing for this one.
        weights: of that version, out of 10,000, by the revision's number.
        endpoints: that Envoy has, by the revision's number.
        rejected: what Envoy said of a newer version that it refused.
        preview: number of the revision on its preview port; none where it does not listen there.
        holds: the sleep in which it holds requests, 0 while it holds none; none where it is too old to hold any.
    """

    synced: bool
    envoy: str = ""
    version: int | None = None
    weights: Mapping[int, int] = field(default_factory=dict)
    endpoints: Mapping[int, int] = field(default_factory=dict)
    rejected: str | None = None
    preview: int | None = None
    holds: int | None = None


@dataclass(frozen=True, slots=True)
class GatewaySeen:
    """A pod of the namespace's gateway.

    Attributes:
        ready: its condition Ready is True, and it is not being deleted.
        terminating: it is being deleted. It goes on with the requests it has.
        trouble: what keeps it from being ready.
        answer: the newest one; none for a pod that has not answered for a while.
        asked: it was asked since it became ready. Before that nothing is known of what it does.
    """

    name: str
    ready: bool = False
    terminating: bool = False
    trouble: Trouble | None = None
    answer: GatewayAnswer | None = None
    asked: bool = True


@dataclass(frozen=True, slots=True)
class WindowSeen:
    """What the candidate and the stable revision did at the same time, as the gateway has counted it.

    Attributes:
        since: when this process began to count; none: as long as the gates have counted.
    """

    candidate: Sample
    stable: Sample
    since: datetime | None = None


class Answer(StrEnum):
    """What a pod made of the smoke test."""

    PASSED = "Passed"
    FAILED = "Failed"
    """It answered, and wrongly: the model's own failure."""
    UNREACHABLE = "Unreachable"
    """It could not be asked; asked again."""


@dataclass(frozen=True, slots=True)
class SmokeSeen:
    """The outcome of the smoke test on one pod, for the tests as they stand in the spec."""

    answer: Answer
    message: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that Prometheus has given, and when."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class QuerySeen:
    """What Prometheus says to one query, since the gates of the rollout's step count.

    Attributes:
        readings: the newest numbers in a row, oldest first; empty where the last answer was none.
        trouble: why the last answer was no number, as a sentence.
        since: since when there has been no number.
        mistake: the query itself is wrong, so that asking again does not help.
        silent: Prometheus could not be asked at all, for which the query can do nothing.
    """

    readings: tuple[Reading, ...] = ()
    trouble: str = ""
    since: datetime | None = None
    mistake: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class SignatureSeen:
    """What a pod says of its model's tensors, or why it does not."""

    signature: Signature | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An object that the operator wanted and did not get.

    Attributes:
        reason: `NameTaken`, `WaitingForCleanup`, or why the API server refused, from `core.reasons`.
        message: a sentence with the object, what is wrong, and the remedy.
    """

    kind: str
    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class LoggerSeen:
    """What writes the request log.

    Attributes:
        trouble: why it does not; none while it does.
    """

    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything about one ModelDeployment at one moment.

    Attributes:
        followed: what was told of changes at the source, by Jobs that have ended.
        unfollowed: why nobody looks for changes there.
        digests: by a revision's eight characters: the digest that its first fetch found, as its ConfigMap keeps it.
        smoke: by the pod's uid, for those that were asked.
        signatures: the same, of what the model takes and gives.
        progress: the same, of how far their fetch is; none where nobody was asked yet.
        refusals: what the last pass could not get.
        port: the gateway's port that this ModelDeployment is to have; none where none could be had yet.
        gateway_trouble: why the namespace's gateway cannot be made, or cannot make pods.
        window: what was counted since the gates of the rollout's step count.
        queries: what Prometheus says to the rollout's queries, by their names.
        has_prometheus: the operator knows a Prometheus.
        totals: by the number of a revision: what it did in the experiment, as far as it is counted.
        preview: the gateway's port that the Service for the preview leads to; none where there is no such Service.
        work: what is known of the work, where the replicas follow it.
        preview_refusal: why that Service could not be had. Nothing waits for it, so it is not among `refusals`.
        logger: what writes the request log; none where nothing does.
        log_refusal: why that could not be had; the same holds for it.
    """

    revisions: tuple[RevisionSeen, ...] = ()
    deployments: tuple[DeploymentSeen, ...] = ()
    pods: tuple[PodSeen, ...] = ()
    resolutions: tuple[ResolutionSeen, ...] = ()
    followed: tuple[FollowSeen, ...] = ()
    unfollowed: Trouble | None = None
    service: ServiceSeen | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    smoke: Mapping[str, SmokeSeen] = field(default_factory=dict)
    signatures: Mapping[str, SignatureSeen] = field(default_factory=dict)
    progress: Mapping[str, FetchProgress] | None = None
    refusals: tuple[Refusal, ...] = ()
    gateways: tuple[GatewaySeen, ...] = ()
    port: int | None = None
    gateway_trouble: Trouble | None = None
    window: WindowSeen | None = None
    queries: Mapping[str, QuerySeen] = field(default_factory=dict)
    has_prometheus: bool = False
    totals: Mapping[int, Sample] = field(default_factory=dict)
    preview: int | None = None
    preview_refusal: Refusal | None = None
    logger: LoggerSeen | None = None
    log_refusal: Refusal | None = None
    work: Work | None = None
