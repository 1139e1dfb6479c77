"""What fits a terminal: where lines are too many, those in the middle give way to what a person is to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from tritium.cli.views.style import FAINT

Line = list[Segment]

ROOM: Final = 10_000
"""Columns that no line has."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A screen of parts that are one below the other.

    Attributes:
        top: who serves and how far it is; it stays.
        middle: the numbers and words behind that. First its empty lines go, then its last ones.
        bottom: what to do next, and how this ends; it stays.
    """

    top: RenderableType
    middle: RenderableType
    bottom: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As many lines as the terminal has."""
        top, middle, bottom = (_lines(console, options, each) for each in (self.top, self.middle, self.bottom))
        room = console.size.height - len(top) - len(bottom)
        if len(middle) > room:
            middle = [line for line in middle if _is_written(line)]
        if len(middle) > room:
            shown = max(0, room - 1)
            note = Text(f"  and {len(middle) - shown} more lines: a higher window shows them", style=FAINT)
            middle = [*middle[:shown], *_lines(console, options, note)]
        for line in (*top, *middle, *bottom):
            yield from line
            yield Segment.line()


@dataclass(frozen=True, slots=True)
class Whole:
    """A table whose columns keep their width: a terminal that is too narrow shows the first ones, or goes on below."""

    part: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As if there were room."""
        yield from console.render(self.part, options.update(width=ROOM, height=None))


def _lines(console: Console, options: ConsoleOptions, part: RenderableType) -> Sequence[Line]:
    return console.render_lines(part, options.update(height=None), pad=False)


def _is_written(line: Line) -> bool:
    return any(segment.text.strip() for segment in line)
