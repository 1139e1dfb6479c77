"""`docs/rollout-table.md`, cell by cell."""

from __future__ import annotations

import pytest

from tests.unit.core.grid.events import ACTIONS, DELETE, EVENTS, RESTART
from tests.unit.core.grid.page import NEVER, Cell, cells, events_of, tables
from tests.unit.core.grid.situations import SITUATIONS, place
from tests.unit.core.grid.world import World
from tests.unit.core.seeing import weights
from tritium.api.status import Phase
from tritium.core.actions import RETRY

CELLS = [each for each in cells() if each.event != DELETE]
COUNTS_ANEW = "counts anew"
NONE = "\N{EN DASH}"
WITH_REASON = {Phase.BLOCKED, Phase.PAUSED, Phase.ABORTED}
"""Phases of which the reason says what to do, so that each cell has one."""


def listed(shares: dict[int, int]) -> str:
    return ", ".join(f"{number}: {share}" for number, share in sorted(shares.items()) if share) or NONE


def pods(world: World) -> dict[int, int]:
    numbers = {each.hash: each.number for each in world.sees.revisions}
    return {numbers[each.revision]: each.replicas for each in world.sees.deployments}


def more(world: World) -> set[str]:
    found = set()
    if world.status.rejected_revisions:
        found.add(f"rejected {', '.join(str(each.revision) for each in world.status.rejected_revisions)}")
    if world.step and world.status.candidate and world.status.candidate.revision != world.stable:
        found.add(f"step {world.step + 1}")
    if world.status.candidate and world.status.candidate.by_hand:
        found.add("by hand")
    if world.status.experiment_ended:
        found.add("over")
    return found


@pytest.mark.parametrize("cell", CELLS, ids=[f"{each.place} - {each.event}" for each in CELLS])
def test_the_table_is_true(cell: Cell) -> None:
    world = place(cell.place)
    before = world.status
    EVENTS[cell.event](world)
    shares = {number: share // 100 for number, share in weights(world.status.traffic).items()}
    ends = [str(world.status.phase), str(world.stable or NONE), listed(shares), listed(pods(world)), more(world)]
    assert ends == [cell.phase, cell.stable, cell.traffic, cell.pods, cell.more - {COUNTS_ANEW}]
    if cell.event in ACTIONS:
        assert world.status.last_action
        assert world.status.last_action.verb == cell.event
        unchanged = world.status.model_copy(update={"last_action": before.last_action}) == before
        assert bool(world.in_vain) == (unchanged and cell.event != RETRY), "what has no effect is told"
    if cell.reason or cell.phase in WITH_REASON:
        assert world.status.reason == cell.reason


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_a_restart_loses_changes_nothing(name: str) -> None:
    """The status is that of the undisturbed world; where the gates count, but for what they have counted."""
    undisturbed, world = place(name), place(name)
    EVENTS[RESTART](world)
    (cell,) = [each for each in CELLS if (each.place, each.event) == (name, RESTART)]
    if COUNTS_ANEW in cell.more:
        assert undisturbed.judging
        assert world.status.candidate
        assert undisturbed.status.candidate
        gates = {"gates": world.status.candidate.gates}
        candidate = undisturbed.status.candidate.model_copy(update=gates)
        undisturbed.status = undisturbed.status.model_copy(update={"candidate": candidate})
    assert world.status == undisturbed.status
    assert world.sees == undisturbed.sees
    world.heal()
    undisturbed.heal()
    assert (world.status.phase, pods(world)) == (undisturbed.status.phase, pods(undisturbed))
    assert weights(world.status.traffic) == weights(undisturbed.status.traffic)


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_was_paused_by_an_unreadable_spec_goes_on(name: str) -> None:
    """The spec is put right again: all is as if nothing had happened."""
    undisturbed, world = place(name), place(name)
    EVENTS["SpecInvalid"](world)
    world.run()
    assert (world.status.phase, pods(world)) == (undisturbed.status.phase, pods(undisturbed))
    assert world.status.traffic == undisturbed.status.traffic


def test_the_page_is_complete() -> None:
    page = tables()
    legend = [event for row in page[""] for event in events_of(row[0])]
    assert sorted(legend) == sorted({*EVENTS, DELETE})
    assert set(page) - {"", NEVER} == set(SITUATIONS)
    for name in SITUATIONS:
        events = [event for row in page[name] for event in events_of(row[0])]
        assert sorted(events) == sorted(legend), name
    assert set(ACTIONS) < set(EVENTS)


def test_each_phase_is_seen_or_said_to_be_never_seen() -> None:
    seen = {each.phase for each in CELLS}
    never = {row[0] for row in tables()[NEVER]}
    assert seen.isdisjoint(never)
    assert seen | never == {each.value for each in Phase}
