"""What to do next: of what a command can do, that which makes sense now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tritium.api.status import Phase
from tritium.cli.facts.going_back import served_before
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.pin import unpinning
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to do: a command with what it does, or (without one) a sentence."""

    command: str
    why: str
    is_long: bool = False
    """The command needs a line of its own."""


_BY_A_PERSON: Final = frozenset({Reason.ABORTED_BY_HAND, Reason.ROLLED_BACK})
"""Nothing was found to be wrong with it."""

_JUDGED: Final = frozenset({Reason.GATE_FAILED, Reason.BAKE_FAILED, Reason.INSUFFICIENT_DATA})
"""It could serve, and how it did was not good enough."""

Verbs = tuple[tuple[str, str], ...]


def _candidate(facts: ModelFacts) -> str:
    return f"revision {facts.status.candidate.revision}" if facts.status.candidate else "the new revision"


def _stable(facts: ModelFacts) -> str:
    return f"revision {facts.status.stable.revision}" if facts.status.stable else "what there was"


def _promote(facts: ModelFacts) -> tuple[str, str]:
    is_cure = ", if it is the cure" if facts.status.reason == Reason.STABLE_SHORT else ""
    return "promote", f"give {_candidate(facts)} all requests now{is_cure}"


def _abort(facts: ModelFacts) -> tuple[str, str]:
    if facts.candidate and facts.candidate.weight == 0:
        return "abort", f"give up {_candidate(facts)}"
    before = served_before(facts) if facts.bakes else None
    return "abort", f"send all requests back to {f'revision {before}' if before else _stable(facts)}"


def _going(facts: ModelFacts) -> Verbs:
    return (*_given_all(facts), _pause(facts), _abort(facts))


def _given_all(facts: ModelFacts) -> Verbs:
    """To promote it, unless that would do nothing."""
    is_asked_for = facts.candidate is not None and facts.candidate.by_hand
    return () if is_asked_for or facts.held_for_tensors else (_promote(facts),)


def _pause(facts: ModelFacts) -> tuple[str, str]:
    is_asked_for = facts.candidate is not None and facts.candidate.by_hand
    return "pause", "take the promotion back, and stay at this weight" if is_asked_for else "stay at this weight"


def _look(facts: ModelFacts) -> Verbs:
    waits = facts.status.reason == Reason.AWAITS_PROMOTION and facts.status.preview_url
    return (("infer --preview", f"ask {_candidate(facts)}, before it serves"),) if waits else ()


def _paused(facts: ModelFacts) -> Verbs:
    match facts.status.reason:
        case Reason.GATE_FAILED if facts.bakes:
            return (_abort(facts), ("skip-step", f"keep {_stable(facts)}"))
        case Reason.DEADLINE:
            return (("resume", "wait once more"), _abort(facts))
        case Reason.GATE_FAILED:
            return (_abort(facts), ("skip-step", "go on all the same"))
        case Reason.INSUFFICIENT_DATA:
            return (("skip-step", "go on all the same"), ("resume", "wait for requests once more"), _abort(facts))
        case _ if facts.paused_by_spec or facts.status.reason == Reason.AWAITS_PROMOTION:
            return (*_look(facts), *_given_all(facts), _abort(facts))
        case _:
            return (("resume", "go on where it stopped"), *_given_all(facts), _abort(facts))


def _blocked(facts: ModelFacts) -> Verbs:
    if facts.experiments:
        return (("abort", "end the experiment; then what waits for it is rolled out"),)
    if facts.status.stable is None:
        return ()
    back = (_pause(facts),) if facts.candidate and facts.candidate.by_hand else ()
    return (*back, ("abort", f"give up {_candidate(facts)}"))


def _aborted(facts: ModelFacts) -> Verbs:
    rejected = facts.status.rejected_revisions
    which = f"revision {rejected[-1].revision}" if rejected else "the revision"
    reason = rejected[-1].reason if rejected else ""
    if reason in _BY_A_PERSON:
        return (("retry", f"roll {which} out after all"),)
    cause = "if it was not at fault" if reason in _JUDGED else "once the cause outside of the spec is mended"
    return (
        ("history", f"why {which} was turned down, and what had changed"),
        ("retry", f"try {which} again, {cause}"),
    )


def _promoting(facts: ModelFacts) -> Verbs:
    if facts.bakes:
        return (_abort(facts),)
    # Only what was left last is sure to have its pods still; what served before that may have lost them long ago.
    before = served_before(facts)
    rejection = facts.rejection(before) if before else None
    if before is None or (rejection and rejection.reason != Reason.ROLLED_BACK):
        return ()
    pods = "as soon as it has pods again" if facts.gives_pods_up else "which still has its pods"
    return ((f"undo --to {before}" if rejection else "undo", f"go back to revision {before}, {pods}"),)


_BY_PHASE: Final[Mapping[Phase, Callable[[ModelFacts], Verbs]]] = {
    Phase.PREPARING: _blocked,
    Phase.BLOCKED: _blocked,
    Phase.PROGRESSING: _going,
    Phase.PAUSED: _paused,
    Phase.PROMOTING: _promoting,
    Phase.ABORTED: _aborted,
}


def advice(facts: ModelFacts, program: str) -> tuple[Advice, ...]:
    """What to do, the remedy for the reason first. Nothing where all is well.

    Args:
        facts: the ModelDeployment.
        program: how this command is called, `tritium` or `kubectl tritium`.
    """
    if not facts.up_to_date:
        return (Advice("", "The operator has not seen the newest spec yet: is it running?"),)
    status = facts.status
    remedy = REMEDIES.get(status.reason) if status.reason else None  # type: ignore[call-overload]  # a word is one
    found = [Advice("", remedy)] if remedy and not _said(facts, remedy) else []
    verbs = _BY_PHASE[status.phase](facts) if status.phase and status.phase in _BY_PHASE else ()
    if facts.candidate and facts.candidate.revision == facts.pin:
        verbs = tuple(each for each in verbs if each[0] == "resume")  # the pin decides the rest
    pin = [Advice(*each, is_long=True)] if (each := unpinning(facts)) else []
    return (*found, *(Advice(_typed(program, verb, facts.name), why) for verb, why in verbs), *pin)


def _typed(program: str, verb: str, name: str) -> str:
    """How a command is typed; its options come last."""
    verb, space, options = verb.partition(" ")
    return f"{program} {verb} {name}{space}{options}"


def _said(facts: ModelFacts, remedy: str) -> bool:
    """Whether a message says it already; conditions end with what to do."""
    failure = facts.status.last_failure
    return any(remedy in each.message for each in (*(facts.status.conditions or ()), *([failure] if failure else [])))
