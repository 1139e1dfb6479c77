"""One ModelDeployment on a screen: who serves, what goes on, what stands in the way, what to do next."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tritium.api.conditions import ConditionType
from tritium.cli.facts.advice import Advice, advice
from tritium.cli.facts.conditions import that_matter
from tritium.cli.facts.messages import in_commands
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.words import span
from tritium.cli.views.experiment import experiment_view
from tritium.cli.views.fitted import Fitted
from tritium.cli.views.gates import gates_table
from tritium.cli.views.rollout import revisions_table, steps_line
from tritium.cli.views.style import BAD, FAINT, WAITS, grid, of_phase
from tritium.core.reasons import Reason


def status_view(facts: ModelFacts, now: datetime, program: str) -> RenderableType:
    """The screen; it fits 80 columns.

    Args:
        facts: the ModelDeployment.
        now: for how long things have been so.
        program: how the command is called.
    """
    return Group(*_separated([*_top(facts, now), *_middle(facts, now, program), *_bottom(facts, program)]))


def fitted_view(facts: ModelFacts, now: datetime, program: str, foot: RenderableType) -> RenderableType:
    """The same for a terminal that shows it anew again and again, and no more lines than it has."""
    top = Group(*_separated(_top(facts, now)))
    middle, bottom = list(_middle(facts, now, program)), list(_bottom(facts, program))
    below = (part for each in bottom for part in (Text(), _indented(each)))
    return Fitted(
        top, Group(*(part for each in middle for part in (Text(), _indented(each)))), Group(*below, Text(), foot)
    )


def headline(facts: ModelFacts) -> Text:
    """Name, phase and reason."""
    ready = facts.condition(ConditionType.READY)
    colour = of_phase(facts.status.phase, ready=bool(ready and ready.status == "True"))
    line = Text.assemble((facts.name, "bold"), (f"  in {facts.namespace}  ", FAINT))
    line.append(str(facts.status.phase or "not seen by the operator yet"), style=f"bold {colour}")
    if facts.status.reason:
        line.append(f"  {facts.status.reason}", style=colour)
    if facts.pin is not None:
        line.append(f"  pinned to revision {facts.pin}", style=WAITS)
    return line


def _separated(parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    for index, part in enumerate(parts):
        if index:
            yield Text()
            yield _indented(part)
        else:
            yield part


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))


def _top(facts: ModelFacts, now: datetime) -> Iterator[RenderableType]:
    status = facts.status
    yield Group(headline(facts), *_addresses(facts))
    if status.stable or status.candidate:
        yield revisions_table(facts)
    if (line := steps_line(facts, now)) is not None:
        yield line
    if scaling := _scaling(facts):
        yield _said([("scaling", scaling)])


def _scaling(facts: ModelFacts) -> Text | None:
    """Why there are as many pods as there are."""
    scaling, active = facts.status.scaling, facts.condition(ConditionType.SCALING_ACTIVE)
    if scaling is None or active is None:
        return None
    style = WAITS if active.reason in _SCALING_IS_SHORT else ""
    is_blind = active.reason in {Reason.NO_DATA, Reason.WAITING_FOR_DATA}
    return Text(active.message if is_blind or not scaling.message else scaling.message, style=style)


_SCALING_IS_SHORT: Final = frozenset({Reason.NO_DATA, Reason.NO_ROOM, Reason.AT_MAX})


def _middle(facts: ModelFacts, now: datetime, program: str) -> Iterator[RenderableType]:
    status = facts.status
    if status.candidate and status.candidate.gates:
        yield gates_table(status.candidate.gates, now)
    if status.arms:
        yield experiment_view(facts, now)
    if troubles := list(_troubles(facts, now, program)):
        yield _said(troubles)


def _bottom(facts: ModelFacts, program: str) -> Iterator[RenderableType]:
    if todo := advice(facts, program):
        yield _next(todo)


def _addresses(facts: ModelFacts) -> Iterator[Text]:
    """Where the model is, and where its next revision can be looked at."""
    status = facts.status
    if status.url:
        yield Text(status.url, style=FAINT)
    if status.preview_url and status.traffic and status.traffic.preview:
        yield Text(f"{status.preview_url}  shows revision {status.traffic.preview}", style=FAINT)


def _troubles(facts: ModelFacts, now: datetime, program: str) -> Iterator[tuple[str, Text]]:
    status = facts.status
    shown = that_matter(facts)
    if status.fetching:
        yield "fetching", Text(status.fetching)
    for each in shown:
        style = BAD if each.type is ConditionType.READY else WAITS
        message = in_commands(each.message, facts.name, program)
        yield str(each.type), Text(f"{each.reason}: {message}" if message else each.reason, style=style)
    failure = status.last_failure if shown or not facts.is_well else None
    if failure and not any(failure.message in each.message for each in shown):
        where = f"in pod {failure.pod}" if failure.pod else ""
        component = "" if where and failure.component == "pod" else f"{failure.component} "
        since = f"{component}{where}".rstrip() + f", {span(failure.at, now)} ago"
        yield "last failure", Text(f"{failure.reason} ({since}): {failure.message}")
    back = status.last_rollback
    if back:
        is_said = back.message is None or any(back.message in each.message for each in shown)
        why = "" if is_said else f": {back.message}"
        moved = f"from {back.from_revision} to {back.to_revision}, {span(back.at, now)} ago, {back.reason}{why}"
        yield "last rollback", Text(moved)


def _said(lines: Iterable[tuple[str, Text]]) -> RenderableType:
    table = grid("left", "fold")
    for name, text in lines:
        table.add_row(Text(name, style=FAINT), text)
    return table


def _next(todo: tuple[Advice, ...]) -> RenderableType:
    sentences, commands, alone = grid("left", "fold"), grid("left", "fold", "fold"), grid("left", "fold")
    lines = []
    for index, each in enumerate(todo):
        label = Text("next" if not index else "    ", style=FAINT)
        if each.is_long:
            alone.add_row(label, Text(each.why))
            lines.append(Padding(Text(_continued(each.command), style="bold"), (0, 0, 0, 6), expand=False))
        elif each.command:
            commands.add_row(label, Text(each.command, style="bold"), Text(each.why, style=FAINT))
        else:
            sentences.add_row(label, Text(each.why))
    return Group(*(table for table in (sentences, commands, alone) if table.row_count), *lines)


def _continued(command: str) -> str:
    """A command on two lines, as a shell takes it: one that is wrapped anywhere cannot be copied."""
    return command.replace(" -p ", " \\\n  -p ")
