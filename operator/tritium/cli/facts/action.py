"""One-shot actions: how one is asked for, and what came of it."""

from enum import StrEnum
from typing import Any

from tritium.api import names
from tritium.cli.facts.model import ModelFacts


class Verb(StrEnum):
    """What can be asked for."""

    PROMOTE = "promote"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    SKIP_STEP = "skip-step"


def annotation(verb: Verb, token: str) -> dict[str, Any]:
    """The merge patch that asks for an action.

    >>> annotation(Verb.SKIP_STEP, "7f")
    {'metadata': {'annotations': {'serving.tritium.dev/action': 'skip-step@7f'}}}
    """
    return {"metadata": {"annotations": {names.ACTION: f"{verb}@{token}"}}}


def standing(facts: ModelFacts) -> str:
    """Where a rollout stands, in a few words."""
    stable, candidate = facts.status.stable, facts.candidate
    phase = str(facts.status.phase or "not seen by the operator yet")
    if candidate:
        return f"{phase}, revision {candidate.revision} at {candidate.weight or 0} %"
    return f"{phase}, revision {stable.revision} serves" if stable else f"{phase}, nothing serves"


def is_done(facts: ModelFacts, token: str) -> bool:
    """Whether the operator has carried out the action with that token."""
    return bool(facts.status.last_action and facts.status.last_action.token == token)


def happened(verb: Verb, before: ModelFacts, after: ModelFacts) -> str:
    """What came of an action that was carried out."""
    was, now = standing(before), standing(after)
    if verb is Verb.PROMOTE and after.candidate and after.candidate.by_hand:
        return f"{verb} {after.name}: taken up, and done as soon as all its pods are ready. It is {now}"
    done = "done, the experiment is over" if before.experiments and after.status.experiment_ended else "done"
    if was != now:
        return f"{verb} {after.name}: {done}. It was {was}, and is {now}"
    if verb is Verb.RETRY or _course(before) != _course(after):
        return f"{verb} {after.name}: {done}. It is {now}, as before"
    return f"{verb} {after.name}: taken up, and no effect of it is to be seen so far. It is {now}, as before"


def _course(facts: ModelFacts) -> tuple[object, ...]:
    """What an action can change, if not where the rollout stands."""
    status, candidate = facts.status, facts.status.candidate
    of_candidate = (candidate.step, candidate.paused, candidate.by_hand, candidate.judged_since) if candidate else ()
    return status.phase, status.reason, status.experiment_ended, *of_candidate
