"""The table of `strategy: blueGreen` that waits for a person, in `docs/architecture.md`, row by row."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    NO_ROOM,
    SIGNATURE,
    STARTING,
    described,
    failed,
    passed,
    pod,
    pods,
    serving,
    silent,
    status_of,
    unaware_of,
    wish,
)
from tests.unit.core.story import ONE, THREE, TWO, Story
from tests.unit.core.tables import rows
from tritium.core.signature import Signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.core.seeing import Gateway
    from tritium.core.seen import PodSeen

BY_HAND = json.dumps({"strategy": "blueGreen", "autoPromote": False})
BY_ITSELF = json.dumps({"strategy": "blueGreen"})
CANARY = json.dumps({"steps": [{"weight": 10}]})


def idle() -> Story:
    asks = wish(replicas=2, strategy=BY_HAND)
    story = Story(asks, status_of(asks, serving(ONE, count=2)), serving(ONE, TWO, THREE, count=2), follows=False)
    story.run()
    return story


def preparing() -> Story:
    return seeing(changed(idle(), written="b"), pod("p", TWO, STARTING), pod("q", TWO, STARTING))


def waiting() -> Story:
    return seeing(preparing(), *pods(TWO, 2))


def promoting() -> Story:
    return acts(waiting(), "promote")


BEFORE: dict[str, tuple[str, Callable[[], Story]]] = {
    "Idle": ("Idle", idle),
    "Preparing": ("Preparing", preparing),
    "Waiting": ("Paused", waiting),
    "Promoting": ("Promoting", promoting),
}


def seeing(story: Story, *others: PodSeen, stable: int = 2) -> Story:
    """These pods beside those of the stable revision."""
    story.sees = replace(story.sees, pods=(*pods(ONE, stable), *others))
    story.run()
    return story


def changed(story: Story, **wanted: Any) -> Story:
    story.asks = replace(story.asks, **wanted)
    story.run()
    return story


def through(story: Story, gateway: Gateway) -> Story:
    story.gateway = gateway
    return story


def acts(story: Story, verb: str) -> Story:
    story.act(verb)
    story.run()
    return story


def later(story: Story, **passed_: Any) -> Story:
    story.run(**passed_)
    return story


def differs(story: Story) -> Story:
    mine, theirs = pods(TWO, 2), pods(ONE, 2)
    story.sees = replace(story.sees, signatures=described(Signature(), *mine) | described(SIGNATURE, *theirs))
    return seeing(story, *mine)


def asked_of_each(story: Story, answers: dict[str, Any]) -> Story:
    story.sees = replace(story.sees, smoke=answers)
    return seeing(changed(story, smoke_tests="t"), *pods(TWO, 2))


def without_room(story: Story) -> Story:
    return later(seeing(story, pod("p", TWO, NO_ROOM), pod("q", TWO, NO_ROOM)), minutes=31)


def one_missing(story: Story) -> Story:
    return seeing(story, pods(TWO, 2)[0], pod("q", TWO, STARTING))


EVENTS: dict[str, Callable[[Story], Story]] = {
    "nothing": lambda it: it,
    "time passes": lambda it: later(it, hours=48),
    "the operator is another one": lambda it: Story(it.asks, it.status, it.sees, it.now, follows=False),
    "the spec is changed": lambda it: changed(it, written="b"),
    "the spec is changed back": lambda it: changed(it, written="a"),
    "the spec is changed to a third revision": lambda it: changed(it, written="c"),
    "the spec is changed to a third revision, and its pods are ready": lambda it: seeing(
        changed(it, written="c"), *pods(THREE, 2)
    ),
    "the strategy is changed to canary": lambda it: changed(it, strategy=CANARY),
    "`autoPromote` is changed to true": lambda it: changed(it, strategy=BY_ITSELF),
    "some of the candidate's pods are ready": one_missing,
    "the candidate's pods are ready": lambda it: seeing(it, *pods(TWO, 2)),
    "they are ready, and a gateway pod does not know them yet": lambda it: seeing(
        through(it, unaware_of(TWO)), *pods(TWO, 2)
    ),
    "they are ready, and have not passed the smoke test": lambda it: asked_of_each(it, {}),
    "they are ready, and have passed the smoke test": lambda it: asked_of_each(it, passed(*pods(TWO, 2))),
    "one fails the smoke test": lambda it: asked_of_each(it, failed(pods(TWO, 2)[0])),
    "they have other tensors": differs,
    "they have other tensors, and a person says `promote`": lambda it: acts(differs(it), "promote"),
    "the candidate's model is at fault": lambda it: seeing(it, pod("p", TWO, BROKEN)),
    "they find no room for `progressDeadline`": without_room,
    "`promote`": lambda it: acts(it, "promote"),
    "`promote`, and the candidate's pods are ready": lambda it: seeing(acts(it, "promote"), *pods(TWO, 2)),
    "`promote`, and they find no room for `progressDeadline`": lambda it: without_room(acts(it, "promote")),
    "`promote`, and they find no room for `progressDeadline`, and are ready then": lambda it: seeing(
        without_room(acts(it, "promote")), *pods(TWO, 2)
    ),
    "`rollout.paused`": lambda it: changed(it, paused=True),
    "`rollout.paused`, and `promote`": lambda it: acts(changed(it, paused=True), "promote"),
    "`abort`": lambda it: acts(it, "abort"),
    "`pause`": lambda it: acts(it, "pause"),
    "`resume`": lambda it: acts(it, "resume"),
    "`skip-step`": lambda it: acts(it, "skip-step"),
    "a pod of the candidate is lost": one_missing,
    "all its pods are lost": seeing,
    "a pod of the candidate is lost, and `promote`": lambda it: acts(one_missing(it), "promote"),
    "a pod of the candidate is lost, `promote`, and it is back": lambda it: seeing(
        acts(one_missing(it), "promote"), *pods(TWO, 2)
    ),
    "a gateway pod does not answer": lambda it: through(it, silent),
    "a gateway pod does not answer, and `promote`": lambda it: acts(through(it, silent), "promote"),
    "a stable pod is lost": lambda it: seeing(it, *pods(TWO, 2), stable=1),
    "all stable pods are lost": lambda it: seeing(it, *pods(TWO, 2), stable=0),
    "`replicas` is 0": lambda it: seeing(changed(it, replicas=0), stable=0),
    "`pinRevision` names the candidate": lambda it: changed(it, pin=2),
    "`pinRevision` names the stable revision": lambda it: changed(it, pin=1),
    "`pinRevision` names none that is kept": lambda it: changed(it, pin=9),
}


ROWS = rows("A look before it serves")


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_the_table_is_true(row: tuple[str, ...]) -> None:
    before, event, *then, reason = row
    phase, begins = BEFORE[before]
    story = begins()
    assert story.status.phase == phase
    story = EVENTS[event](story)
    story.run()
    assert story.status.traffic
    found = [f"{story.part // 100} %", str(story.status.traffic.preview), str(story.status.phase)]
    assert (found, story.status.reason) == (then, reason)


def test_the_table_says_everything_that_is_known_here() -> None:
    assert {row[0] for row in ROWS} == set(BEFORE)
    assert {row[1] for row in ROWS} == set(EVENTS)
    assert len(ROWS) == len({row[:2] for row in ROWS})
