"""ModelDeployments in the middle of rollouts, as the operator's own decisions write them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.unit.cli.samples import Object, model
from tests.unit.core.seeing import PORT, lagging
from tests.unit.core.story import BAD, FEW, GOOD, ONE, TWO, Story, asking, begun, strategy
from tritium.api.gateway import preview_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tritium.core.seen import RevisionSeen, WindowSeen

LOOKED: timedelta = timedelta(seconds=20)
"""After the last pass."""


def _one_lags() -> Story:
    story = begun(GOOD)
    story.gateway = lagging(story.status.traffic)
    story.run(minutes=1)
    return story


def _waits_for_pods() -> Story:
    story = begun(GOOD)
    story.follows = False
    story.run(minutes=1)
    return story


def _waits_for_requests() -> Story:
    story = begun(FEW)
    story.run(minutes=40)
    return story


def _gate_fails(**rollout: Any) -> Story:
    story = begun(GOOD, strategy=strategy(**rollout))
    story.window = BAD
    story.run(seconds=5)
    return story


def _paused() -> Story:
    story = begun(GOOD)
    story.act("pause")
    story.run(seconds=15)
    story.run(minutes=12)
    return story


def _paused_by_spec() -> Story:
    story = begun(GOOD)
    story.asks = replace(story.asks, paused=True)
    story.run(minutes=12)
    return story


def _awaits_promotion() -> Story:
    story = begun(GOOD, strategy=strategy(autoPromote=False))
    for _ in range(3):
        story.run(minutes=1)
    return story


def _awaits_a_look() -> Story:
    """All at once, and only when a person says so."""
    asks = asking(strategy=json.dumps({"strategy": "blueGreen", "autoPromote": False}))
    story = Story(asks, window=GOOD)
    story.run()
    story.sees = replace(story.sees, preview=preview_port(PORT))
    story.run(minutes=12)
    return story


def _bakes(window: WindowSeen = GOOD, **rollout: Any) -> Story:
    """It has all of the requests, and is judged on."""
    story = begun(GOOD, strategy=strategy(**rollout))
    for _ in range(2):
        story.run(minutes=1)
    story.window = window
    story.run(minutes=1)
    return story


def _all_at_once() -> Story:
    story = Story(asking(strategy=json.dumps({"strategy": "blueGreen"})), window=GOOD)
    story.run()
    return story


def _loses(revision: RevisionSeen) -> Story:
    """One pod of that revision is gone, and no other comes."""
    story = begun(GOOD)
    story.follows = False
    gone = next(each for each in story.sees.pods if each.revision == revision.hash)
    story.sees = replace(story.sees, pods=tuple(each for each in story.sees.pods if each != gone))
    story.run(seconds=5)
    return story


STORIES: dict[str, Callable[[], Story]] = {
    "step": lambda: begun(GOOD),
    "gateway-lags": _one_lags,
    "waits-for-pods": _waits_for_pods,
    "insufficient-data": _waits_for_requests,
    "gate-failed": _gate_fails,
    "gate-failed-pause": lambda: _gate_fails(onFailure="Pause"),
    "paused-by-hand": _paused,
    "paused-by-spec": _paused_by_spec,
    "awaits-promotion": _awaits_promotion,
    "awaits-a-look": _awaits_a_look,
    "bakes": _bakes,
    "bake-failed": lambda: _bakes(BAD),
    "bake-failed-pause": lambda: _bakes(BAD, onFailure="Pause"),
    "bakes-all-at-once": _all_at_once,
    "candidate-lost": lambda: _loses(TWO),
    "stable-short": lambda: _loses(ONE),
}


def told(name: str) -> tuple[Object, datetime]:
    """The ModelDeployment of a story, and when somebody looks."""
    story = STORIES[name]()
    spec = {"rollout": {"paused": True}} if story.asks.paused else {}
    obj = model(**spec)
    status = story.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    metadata = obj["metadata"] | {"generation": status["observedGeneration"]}
    return obj | {"metadata": metadata, "status": status}, story.now + LOOKED
