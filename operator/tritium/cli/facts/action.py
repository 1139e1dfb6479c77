"""One-shot actions: how one is asked for, whether it makes sense, and what came of it."""

from enum import StrEnum
from typing import Any, Final

from tritium.api import names
from tritium.api.status import Phase
from tritium.cli.facts.going_back import previous
from tritium.cli.facts.model import ModelFacts


class Verb(StrEnum):
    """What can be asked for."""

    PROMOTE = "promote"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    SKIP_STEP = "skip-step"


_OF_A_ROLLOUT: Final = frozenset({Verb.PROMOTE, Verb.ABORT, Verb.SKIP_STEP})
"""They mean a rollout or an experiment that is under way."""


def annotation(verb: Verb, token: str) -> dict[str, Any]:
    """The merge patch that asks for an action.

    >>> annotation(Verb.SKIP_STEP, "7f")
    {'metadata': {'annotations': {'serving.tritium.dev/action': 'skip-step@7f'}}}
    """
    return {"metadata": {"annotations": {names.ACTION: f"{verb}@{token}"}}}


def senseless(facts: ModelFacts, verb: Verb) -> str | None:
    """Why the action would do nothing; the operator has the last word, so only what is certain counts."""
    status = facts.status
    at_rest = status.phase in {Phase.IDLE, Phase.PROMOTING}  # or without a bake: nothing is judged, nothing goes back
    idle = facts.up_to_date and at_rest and not status.candidate and not status.arms
    if verb not in _OF_A_ROLLOUT or not idle:
        return None
    before = previous(facts) if verb is Verb.ABORT else None
    way = f"; undo goes back to revision {before}" if before else ""
    return f"{facts.name} has no rollout under way: {standing(facts)}. There is nothing to {verb}{way}"


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
    if was != now:
        return f"{verb} {after.name}: done. It was {was}, and is {now}"
    return f"{verb} {after.name}: done. It is {now}, as before"
