"""The steps of a rollout: those that the spec has, and where the candidate is among them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from tritium.api.status import CandidateStatus, Phase
from tritium.cli.facts.model import ModelFacts
from tritium.core.reasons import Reason

MIN_DURATION: Final = "5m"
"""How long a step takes at least, where it does not say."""

BAKE_TIME: Final = "10m"
"""How long a revision is judged on that has all of the requests, where the spec does not say."""

_ALL: Final = 100
"""Percent."""

_THROUGH: Final = frozenset({Phase.PROMOTING, Phase.FINALIZING})


class Place(StrEnum):
    """Where a step stands to the candidate."""

    DONE = "done"
    SKIPPED = "skipped"
    CURRENT = "current"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step: a weight in percent, or a pause."""

    weight: int | None
    min_duration: str | None
    place: Place


def steps(facts: ModelFacts) -> tuple[StepFacts, ...]:
    """The steps of the rollout that is under way; none where there is none, or all of the traffic goes over at once.

    The last one is always all of the traffic: with it the candidate becomes stable, also if no step says so.
    """
    candidate = facts.status.candidate
    if candidate is None or _goes_over_at_once(facts, candidate):
        return ()
    current = -1 if candidate.step is None else candidate.step
    # What the spec says now counts from the next rollout on.
    rollout = json.loads(candidate.settings) if candidate.settings else facts.spec.get("rollout") or {}
    written = rollout.get("steps") or ()
    if not written:
        return ()
    if facts.status.phase in _THROUGH or facts.bakes:
        current = len(written) + 1
    behind = Place.DONE if facts.had_requests(candidate.revision) else Place.SKIPPED
    found = tuple(_step(each, index, current, behind) for index, each in enumerate(written))
    if written[-1].get("weight") == _ALL:
        return found
    waits = facts.status.reason == Reason.AWAITS_PROMOTION
    return (*found, StepFacts(_ALL, None, Place.NEXT if waits else _place(len(written), current, behind)))


def no_step_is_left(facts: ModelFacts) -> bool:
    """Whether the candidate has come to the end of its steps, or began without any."""
    candidate = facts.status.candidate
    if candidate is None or not candidate.settings or facts.bakes:
        return False
    return (candidate.step or 0) >= len(json.loads(candidate.settings).get("steps") or ())


def _goes_over_at_once(facts: ModelFacts, candidate: CandidateStatus) -> bool:
    """Whether it is pinned, the first one, or comes back to where it was before."""
    if facts.status.stable is None:
        return True  # there is nothing to compare it with
    served = any(each.promoted_at for each in facts.status.revisions or () if each.revision == candidate.revision)
    return facts.pin == candidate.revision or (served and not facts.bakes and candidate.settings is None)


@dataclass(frozen=True, slots=True)
class BakeFacts:
    """The time after the last step."""

    since: datetime | None
    at_most: str


def bake(facts: ModelFacts) -> BakeFacts | None:
    """Since when the revision that took over has had all of the requests, while it is judged on."""
    if not facts.bakes or facts.status.stable is None:
        return None
    number = facts.status.stable.revision
    since = next((each.promoted_at for each in facts.status.revisions or () if each.revision == number), None)
    return BakeFacts(since, (facts.spec.get("rollout") or {}).get("bakeTime") or BAKE_TIME)


def waits_for(facts: ModelFacts, step: StepFacts) -> str:
    """What the candidate's step waits for before it begins, or, where its share was taken back, to go on."""
    candidate = facts.status.candidate
    if candidate is None or step.place is not Place.CURRENT:
        return ""
    if candidate.step_started_at and (candidate.weight or 0) >= (step.weight or 0):
        return ""
    if facts.status.reason == Reason.STABLE_SHORT:
        return "the stable revision's pods"
    missing = (candidate.replicas or 0) - (candidate.ready_replicas or 0)
    return f"{missing} {'pod' if missing == 1 else 'pods'}" if missing > 0 else "the gateway"


def _step(step: Mapping[str, Any], index: int, current: int, behind: Place) -> StepFacts:
    weight = step.get("weight")
    least = None if weight is None else step.get("minDuration") or MIN_DURATION
    return StepFacts(weight, least, _place(index, current, behind))


def _place(index: int, current: int, behind: Place) -> Place:
    return Place.CURRENT if index == current else behind if index < current else Place.NEXT
