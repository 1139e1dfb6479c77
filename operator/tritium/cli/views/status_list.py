"""All ModelDeployments of a namespace, a line each; and one in a line, for a pipe that follows it."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from tritium.api.conditions import ConditionType
from tritium.api.status import CandidateStatus, StableStatus
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.words import span
from tritium.cli.views.style import FAINT, grid, of_phase


def status_list(models: Iterable[ModelFacts], now: datetime) -> RenderableType:
    """A line each; of a terminal that is too narrow names and reasons take several."""
    table = grid("fold", "left", "fold", "right", "right", "right", "right")
    heads = ("NAME", "PHASE", "REASON", "STABLE", "READY", "CANDIDATE", "AGE")
    table.add_row(*(Text(head, style=FAINT) for head in heads))
    for each in models:
        status, ready = each.status, each.condition(ConditionType.READY)
        colour = of_phase(status.phase, ready=bool(ready and ready.status == "True"))
        candidate = each.candidate
        table.add_row(
            Text(each.name, style="bold"),
            Text(str(status.phase or "-"), style=colour),
            Text(status.reason or "", style=colour),
            str(status.stable.revision) if status.stable else "-",
            _pods(status.stable) if status.stable else "",
            f"{candidate.revision} ({candidate.weight or 0} %)" if candidate else "-",
            span(each.created, now),
        )
    return table


def status_line(facts: ModelFacts) -> str:
    """One in a line."""
    status = facts.status
    parts = [facts.name, str(status.phase or "not seen by the operator yet"), status.reason or ""]
    for role, each in (("stable", status.stable), ("candidate", facts.candidate)):
        if each:
            parts.append(f"{role} {each.revision} ({each.weight or 0} %, {_pods(each)} ready)")
    for gate in (status.candidate.gates or ()) if status.candidate else ():
        seen = "" if gate.requests is None else f" ({gate.bad or 0} of {gate.requests})"
        parts.append(f"{gate.name} {gate.verdict}{seen}")
    return "  ".join(part for part in parts if part)


def _pods(each: StableStatus | CandidateStatus) -> str:
    return f"{each.ready_replicas or 0}/{each.replicas or 0}"
