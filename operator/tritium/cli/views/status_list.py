"""All ModelDeployments of a namespace, a line each; and one in a line, for a pipe that follows it."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import RenderableType
from rich.text import Text

from tritium.api.conditions import ConditionType
from tritium.api.status import STABLE_ARM, CandidateStatus, StableStatus
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
        table.add_row(
            Text(each.name, style="bold"),
            Text(str(status.phase or "-"), style=colour),
            Text(status.reason or "", style=colour),
            _stable(each),
            _pods(status.stable) if status.stable else "",
            _beside(each),
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
    if copies := facts.copies:
        parts.append(f"copies of {copies.percent} % to {copies.revision}")
    for gate in (status.candidate.gates or ()) if status.candidate else ():
        seen = "" if gate.requests is None else f" ({gate.bad or 0} of {gate.requests})"
        parts.append(f"{gate.name} {gate.verdict}{seen}")
    return "  ".join(part for part in parts if part)


def _stable(facts: ModelFacts) -> str:
    stable = facts.status.stable
    if stable is None:
        return "-"
    return f"{stable.revision} (pinned)" if facts.pin == stable.revision else str(stable.revision)


def _beside(facts: ModelFacts) -> str:
    """The candidate, or how many arms an experiment has; the stable revision beside them is none."""
    if facts.candidate:
        return f"{facts.candidate.revision} ({facts.candidate.weight or 0} %)"
    arms = sum(each.name != STABLE_ARM for each in facts.status.arms or ())
    return f"{arms} {'arm' if arms == 1 else 'arms'}" if facts.experiments else "-"


def _pods(each: StableStatus | CandidateStatus) -> str:
    return f"{each.ready_replicas or 0}/{each.replicas or 0}"
