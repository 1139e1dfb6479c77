"""The table of pods that change hands in `docs/architecture.md`, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.core.seeing import BROKEN, STARTING, Gateway, following, lagging, pod, pods, silent
from tests.unit.core.story import BAD, ONE, TWO, Story, counts, four, replacing
from tests.unit.core.tables import rows

ENDING = replace(pods(ONE, 4)[3], ready=False, terminating=True)


def preparing() -> Story:
    story = four(follows=False)
    story.run()
    story.sees = replace(story.sees, pods=(*pods(ONE, 3), ENDING))
    story.run()
    story.follows = True
    return story


def promoting() -> Story:
    return later(replacing(), 3)


PHASES: dict[str, Callable[[], Story]] = {"Preparing": preparing, "Progressing": replacing, "Promoting": promoting}


def later(story: Story, minutes: int = 1, gateway: Gateway = following) -> Story:
    story.gateway = gateway
    for _ in range(minutes):
        story.run(passes=20, minutes=1)
    return story


def nothing(story: Story) -> Story:
    story.follows = False
    return story


def seeing(story: Story, *others: object) -> Story:
    story.follows = False
    story.sees = replace(story.sees, pods=others)  # type: ignore[arg-type]
    return story


def acts(verb: str) -> Callable[[Story], Story]:
    def event(story: Story) -> Story:
        story.act(verb)
        return story

    return event


def asks(**changes: object) -> Callable[[Story], Story]:
    def event(story: Story) -> Story:
        story.asks = replace(story.asks, **changes)  # type: ignore[arg-type]
        return story

    return event


def fails(story: Story, gateway: Gateway = following) -> Story:
    story.window, story.gateway = BAD, gateway
    return story


def lags_behind(story: Story) -> Story:
    """Until the last step is over all is well."""
    later(story, 2)
    return later(story, gateway=lagging(story.status.traffic))


EVENTS: dict[str, Callable[[Story], Story]] = {
    "nothing": nothing,
    "the pod that was given up does not end": lambda it: later(
        seeing(it, *pods(ONE, 3), replace(ENDING, gone_by=it.now))
    ),
    "the pod that was given up is gone": lambda it: seeing(it, *pods(ONE, 3)),
    "the candidate's model is at fault": lambda it: seeing(it, *pods(ONE, 3), pod("p", TWO, BROKEN)),
    "`abort`": acts("abort"),
    "`pause`": acts("pause"),
    "`promote`": acts("promote"),
    "the spec is changed back": asks(written="a"),
    "`replicas` is 8": asks(replicas=8),
    "`replicas` is 1": asks(replicas=1),
    "the step is over": later,
    "the step is over while a gateway pod does not answer": lambda it: later(it, gateway=silent),
    "the step is over while a pod of 1 is not ready": lambda it: later(seeing(it, *pods(ONE, 2), *pods(TWO, 1))),
    "the step is over, and the pod that is made for 2 is not ready": lambda it: later(
        seeing(later(seeing(it, *pods(ONE, 3), *pods(TWO, 1))), *pods(ONE, 2), *pods(TWO, 1), pod("p", TWO, STARTING))
    ),
    "two steps are over": lambda it: later(it, 2),
    "two steps are over, and `replicas` is 8": lambda it: nothing(asks(replicas=8)(later(it, 2))),
    "two steps are over, and `capacity` is changed to surge": lambda it: asks(capacity="surge")(later(it, 2)),
    "two steps are over, and the strategy is changed to blueGreen": lambda it: asks(
        capacity="surge", strategy='{"strategy":"blueGreen"}'
    )(later(it, 2)),
    "two steps are over, and two pods of 2 are lost": lambda it: seeing(later(it, 2), *pods(ONE), *pods(TWO)),
    "two steps are over, and the pod of 1 is lost": lambda it: seeing(later(it, 2), *pods(TWO, 3)),
    "all steps are over": lambda it: later(it, 3),
    "all steps are over, and a gateway pod lags behind the promotion": lags_behind,
    "a gate fails": fails,
    "a gate fails, and a gateway pod does not answer": lambda it: fails(it, silent),
    "the bake time ends": lambda it: later(it, 11),
}


ROWS = rows("Pods that change hands")


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_the_table_is_true(row: tuple[str, ...]) -> None:
    phase, event, *then = row
    story = PHASES[phase]()
    assert story.status.phase == phase
    story = EVENTS[event](story)
    story.run(passes=30)
    one, two, share = counts(story)
    assert [str(one), str(two), f"{share} %", story.status.phase] == then


def test_the_table_says_everything_that_is_known_here() -> None:
    assert {row[0] for row in ROWS} == set(PHASES)
    assert {row[1] for row in ROWS} == set(EVENTS)
    assert len(ROWS) == len({row[:2] for row in ROWS})
