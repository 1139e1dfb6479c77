"""The screen that is shown anew: what matters stays on a small terminal."""

from __future__ import annotations

import pytest
from rich.console import Console
from rich.text import Text

from tests.unit.cli.golden import top
from tests.unit.cli.samples import CANARY, NOW, changed, condition
from tritium.cli.facts.model import read
from tritium.cli.views.status import fitted_view
from tritium.cli.views.top import fitted_top

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


@pytest.mark.parametrize(("width", "last"), [(60, "REQ/S"), (80, "P95"), (140, "WHY SO MANY PODS")])
def test_a_narrow_terminal_shows_the_first_columns_whole(width: int, last: str) -> None:
    console = Console(width=width, height=10, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(fitted_top(top(counted=True), Text(ENDS)), end="")
    lines = [line.rstrip() for line in captured.get().splitlines()]
    assert max(len(line) for line in lines) <= width
    assert lines[1].startswith("NAME     PHASE        REVISION            PODS")
    assert last in lines[1]
    assert lines[3].startswith("fraud    Progressing  2 (75 %), 3 (25 %)   4/4")
    assert lines[-1] == ENDS
