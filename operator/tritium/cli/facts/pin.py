"""A pin, and what it keeps waiting."""

from typing import Final

from tritium.api.status import Phase
from tritium.cli.facts.model import ModelFacts
from tritium.core.revision import written_hash

_SETTLED: Final = frozenset({Phase.IDLE, Phase.PROMOTING})

_ROLLED_OUT: Final = "Changes of model and server are rolled out again."


def without_pin(facts: ModelFacts) -> str:
    """The command that takes a pin away."""
    patch = '{"spec":{"pinRevision":null}}'
    return f"kubectl patch mdep {facts.name} -n {facts.namespace} --type=merge -p '{patch}'"


def unpinning(facts: ModelFacts) -> tuple[str, str] | None:
    """How the pin is taken away, and what comes of that; None where none is set, or it names nothing that is kept."""
    stable, candidate, pin = facts.status.stable, facts.status.candidate, facts.pin
    if pin is None:
        return None
    if candidate and candidate.revision == pin and not facts.bakes:
        return without_pin(facts), _instead(facts, pin)
    if facts.status.phase not in _SETTLED or stable is None or stable.revision != pin:
        return None
    return without_pin(facts), _afterwards(facts, pin)


def _of_spec(facts: ModelFacts) -> list[int]:
    asked = written_hash(facts.spec)
    return [each.revision for each in facts.status.revisions or () if each.written == asked]


def _instead(facts: ModelFacts, pin: int) -> str:
    """What there is without a pin that has not taken over."""
    holds = f"The pin asks for revision {pin}, and abort does not end that."
    stable = facts.status.stable.revision if facts.status.stable else None
    if stable is None:
        return f"{holds} Without it what the spec asks for is rolled out."
    of_spec = _of_spec(facts)
    stays = stable in of_spec or any(facts.rejection(each) for each in of_spec[-1:])
    return f"{holds} Without it revision {stable} {'goes on' if stays else 'serves until what the spec asks for does'}."


def _afterwards(facts: ModelFacts, pin: int) -> str:
    of_spec = _of_spec(facts)
    if pin in of_spec:
        return f"The pin holds what the spec asks for. Without it {_ROLLED_OUT[0].lower()}{_ROLLED_OUT[1:]}"
    turned_down = next((each for each in reversed(of_spec) if facts.rejection(each)), None)
    if turned_down is not None:
        return (
            f"The pin holds revision {pin}. Without it that one serves on: revision {turned_down}, which the spec asks "
            f"for, was turned down. {_ROLLED_OUT}"
        )
    return f"The pin holds revision {pin}: what the spec asks for waits, and is rolled out without it."
