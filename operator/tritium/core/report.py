"""The status: what is there and what goes on, as people and programs read it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tritium.api import names
from tritium.api.conditions import Condition, ConditionType, Finding, record
from tritium.api.gateway import MAX_WEIGHT
from tritium.api.status import (
    CandidateStatus,
    Failure,
    GateStatus,
    ModelDeploymentStatus,
    PauseStatus,
    RevisionStatus,
    StableStatus,
)
from tritium.core.arm_report import arms
from tritium.core.bake import is_baking
from tritium.core.experiment import NUMBERS_EVERY
from tritium.core.exposure import exposed
from tritium.core.fetching import fetching
from tritium.core.findings import findings
from tritium.core.gate import Gate, gate_status
from tritium.core.gateway import observed
from tritium.core.last_failure import last_failure
from tritium.core.ledger import Pause, Progress
from tritium.core.lookup import deployment_of, pods_of
from tritium.core.plan import View
from tritium.core.preview import preview_url
from tritium.core.reasons import Reason
from tritium.core.revision import revision_name
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.telling import waits_for
from tritium.core.wish import Wish


def report(view: View, before: ModelDeploymentStatus, now: datetime) -> ModelDeploymentStatus:
    """The whole status after this pass; members that nothing decides yet stay as they were."""
    course, seen = view.course, view.seen
    conditions = _conditions(view, before, now)
    return before.model_copy(
        update={
            "observed_generation": view.wish.generation,
            "phase": course.phase,
            "reason": _reason(view, conditions),
            "url": _url(view.wish) if seen.service and (seen.service.port or seen.service.revision) else None,
            "preview_url": preview_url(view.wish, course, seen),
            "stable": _stable(view),
            "candidate": _candidate(view, before.candidate, now),
            "arms": arms(view, before, now),
            "experiment_ended": course.ledger.ended,
            "source": course.ledger.source,
            "revisions": _revisions(view) or None,
            "fetching": fetching(seen, before.fetching),
            "rejected_revisions": list(course.ledger.rejected) or None,
            "last_rollback": course.ledger.rollback,
            "last_action": course.ledger.action,
            "last_failure": last_failure(view, before.last_failure, now),
            "traffic": course.ledger.traffic,
            "traffic_observed": observed(seen, before.traffic_observed, now),
            "scaling": view.sizing.status if view.sizing else None,
            "replicas": _pods(course.stable, seen),
            "selector": _selector(view.wish, course.stable),
            "conditions": conditions,
        }
    )


def spec_invalid(before: ModelDeploymentStatus, generation: int, message: str, now: datetime) -> ModelDeploymentStatus:
    """The status of a spec that nobody understands: what serves goes on, and nothing of this generation is released."""
    conditions = tuple(before.conditions or ())
    for finding in (
        Finding(ConditionType.RELEASED, "False", Reason.SPEC_INVALID, message),
        Finding(ConditionType.RECONCILING, "False", Reason.SPEC_INVALID, message),
        Finding(ConditionType.STALLED, "True", Reason.SPEC_INVALID, message),
    ):
        conditions = record(conditions, finding, generation=generation, now=now)
    failure = Failure(component="spec", reason=Reason.SPEC_INVALID, message=message, at=now)
    if before.last_failure and before.last_failure.message == message:
        failure = before.last_failure
    update = {
        "observed_generation": generation,
        "reason": Reason.SPEC_INVALID,
        "last_failure": failure,
        "conditions": list(conditions),
    }
    return before.model_copy(update=update)


def _reason(view: View, conditions: list[Condition]) -> str:
    """What `kubectl get` shows: of what is not released, what stands in the way; otherwise whether it serves.

    Of what serves it is worth a word that a pin or an experiment keeps things as they are, or that another gets copies.
    """
    by_type = {each.type: each for each in conditions}
    released, ready = by_type[ConditionType.RELEASED], by_type[ConditionType.READY]
    if released.status == "True":
        return waits_for(view) or (_besides(view, released) if ready.status == "True" else None) or ready.reason
    wanted = view.target.revision
    rejection = view.course.ledger.rejection(wanted.number) if wanted else None
    if rejection and view.course.candidate is None:
        return rejection.reason
    if waiting := waits_for(view):
        return waiting
    trouble = view.course.trouble or view.target.trouble
    if ready.reason == Reason.RECREATING and (trouble is None or trouble.reason == Reason.STARTING):
        return ready.reason  # nobody is served: that is more than that something is under way
    return trouble.reason if trouble else released.reason


def _besides(view: View, released: Condition) -> str | None:
    if view.course.arms:
        return Reason.EXPERIMENT_RUNNING
    if released.reason == Reason.PINNED:
        return Reason.PINNED
    told = view.course.ledger.traffic
    return Reason.MIRRORING if told and told.mirror else None


def _url(wish: Wish) -> str:
    return f"http://{wish.name}.{wish.namespace}.svc:8000"


def _stable(view: View) -> StableStatus | None:
    course, seen = view.course, view.seen
    if course.ledger.stable is None:
        return None
    revision = course.stable
    if revision is None:
        return StableStatus(revision=course.ledger.stable, weight=_percent(view, course.ledger.stable))
    return StableStatus(
        revision=revision.number,
        digest=view.digests.get(revision.hash),
        weight=_percent(view, revision.number),
        replicas=_asked(revision, seen),
        ready_replicas=_ready(revision, seen),
    )


def _candidate(view: View, before: CandidateStatus | None, now: datetime) -> CandidateStatus | None:
    seen, revision = view.seen, view.course.candidate
    if revision is None and is_baking(view.course.ledger):
        revision = view.course.stable
    if revision is None:
        return None
    candidate = CandidateStatus(
        revision=revision.number,
        digest=view.digests.get(revision.hash),
        weight=_percent(view, revision.number),
        replicas=_asked(revision, seen),
        ready_replicas=_ready(revision, seen),
    )
    progress = view.course.ledger.progress
    if progress is None:
        return candidate
    return candidate.model_copy(update=_steps(view, revision, progress, before, now))


def _steps(
    view: View, candidate: RevisionSeen, progress: Progress, before: CandidateStatus | None, now: datetime
) -> dict[str, Any]:
    """What a rollout in steps adds."""
    paused = progress.paused
    begun = progress.step or progress.judged_since or exposed(view.course.ledger, candidate)
    same = before is not None and (before.revision, before.judged_since) == (progress.revision, progress.judged_since)
    gates, written = _gates(view.course.gates, before if same else None, now)
    return {
        "settings": progress.settings,
        "step": progress.step if begun else None,
        "step_started_at": progress.started,
        "begun": progress.begun if progress.begun or progress.judged_since else None,
        "judged_since": progress.judged_since,
        "restarts": progress.restarts or None,
        "paused": _paused(paused) if paused else None,
        "waiting_since": progress.waiting_since,
        "by_hand": progress.by_hand or None,
        "gates": gates,
        "gates_at": written,
    }


def _paused(paused: Pause) -> PauseStatus:
    return PauseStatus(reason=paused.reason, since=paused.since, message=paused.message or None)


def _gates(
    gates: Sequence[Gate], before: CandidateStatus | None, now: datetime
) -> tuple[list[GateStatus] | None, datetime | None]:
    """What is written of the gates, and when: whenever they say something new, and other numbers every half minute."""
    if not gates:
        return None, None
    known = (before.gates if before else None) or []
    found = gate_status(gates, known, now)
    same = list(map(_said, known)) == list(map(_said, found))
    if before and before.gates_at and same and (found == known or now - before.gates_at < NUMBERS_EVERY):
        return known, before.gates_at
    return found, now


def _said(gate: GateStatus) -> tuple[str, str, str | None]:
    """All but the numbers."""
    return gate.name, gate.verdict, gate.message


def _percent(view: View, number: int) -> int:
    told = view.course.ledger.traffic
    weights = {each.revision: each.weight for each in (told.revisions or () if told else ())}
    return weights.get(number, 0) * 100 // MAX_WEIGHT


def _asked(revision: RevisionSeen, seen: Seen) -> int:
    deployment = deployment_of(seen, revision)
    return deployment.replicas if deployment else 0


def _ready(revision: RevisionSeen, seen: Seen) -> int:
    return sum(pod.ready for pod in pods_of(seen, revision))


def _pods(revision: RevisionSeen | None, seen: Seen) -> int:
    return len(pods_of(seen, revision)) if revision else 0


def _selector(wish: Wish, stable: RevisionSeen | None) -> str | None:
    return f"{names.OWNER}={wish.name},{names.REVISION}={stable.hash}" if stable else None


def _revisions(view: View) -> list[RevisionStatus]:
    ledger = view.course.ledger
    return [
        RevisionStatus(
            revision=each.number,
            name=revision_name(view.wish.name, each.hash),
            written=each.written,
            fingerprint=each.fingerprint,
            digest=view.digests.get(each.hash),
            created_at=each.created,
            promoted_at=ledger.promoted.get(each.number),
            exposed_at=ledger.exposed.get(each.number),
            demoted_at=ledger.demoted.get(each.number),
            mismatch=ledger.withheld.get(each.number),
        )
        for each in sorted(view.seen.revisions, key=lambda each: each.number)
    ]


def _conditions(view: View, before: ModelDeploymentStatus, now: datetime) -> list[Condition]:
    found = findings(view)
    conditions = tuple(each for each in before.conditions or () if each.type in {finding.type for finding in found})
    for finding in found:
        conditions = record(conditions, finding, generation=view.wish.generation, now=now)
    return list(conditions)
