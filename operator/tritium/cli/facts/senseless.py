"""Why an action would do nothing as things are, and what would help."""

from collections.abc import Iterator
from typing import Final

from tritium.api.conditions import ConditionType
from tritium.api.status import CandidateStatus, Phase
from tritium.cli.facts.action import Verb, standing
from tritium.cli.facts.going_back import previous
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.pin import without_pin
from tritium.cli.facts.steps import no_step_is_left, steps
from tritium.core.reasons import Reason

_AT_REST: Final = frozenset({Phase.IDLE, Phase.PROMOTING, Phase.ABORTED})
"""Without a candidate and without a bake: nothing is judged, and nothing goes back."""

_GOES_ON: Final = frozenset({Verb.PROMOTE, Verb.RESUME, Verb.SKIP_STEP})


def senseless(facts: ModelFacts, verb: Verb) -> str | None:
    """Why the action would do nothing; the operator has the last word, so only what is certain counts."""
    if not facts.up_to_date:
        return None
    if verb is Verb.RETRY:
        return _of_retry(facts)
    if facts.status.candidate:
        why = next(_held(facts, facts.status.candidate, verb), None)
        return f"{verb} has no effect on {facts.name}, which is {standing(facts)}: {why}" if why else None
    none = f"{facts.name} has no rollout under way"
    if facts.experiments:
        why = f"There is nothing to {verb}; abort ends the experiment"
        return None if verb is Verb.ABORT else f"{none}: an experiment runs, and rollouts wait for its end. {why}"
    if facts.status.phase not in _AT_REST:
        return None
    return f"{none}: {standing(facts)}. There is nothing to {verb}{_instead(facts, verb)}"


def _of_retry(facts: ModelFacts) -> str | None:
    if facts.pin is None:
        return None
    why = f"pinRevision is {facts.pin}, and under a pin no source is listed and nothing else is rolled out"
    return f"retry has no effect on {facts.name}: {why}. {_take_it_away(facts)}"


def _take_it_away(facts: ModelFacts) -> str:
    return f"Take the pin away first: {without_pin(facts)}"


def _held(facts: ModelFacts, candidate: CandidateStatus, verb: Verb) -> Iterator[str]:
    """Why a candidate, or what bakes, stays as it is, whatever is asked for: what comes first says most."""
    reason, paused = facts.status.reason, candidate.paused
    if facts.pin == candidate.revision and verb in {Verb.ABORT, Verb.PROMOTE}:
        yield f"pinRevision asks for revision {facts.pin}, and for all requests. {_take_it_away(facts)}"
    is_held = reason == Reason.SIGNATURE_CHANGED or (facts.held_for_tensors and not (paused and verb is Verb.RESUME))
    if is_held and verb in _GOES_ON:
        yield (
            f"revision {candidate.revision} takes or gives other tensors than what serves, and gets no request. Mend "
            "it, or set rollout.compatibility: Warn if its clients know"
        )
    # With steps a resume repeats the last one.
    no_way = verb is Verb.SKIP_STEP or (verb is Verb.RESUME and not steps(facts))
    if reason == Reason.AWAITS_PROMOTION and no_way:
        yield "no step is left, and it waits for somebody to promote it, or to abort"
    if verb is Verb.PAUSE:
        yield from _not_paused(facts, candidate)
    if verb is Verb.RESUME and facts.paused_by_spec and paused is None:
        yield "rollout.paused holds it. Set that to false"
    if verb is Verb.RESUME and facts.status.phase in _UNDER_WAY and not facts.bakes and paused is None:
        yield "nobody has paused it"
    if verb is Verb.SKIP_STEP and paused is None and no_step_is_left(facts):
        yield "no step is left, and it waits for its pods"


_UNDER_WAY: Final = frozenset({Phase.PREPARING, Phase.BLOCKED, Phase.PROGRESSING})


def _not_paused(facts: ModelFacts, candidate: CandidateStatus) -> Iterator[str]:
    """Why a pause changes nothing."""
    ready = facts.condition(ConditionType.READY)
    if facts.bakes:
        yield f"revision {candidate.revision} has all requests already. Abort sends them back"
    elif candidate.paused and not candidate.by_hand:
        yield f"it is paused already ({candidate.paused.reason})"
    elif ready and ready.status != "True" and ready.reason == Reason.RECREATING:
        yield "the old pods are gone and nobody is served, so nothing waits"


def _instead(facts: ModelFacts, verb: Verb) -> str:
    if verb is Verb.PAUSE:
        return "; rollout.paused: true in the spec holds the next one"
    before = previous(facts) if verb is Verb.ABORT and facts.status.phase is not Phase.ABORTED else None
    return f"; undo goes back to revision {before}" if before else ""
