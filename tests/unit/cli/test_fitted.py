"""The screen that is shown anew: what matters stays on a small terminal."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.text import Text

from tests.unit.cli.samples import CANARY, NOW, changed, condition
from tritium.cli.facts.model import read
from tritium.cli.views.status import fitted_view

LONG = [
    condition(kind, "False", "Unschedulable", f"{kind}: {'no node has room, ' * 12}") for kind in ("Ready", "Released")
]
CROWDED = changed(CANARY, {"conditions": LONG})
ENDS = "Ctrl-C ends this"


def shown(height: int) -> list[str]:
    console = Console(width=80, height=height, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(fitted_view(read(CROWDED), NOW, "tritium", Text(ENDS)), end="")
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("height", [16, 20, 24])
def test_what_matters_stays(height: int) -> None:
    lines = shown(height)
    assert len(lines) <= height
    assert lines[0].startswith("fraud  in ml  Progressing")
    assert any("candidate  3" in line for line in lines)
    assert any(line.startswith("  steps") for line in lines)
    assert any("tritium abort fraud" in line for line in lines)
    assert lines[-1] == ENDS
    (cut,) = [line for line in lines if "a higher window shows them" in line]
    assert (
        f"and {len([line for line in shown(100) if line]) - len([line for line in lines if line]) + 1} more lines"
        in cut
    )


def test_nothing_is_cut_where_there_is_room() -> None:
    lines = shown(100)
    assert not [line for line in lines if "higher window" in line]
    assert lines[lines.index("") + 1].startswith("  stable")
