"""The table of rollouts in steps in `docs/architecture.md`, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    LOST,
    NO_GPU,
    NO_ROOM,
    SIGNATURE,
    STARTING,
    deployments,
    described,
    lagging,
    pod,
    pods,
    silent,
    wish,
)
from tests.unit.core.steps_ends import WHAT_ELSE
from tests.unit.core.story import BAD, FEW, GOOD, ONE, THREE, TWO, UNKNOWN, Story, asking, begun, strategy
from tests.unit.core.tables import rows
from tritium.core.queries import with_reading
from tritium.core.seen import QuerySeen, Reading, RevisionSeen
from tritium.core.signature import Signature


def preparing() -> Story:
    story = with_pods(Story(follows=False), *pods_of(TWO, 0))
    story.run()
    return story


def progressing() -> Story:
    return begun(GOOD)


def paused() -> Story:
    story = begun(GOOD)
    story.act("pause")
    story.run()
    return story


def baking(**others: str) -> Story:
    return promotes(begun(GOOD, strategy=strategy(None, **others)))


def promotes(story: Story) -> Story:
    """Its two steps pass."""
    return later(later(story, minutes=1), minutes=1)


PHASES: dict[str, Callable[[], Story]] = {
    "Preparing": preparing,
    "Progressing": progressing,
    "Paused": paused,
    "Promoting": baking,
}


def pods_of(candidate: RevisionSeen, count: int) -> tuple[object, ...]:
    return pods(candidate, count)


def with_pods(story: Story, *candidates: object, stable: int = 10) -> Story:
    """Other pods than those that are asked for."""
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, stable), *candidates))  # type: ignore[arg-type]
    return story


def acts(verb: str) -> Callable[[Story], Story]:
    def event(story: Story) -> Story:
        story.act(verb)
        story.follows = True
        return story

    return event


def acted(story: Story, verb: str) -> Story:
    """The same, whatever pods there are, and done."""
    story.act(verb)
    story.run()
    return story


def asks(**changes: object) -> Callable[[Story], Story]:
    def event(story: Story) -> Story:
        story.asks = replace(story.asks, **changes)  # type: ignore[arg-type]
        story.follows = True
        return story

    return event


def back(story: Story) -> Story:
    story.asks = wish(replicas=10)
    return story


def later(story: Story, **passed: float) -> Story:
    story.now += timedelta(**passed)
    story.run()
    return story


def waits(story: Story, **passed: float) -> Story:
    story.run()
    return later(story, **passed or {"minutes": 30})


def sees(story: Story, window: object) -> Story:
    story.window = window  # type: ignore[assignment]
    return story


def queried(*seconds: int, value: float = 0.9, known: bool = True) -> Story:
    """With a query that has to give at most 0.5."""
    analysis = {"prometheus": [{"name": "drift", "query": "up", "max": 0.5}]}
    story = Story(asking(strategy=strategy(analysis=analysis)), window=GOOD, has_prometheus=known)
    story.run()
    readings: tuple[Reading, ...] = ()
    for each in seconds:
        readings = with_reading(readings, Reading(story.now + timedelta(seconds=each), value))
    story.queries = {"drift": QuerySeen(readings)}
    return story


def given_a_prometheus(story: Story) -> Story:
    story.has_prometheus = True
    return story


def through(story: Story, gateway: object) -> Story:
    story.gateway = gateway  # type: ignore[assignment]
    return story


def other_tensors(story: Story) -> Story:
    signatures = described(SIGNATURE, *pods(ONE, 10)) | described(Signature(), *pods(TWO, 10))
    story.sees = replace(story.sees, signatures=signatures)
    story.follows = True
    return story


def stable_starts_anew(story: Story, *candidates: object) -> Story:
    """Nobody can be asked for the tensors of what serves."""
    story.run()
    story = with_pods(story, *(pod(f"new-{number}", ONE, STARTING) for number in range(10)), *candidates, stable=0)
    story.sees = replace(story.sees, signatures=described(Signature(), *pods(TWO, 10)))
    return story


def no_gpu(story: Story) -> Story:
    """One pod of the candidate has none, and that is all that is said of it."""
    story.run()
    return later(with_pods(story, *pods(TWO, 1), pod("p", TWO, NO_GPU)), minutes=1)


def paused_while_stable_starts_anew(story: Story) -> Story:
    story = stable_starts_anew(asks(paused=True)(story), *pods(TWO, 1))
    story.run()
    story.asks = replace(story.asks, paused=False)
    return story


def all_lost(story: Story) -> Story:
    story.run()
    lost = (*(replace(each, ready=False, trouble=LOST) for each in (*pods(ONE, 10), *pods(TWO, 1))),)
    return later(with_pods(story, *lost, stable=0), seconds=9)


def third(story: Story) -> Story:
    """Its pods are not there yet."""
    story.sees = replace(story.sees, revisions=(ONE, TWO, THREE))
    return asks(written="c")(story)


def event(name: str, story: Story) -> Story:
    """After this one."""
    story = EVENTS[name](story)
    story.run()
    return story


def from_cold(story: Story) -> Story:
    """The old revision has given up its pods, as for want of room, and a person goes back to it."""
    story.sees = replace(story.sees, deployments=deployments(a=0, b=10))
    with_pods(story, *pods(TWO, 10), stable=0).act("abort")
    story.run()
    return story


def retried(story: Story) -> Story:
    """As a retry leaves it that was answered."""
    story.status = story.status.model_copy(update={"rejected_revisions": None})
    return story


def promoted_without_pods(story: Story) -> Story:
    story.act("promote")
    return later(with_pods(story, *pods(TWO, 1)), seconds=1)


EVENTS: dict[str, Callable[[Story], Story]] = {
    "the candidate's pods are starting": lambda it: with_pods(it, pod("p", TWO, STARTING)),
    "the candidate's pods find no room": lambda it: with_pods(it, pod("p", TWO, NO_ROOM)),
    "the candidate's pods are ready": lambda it: with_pods(it, pod("p", TWO)),
    "they have other tensors for longer than `progressDeadline`": lambda it: waits(other_tensors(it)),
    "that, and then `rollout.compatibility` is Warn": lambda it: asks(enforces=False)(waits(other_tensors(it))),
    "they find no room for `progressDeadline`": lambda it: waits(with_pods(it, pod("p", TWO, NO_ROOM))),
    "they fetch the model for hours": lambda it: waits(with_pods(it, pod("p", TWO, STARTING, at_work=True)), hours=9),
    "the next step's pods find no room for `progressDeadline`": lambda it: waits(
        later(with_pods(it, pods(TWO, 1)[0]), minutes=1)
    ),
    "they find no room, `skip-step`, and `pause`; then there is room": lambda it: with_pods(
        acted(acted(with_pods(it, pod("p", TWO, NO_ROOM)), "skip-step"), "pause"), *pods(TWO, 5)
    ),
    "the next step's pods find no room, `skip-step`, and `progressDeadline`; then there is room": lambda it: with_pods(
        waits(acted(later(with_pods(it, pods(TWO, 1)[0]), minutes=1), "skip-step")), *pods(TWO, 10)
    ),
    "they are ready, and a gateway pod does not answer": lambda it: through(with_pods(it, pod("p", TWO)), silent),
    "they have not passed the smoke test": lambda it: with_pods(asks(smoke_tests="t")(it), pod("p", TWO)),
    "they have other tensors": other_tensors,
    "they have other tensors, and a person says `promote`": lambda it: acts("promote")(other_tensors(it)),
    "they have other tensors, and what serves loses its pods while one of them finds no GPU": lambda it: (
        stable_starts_anew(no_gpu(other_tensors(it)), *pods(TWO, 1), pod("p", TWO, NO_GPU))
    ),
    "they have other tensors, `rollout.paused` is set and removed, and what serves loses its pods": lambda it: (
        paused_while_stable_starts_anew(other_tensors(it))
    ),
    "they have other tensors, and all pods are lost; theirs are the first to come back": lambda it: stable_starts_anew(
        all_lost(other_tensors(it)), *pods(TWO, 1)
    ),
    "they have other tensors, and `rollout.compatibility` is Warn": lambda it: asks(enforces=False)(other_tensors(it)),
    "`rollout.paused`": asks(paused=True),
    "`abort`": acts("abort"),
    "`pause`": acts("pause"),
    "`promote` waits for pods": promoted_without_pods,
    "`promote` waits for pods, and `pause`": lambda it: acts("pause")(promoted_without_pods(it)),
    "`promote` waits for pods, and the spec is changed to one that is listed first": lambda it: third(
        later(asks(written="c")(promoted_without_pods(it)), seconds=1)
    ),
    "`resume`": acts("resume"),
    "`promote`": acts("promote"),
    "`skip-step`": acts("skip-step"),
    "the spec is changed back": back,
    "the spec is changed to a third revision": third,
    "the steps are changed": lambda it: later(asks(strategy=strategy([{"weight": 90}]))(it), seconds=5),
    "the strategy is changed to recreate": lambda it: later(asks(strategy='{"strategy":"recreate"}')(it), seconds=5),
    "`capacity` is changed to replace": lambda it: later(asks(capacity="replace")(it), seconds=5),
    "the step's time is not over": lambda it: later(it, seconds=59),
    "the step's time is over, and the gates pass": lambda it: later(it, minutes=1),
    "the same, and the next step's pods find no room": lambda it: later(with_pods(it, *pods(TWO, 1)), minutes=1),
    "all steps are over": lambda it: later(later(it, minutes=1), minutes=1),
    "a gate fails": lambda it: sees(it, BAD),
    "a gate fails, and `onFailure` is Pause": lambda _: begun(BAD, strategy=strategy(onFailure="Pause")),
    "a gate fails while the next step waits for pods": lambda it: sees(
        later(with_pods(it, *pods(TWO, 1)), minutes=1), BAD
    ),
    "a gate fails after all, and `onFailure` is Pause": lambda _: sees(baking(onFailure="Pause"), BAD),
    "a gate fails, and the old revision has no pods left": lambda it: sees(
        with_pods(it, *pods(TWO, 10), stable=0), BAD
    ),
    "a gate fails, and the stable revision has lost its pods": lambda it: sees(
        with_pods(it, *pods(TWO, 1), stable=0), BAD
    ),
    "the same, and they come back": lambda it: with_pods(
        event("a gate fails, and the stable revision has lost its pods", it), *pods(TWO, 1)
    ),
    "a gate fails, and the stable revision has lost a pod": lambda it: sees(
        with_pods(it, *pods(TWO, 1), stable=9), BAD
    ),
    "`abort`, and the stable revision has lost its pods": lambda it: with_pods(
        acts("abort")(it), *pods(TWO, 1), stable=0
    ),
    "that too, and they come back": lambda it: with_pods(
        event("`abort`, and the stable revision has lost its pods", it), *pods(TWO, 1)
    ),
    "the spec is changed back, and the stable revision has lost its pods": lambda it: with_pods(
        back(it), *pods(TWO, 1), stable=0
    ),
    "a gate fails, and the old revision has one of its ten pods": lambda it: sees(
        with_pods(it, *pods(TWO, 10), stable=1), BAD
    ),
    "a gate fails, and there are to be forty pods since then": lambda it: sees(
        with_pods(later(asks(replicas=40)(it), seconds=5), *pods(TWO, 40)), BAD
    ),
    "`abort`, and the old revision has no pods left": from_cold,
    "that, and they find no room": lambda it: with_pods(
        from_cold(it), *pods(TWO, 10), *(pod(f"n{number}", ONE, NO_GPU) for number in range(10)), stable=0
    ),
    "that, and four of them are ready": lambda it: with_pods(from_cold(it), *pods(TWO, 10), stable=4),
    "that, and five of them are ready": lambda it: with_pods(from_cold(it), *pods(TWO, 10), stable=5),
    "that, and a person says `retry`": lambda it: retried(from_cold(it)),
    "a gate fails, and what the old revision did is not known": lambda it: sees(it, UNKNOWN),
    "too few requests, and `maxWait` is not over": lambda it: later(sees(it, FEW), minutes=29),
    "too few requests, and `maxWait` is over": lambda it: later(sees(it, FEW), minutes=30),
    "there are queries, and no Prometheus": lambda _: queried(known=False),
    "that, for longer than `progressDeadline`": lambda _: waits(queried(known=False)),
    "that, and then there is a Prometheus": lambda _: given_a_prometheus(waits(queried(known=False))),
    "a query is outside its bound": lambda _: queried(10, 20, 30),
    "a query is outside its bound for a minute": lambda _: queried(10, 40, 70),
    "a query has no result, and `maxWait` is not over": lambda _: later(queried(), minutes=29),
    "a query has no result, and `maxWait` is over": lambda _: later(queried(), minutes=30),
    "a gateway pod does not answer": lambda it: through(it, silent),
    "a gateway pod does not run the weight": lambda _: later(through(Story(window=GOOD), lagging(None)), hours=1),
    "the candidate loses its pods": with_pods,
    "the candidate's container is started again": lambda it: with_pods(
        it, replace(pod("p", TWO), restarts=1), *pods(TWO, it.part * 9 // 10_000)
    ),
    "the candidate's model is at fault": lambda it: with_pods(it, pod("p", TWO, BROKEN)),
    "a stable pod is lost": lambda it: with_pods(it, *pods(TWO, 1), stable=9),
    "`pinRevision` names the candidate": asks(pin=2),
    "`pinRevision` names the stable revision": asks(pin=1),
    "`replicas` is 0": asks(replicas=0),
    "`pinRevision` names none that is kept": asks(pin=9),
    "the operator is another one": lambda it: sees(it, None),
    "time passes": lambda it: later(it, hours=9),
}


ROWS = rows("Rollout in steps")


@pytest.mark.parametrize(("phase", "event", "share", "then", "more"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS])
def test_the_table_is_true(phase: str, event: str, share: str, then: str, more: str) -> None:
    story = PHASES[phase]()
    assert story.status.phase == phase
    story = EVENTS[event](story)
    story.run()
    assert (f"{story.part // 100} %", story.status.phase) == (share, then)
    WHAT_ELSE[more](story)


def test_the_table_says_everything_that_is_known_here() -> None:
    assert {row[0] for row in ROWS} == set(PHASES)
    assert {row[1] for row in ROWS} == set(EVENTS)
    assert {row[4] for row in ROWS} == set(WHAT_ELSE)
    assert len(ROWS) == len({row[:2] for row in ROWS})
    assert asking().replicas == 10
