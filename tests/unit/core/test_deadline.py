"""`rollout.progressDeadline`: a rollout that waits, and nothing moves, comes to wait for a person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.controlplane.behaviour import NeverReady, Ready
from tests.unit.core.pods import behaving
from tests.unit.core.seeing import NO_ROOM, STARTING, pod, pods, silent
from tests.unit.core.story import BAD, GOOD, ONE, TWO, Story, asking, begun, strategy
from tritium.api.conditions import ConditionType
from tritium.api.status import Phase
from tritium.core.diagnosis import pod_seen
from tritium.core.reasons import Reason

AT_ONCE = json.dumps({"strategy": "blueGreen"})


def with_pods(story: Story, *candidates: Any) -> Story:
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *candidates))
    return story


def phase(of: Story) -> Phase | None:
    return of.status.phase


def without_room(**asks: Any) -> Story:
    """Its pods find no room."""
    story = with_pods(Story(asking(**asks)), pod("p", TWO, NO_ROOM))
    story.run()
    assert phase(story) is Phase.BLOCKED
    return story


@pytest.mark.parametrize("asked", [strategy(), AT_ONCE], ids=["in steps", "at once"])
def test_after_it_the_rollout_waits_for_a_person_and_says_so(asked: str) -> None:
    story = without_room(strategy=asked)
    plan = story.run(minutes=29)
    assert phase(story) is Phase.BLOCKED
    assert plan.wake_at == story.now + timedelta(minutes=1)
    story.run(minutes=1)
    assert (story.status.phase, story.status.reason) == (Phase.PAUSED, Reason.DEADLINE)
    said = story.says(ConditionType.STALLED)
    assert "No node has room." in said
    assert "Nothing has moved for as long as rollout.progressDeadline allows." in said
    assert "resume@1" in said
    assert not story.status.rejected_revisions


@pytest.mark.parametrize("asked", [strategy(), AT_ONCE], ids=["in steps", "at once"])
def test_what_gets_ready_then_takes_nothing_over_until_somebody_says_so(asked: str) -> None:
    story = without_room(strategy=asked)
    story.run(minutes=30)
    with_pods(story, *pods(TWO, 10)).run(minutes=5)
    assert (story.stable, story.part, story.status.phase) == (1, 0, Phase.PAUSED)
    story.act("resume")
    story.window = GOOD
    story.run()
    assert (story.stable, story.part) in {(1, 1_000), (2, 10_000)}


@pytest.mark.parametrize("asked", [strategy(), AT_ONCE], ids=["in steps", "at once"])
def test_a_person_can_give_it_up(asked: str) -> None:
    story = without_room(strategy=asked)
    story.run(minutes=30)
    story.act("abort")
    story.run()
    assert (story.stable, story.status.phase) == (1, Phase.ABORTED)


def test_to_resume_gives_it_all_of_its_time_again() -> None:
    story = without_room()
    story.run(minutes=30)
    story.act("resume")
    story.run(minutes=1)
    story.run(minutes=29)
    assert phase(story) is Phase.BLOCKED
    story.run(minutes=1)
    assert phase(story) is Phase.PAUSED


def test_whatever_comes_further_begins_it_anew() -> None:
    story = without_room()
    moved = story.now + timedelta(minutes=20)
    with_pods(story, pod("p", TWO, STARTING, moved=moved)).run(minutes=45)
    assert phase(story) is Phase.PREPARING
    story.run(minutes=5)
    assert phase(story) is Phase.PAUSED


def test_a_model_may_be_fetched_and_loaded_for_hours() -> None:
    story = with_pods(Story(asking()), pod("p", TWO, STARTING, at_work=True))
    story.run()
    story.run(hours=9)
    assert phase(story) is Phase.PREPARING


def test_a_step_that_has_begun_has_a_time_of_its_own() -> None:
    story = begun(GOOD, strategy=strategy([{"weight": 10, "minDuration": "2h"}]))
    story.run(hours=1)
    assert phase(story) is Phase.PROGRESSING


def test_a_step_whose_pods_do_not_come_keeps_what_it_has_and_is_still_judged() -> None:
    story = begun(GOOD)
    with_pods(story, *pods(TWO, 1)).run(minutes=1)
    story.run(minutes=30)
    assert (story.status.phase, story.status.reason, story.part) == (Phase.PAUSED, Reason.DEADLINE, 1_000)
    story.window = BAD
    story.run(seconds=5)
    assert (story.status.phase, story.part) == (Phase.ABORTED, 0)


def test_a_gateway_that_does_not_answer_is_waited_for_as_long() -> None:
    story = with_pods(Story(asking(), gateway=silent), pod("p", TWO))
    story.run()
    story.run(minutes=30)
    assert (story.status.phase, story.part) == (Phase.PAUSED, 0)


def test_a_pause_stops_the_clock() -> None:
    story = without_room()
    story.asks = replace(story.asks, paused=True)
    story.run()
    story.run(hours=9)
    story.asks = replace(story.asks, paused=False)
    story.run(minutes=29)
    assert phase(story) is Phase.BLOCKED


def test_it_can_be_shorter() -> None:
    story = without_room(strategy=strategy(progressDeadline="2m"))
    story.run(minutes=2)
    assert phase(story) is Phase.PAUSED


def test_pods_tell_when_they_came_further() -> None:
    ready, loading = behaving(Ready()), behaving(NeverReady())
    loading["status"]["containerStatuses"][0]["started"] = False
    assert not pod_seen(ready).at_work
    assert pod_seen(ready).moved
    assert pod_seen(loading).at_work
    loading["status"]["containerStatuses"][0]["restartCount"] = 1
    assert not pod_seen(loading).at_work


@pytest.mark.parametrize("asked", [strategy(), AT_ONCE], ids=["in steps", "at once"])
def test_what_was_to_be_promoted_waits_as_well_and_resume_promotes_it(asked: str) -> None:
    story = without_room(strategy=asked)
    story.act("promote")
    story.run()
    story.run(minutes=31)
    assert story.paused == Reason.DEADLINE
    with_pods(story, *pods(TWO, 10)).run(hours=8)
    assert (story.stable, story.part, story.paused) == (1, 0, Reason.DEADLINE)
    story.act("resume")
    story.run()
    assert story.stable == 2
