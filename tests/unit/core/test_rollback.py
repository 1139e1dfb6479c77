"""`status.lastRollback`, and the Event: whenever traffic goes back, by whoever's word, and whichever is the older."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.core.grid.events import ACTIONS, EVENTS
from tests.unit.core.grid.situations import SITUATIONS, place
from tests.unit.core.seeing import deployments, weights
from tests.unit.core.sides import running
from tests.unit.core.story import GOOD, THREE, TWO_STEPS, Story, begun, replacing, strategy
from tritium.core.reasons import Reason

if TYPE_CHECKING:
    from tests.unit.core.grid.world import World
    from tritium.core.plan import Notice

_OF_PEOPLE = (*ACTIONS, "edit", "third revision", "edit back", "pin 1", "pin 2", "pin 3", "pin 9", "gate fails")


def back(story: Story | World) -> tuple[int, int, str] | None:
    found = story.status.last_rollback
    return (found.from_revision, found.to_revision, found.reason) if found else None


def asked(story: Story, **changes: Any) -> list[Notice]:
    """Something else is asked for; what is told of it."""
    story.asks = replace(story.asks, **changes)
    told: list[Notice] = []
    for _ in range(12):
        told += story.run(passes=1).notices
    return [each for each in told if each.reason in {Reason.ROLLED_BACK, Reason.PROMOTED}]


def test_an_edit_back_in_the_middle_of_a_rollout() -> None:
    story = begun(GOOD)
    story.run(minutes=1)
    assert story.part == 5_000
    told = asked(story, written="a")
    assert (back(story), story.part) == ((2, 1, "SpecChanged"), 0)
    (notice,) = told
    assert notice.message == "requests go back from revision 2 to revision 1: the spec asks for it"


def test_it_is_told_once_and_the_time_stays() -> None:
    story = begun(GOOD)
    asked(story, written="a")
    first = story.status.last_rollback
    story.now += 2 * story.asks.bake_time
    assert (asked(story), story.status.last_rollback) == ([], first)


def test_an_edit_to_a_third_revision_takes_the_share_back_first() -> None:
    story = begun(GOOD)
    story.sees = replace(story.sees, revisions=(*story.sees.revisions, THREE), deployments=deployments(a=10, b=1, c=0))
    asked(story, written="c")
    assert (back(story), weights(story.status.traffic)[3]) == ((2, 1, "SpecChanged"), 1_000)


def test_a_pin_away_from_a_candidate_tells_of_it_once() -> None:
    story = begun(GOOD)
    (notice,) = asked(story, pin=1)
    assert back(story) == (2, 1, Reason.ROLLED_BACK)
    assert "revision 2 is not tried again" in notice.message


def test_a_candidate_without_a_share_leaves_nothing_to_go_back() -> None:
    story = Story(follows=False)
    story.run()
    assert asked(story, written="a") == []
    assert back(story) is None


@pytest.mark.parametrize(
    ("there", "again", "why"),
    [({"written": "a"}, {"written": "b"}, "SpecChanged"), ({"pin": 1}, {"pin": 2}, "Pinned")],
)
def test_to_the_newer_one_that_served_before(there: dict[str, Any], again: dict[str, Any], why: str) -> None:
    story = begun(GOOD)
    story.act("promote")
    story.run()
    assert back(story) is None
    asked(story, **there)
    assert (story.stable, back(story)) == (1, (2, 1, why))
    asked(story, **again)
    assert (story.stable, back(story)) == (2, (1, 2, why))


def test_from_what_came_back_pod_by_pod() -> None:
    """It was stable before, and has a part of the requests again when somebody changes their mind."""
    story = replacing()
    story.act("promote")
    story.run(passes=40)
    assert story.stable == 2
    story.asks = replace(story.asks, written="a", strategy=strategy(TWO_STEPS))
    while not weights(story.status.traffic).get(1):
        story.run(passes=1)
    asked(story, written="b")
    assert (story.stable, back(story)) == (2, (1, 2, "SpecChanged"))


def test_the_end_of_an_experiment_is_none() -> None:
    it = running()
    it.act("abort")
    it.run()
    assert (it.share(2), back(it)) == (0, None)


@pytest.mark.parametrize("event", _OF_PEOPLE)
@pytest.mark.parametrize("name", SITUATIONS)
def test_whoever_takes_a_share_away_from_the_candidate_leaves_a_trace(name: str, event: str) -> None:
    world = place(name)
    had, stable = weights(world.status.traffic), world.stable
    progress = world.status.candidate
    EVENTS[event](world)
    has = weights(world.status.traffic)
    if progress is None or progress.revision == stable or not had.get(progress.revision):
        return
    if not has.get(progress.revision):
        assert world.status.last_rollback, "nothing says that traffic went back"
        assert world.status.last_rollback.from_revision == progress.revision
