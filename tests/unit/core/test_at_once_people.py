"""A rollout without steps, and what people do to it: pause, resume, promote."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.core.seeing import NO_ROOM, pod, pods
from tests.unit.core.story import BAD, GOOD, ONE, TWO, Story, asking
from tritium.api.status import Phase
from tritium.core.reasons import Reason

QUERIES: dict[str, Any] = {"analysis": {"prometheus": [{"name": "drift", "query": "up", "max": 1}]}}


def at_once(*, follows: bool = False, paused: bool = False, **rollout: Any) -> Story:
    """Its pods are not there yet, unless they follow."""
    story = Story(asking(strategy=json.dumps({"strategy": "blueGreen", **rollout}), paused=paused), window=GOOD)
    story.follows = follows
    story.run()
    assert story.stable == 1
    return story


def test_a_pause_holds_it_until_it_is_resumed() -> None:
    story = at_once()
    story.act("pause")
    story.run()
    assert (story.status.phase, story.paused) == (Phase.PAUSED, Reason.PAUSED_BY_HAND)
    story.follows = True
    story.run(hours=9)
    assert (story.stable, story.part, story.replicas(TWO)) == (1, 0, 10)
    assert "action=resume@1" in story.says()
    story.act("resume")
    story.run()
    assert (story.stable, story.part) == (2, 10_000)


@pytest.mark.parametrize("waits", ["for pods", "for a person", "for Prometheus"])
def test_a_promotion_is_heard_and_waits_for_pods_alone(waits: str) -> None:
    story = at_once(paused=waits == "for a person", **(QUERIES if waits == "for Prometheus" else {}))
    story.act("promote")
    story.run()
    assert story.status.last_action
    assert story.stable == 1
    assert story.status.candidate
    assert story.status.candidate.by_hand
    story.follows = True
    story.run()
    assert (story.stable, story.part) == (2, 10_000)


def test_what_a_person_promoted_is_not_judged() -> None:
    story = at_once()
    story.act("promote")
    story.run()
    story.follows = True
    story.run()
    assert (story.stable, story.judging) == (2, False)
    story.window = BAD
    story.run(minutes=1)
    assert story.stable == 2


def test_it_can_be_given_up_though_it_is_paused() -> None:
    story = at_once()
    story.act("pause")
    story.run()
    story.act("abort")
    story.run()
    assert (story.stable, story.status.phase) == (1, Phase.ABORTED)


@pytest.mark.parametrize("change", [{"pin": 99}, {"replicas": 0}], ids=["a mistyped pin", "no replicas"])
@pytest.mark.parametrize("ready", [False, True], ids=["its pods are not there", "its pods are there"])
def test_a_pause_survives_what_has_nothing_to_do_with_it(change: dict[str, Any], *, ready: bool) -> None:
    story = at_once()
    story.act("pause")
    story.run()
    story.follows = ready
    story.run()
    before = story.asks
    story.asks = replace(before, **change)
    story.run(minutes=1)
    assert (story.stable, story.part, story.status.phase) == (1, 0, Phase.PAUSED)
    story.asks, story.follows = before, True
    story.run(minutes=1)
    assert (story.stable, story.part, story.paused) == (1, 0, Reason.PAUSED_BY_HAND)
    story.act("resume")
    story.run()
    assert story.stable == 2


def test_so_does_one_of_the_deadline() -> None:
    story = at_once()
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), pod("p", TWO, NO_ROOM)))
    story.run()
    story.run(minutes=31)
    assert story.paused == Reason.DEADLINE
    story.asks = replace(story.asks, replicas=0)
    story.run(minutes=1)
    assert (story.stable, story.paused) == (1, Reason.DEADLINE)


def test_without_replicas_resume_lets_it_take_over_as_without_a_pause() -> None:
    story = at_once()
    story.act("pause")
    story.run()
    story.asks = replace(story.asks, replicas=0)
    story.run()
    story.act("resume")
    story.run()
    assert story.stable == 2


def test_a_pause_that_comes_when_the_old_pods_are_gone_leaves_nobody_unserved() -> None:
    story = Story(asking(strategy='{"strategy":"recreate"}', replicas=2), follows=False)
    story.act("pause")
    story.run()
    assert (story.stable, story.paused) == (1, Reason.PAUSED_BY_HAND)
    emptied = tuple(replace(each, replicas=0) for each in story.sees.deployments)
    story.sees = replace(story.sees, deployments=emptied, pods=())  # a pass before had asked for it
    story.follows = True
    story.run()
    assert (story.stable, story.part, story.replicas(TWO)) == (2, 10_000, 2)
