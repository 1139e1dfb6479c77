"""The table of `strategy: recreate` in `docs/architecture.md`, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    CRASHED,
    NO_IMAGE,
    NO_ROOM,
    STARTING,
    failed,
    pod,
    pods,
    serving,
    silent,
    status_of,
    wish,
)
from tests.unit.core.story import ONE, TWO, Story
from tests.unit.core.tables import rows
from tritium.api.conditions import ConditionType
from tritium.core.leaving import OVERDUE
from tritium.core.reasons import Reason
from tritium.core.seen import PodSeen, Refusal

REFUSED = Refusal("Deployment", TWO.hash, Reason.OBJECT_REFUSED, "It is wrong.")


def ending(of: tuple[PodSeen, ...]) -> tuple[PodSeen, ...]:
    return tuple(replace(each, ready=False, terminating=True) for each in of)


def does_not_end(story: Story, of: tuple[PodSeen, ...]) -> Story:
    """Its node is lost."""
    seeing(story, *(replace(each, gone_by=story.now, node="node-a") for each in ending(of)))
    story.run(minutes=1)
    return story


def idle() -> Story:
    asks = wish(replicas=2, strategy='{"strategy":"recreate"}')
    story = Story(asks, status_of(asks, serving(ONE, count=2)), serving(ONE, TWO, count=2), follows=False)
    story.run()
    return story


def preparing() -> Story:
    return seeing(changed(idle()), *ending(pods(ONE, 2)))


def waiting() -> Story:
    return seeing(seeing(changed(idle())), pod("p", TWO, STARTING), pod("q", TWO, STARTING))


BEFORE: dict[str, tuple[str, Callable[[], Story]]] = {
    "Idle": ("Idle", idle),
    "Preparing": ("Preparing", preparing),
    "Waiting": ("Preparing", waiting),
}


def seeing(story: Story, *others: PodSeen) -> Story:
    story.sees = replace(story.sees, pods=others)
    story.run()
    return story


def changed(story: Story, **others: object) -> Story:
    story.asks = replace(story.asks, **{"written": "b", **others})  # type: ignore[arg-type]
    story.run()
    return story


def through(story: Story, gateway: object) -> Story:
    story.gateway = gateway  # type: ignore[assignment]
    return story


def refused(story: Story) -> Story:
    story.sees = replace(story.sees, refusals=(REFUSED,))
    return story


def acts(story: Story, verb: str) -> Story:
    story.act(verb)
    story.run()
    return story


def too_late(story: Story) -> Story:
    seeing(story, pod("p", TWO, NO_ROOM), pod("q", TWO, NO_ROOM))
    story.run(minutes=30)
    return story


def fails_its_test(story: Story) -> Story:
    story.sees = replace(story.sees, pods=pods(TWO, 2), smoke=failed(*pods(TWO, 1)))
    return changed(story, smoke_tests="t")


def mended(story: Story) -> Story:
    story.sees = replace(story.sees, refusals=())
    story.run()
    return story


def held(story: Story, verb: str = "", minutes: int = 0) -> Story:
    """An object is refused; a person pauses it or the deadline does; and then it is refused no more."""
    changed(refused(story))
    if verb:
        acts(story, verb)
    story.run(minutes=minutes)
    return mended(story)


EVENTS: dict[str, Callable[[Story], Story]] = {
    "nothing": lambda it: it,
    "the spec is changed": changed,
    "the spec is changed while a gateway pod does not answer": lambda it: changed(through(it, silent)),
    "the spec is changed while `rollout.paused`": lambda it: changed(it, paused=True),
    "the spec is changed, and an object is refused": lambda it: changed(refused(it)),
    "the same for `progressDeadline`, and then not": lambda it: held(it, minutes=30),
    "the same, then `pause`, and then not": lambda it: held(it, "pause"),
    "the same, then `pause`, and then not, and `resume`": lambda it: acts(held(it, "pause"), "resume"),
    "the spec is changed back": lambda it: changed(it, written="a"),
    "`pinRevision` names the stable revision": lambda it: changed(it, pin=1),
    "`pinRevision` names none that is kept, and the pods of 2 are gone": lambda it: seeing(changed(it, pin=9)),
    "`pause`": lambda it: acts(it, "pause"),
    "a pod of 1 does not end": lambda it: does_not_end(it, pods(ONE, 1)),
    "the pods of 1 are gone": seeing,
    "the pods of 1 are gone, and an object is refused": lambda it: seeing(refused(it)),
    "`rollout.paused`": lambda it: changed(it, paused=True),
    "the pods of 2 find no room": lambda it: seeing(it, pod("p", TWO, NO_ROOM), pod("q", TWO, NO_ROOM)),
    "some of the pods of 2 are ready": lambda it: seeing(it, pod("p", TWO), pod("q", TWO, STARTING)),
    "the pods of 2 are ready": lambda it: seeing(it, *pods(TWO, 2)),
    "the image of 2 cannot be pulled, and its pods are gone": lambda it: seeing(seeing(it, pod("p", TWO, NO_IMAGE))),
    "a pod of 2 crashes, and they are gone": lambda it: seeing(seeing(it, pod("p", TWO, CRASHED))),
    "the pods of 2 find no room for `progressDeadline`, and they are gone": lambda it: seeing(too_late(it)),
    "the model of 2 is at fault": lambda it: seeing(it, pod("p", TWO, BROKEN)),
    "the model of 2 is at fault, and its pods are gone": lambda it: seeing(seeing(it, pod("p", TWO, BROKEN))),
    "a pod of 2 fails the smoke test, and they are gone": lambda it: seeing(fails_its_test(it)),
    "`abort`, and a pod of 2 does not end": lambda it: does_not_end(acts(it, "abort"), pods(TWO, 1)),
    "`abort`, and the pods of 2 are gone": lambda it: seeing(acts(it, "abort")),
    "the spec is changed back, and the pods of 2 are gone": lambda it: seeing(changed(it, written="a")),
    "`replicas` is 0": lambda it: seeing(changed(it, replicas=0)),
}


ROWS = rows("One after the other")


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_the_table_is_true(row: tuple[str, ...]) -> None:
    before, event, *then = row
    phase, begins = BEFORE[before]
    story = begins()
    assert story.status.phase == phase
    story = EVENTS[event](story)
    story.run()
    ready = next(each.reason for each in story.status.conditions or () if each.type is ConditionType.READY)
    assert [str(story.replicas(ONE)), str(story.replicas(TWO)), ready, story.status.phase] == then


def test_the_table_says_everything_that_is_known_here() -> None:
    assert {row[0] for row in ROWS} == set(BEFORE)
    assert {row[1] for row in ROWS} == set(EVENTS)
    assert len(ROWS) == len({row[:2] for row in ROWS})


def test_a_pod_that_does_not_end_is_named_with_its_node_and_what_to_do() -> None:
    story = does_not_end(preparing(), pods(ONE, 1))
    for kind in (ConditionType.READY, ConditionType.RELEASED):
        assert f"The pod {ONE.hash}-0, on the node node-a, was deleted and does not end." in story.says(kind)
        assert "kubectl delete pod --force" in story.says(kind)
    story = does_not_end(acts(waiting(), "abort"), pods(TWO, 1))
    assert f"The pod {TWO.hash}-0, on the node node-a, was deleted" in story.says(ConditionType.READY)


def test_it_is_looked_at_again_when_a_pod_should_be_gone() -> None:
    story = preparing()
    gone_by = story.now + timedelta(seconds=75)
    story.sees = replace(story.sees, pods=tuple(replace(each, gone_by=gone_by) for each in ending(pods(ONE, 2))))
    plan = story.run()
    assert plan.wake_at == gone_by + OVERDUE
    assert story.status.phase == "Preparing"


def test_while_the_old_pods_end_nobody_says_that_the_new_ones_are_being_made() -> None:
    assert preparing().says(ConditionType.READY) == (
        "rollout.strategy is recreate: revision 1 has given up its pods, and revision 2 gets its own when the last of "
        "them has ended"
    )


def test_that_nobody_is_served_is_told_once() -> None:
    story = idle()
    story.asks = replace(story.asks, written="b")
    told = list(story.run(passes=1).notices)
    for alive in ((), ending(pods(ONE, 2)), (), (pod("p", TWO, STARTING),), (pod("p", TWO), pod("q", TWO))):
        story.sees = replace(story.sees, pods=alive or story.sees.pods)
        told += [each for _ in range(3) for each in story.run(passes=1, seconds=1).notices]
    assert story.stable == 2
    (notice,) = [each for each in told if each.reason == Reason.RECREATING]
    assert notice.type == "Normal"
    assert notice.message.startswith("rollout.strategy is recreate: revision 1 has given up its pods")


def test_who_is_not_served_is_told_why() -> None:
    assert waiting().says(ConditionType.READY) == (
        "rollout.strategy is recreate: revision 1 has given up its pods, and revision 2 is being made ready: "
        "The pod waits for a node."
    )


def test_while_nobody_is_served_the_reason_says_so_unless_something_is_wrong() -> None:
    for story in (preparing(), waiting()):
        assert (story.status.phase, story.status.reason) == ("Preparing", Reason.RECREATING)
    story = seeing(waiting(), pod("p", TWO, NO_ROOM), pod("q", TWO, NO_ROOM))
    assert (story.status.phase, story.status.reason) == ("Blocked", Reason.UNSCHEDULABLE)
    assert seeing(waiting(), *pods(TWO, 2)).status.reason == Reason.SERVING


def test_what_is_given_up_says_that_the_pods_before_are_made_again() -> None:
    """Until one is ready nobody is served: nothing goes on."""
    story = seeing(acts(waiting(), "abort"), *ending(pods(TWO, 2)))
    assert "Revision 1 gets its pods again when the others have ended" in story.says()
    seeing(story)
    assert "The pods of revision 1 are being made again" in story.says()
    seeing(story, pod("r", ONE, NO_ROOM), pod("s", ONE, STARTING))
    assert "The pods of revision 1 are being made again (No node has room)" in story.says()
    assert "Revision 1 goes on" not in story.says()
    seeing(story, *pods(ONE, 1), pod("s", ONE, STARTING))
    assert "Revision 1 goes on" in story.says()
