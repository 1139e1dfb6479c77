"""What a pass decided: everything that should be there, and when to look again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tritium.api.fetch import Origin
from tritium.api.status import ModelDeploymentStatus, Phase, SourceStatus
from tritium.core.gate import Gate
from tritium.core.ledger import Ledger
from tritium.core.scaling.size import Sizing
from tritium.core.seen import PodSeen, RevisionSeen, Seen, Trouble
from tritium.core.wish import ArmWish, Wish


@dataclass(frozen=True, slots=True)
class NewRevision:
    """A revision that the resolution of the spec calls for.

    Attributes:
        origin: where a moving reference led; none where the source has none.
    """

    hash: str
    number: int
    written: str
    fingerprint: str
    files: int
    bytes: int
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """A listing of the source that should be under way, or whose answer is still needed.

    Attributes:
        key: what is resolved: the hash of the written fields, and the token of a retry.
        attempt: which try, from 1.
    """

    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Target:
    """Which revision this generation asks for, and what the way there is.

    Attributes:
        revision: the one to serve, once it is known.
        create: the one to be made, from a resolution that answered.
        resolution: the Job that is wanted; none where nothing is to be resolved.
        trouble: why the source could not be listed, so far.
        retry_at: when the next attempt is due.
        pin_missing: `pinRevision` names a revision that is not kept.
        retried: the retry that a person asked for has had its answer.
        source: what the listing found that news of a change had led to.
    """

    revision: RevisionSeen | None = None
    create: NewRevision | None = None
    resolution: Resolution | None = None
    trouble: Trouble | None = None
    retry_at: datetime | None = None
    pin_missing: bool = False
    retried: bool = False
    source: SourceStatus | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm of the experiment that runs.

    Attributes:
        revision: the one that it serves; none while it is not known, or not kept.
        source: the way to its revision, where that has to be made first.
    """

    wish: ArmWish
    revision: RevisionSeen | None = None
    source: Target | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """Where the rollout stands after this pass.

    Attributes:
        ledger: what must be written before anything below is done.
        stable: the revision that the traffic should go to.
        candidate: the revision that is being made ready.
        trouble: what keeps the candidate back.
        held: numbers of revisions that keep the pods they have for a while, and until when.
        gates: what the gates see of the candidate.
        arms: of the experiment that runs; none if none runs.
        tried: numbers of the revisions that are arms, or were until now: none of them leads.
    """

    phase: Phase
    ledger: Ledger
    stable: RevisionSeen | None = None
    candidate: RevisionSeen | None = None
    trouble: Trouble | None = None
    held: Mapping[int, datetime] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    arms: tuple[Arm, ...] = ()
    tried: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class View:
    """What a status is written from: what is asked for, what was decided, and what is there.

    Attributes:
        served: the condition Ready was True before this pass.
        sizing: why there are as many replicas as there are; none without scaling.
    """

    wish: Wish
    target: Target
    course: Course
    seen: Seen
    digests: Mapping[str, str]
    served: bool = False
    sizing: Sizing | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """An Event to be told once: something changed that a person should know."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ServiceWish:
    """The Service that clients use: the gateway's port that it leads to, and the stable revision it tells of."""

    port: int
    number: int


@dataclass(frozen=True, slots=True)
class PreviewWish:
    """The Service on which the next revision can be looked at.

    Attributes:
        kept: it stays if it is there.
        port: the gateway's port that it should lead to now; none where it is not to be touched.
    """

    kept: bool = False
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The result of `decide`.

    Attributes:
        target, course: how it came about.
        status: the whole status as it should be written in the end.
        service: where the Service should lead now; none where it is not to be touched.
        logs: there is to be something that writes the request log.
        preview: whether there is to be a Service for the preview, and the gateway's port it should lead to now.
        replicas: by a revision's eight characters; a revision that is absent has no Deployment to be made.
        kept: eight characters of the revisions whose objects stay; all others go.
        budgeted: eight characters of the revisions that get a PodDisruptionBudget.
        digests: by eight characters, what is known of a revision's bytes.
        ask: uids of the pods that the smoke test should be sent to now.
        describe: uids of the pods to be asked which tensors their model has.
        fetching: pods to be asked how far their fetch is, if it takes long.
        replace: uids of pods to be deleted, so that new ones are made in their place.
        wake_at: when to look again although nothing happened.
        notices: what is told as soon as the decision is written.
        pending: what is told once `status` is written, with its generation.
    """

    target: Target
    course: Course
    status: ModelDeploymentStatus
    service: ServiceWish | None
    replicas: Mapping[str, int]
    kept: frozenset[str]
    budgeted: frozenset[str]
    digests: Mapping[str, str]
    ask: frozenset[str] = frozenset()
    describe: frozenset[str] = frozenset()
    fetching: tuple[PodSeen, ...] = ()
    preview: PreviewWish = PreviewWish()
    logs: bool = False
    replace: frozenset[str] = frozenset()
    wake_at: datetime | None = None
    notices: tuple[Notice, ...] = ()
    pending: tuple[Notice, ...] = ()

    @property
    def targets(self) -> dict[str, Target]:
        """All that is listed and made: what the spec asks for under the empty name, and the arms by theirs."""
        return {"": self.target} | {each.wish.name: each.source for each in self.course.arms if each.source}
