"""What a model answered."""

import json
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from tritium.cli.views.style import FAINT, grid

_MOST: Final = 16
"""Elements that are shown of one output; JSON has them all."""


def answer_view(name: str, answer: Mapping[str, Any], revision: str | None, milliseconds: float) -> RenderableType:
    """A line for each output."""
    by = f" by revision {revision}" if revision else ""
    table = grid("left", "left", "left", "fold")
    for output in answer.get("outputs") or ():
        data = output.get("data") or []
        more = f", … ({len(data)} in all)" if len(data) > _MOST else ""
        elements = ", ".join(json.dumps(each) for each in data[:_MOST]) + more
        shape = str(output.get("shape"))
        table.add_row(f"  {output.get('name')}", Text(str(output.get("datatype")), style=FAINT), Text(shape), elements)
    return Group(Text.assemble((name, "bold"), (f"  answered{by} in {milliseconds:.0f} ms", FAINT)), table)


def answer_data(answer: Mapping[str, Any], revision: str | None, milliseconds: float) -> dict[str, Any]:
    """The same for programs: Triton's answer, and how it came."""
    found = {"revision": int(revision) if revision else None, "milliseconds": round(milliseconds, 1)}
    return {**found, "answer": dict(answer)}
