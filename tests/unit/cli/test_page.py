"""docs/cli.md shows what the commands show, and names every command."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from tests.unit.cli.golden import rendered
from tritium.cli.main import app

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()


@pytest.mark.parametrize(
    "screen", ["status-canary", "status-all", "top", "top-by-status", "history-canary", "diff", "undo-idle", "infer"]
)
def test_a_screen_of_the_page_is_the_one_that_is_shown(screen: str) -> None:
    assert rendered(screen) in PAGE


def test_every_command_is_on_the_page() -> None:
    table = PAGE.partition("| command |")[2].partition("\n\n")[0]
    names = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
    assert [name for name in names if f"`{name}" not in table] == []
