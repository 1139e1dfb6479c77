"""The conditions that matter: those that are not as they are when all is well."""

from typing import Final

from tritium.api.conditions import Condition, ConditionType
from tritium.cli.facts.model import ModelFacts

_WELL: Final = {
    ConditionType.READY: "True",
    ConditionType.RELEASED: "True",
    ConditionType.STALLED: "False",
    ConditionType.SOURCE_READY: "True",
    ConditionType.MODEL_LOADED: "True",
    ConditionType.TRAFFIC_CONFIGURED: "True",
}
"""Reconciling is what the phase says, and scaling has a line of its own."""


def that_matter(facts: ModelFacts) -> tuple[Condition, ...]:
    """Those that are not well, each message once: several conditions often have the same cause."""
    found: list[Condition] = []
    for kind, well in _WELL.items():
        condition = facts.condition(kind)
        if condition and condition.status != well and all(each.message != condition.message for each in found):
            found.append(condition)
    return tuple(found)
