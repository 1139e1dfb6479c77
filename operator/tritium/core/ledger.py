"""The ledger: the decisions that must survive a restart, as the status keeps them.

They are written before anything is done because of them. All else in the status is observed anew in each pass.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from tritium.api.status import (
    STABLE_ARM,
    CandidateStatus,
    ExperimentEnded,
    LastAction,
    LastRollback,
    ModelDeploymentStatus,
    RejectedRevision,
    SourceStatus,
)
from tritium.api.traffic_status import TrafficStatus
from tritium.core.reasons import Reason
from tritium.core.strategy import NO_STEPS, NO_STEPS_ONCE

REJECTED_LIMIT: Final = 64
"""As many as the API takes."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A rollout waits.

    Attributes:
        message: what a gate had to say when it began: its numbers go on, and a sentence stays.
    """

    reason: str
    since: datetime
    message: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a rollout in steps stands.

    Attributes:
        revision: number of the candidate.
        settings: `spec.rollout` when it began (`core.strategy`).
        step: from 0; as many as there are steps: the last one is behind it.
        started: when the step's weight was reached on every gateway pod; none before that.
        begun: the step that began last, from 1: a rollout that is held gets no more than that one's weight. Steps that
            were skipped are passed over, so it may be older than the one before this.
        judged_since: since when the gates count; it stays until the next step has begun.
        restarts: of the candidate's containers, until then.
        paused: why it waits for a person.
        waiting_since: since when it waits for its pods or for the gateway; none while it does not.
        by_hand: a person wants it to become stable as soon as it can, whatever steps and gates say.
    """

    revision: int
    settings: str
    step: int = 0
    started: datetime | None = None
    judged_since: datetime | None = None
    restarts: int = 0
    paused: Pause | None = None
    waiting_since: datetime | None = None
    by_hand: bool = False
    begun: int = 0

    def promoted_by_hand(self) -> "Progress":
        """Nothing is waited for any more but its pods, and a gateway that knows them."""
        return replace(self, by_hand=True, paused=None, waiting_since=None)

    def paused_by_hand(self, now: datetime) -> "Progress":
        """It stays where it is, also if it was to be promoted."""
        return replace(self.pause(Reason.PAUSED_BY_HAND, now), by_hand=False)

    def begin(self, now: datetime, restarts: int) -> "Progress":
        """The step's weight is reached."""
        return replace(self, started=now, begun=self.step + 1, judged_since=now, restarts=restarts)

    def next(self) -> "Progress":
        """On to the next step; until that has begun, the gates go on."""
        return replace(self, step=self.step + 1, started=None)

    def anew(self, step: int, judged_since: datetime | None, restarts: int) -> "Progress":
        """A step from its beginning, and nothing that was counted before."""
        again = replace(self, judged_since=judged_since, restarts=restarts, waiting_since=None)
        return replace(again, step=step, started=None, paused=None)

    def pause(self, reason: str, now: datetime, message: str = "") -> "Progress":
        """It waits; what it waits for already stays, unless a gate has failed: that is more than somebody's wish."""
        known = self.paused.reason if self.paused else None
        stays = known is not None and (reason != Reason.GATE_FAILED or known == reason)
        return self if stays else replace(self, paused=Pause(reason, now, message))


@dataclass(frozen=True, slots=True)
class ArmEntry:
    """Which revision an arm of the experiment is.

    Attributes:
        overlay: hash of the changes to the base that it was made from: as long as they stay, so does the revision.
    """

    name: str
    revision: int
    overlay: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """Replicas that scaling asks for, and since when."""

    desired: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was decided so far.

    Attributes:
        stable: number of the revision that serves.
        promoted: when a revision last became stable, by its number.
        demoted: when it last stopped being stable.
        rejected: revisions that are not tried again, oldest first.
        action: the last action that was carried out.
        rollback: the last time traffic went back.
        traffic: what the gateway is told.
        exposed: when a revision first had a share of the traffic, by its number.
        progress: where the rollout in steps stands, if one is under way.
        arms: of the experiment in the spec, those whose revision is known.
        ended: why that experiment is over, if it is.
        withheld: by the number of a revision: that it was seen to have other tensors than what serves.
        source: what the spec's source was last found to hold, where changes of it are looked for.
        size: what scaling asks for.
        listed: numbers that the status has seen in use. No decision, so it makes no difference between two ledgers.
    """

    stable: int | None = None
    promoted: Mapping[int, datetime] = field(default_factory=dict)
    demoted: Mapping[int, datetime] = field(default_factory=dict)
    rejected: tuple[RejectedRevision, ...] = ()
    action: LastAction | None = None
    rollback: LastRollback | None = None
    traffic: TrafficStatus | None = None
    exposed: Mapping[int, datetime] = field(default_factory=dict)
    progress: Progress | None = None
    arms: tuple[ArmEntry, ...] = ()
    ended: ExperimentEnded | None = None
    withheld: Mapping[int, str] = field(default_factory=dict)
    source: SourceStatus | None = None
    size: Size | None = None
    listed: frozenset[int] = field(default=frozenset(), compare=False)

    def rejection(self, number: int) -> RejectedRevision | None:
        """Why a revision is not tried again, if that is so."""
        return next((each for each in self.rejected if each.revision == number), None)

    def numbers(self) -> frozenset[int]:
        """All revisions it knows something of."""
        known = {*self.listed, *self.promoted, *self.demoted, *(each.revision for each in self.rejected)}
        return frozenset(known | ({self.stable} if self.stable is not None else set()))

    def before(self) -> int | None:
        """The revision that was stable before this one.

        >>> from datetime import UTC
        >>> now = datetime(2026, 1, 1, tzinfo=UTC)
        >>> Ledger().promote(1, now).before(), Ledger().promote(1, now).promote(2, now).before()
        (None, 1)
        """
        since = self.promoted.get(self.stable) if self.stable is not None else None
        return max((number for number, at in self.demoted.items() if at == since), default=None)

    def promote(self, number: int, now: datetime) -> "Ledger":
        """Another revision is stable from now on; the one before is demoted at the same moment.

        >>> from datetime import UTC
        >>> now = datetime(2026, 1, 1, tzinfo=UTC)
        >>> second = Ledger().promote(1, now).promote(2, now)
        >>> second.stable, sorted(second.promoted), sorted(second.demoted)
        (2, [1, 2], [1])
        """
        demoted = {each: at for each, at in self.demoted.items() if each != number}
        if self.stable is not None and self.stable != number:
            demoted[self.stable] = now
        # Whatever was compared was compared with the one before.
        withheld = self.withheld if self.stable == number else {}
        promoted = {**self.promoted, number: now}
        return replace(self, stable=number, promoted=promoted, demoted=demoted, withheld=withheld)

    def reject(self, number: int, reason: str, message: str, now: datetime, *, smoke_tests: str = "") -> "Ledger":
        """A revision is not tried again until a person says so, or other smoke tests than those it failed are asked."""
        if self.rejection(number):
            return self
        entry = RejectedRevision(
            revision=number, reason=reason, message=message, at=now, smoke_tests=smoke_tests or None
        )
        return replace(self, rejected=(*self.rejected, entry)[-REJECTED_LIMIT:])

    def accept(self, number: int) -> "Ledger":
        """A revision may be tried again."""
        return replace(self, rejected=tuple(each for each in self.rejected if each.revision != number))

    def unproven(self, number: int, now: datetime) -> "Ledger":
        """A revision is as if it had never been stable, but for its share of the traffic.

        >>> from datetime import UTC
        >>> now = datetime(2026, 1, 1, tzinfo=UTC)
        >>> left = Ledger().promote(1, now).promote(2, now).promote(1, now).unproven(2, now)
        >>> sorted(left.promoted), sorted(left.exposed)
        ([1], [2])
        """
        if number not in self.promoted:
            return self
        promoted = {each: at for each, at in self.promoted.items() if each != number}
        return replace(self, promoted=promoted, exposed={number: now} | dict(self.exposed))

    def kept(self, numbers: frozenset[int]) -> "Ledger":
        """Without what it says of revisions that are gone; which one is stable is never forgotten."""
        return replace(
            self,
            promoted={number: at for number, at in self.promoted.items() if number in numbers},
            demoted={number: at for number, at in self.demoted.items() if number in numbers},
            exposed={number: at for number, at in self.exposed.items() if number in numbers},
            withheld={number: why for number, why in self.withheld.items() if number in numbers},
            arms=tuple(each for each in self.arms if each.revision in numbers),
            rejected=tuple(each for each in self.rejected if each.revision in numbers),
        )


def read(status: ModelDeploymentStatus) -> Ledger:
    """The ledger that a status keeps."""
    revisions = status.revisions or ()
    return Ledger(
        stable=status.stable.revision if status.stable else None,
        promoted={each.revision: each.promoted_at for each in revisions if each.promoted_at},
        demoted={each.revision: each.demoted_at for each in revisions if each.demoted_at},
        exposed={each.revision: each.exposed_at for each in revisions if each.exposed_at},
        progress=_progress(status.candidate),
        rejected=tuple(status.rejected_revisions or ()),
        action=status.last_action,
        rollback=status.last_rollback,
        traffic=status.traffic,
        arms=tuple(_arms(status)),
        ended=status.experiment_ended,
        withheld={each.revision: each.mismatch for each in revisions if each.mismatch},
        source=status.source,
        size=Size(status.scaling.desired, status.scaling.changed_at) if status.scaling else None,
        listed=frozenset(each.revision for each in revisions),
    )


def _arms(status: ModelDeploymentStatus) -> Iterator[ArmEntry]:
    for each in status.arms or ():
        if each.revision and each.name != STABLE_ARM:
            yield ArmEntry(each.name, each.revision, each.overlay or "")


def _progress(candidate: CandidateStatus | None) -> Progress | None:
    if candidate is None or not candidate.settings:
        return None
    paused = candidate.paused
    return Progress(
        candidate.revision,
        NO_STEPS if candidate.settings == NO_STEPS_ONCE else candidate.settings,
        candidate.step or 0,
        candidate.step_started_at,
        candidate.judged_since,
        candidate.restarts or 0,
        Pause(paused.reason, paused.since, paused.message or "") if paused else None,
        candidate.waiting_since,
        by_hand=bool(candidate.by_hand),
        begun=_begun(candidate),
    )


def _begun(candidate: CandidateStatus) -> int:
    """Where an older operator did not write it down, the step before has begun if anything has."""
    if candidate.begun is not None or candidate.judged_since is None:
        return candidate.begun or 0
    return (candidate.step or 0) + (candidate.step_started_at is not None)
