"""What the screen shows of a query."""

from __future__ import annotations

from tests.unit.cli.samples import NOW
from tritium.api.status import GateStatus
from tritium.cli.printing import plain
from tritium.cli.views.gates import gates_table

WHY = 'The query "drift" has no result: it gives several series, and has to give one number: sum them, or name one.'


def test_a_query_shows_its_number_or_why_it_has_none() -> None:
    with_one = GateStatus(name="queue", verdict="Pass", value=0.0123, limit=0.05, since=NOW)
    without = GateStatus(name="drift", verdict="Inconclusive", limit=0.5, since=NOW, message=WHY)
    lines = plain(gates_table([with_one, without], NOW)).splitlines()
    assert lines[1].split() == ["queue", "Pass", "0.0123", "0.05", "0s"]
    assert lines[2].split()[:3] == ["drift", "Inconclusive", "0.5"]
    assert " ".join(" ".join(lines[3:]).split()) == f"drift {WHY}"
    assert len(plain(gates_table([with_one], NOW)).splitlines()) == 2
