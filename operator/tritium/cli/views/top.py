"""What all models do at the moment, a line each."""

from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tritium.cli.facts.row import Figure, Row
from tritium.cli.facts.top import Top
from tritium.cli.facts.words import share
from tritium.cli.views.fitted import Fitted, Whole
from tritium.cli.views.style import FAINT, WAITS, grid, of_phase

Column = tuple[str, str, Callable[[Row], str | Text]]
"""Its head, where its text stands, and what it shows of a line."""


def top_view(top: Top) -> RenderableType:
    """The table, and what has to be said of it."""
    return Group(Whole(_table(top)), *_notes(top))


def fitted_top(top: Top, foot: RenderableType) -> RenderableType:
    """The same for a terminal that shows it anew again and again, and no more lines than it has."""
    return Fitted(_headline(top), Whole(_table(top)), Group(*_notes(top), foot))


def _headline(top: Top) -> Text:
    unready = sum(not row.is_ready for row in top.rows)
    parts = [
        f"{top.at:%H:%M:%S} UTC",
        f"models: {len(top.rows)}",
        f"not ready: {unready}",
        f"GPUs held: {_number(top.gpus)}",
    ]
    return Text("  ".join(parts), style=FAINT)


def _notes(top: Top) -> Iterator[Text]:
    if top.counting:
        yield Text("what is counted comes with the next looks: errors, p50, p95 and requests", style=FAINT)
    if top.missing:
        yield Text(f"not shown: errors, p50, p95, in flight, waiting, GPU use: {top.missing}", style=WAITS)
    for namespace in sorted(top.silent):
        yield Text(
            f"more may come than is shown: a gateway pod in {namespace} does not tell what it counts", style=WAITS
        )
    if top.is_rough:
        yield Text("~ by the status: it is written when it is news, and at most twice a minute", style=FAINT)


def _table(top: Top) -> Table:
    columns = list(_columns(top))
    table = grid(*(where for _, where, _ in columns))
    table.add_row(*(Text(head, style=FAINT) for head, _, _ in columns))
    for row in top.rows:
        table.add_row(*(show(row) for _, _, show in columns))
    return table


def _columns(top: Top) -> Iterator[Column]:
    if top.everywhere:
        yield "NAMESPACE", "left", lambda row: row.facts.namespace
    yield "NAME", "left", lambda row: Text(row.facts.name, style="bold")
    yield "PHASE", "left", _phase
    yield "REVISION", "left", _revisions
    yield "PODS", "right", lambda row: f"{row.ready}/{row.wanted}"
    yield "REQ/S", "right", lambda row: _figure(row.rate)
    if not top.missing:
        yield from _COUNTED
    yield "GPUS", "right", lambda row: _figure(row.gpus)
    yield "MIN-MAX", "right", lambda row: f"{row.bounds[0]}-{row.bounds[1]}" if row.bounds else "-"
    yield "WHY SO MANY PODS", "left", lambda row: Text(row.why, style=WAITS if row.is_short else "")


_COUNTED: Final[tuple[Column, ...]] = (
    ("ERRORS", "right", lambda row: share(row.usage.errors)),
    ("P50", "right", lambda row: _milliseconds(row.usage.median_ms)),
    ("P95", "right", lambda row: _milliseconds(row.usage.p95_ms)),
    ("FLIGHT", "right", lambda row: _number(row.usage.active)),
    ("WAITING", "right", lambda row: _number(row.usage.pending)),
    ("GPU", "right", lambda row: share(row.usage.gpu)),
)


def _phase(row: Row) -> Text:
    status = row.facts.status
    return Text(str(status.phase or "-"), style=of_phase(status.phase, ready=row.is_ready))


def _revisions(row: Row) -> str:
    """Who has requests, and of how many; of one that has all, its number alone."""
    parts = row.parts
    if not parts:
        return "-"
    if len(parts) == 1:
        return str(parts[0].revision)
    return ", ".join(f"{each.revision} ({each.weight} %)" for each in parts)


def _figure(figure: Figure | None) -> str:
    return "-" if figure is None else f"{'~' if figure.rough else ''}{_number(figure.value)}"


def _number(value: float | None) -> str:
    """With the digits that matter.

    >>> _number(1234.5), _number(86.23), _number(4.0), _number(0.26), _number(None)
    ('1234', '86', '4', '0.3', '-')
    """
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 10 else f"{round(value, 1):g}"


def _milliseconds(value: float | None) -> str:
    """As short as it can be read.

    >>> _milliseconds(4.13), _milliseconds(250.0), _milliseconds(12500.0)
    ('4.1ms', '250ms', '12.5s')
    """
    if value is None:
        return "-"
    return f"{_number(value)}ms" if value < 10_000 else f"{value / 1000:.1f}s"
