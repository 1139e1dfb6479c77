"""The table of experiments in `docs/architecture.md`, row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.core.seeing import (
    BROKEN,
    NOW,
    SIGNATURE,
    STARTING,
    described,
    failed,
    passed,
    pod,
    pods,
    silent,
    unaware_of,
)
from tests.unit.core.sides import SIDE_A, SIDE_B, Experiments, comparing, experiment, running, story
from tests.unit.core.story import ONE, THREE, TWO, strategy
from tests.unit.core.tables import rows
from tritium.core.reasons import Reason
from tritium.core.seen import RevisionSeen
from tritium.core.signature import Signature

FOUR = replace(THREE, number=4, hash="4" * 8, written="d")

Event = Callable[[Experiments], Experiments]


def over() -> Experiments:
    it = running()
    it.act("abort")
    it.run()
    return it


def rollout_waits() -> Experiments:
    return changed(running())


BEFORE: dict[str, Callable[[], Experiments]] = {
    "no experiment": story,
    "it runs": running,
    "it is over": over,
    "a rollout waits": rollout_waits,
}


def asks(**changes: object) -> Event:
    def event(it: Experiments) -> Experiments:
        it.asks = replace(it.asks, **changes)  # type: ignore[arg-type]
        it.run()
        return it

    return event


def with_pods(it: Experiments, *others: object, stable: int = 10) -> Experiments:
    it.follows = False
    it.sees = replace(it.sees, pods=(*pods(ONE, stable), *others))  # type: ignore[arg-type]
    return it


def begins(it: Experiments, **changes: object) -> Experiments:
    it.asks = replace(it.asks, experiment=experiment())
    return asks(**changes)(it)


def describes(it: Experiments, signature: Signature | None, *of: RevisionSeen) -> Experiments:
    """What these say of their tensors; all others are alike."""
    known = described(SIGNATURE, *pods(ONE, 10), *pods(TWO, 10), *pods(THREE, 10))
    for each in (each for one in of for each in pods(one, 10)):
        known.pop(each.uid)
        known |= described(signature, each) if signature else {}
    it.sees = replace(it.sees, signatures=known)
    return it


def unaware(it: Experiments) -> Experiments:
    it.gateway = unaware_of(TWO)
    return begins(it)


def falls_silent(it: Experiments) -> Experiments:
    it.gateway = silent
    it.run()
    return it


def later(it: Experiments, hours: float = 0) -> Experiments:
    it.run(hours=hours)
    return it


def acts(verb: str) -> Event:
    def event(it: Experiments) -> Experiments:
        it.act(verb)
        it.run()
        return it

    return event


def changed(it: Experiments) -> Experiments:
    """Its pods are not ready yet."""
    it.sees = replace(it.sees, revisions=(*it.sees.revisions, FOUR))
    it.follows = False
    return asks(written="d")(it)


def base_is_a(it: Experiments) -> Experiments:
    with_pods(it, *pods(TWO, 1), pod("p", TWO, BROKEN), *pods(THREE, 3))
    return asks(written="b")(it)


def has_smoke_test(*fails: RevisionSeen) -> Event:
    """There is a smoke test now: of these the first pod fails it, and all others pass."""

    def event(it: Experiments) -> Experiments:
        answers = passed(*it.sees.pods) if fails else {}
        it.sees = replace(it.sees, smoke=answers | failed(*(pods(each)[0] for each in fails)))
        return asks(smoke_tests="t")(it)

    return event


def again(it: Experiments) -> Experiments:
    return asks(experiment=experiment(sticky_header="x-user"))(it)


def again_in_a_rollout(it: Experiments) -> Experiments:
    it.sees = replace(it.sees, revisions=(*it.sees.revisions, FOUR))
    asks(written="d", strategy=strategy())(it)
    assert it.share(4) == 10
    return again(it)


def another(it: Experiments) -> Experiments:
    it.sees = replace(it.sees, smoke={}, window=None, totals={})
    it.run()
    return it


EVENTS: dict[str, Event] = {
    "one is added, and its pods are starting": lambda it: begins(
        with_pods(it, pod("a", TWO, STARTING), pod("b", THREE, STARTING))
    ),
    "one is added, and its pods are ready": begins,
    "the same, and a gateway pod does not know the pods of a": unaware,
    "the same, and they have not passed the smoke test": lambda it: begins(it, smoke_tests="t"),
    "one is added, and the tensors of a are not known yet": lambda it: begins(describes(it, None, TWO)),
    "one is added, and b has other tensors": lambda it: begins(describes(it, Signature(), THREE)),
    "the same, and `rollout.compatibility` is Warn": lambda it: begins(
        describes(it, Signature(), THREE), enforces=False
    ),
    "the same, and then it is Enforce again": lambda it: asks(enforces=True)(
        begins(describes(it, Signature(), THREE), enforces=False)
    ),
    "one is added, and a has other tensors; then `pinRevision` names it": lambda it: asks(pin=2)(
        begins(describes(it, Signature(), TWO))
    ),
    "one is added, and a names a revision that is not kept": asks(
        experiment=experiment(replace(SIDE_A, revision=9), SIDE_B)
    ),
    "one is added that has ended": asks(experiment=experiment(ends_at=NOW)),
    "one is added with another spec": lambda it: changed(later(begins(it))),
    "time passes": lambda it: later(it, hours=9),
    "the operator is another one": another,
    "the weight of a is changed to 40 %": asks(experiment=experiment(replace(SIDE_A, percent=40), SIDE_B)),
    "the arm b is removed": asks(experiment=experiment(SIDE_A)),
    "the experiment is changed": again,
    "the experiment is changed while a rollout has requests": again_in_a_rollout,
    "the same, and then the rollout is aborted": lambda it: acts("abort")(again_in_a_rollout(it)),
    "the strategy is changed to recreate": asks(strategy='{"strategy":"recreate"}'),
    "the spec is changed": changed,
    "the spec is changed back": asks(written="a"),
    "the spec asks for a, and a pod of a cannot load the model": base_is_a,
    "a loses its pods": lambda it: later(with_pods(it, *pods(THREE, 3))),
    "a loses one of its two pods": lambda it: later(with_pods(it, *pods(TWO, 1), *pods(THREE, 3))),
    "b loses its pods": lambda it: later(with_pods(it, *pods(TWO, 2))),
    "there is a smoke test now, and nobody was asked": has_smoke_test(),
    "there is a smoke test now, and a pod of a fails it": has_smoke_test(TWO),
    "there is a smoke test now, and a pod of b fails it": has_smoke_test(THREE),
    "a gateway pod does not answer": falls_silent,
    "a stable pod is lost": lambda it: later(with_pods(it, *pods(TWO, 2), *pods(THREE, 3), stable=9)),
    "all stable pods are lost": lambda it: later(with_pods(it, *pods(TWO, 2), *pods(THREE, 3), stable=0)),
    "`replicas` is 0": asks(replicas=0),
    "`endsAt` comes": lambda it: later(asks(experiment=experiment(ends_at=NOW + timedelta(hours=1)))(it), hours=1),
    "`spec.experiment` is removed": asks(experiment=None),
    "`abort`": acts("abort"),
    "`promote`": acts("promote"),
    "`pinRevision` names the stable revision": asks(pin=1),
    "`pinRevision` names a": asks(pin=2),
    "`pinRevision` names none that is kept": asks(pin=9),
}


def is_over(it: Experiments) -> None:
    assert it.stable == 1
    assert it.status.experiment_ended
    assert it.led == []


def waits(it: Experiments) -> None:
    assert it.status.reason == Reason.EXPERIMENT_RUNNING
    assert "revision 4 waits for the experiment" in it.says()
    assert it.status.candidate is None


def rejects_nothing(it: Experiments) -> None:
    assert (it.status.rejected_revisions, it.status.last_rollback) == (None, None)
    assert "revision 2 waits for the experiment" in it.says()


def a_is_stable(it: Experiments) -> None:
    assert it.stable == 2


def nothing_else(it: Experiments) -> None:
    assert it.stable == 1
    assert it.status.experiment_ended is None
    assert it.led == ([3] if it.share(3) else [])


WHAT_ELSE = {
    "": nothing_else,
    "over": is_over,
    "the rollout waits": waits,
    "a is stable": a_is_stable,
    "nothing is rejected": rejects_nothing,
}


ROWS = rows("Experiments")


@pytest.mark.parametrize(
    ("before", "event", "a", "b", "then", "more"), ROWS, ids=[f"{row[0]}: {row[1]}" for row in ROWS]
)
def test_the_table_is_true(before: str, event: str, a: str, b: str, then: str, more: str) -> None:  # noqa: PLR0917
    it = EVENTS[event](BEFORE[before]())
    assert (f"{it.share(2)} %", f"{it.share(3)} %", it.status.phase) == (a, b, then)
    told = it.status.traffic.revisions or () if it.status.traffic else ()
    assert sum(each.weight for each in told) == 10_000
    WHAT_ELSE[more](it)


def test_the_table_says_everything_that_is_known_here() -> None:
    assert {row[0] for row in ROWS} == set(BEFORE)
    assert {row[1] for row in ROWS} == set(EVENTS)
    assert {row[5] for row in ROWS} == set(WHAT_ELSE)
    assert len(ROWS) == len({row[:2] for row in ROWS})
    assert comparing().experiment
