"""One-shot actions: how one is asked for, whether it makes sense, and what came of it."""

from enum import StrEnum
from typing import Any, Final

from tritium.api import names
from tritium.api.status import Phase
from tritium.cli.facts.going_back import previous
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.steps import steps
from tritium.core.reasons import Reason


class Verb(StrEnum):
    """What can be asked for."""

    PROMOTE = "promote"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    SKIP_STEP = "skip-step"


_AT_REST: Final = frozenset({Phase.IDLE, Phase.PROMOTING, Phase.ABORTED})
"""Without a candidate and without a bake: nothing is judged, and nothing goes back."""


def annotation(verb: Verb, token: str) -> dict[str, Any]:
    """The merge patch that asks for an action.

    >>> annotation(Verb.SKIP_STEP, "7f")
    {'metadata': {'annotations': {'serving.tritium.dev/action': 'skip-step@7f'}}}
    """
    return {"metadata": {"annotations": {names.ACTION: f"{verb}@{token}"}}}


def senseless(facts: ModelFacts, verb: Verb) -> str | None:
    """Why the action would do nothing; the operator has the last word, so only what is certain counts."""
    if verb is Verb.RETRY or not facts.up_to_date:
        return None
    if facts.status.candidate:
        why = _held(facts, verb)
        return f"{verb} has no effect on {facts.name}, which is {standing(facts)}: {why}" if why else None
    none = f"{facts.name} has no rollout under way"
    if facts.experiments:
        why = f"There is nothing to {verb}; abort ends the experiment"
        return None if verb is Verb.ABORT else f"{none}: an experiment runs, and rollouts wait for its end. {why}"
    if facts.status.phase not in _AT_REST:
        return None
    return f"{none}: {standing(facts)}. There is nothing to {verb}{_instead(facts, verb)}"


def _held(facts: ModelFacts, verb: Verb) -> str | None:
    """Why a candidate stays where it is, whatever is asked for."""
    candidate, reason = facts.status.candidate, facts.status.reason
    goes_on = verb in {Verb.PROMOTE, Verb.RESUME, Verb.SKIP_STEP}
    if candidate and reason == Reason.SIGNATURE_CHANGED and goes_on:
        return (
            f"revision {candidate.revision} takes or gives other tensors than what serves, and gets no request. Mend "
            "it, or set rollout.compatibility: Warn if its clients know"
        )
    # With steps a resume repeats the last one.
    no_way = verb is Verb.SKIP_STEP or (verb is Verb.RESUME and not steps(facts))
    if reason == Reason.AWAITS_PROMOTION and no_way:
        return "no step is left, and it waits for somebody to promote it, or to abort"
    by_spec_alone = facts.paused_by_spec and candidate and candidate.paused is None
    if verb is Verb.RESUME and by_spec_alone:
        return "rollout.paused holds it. Set that to false"
    return None


def _instead(facts: ModelFacts, verb: Verb) -> str:
    if verb is Verb.PAUSE:
        return "; rollout.paused: true in the spec holds the next one"
    before = previous(facts) if verb is Verb.ABORT and facts.status.phase is not Phase.ABORTED else None
    return f"; undo goes back to revision {before}" if before else ""


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
