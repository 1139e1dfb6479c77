"""One ModelDeployment as JSON, for programs: what the screen shows, in the words of the API."""

from typing import Any

from pydantic import BaseModel

from tritium.cli.facts.advice import advice
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.steps import steps


def status_data(facts: ModelFacts, program: str) -> dict[str, Any]:
    """The members that the screen is made of; absent where there is nothing."""
    status = facts.status
    found = {
        "name": facts.name,
        "namespace": facts.namespace,
        "upToDate": facts.up_to_date,
        "phase": status.phase,
        "reason": status.reason,
        "url": status.url,
        "previewUrl": status.preview_url,
        "pinRevision": facts.pin,
        "fetching": status.fetching,
        "stable": plain(status.stable),
        "candidate": plain(status.candidate),
        "scaling": plain(status.scaling),
        "mirror": plain(facts.copies),
        "steps": [
            {"weight": each.weight, "minDuration": each.min_duration, "place": each.place} for each in steps(facts)
        ],
        "arms": [plain(each) for each in status.arms or ()],
        "experimentEndsAt": facts.experiment_ends.isoformat() if facts.experiment_ends else None,
        "experimentEnded": plain(status.experiment_ended),
        "conditions": [plain(each) for each in status.conditions or ()],
        "lastFailure": plain(status.last_failure),
        "lastRollback": plain(status.last_rollback),
        "lastAction": plain(status.last_action),
        "next": [{"command": each.command, "why": each.why} for each in advice(facts, program)],
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def plain(part: BaseModel | None) -> dict[str, Any] | None:
    """A part of the status as JSON has it."""
    return part.model_dump(mode="json", by_alias=True, exclude_none=True) if part else None
