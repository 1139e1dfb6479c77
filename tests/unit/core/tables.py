"""The normative tables of `docs/architecture.md`, for the tests that run each row."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "architecture.md"


def rows(section: str) -> list[tuple[str, ...]]:
    """The cells of a section's table, without its head."""
    text = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    return [tuple(cell.strip() for cell in line.split("|")) for line in lines[2:]]
