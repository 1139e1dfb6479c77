"""What the gates of a step see, a line each."""

from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from tritium.api.status import GateStatus
from tritium.cli.facts.words import share, span
from tritium.cli.views.style import FAINT, VERDICTS, WAITS, grid

_COUNTS: Final = "restarts"
"""The gate whose numbers are no shares."""


def gates_table(gates: list[GateStatus], now: datetime) -> RenderableType:
    """A line for each gate: verdict, k of n, the bounds of the candidate's share, the limit, stable's share, since.

    Below them why a query has no result.
    """
    table = grid("left", "left", "right", "right", "right", "right", "right")
    heads = ("gate", "verdict", "bad of requests", "bounds", "limit", "stable", "since")
    table.add_row(*(Text(head, style=FAINT) for head in heads))
    for gate in gates:
        table.add_row(
            gate.name,
            Text(gate.verdict, style=VERDICTS[gate.verdict]),
            _seen(gate),
            _bounds(gate),
            _limit(gate),
            "" if gate.stable_share is None else share(gate.stable_share),
            span(gate.since, now) if gate.since else "",
        )
    said = grid("left", "fold")
    for gate in gates:
        if gate.message:
            said.add_row(Text(gate.name, style=FAINT), Text(gate.message, style=WAITS))
    return Group(table, said) if said.row_count else table


def _seen(gate: GateStatus) -> str:
    if gate.requests is not None and gate.name != _COUNTS:
        return f"{gate.bad or 0} of {gate.requests}"
    if gate.value is not None:
        return f"{gate.value:g}"
    return "" if gate.bad is None else str(gate.bad)


def _bounds(gate: GateStatus) -> str:
    if gate.lower is None or gate.upper is None:
        return ""
    return f"{share(gate.lower).removesuffix(' %')}-{share(gate.upper)}"


def _limit(gate: GateStatus) -> str:
    if gate.limit is None:
        return ""
    return share(gate.limit) if gate.requests is not None and gate.name != _COUNTS else f"{gate.limit:g}"
