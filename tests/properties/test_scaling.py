"""Scaling on any numbers: bounds hold, more work never needs fewer pods, and a load that stays lets them rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bench.autoscale_runs import flips, simulate
from bench.curves import Curve
from bench.fleet import Fleet, Service
from bench.scalers import Tritium
from tritium.core.scaling.controller import GAP, Memory, advise, look, need, whole, window
from tritium.core.scaling.knobs import Knobs
from tritium.core.scaling.sight import Sight, Span, span

AMOUNTS = st.integers(0, 1_000_000)
RATES = st.floats(0.01, 1e4)
PODS = st.integers(0, 100)
KNOBS = st.builds(
    lambda least, more, metric, target, capacity, flight, cold: Knobs(
        least, least + more, metric, target, capacity, flight, cold
    ),
    st.integers(0, 10),
    st.integers(0, 50),
    st.sampled_from(["auto", "requestRate", "concurrency"]),
    st.none() | RATES,
    st.none() | RATES,
    st.floats(0.1, 100),
    st.floats(0, 1000),
)
Looks = list[tuple[float, int, float, float, int, int, bool]]
LOOKS = st.lists(
    st.tuples(
        st.floats(0.5, 100), AMOUNTS, st.floats(0, 1), st.floats(0, 1), st.integers(0, 5000), PODS, st.booleans()
    ),
    min_size=1,
    max_size=30,
)
"""Seconds since the last one, what came in, which shares were answered and turned away, in flight, ready, full."""


def sights(looks: Looks) -> list[Sight]:
    """With counts that go up."""
    found = [Sight(0.0, 0.0, 0.0, 0, 1)]
    for seconds, arrived, answered, shed, active, ready, full in looks:
        last = found[-1]
        now = Sight(
            at=last.at + seconds,
            arrived=last.arrived + arrived,
            answered=last.answered + int(answered * arrived),
            active=active,
            ready=ready,
            pending=active // 2 if active % 3 else None,
            full=full,
            shed=last.shed + int(shed * arrived),
        )
        found.append(now)
    return found


def taken_in(looks: Looks, knobs: Knobs) -> Memory:
    memory = Memory(began=0.0)
    for now in sights(looks):
        memory = look(memory, now, knobs)
    return memory


@given(LOOKS, KNOBS, PODS)
def test_there_are_never_more_or_fewer_than_the_bounds_say(looks: Looks, knobs: Knobs, has: int) -> None:
    """However many there are already."""
    memory = Memory(began=0.0)
    for now in sights(looks):
        before = memory.last
        memory = look(memory, now, knobs)
        what = span(before, now) if before else None
        found = need(memory, what, knobs) if what else None
        memory, advice = advise(memory, found, has, knobs, now.at)
        assert knobs.least <= advice.pods <= knobs.most
        assert knobs.least <= advise(memory, None, has, knobs, now.at)[1].pods <= knobs.most
        has = advice.pods


@given(LOOKS, KNOBS, AMOUNTS, AMOUNTS, PODS)
def test_more_requests_never_need_fewer_pods(looks: Looks, knobs: Knobs, some: int, more: int, has: int) -> None:
    before = taken_in(looks, knobs)
    last = before.last
    assert last is not None
    found = []
    for arrived in sorted((some, more)):
        now = replace(last, at=last.at + 2.0, arrived=last.arrived + arrived)
        memory = look(before, now, knobs)
        what = need(memory, Span(2.0, arrived, 0.0, 0.0), knobs)
        assert what
        found.append((what.pods, advise(memory, what, has, knobs, now.at)[1].pods))
    assert found[0][0] <= found[1][0] + 1e-9
    assert found[0][1] <= found[1][1]


@given(LOOKS, KNOBS, PODS)
def test_without_data_all_stays(looks: Looks, knobs: Knobs, has: int) -> None:
    memory = taken_in(looks, knobs)
    assume(knobs.least <= has <= knobs.most)
    after, advice = advise(memory, None, has, knobs, 1e9)
    assert (after, advice.pods, advice.need) == (memory, has, None)


@given(LOOKS, KNOBS, st.sampled_from(["arrived", "answered", "shed"]))
def test_a_count_that_begins_anew_says_nothing(looks: Looks, knobs: Knobs, which: str) -> None:
    """A gateway pod was started again."""
    memory = taken_in(looks, knobs)
    last = memory.last
    assert last is not None
    assume(getattr(last, which) > 1)
    now = replace(last, at=last.at + 2.0, **{which: 0.0})  # type: ignore[arg-type]
    assert span(last, now) is None
    assert look(memory, now, knobs) == replace(memory, last=now)


@given(LOOKS, KNOBS, st.floats(GAP + 1, 1e6), st.integers(1, 100))
def test_who_has_not_looked_takes_no_pods_away(looks: Looks, knobs: Knobs, seconds: float, has: int) -> None:
    """The operator stood still, or no gateway told anything; that nothing comes in then proves nothing."""
    before = taken_in(looks, knobs)
    last = before.last
    assert last is not None
    assume(knobs.least <= has <= knobs.most)
    now = replace(last, at=last.at + seconds, shed=last.shed)
    memory = look(before, now, knobs)
    found = need(memory, Span(seconds, 0.0, 0.0, 0.0), knobs)
    assert advise(memory, found, has, knobs, now.at)[1].pods >= has
    assert advise(memory, found, has, knobs, now.at + window(knobs) - 1)[1].pods >= has


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_whole_pods_are_monotone_and_within_the_tolerance(some: float, more: float) -> None:
    some, more = sorted((some, more))
    assert whole(some) <= whole(more)
    assert some <= whole(some) + 0.1 * max(0, whole(some) - 1) + 1e-6 * (1 + some)


@settings(max_examples=25, deadline=None, derandomize=True)
@example(load=3.1, fixed=0.02, each=0.005, batch=16, cold=15.0, seed=1)  # requests in flight: many pods hold few
@given(
    load=st.floats(0.05, 3.5),
    fixed=st.floats(0.02, 1.0),
    each=st.floats(0.004, 0.05),
    batch=st.sampled_from([1, 1, 4, 16]),
    cold=st.sampled_from([5.0, 15.0, 60.0, 200.0]),
    seed=st.integers(0, 1000),
)
def test_under_a_load_that_stays_the_number_of_pods_does(  # noqa: PLR0917 - hypothesis gives them by name
    load: float, fixed: float, each: float, batch: int, cold: float, seed: int
) -> None:
    """Of any model, with its capacity unknown at the beginning. A quarter of an hour to find it; then for another."""
    service = Service(fixed, each, batch)
    assume(load * service.capacity < 60)  # requests a second: so that it takes a second
    minutes = 30
    scaler = Tritium(Knobs(1, 12, flight=0.7 * max(1.0, batch / 2), cold=cold))
    run = simulate(Curve("even", np.full(minutes * 60, load)), Fleet(service, cold, seed), scaler)
    late = [pods for at, pods in run.sizes if at >= 15 * 60]
    before = [pods for at, pods in run.sizes if at < 15 * 60]
    assert flips([before[-1], *late]) == 0, run.sizes
    assert whole(load / 0.75) <= [*before, *late][-1] <= 12
