"""The status: what is there and what goes on. Only the operator writes it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from tritium.api.conditions import Condition, known
from tritium.api.object import Observed
from tritium.api.traffic_status import TrafficObserved, TrafficStatus
from tritium.api.values import Count, HashOf, Percent, Revision, Sentence, Word

STABLE_ARM: Final = "stable"
"""Among the arms of an experiment: what they are compared with. No arm has this name."""


class Phase(StrEnum):
    """Where the rollout stands; `docs/architecture.md` has the table."""

    IDLE = "Idle"
    INITIAL = "Initial"
    PREPARING = "Preparing"
    BLOCKED = "Blocked"
    PROGRESSING = "Progressing"
    PAUSED = "Paused"
    PROMOTING = "Promoting"
    FINALIZING = "Finalizing"
    ABORTING = "Aborting"
    ABORTED = "Aborted"
    SUPERSEDING = "Superseding"


class StableStatus(Observed):
    """The revision that serves."""

    revision: Revision
    """Its number."""
    digest: HashOf | None = None
    """Digest of its model's bytes."""
    weight: Percent | None = None
    """Percent of the traffic it has."""
    replicas: Count | None = None
    """Pods it should have."""
    ready_replicas: Count | None = None
    """Pods that are ready."""


class GateStatus(Observed):
    """What one gate sees."""

    name: Word
    """errors, latency, restarts, or the name of a query."""
    verdict: Literal["Pass", "Fail", "Inconclusive"]
    """What it makes of it."""
    requests: Count | None = None
    """n: the candidate's requests in this step."""
    bad: Count | None = None
    """k: those of them that failed or were slow."""
    lower: float | None = None
    """Lower bound of the candidate's share (Wilson)."""
    upper: float | None = None
    """Upper bound of the candidate's share (Wilson)."""
    stable_share: float | None = None
    """The stable revision's share."""
    limit: float | None = None
    """The share that the gate allows."""
    value: float | None = None
    """Result of the query."""
    since: datetime | None = None
    """Since when the verdict is the same."""
    message: Sentence | None = None
    """Why a query has no result."""


class PauseStatus(Observed):
    """A rollout waits for a person."""

    reason: Word
    """Why, in one word."""
    since: datetime
    """Since when."""
    message: Sentence | None = None
    """What a gate said then."""


class CandidateStatus(Observed):
    """The revision that is being rolled out."""

    revision: Revision
    """Its number."""
    digest: HashOf | None = None
    """Digest of its model's bytes."""
    weight: Percent | None = None
    """Percent of the traffic it has."""
    replicas: Count | None = None
    """Pods it should have."""
    ready_replicas: Count | None = None
    """Pods that are ready."""
    settings: Annotated[str, Field(max_length=65536)] | None = None
    """spec.rollout when it began, as JSON."""
    step: Count | None = None
    """Step of the rollout, from 0."""
    step_started_at: datetime | None = None
    """When every gateway pod had the step's weight."""
    begun: Count | None = None
    """Last step begun, from 1."""
    judged_since: datetime | None = None
    """Since when the gates count."""
    restarts: Count | None = None
    """Restarts of its containers until then."""
    paused: PauseStatus | None = None
    """Why it waits."""
    by_hand: bool | None = None
    """A person has promoted it: it waits for pods."""
    waiting_since: datetime | None = None
    """Since when it waits for pods or the gateway."""
    gates: list[GateStatus] | None = Field(default=None, max_length=16)
    """What the gates see in this step."""
    gates_at: datetime | None = None
    """When that was written."""


class Quantile(Observed):
    """How long requests take, and between which bounds that surely is (95 %)."""

    quantile: float
    """0.5 is the median."""
    ms: float
    """Milliseconds."""
    lower: float
    """Lower bound."""
    upper: float
    """Upper bound."""


class ArmStatus(Observed):
    """One arm of an experiment, and what it did. The last one is the stable revision, if no arm is."""

    name: Word
    """Name of the arm."""
    revision: Revision | None = None
    """The revision it serves."""
    overlay: HashOf | None = None
    """Hash of the overlay that it was made from."""
    weight: Percent | None = None
    """Percent of the traffic it has."""
    replicas: Count | None = None
    """Pods it should have."""
    ready_replicas: Count | None = None
    """Pods that are ready."""
    message: Sentence | None = None
    """What keeps it from its part."""
    requests: Count | None = None
    """Requests so far."""
    errors: Count | None = None
    """Failed requests so far."""
    lower: float | None = None
    """Lower bound of the share that fails (95 %)."""
    upper: float | None = None
    """Upper bound of it."""
    latency: list[Quantile] | None = Field(default=None, max_length=4)
    """Quantiles."""
    buckets: list[Count] | None = Field(default=None, max_length=32)
    """Requests by the gateway's classes of latency."""
    counted_at: datetime | None = None
    """When the numbers were written."""


class ExperimentEnded(Observed):
    """An experiment that is over while it still stands in the spec."""

    written: HashOf
    """Hash of it: another one runs."""
    reason: Word
    """Why, in one word."""
    at: datetime
    """When."""


class RevisionStatus(Observed):
    """A kept revision."""

    revision: Revision
    """Its number, for pinRevision."""
    name: Word
    """Name of its ControllerRevision."""
    written: HashOf
    """Hash of the fields it was made from."""
    fingerprint: HashOf | None = None
    """Fingerprint of the source when it was listed."""
    digest: HashOf | None = None
    """Digest of the bytes at the first fetch; later ones must match."""
    created_at: datetime | None = None
    """When it was made."""
    promoted_at: datetime | None = None
    """When it last became stable. Absent: never."""
    exposed_at: datetime | None = None
    """When it first had a share of the traffic."""
    demoted_at: datetime | None = None
    """When it last stopped being stable."""
    mismatch: Sentence | None = None
    """How its tensors differ from those of what serves."""


class SourceStatus(Observed):
    """What the source was last found to hold, where changes of it are looked for."""

    written: HashOf
    """Hash of the fields that it is part of."""
    fingerprint: HashOf
    """Fingerprint of the source."""
    at: datetime
    """When it was listed."""


class RejectedRevision(Observed):
    """A revision that is not tried again until the action retry."""

    revision: Revision
    """Its number."""
    reason: Word
    """Why, in one word."""
    message: Sentence | None = None
    """Why, in a sentence."""
    at: datetime | None = None
    """When."""
    smoke_tests: HashOf | None = None
    """Hash of the smoke tests that it failed: with others it is tried again."""


class Failure(Observed):
    """The last thing that went wrong in a pod."""

    component: Word
    """fetch, triton, gateway, or the kind of object that was refused."""
    pod: Annotated[str, Field(max_length=253)] | None = None
    """The pod, where there is one."""
    reason: Word
    """Why, in one word."""
    message: Sentence
    """What happened, and what to do."""
    at: datetime | None = None
    """When it was first seen."""


class LastAction(Observed):
    """The last one-shot action that was carried out."""

    verb: Word
    """promote, abort, pause, resume, retry or skip-step."""
    token: Word
    """Its token: none is carried out twice."""
    at: datetime | None = None
    """When."""


class LastRollback(Observed):
    """The last time traffic went back."""

    from_revision: Revision
    """Away from this revision."""
    to_revision: Revision
    """Back to this one."""
    reason: Word
    """Why, in one word."""
    message: Sentence | None = None
    """Why, in a sentence."""
    at: datetime | None = None
    """When."""


class CapacityStatus(Observed):
    """What a pod of one revision was seen to do."""

    revision: Revision
    """Its number."""
    rps: float
    """Requests a second."""
    windows: Count
    """How often that was seen."""


class ScalingStatus(Observed):
    """Why there are as many replicas as there are."""

    desired: Count
    """Replicas that are wanted."""
    changed_at: datetime
    """Since when."""
    recommended: Count | None = None
    """What would be wanted, with mode Recommend."""
    signal: Word | None = None
    """The signal that decides."""
    value: float | None = None
    """Its value."""
    need: float | None = None
    """Pods that this calls for."""
    limited_by: Word | None = None
    """What keeps desired from that, see docs/scaling.md."""
    capacity: CapacityStatus | None = None
    """What a pod can do."""
    cold_start_seconds: Count | None = None
    """How long a pod took to be ready."""
    message: Sentence | None = None
    """The same as a sentence."""
    at: datetime | None = None
    """When value was read."""


class ModelDeploymentStatus(Observed):
    """What is there and what goes on."""

    observed_generation: Count | None = None
    """The generation of the spec that the rest is about. Written last."""
    phase: Phase | None = None
    """Where the rollout stands."""
    reason: Word | None = None
    """What goes on, or stands in the way, in one word; docs/conditions.md says what to do."""
    url: Annotated[str, Field(max_length=512)] | None = None
    """Address of the model inside the cluster."""
    preview_url: Annotated[str, Field(max_length=512)] | None = None
    """Address of the preview."""
    stable: StableStatus | None = None
    """The revision that serves."""
    candidate: CandidateStatus | None = None
    """The revision that is being rolled out."""
    arms: list[ArmStatus] | None = Field(default=None, max_length=9)
    """The arms of the experiment."""
    experiment_ended: ExperimentEnded | None = None
    """Why the experiment is over."""
    source: SourceStatus | None = None
    """The source's state that is followed, with source.pollInterval."""
    revisions: list[RevisionStatus] | None = Field(default=None, max_length=64)
    """Kept revisions."""
    fetching: Word | None = None
    """How far pods are that fetch the model for long."""
    rejected_revisions: list[RejectedRevision] | None = Field(default=None, max_length=64)
    """Revisions that are not tried again."""
    last_rollback: LastRollback | None = None
    """The last time traffic went back."""
    last_failure: Failure | None = None
    """The last thing that went wrong in a pod."""
    last_action: LastAction | None = None
    """The last one-shot action."""
    traffic: TrafficStatus | None = None
    """The contract with the gateway."""
    traffic_observed: TrafficObserved | None = None
    """What the gateway runs."""
    scaling: ScalingStatus | None = None
    """Why there are as many replicas as there are."""
    replicas: Count | None = None
    """Pods of the stable revision."""
    selector: Annotated[str, Field(max_length=1024)] | None = None
    """Label selector of the stable revision's pods, for the scale subresource."""
    conditions: (
        Annotated[
            list[Condition],
            BeforeValidator(known),
            Field(
                max_length=16,
                json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
            ),
        ]
        | None
    ) = None
    """What is true, since when, and why."""
