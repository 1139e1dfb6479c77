"""A pin, and what it keeps waiting."""

from typing import Final

from tritium.api.status import Phase
from tritium.cli.facts.model import ModelFacts
from tritium.core.revision import written_hash

_SETTLED: Final = frozenset({Phase.IDLE, Phase.PROMOTING})


def unpinning(facts: ModelFacts) -> tuple[str, str] | None:
    """How the pin is taken away, and what comes of that; None where none is set, or it has not taken over yet."""
    stable, pin = facts.status.stable, facts.pin
    if pin is None or facts.status.phase not in _SETTLED or stable is None or stable.revision != pin:
        return None
    patch = '{"spec":{"pinRevision":null}}'
    return f"kubectl patch mdep {facts.name} --type=merge -p '{patch}'", _afterwards(facts, pin)


def _afterwards(facts: ModelFacts, pin: int) -> str:
    asked = written_hash(facts.spec)
    of_spec = [each.revision for each in facts.status.revisions or () if each.written == asked]
    if pin in of_spec:
        return "The pin holds what the spec asks for. Without it changes of model and server are rolled out again."
    turned_down = next((each for each in reversed(of_spec) if facts.rejection(each)), None)
    if turned_down is not None:
        return (
            f"The pin holds revision {pin}. Without it that one serves on: revision {turned_down}, which the spec asks "
            "for, was turned down. Changes of model and server are rolled out again."
        )
    return f"The pin holds revision {pin}: what the spec asks for waits, and is rolled out without it."
