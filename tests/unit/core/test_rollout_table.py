"""The table of `docs/architecture.md`, row by row: what a phase and an event come to."""

import pytest

from tests.unit.core.seeing import ALL, PORT, weights
from tests.unit.core.situation import PHASES
from tests.unit.core.situation_ends import ACTIONS
from tests.unit.core.situation_events import EVENTS
from tests.unit.core.tables import rows
from tritium.core.plan import ServiceWish

ROWS = rows("Rollout")


@pytest.mark.parametrize(("phase", "event", "then", "action"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_the_table_is_true(phase: str, event: str, then: str, action: str) -> None:
    before = EVENTS[event](PHASES[phase])
    plan = before.decided()
    assert plan.status.phase == then
    for each in action.split("; "):
        ACTIONS[each](before, plan)
    stable = plan.course.stable
    if stable and "the stable revision keeps its pods" not in action:
        assert plan.replicas[stable.hash] == before.asks.replicas
    if stable and "the Service stays where it is" not in action:
        assert weights(plan.status.traffic)[stable.number] == ALL
        if before.sees.service and before.sees.service.port:
            assert plan.service == ServiceWish(PORT, stable.number)


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_is_what_it_is_called(phase: str) -> None:
    assert PHASES[phase].decided().status.phase == phase


def test_the_table_says_everything_that_is_known_here() -> None:
    assert {row[0] for row in ROWS} == set(PHASES)
    assert {row[1] for row in ROWS} == set(EVENTS)
    assert {part for row in ROWS for part in row[3].split("; ")} == set(ACTIONS)
    assert len(ROWS) == len({row[:2] for row in ROWS})
