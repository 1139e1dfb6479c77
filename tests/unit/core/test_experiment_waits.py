"""An experiment beside the way back: who was turned down serves until the stable revision has its pods."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.core.seeing import pods, weights
from tests.unit.core.sides import comparing, experiment, running
from tests.unit.core.story import ONE, TWO, Story, asking, begun
from tests.unit.core.test_bake import all_at_once
from tritium.core.wish import ArmWish

if TYPE_CHECKING:
    from collections.abc import Callable

NEW = experiment(ArmWish("new", 10, revision=2))


@pytest.mark.parametrize(("before", "serves"), [(all_at_once, 10_000), (begun, 1_000)], ids=["bakes", "in steps"])
def test_who_serves_until_others_can_is_no_arm_before(before: Callable[[], Story], serves: int) -> None:
    story = before()
    story.asks = replace(story.asks, experiment=NEW)
    story.follows = False
    story.sees = replace(story.sees, pods=pods(TWO, 10))  # the other one has lost all of its own
    story.run()
    story.act("abort")
    story.run()
    assert (story.stable, weights(story.status.traffic)[2], story.status.arms) == (1, serves, None)
    story.follows = True
    story.run()
    assert [(each.name, each.weight) for each in story.status.arms or ()] == [("new", 10), ("stable", 90)]


def test_an_arm_that_the_spec_asks_for_begins_with_its_first_step() -> None:
    """Whatever it had as an arm, and though the stable revision has lost a pod: it had that for the experiment only."""
    story = running(ArmWish("new", 50, revision=2))
    story.asks = replace(comparing(ArmWish("new", 50, revision=2)), written="b", strategy=asking().strategy)
    story.run()
    assert story.part == 5_000
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 9), *pods(TWO, 5)))
    story.asks = replace(story.asks, experiment=None)
    story.run()
    assert (story.stable, story.part, story.step) == (1, 1_000, 0)
