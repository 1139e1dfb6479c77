"""Who has which share of the requests, and where among its steps a rollout is."""

from datetime import datetime
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from tritium.api.status import CandidateStatus, Phase, StableStatus
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.steps import Place, StepFacts, bake, steps, waits_for
from tritium.cli.facts.words import brief, span
from tritium.cli.views.style import BAD, BUSY, FAINT, GOOD, WAITS, bar, grid

_MARKS: Final = {
    Place.DONE: ("✓ ", GOOD),
    Place.SKIPPED: ("↷ ", FAINT),
    Place.CURRENT: ("● ", f"bold {BUSY}"),
    Place.NEXT: ("", FAINT),
}


def revisions_table(facts: ModelFacts) -> RenderableType:
    """A line for the revision that serves, and one for the candidate: its share of the requests, and its pods.

    And one for who gets copies of requests: of how many of them, which is no share.
    """
    table = grid("left", "right", "left", "right", "left", "left")
    for role, each in (("stable", facts.status.stable), ("candidate", facts.candidate)):
        if each:
            runs = facts.runs(each.revision)
            table.add_row(
                Text(role, style=FAINT),
                Text(str(each.revision), style="bold"),
                bar(each.weight if runs is None else runs),
                _share(each.weight, runs),
                _pods(each),
                Text(brief(each.digest), style=FAINT),
            )
    if (copies := facts.copies) is not None:
        numbers = Text(str(copies.revision), style="bold"), bar(copies.percent), f"{copies.percent} %"
        table.add_row(Text("copies", style=FAINT), *numbers, Text("of the requests", style=FAINT), Text())
    return table


def _share(told: int | None, runs: int | None) -> str:
    """What the gateway is told; before that, what it still runs where that is something else."""
    if told is None:
        return ""
    return f"{told} %" if runs in {None, told} else f"{runs} → {told} %"


def _pods(each: StableStatus | CandidateStatus) -> Text:
    if each.replicas is None:
        return Text()
    ready = each.ready_replicas or 0
    style = GOOD if ready >= each.replicas > 0 else WAITS if ready else BAD if each.replicas else FAINT
    return Text(f"{ready}/{each.replicas} ready", style=style)


def steps_line(facts: ModelFacts, now: datetime) -> RenderableType | None:
    """All steps, with how the candidate stands at its own; None where there are none."""
    under_way, baking = steps(facts), bake(facts)
    if not under_way and not baking:
        return None
    line = Text()
    for index, step in enumerate(under_way):
        name = "pause" if step.weight is None else f"{step.weight} %"
        mark = _MARKS[step.place]
        line.append(" → " if index else "", style=FAINT)
        line.append(f"{mark[0]}{name}", style=mark[1])
        line.append_text(_stands(facts, step, now))
    if baking:
        line.append(" → " if under_way else "", style=FAINT).append("● bake", style=f"bold {BUSY}")
        line.append_text(_paused(facts, now) or Text(f" ({span(baking.since, now)} of {baking.at_most})", style=BUSY))
    table = grid("left", "fold")
    table.add_row(Text("steps", style=FAINT), line)
    return table


def _stands(facts: ModelFacts, step: StepFacts, now: datetime) -> Text:
    """Since when the candidate has been at its step, or why not yet."""
    candidate = facts.status.candidate
    if candidate is None or step.place is not Place.CURRENT:
        return Text()
    if paused := _paused(facts, now):
        return paused
    if waits := waits_for(facts, step):
        return Text(f" (waits for {waits})", style=WAITS)
    least = f" of at least {step.min_duration}" if step.min_duration else ""
    return Text(f" ({span(candidate.step_started_at, now)}{least})", style=BUSY)


def _paused(facts: ModelFacts, now: datetime) -> Text | None:
    if facts.status.phase is not Phase.PAUSED:
        return None
    paused = facts.status.candidate.paused if facts.status.candidate else None
    since = f" for {span(paused.since, now)}" if paused else ""
    return Text(f" (paused{since})", style=WAITS)
