"""Reads `docs/rollout-table.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[4] / "docs" / "rollout-table.md"
NEVER = "Phases that are passed at once"


@dataclass(frozen=True)
class Cell:
    """What one event comes to in one place."""

    place: str
    event: str
    phase: str
    reason: str
    stable: str
    traffic: str
    pods: str
    more: frozenset[str]


def tables() -> dict[str, list[list[str]]]:
    """By the heading: rows without the head. What stands before the first heading is under the empty one."""
    found = {}
    for section in PAGE.read_text().split("\n## "):
        heading, _, text = section.partition("\n")
        lines = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
        found["" if heading.startswith("# ") else heading] = [
            [cell.strip() for cell in line.split("|")] for line in lines[2:]
        ]
    return found


def events_of(cell: str) -> list[str]:
    return [each.strip() for each in cell.split(",")]


def cells() -> list[Cell]:
    """All of them, in the order of the page."""
    return [
        Cell(place, event, *phase_of(row[1]), row[2], row[3], row[4], frozenset(filter(None, row[5].split("; "))))
        for place, rows in tables().items()
        if place not in {"", NEVER}
        for row in rows
        for event in events_of(row[0])
    ]


def phase_of(cell: str) -> tuple[str, str]:
    phase, _, reason = cell.rstrip(")").partition(" (")
    return phase, reason
