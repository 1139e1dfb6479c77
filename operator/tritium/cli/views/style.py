"""The look that all views have in common: a colour for how things stand, and a bar for a weight."""

from typing import Final

from rich.table import Table
from rich.text import Text

from tritium.api.status import Phase

GOOD: Final = "green"
BUSY: Final = "cyan"
WAITS: Final = "yellow"
BAD: Final = "red"
FAINT: Final = "dim"

_BAR: Final = 16
"""Columns of a bar."""

_PHASES: Final = {
    Phase.IDLE: GOOD,
    Phase.PAUSED: WAITS,
    Phase.BLOCKED: WAITS,
    Phase.ABORTING: BAD,
    Phase.ABORTED: BAD,
}

VERDICTS: Final = {"Pass": GOOD, "Fail": BAD, "Inconclusive": WAITS}


def of_phase(phase: Phase | None, *, ready: bool) -> str:
    """The colour of a phase; where nothing serves, nothing is good."""
    colour = _PHASES.get(phase, BUSY) if phase else FAINT
    return BAD if colour == GOOD and not ready else colour


def bar(percent: int | None) -> Text:
    """A weight as a bar.

    >>> bar(25).plain
    '████░░░░░░░░░░░░'
    """
    filled = round((percent or 0) * _BAR / 100)
    return Text("█" * filled, style=BUSY) + Text("░" * (_BAR - filled), style=FAINT)


def grid(*columns: str) -> Table:
    """A table without lines; a column is `left` or `right`, or `fold` if its text may wrap."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for column in columns:
        wraps = column == "fold"
        table.add_column(
            justify="right" if column == "right" else "left",
            no_wrap=not wraps,
            overflow="fold" if wraps else "ellipsis",
        )
    return table
