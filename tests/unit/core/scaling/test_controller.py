"""The number of pods, by the rules that make it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tritium.core.scaling.capacity import Capacity
from tritium.core.scaling.controller import Advice, Memory, Need, Why, advise, look, need, window
from tritium.core.scaling.demand import Demand
from tritium.core.scaling.knobs import Knobs
from tritium.core.scaling.sight import Sight, Span

KNOBS = Knobs(1, 20)
CALM = Memory(
    began=0.0,
    last=Sight(1000.0, 5000.0, 5000.0, active=4, ready=4),
    demand=Demand(60.0, 60.0, 4.0, 1000.0),
    capacity=Capacity(20.0, 3),
    ready=4,
)
"""60 requests a second, of which a pod can do 20 and is to do 15: four pods."""
QUIET = Span(2.0, 120.0, 120.0, 0.0)


def needed(memory: Memory = CALM, what: Span = QUIET, knobs: Knobs = KNOBS) -> tuple[float, Why]:
    """Pods and why."""
    found = need(memory, what, knobs)
    assert found
    return round(found.pods, 2), found.why


def seen(**what: object) -> Memory:
    """The calm, but for this of the last look."""
    assert CALM.last is not None
    return replace(CALM, last=replace(CALM.last, **what))  # type: ignore[arg-type]


def test_it_is_the_demand_over_three_quarters_of_what_a_pod_can_do() -> None:
    assert needed() == (4.0, Why.DEMAND)


def test_a_backlog_is_to_be_done_within_a_minute() -> None:
    """16 of them are none for four pods; 900 more in 60 seconds are 15 a second: one pod."""
    assert needed(seen(pending=16)) == (4.0, Why.DEMAND)
    assert needed(seen(pending=916)) == (5.0, Why.BACKLOG)


def test_what_a_user_says_of_a_pod_counts_more_than_what_was_learned() -> None:
    assert needed(knobs=replace(KNOBS, capacity=40.0)) == (2.0, Why.DEMAND)


@pytest.mark.parametrize(
    ("knobs", "found"),
    [
        (replace(KNOBS, metric="requestRate", target=12.0), (5.0, Why.REQUEST_RATE)),
        (replace(KNOBS, metric="concurrency", target=2.0), (2.0, Why.CONCURRENCY)),
    ],
)
def test_a_metric_of_the_users_replaces_the_choice(knobs: Knobs, found: tuple[float, Why]) -> None:
    assert needed(knobs=knobs) == found


def test_without_a_capacity_requests_in_flight_decide() -> None:
    assert needed(replace(CALM, capacity=Capacity()), knobs=replace(KNOBS, flight=0.8)) == (5.0, Why.CONCURRENCY)


def test_a_queue_that_has_formed_is_no_demand() -> None:
    """Without a capacity: not more than four times what the ready pods should have."""
    overrun = replace(CALM, capacity=Capacity(), demand=replace(CALM.demand, flight=900.0))
    assert needed(overrun) == (16.0, Why.CONCURRENCY)


def test_the_first_seconds_of_requests_in_flight_ask_for_no_pods() -> None:
    overrun = replace(CALM, capacity=Capacity(), demand=Demand(60.0, 60.0, 900.0, 4.0))
    assert needed(overrun) == (4.0, Why.CONCURRENCY)


def test_without_a_capacity_no_more_than_what_a_pod_can_do_at_least_asks_for() -> None:
    assert needed(replace(CALM, capacity=Capacity(at_least=16.0)), knobs=replace(KNOBS, flight=0.4)) == (
        5.0,
        Why.DEMAND,
    )


def test_fewer_in_flight_because_there_are_many_pods_is_no_reason_for_few() -> None:
    """12 pods hold 16 requests of which each is to have 4: that 4 pods do is not said by that."""
    many = replace(CALM, capacity=Capacity(), demand=replace(CALM.demand, flight=16.0))
    found = need(replace(many, last=Sight(1000.0, 0.0, 0.0, active=16, ready=12)), QUIET, replace(KNOBS, flight=4.0))
    assert found
    assert found.pods == 4.0
    assert found.pods + found.margin == pytest.approx(6.93, abs=0.01)


def test_where_requests_are_turned_away_there_is_one_more_than_turned_them_away() -> None:
    assert needed(what=replace(QUIET, shed=3.0)) == (5.0, Why.SHED)
    assert needed(replace(seen(ready=0), ready=0), replace(QUIET, shed=3.0)) == (4.0, Why.DEMAND)


def test_pods_that_were_not_there_yet_have_turned_nobody_away() -> None:
    assert needed(replace(CALM, ready=1), replace(QUIET, shed=3.0)) == (4.0, Why.DEMAND)


def advised(pods: float, has: int, knobs: Knobs = KNOBS, *needs: tuple[float, int], began: float = 0.0) -> Advice:
    """At 1000 s."""
    memory = replace(CALM, began=began, needs=needs)
    return advise(memory, Need(pods, Why.DEMAND, 0.0), has, knobs, 1000.0)[1]


def test_up_at_once_and_all_the_way() -> None:
    assert advised(15.9, 1).pods == 15


def test_a_little_more_than_they_are_meant_to_have_changes_nothing_unless_there_is_only_one() -> None:
    assert advised(4.3, 4) == Advice(4, Need(4.3, Why.DEMAND, 0.0), "tolerance")
    assert advised(4.4, 4).pods == 5
    assert advised(1.05, 1).pods == 2


def test_down_to_the_most_that_was_needed_in_the_window() -> None:
    assert advised(2.0, 6, KNOBS, (600.0, 6), (750.0, 5), (900.0, 3)).pods == 5
    assert advised(2.0, 5, KNOBS, (750.0, 5), (900.0, 3)).limited == "window"


def test_the_window_is_twice_a_cold_start_where_that_is_more() -> None:
    assert window(replace(KNOBS, cold=15.0)) == 300.0
    assert window(replace(KNOBS, cold=400.0)) == 800.0
    assert advised(2.0, 6, replace(KNOBS, cold=400.0), (300.0, 6)).pods == 6


def test_who_has_looked_for_less_than_a_window_says_no_fewer() -> None:
    """After a restart of the operator, whatever is known of the capacity."""
    assert advised(2.0, 6, KNOBS, began=701.0) == Advice(6, Need(2.0, Why.DEMAND, 0.0), "window")
    assert advised(2.0, 6, KNOBS, began=700.0).pods < 6


def test_who_has_not_looked_for_a_while_has_the_window_before_him_again() -> None:
    memory = replace(CALM, needs=((998.0, 4), (1000.0, 4)))
    assert look(memory, Sight(1030.0, 6800.0, 6800.0, active=4, ready=4), KNOBS).began == 0.0
    assert look(memory, Sight(1031.0, 6860.0, 6860.0, active=4, ready=4), KNOBS).began == 1031.0


def test_down_by_a_part_each_minute() -> None:
    memory, first = advise(CALM, Need(2.0, Why.DEMAND, 30.0), 12, KNOBS, 1000.0)
    assert (first.pods, first.limited) == (9, "step")
    held = advise(memory, Need(2.0, Why.DEMAND, 30.0), 9, KNOBS, 1059.0)[1]
    assert (held.pods, held.limited) == (9, "step")
    assert advise(memory, Need(2.0, Why.DEMAND, 30.0), 9, KNOBS, 1060.0)[1].pods == 7


def test_one_pod_less_may_go_also_where_a_part_is_less_than_one() -> None:
    assert advised(1.0, 2).pods == 1


@pytest.mark.parametrize(("has", "pods", "limited"), [(0, 2, "min"), (1, 2, "min"), (9, 8, "max"), (30, 8, "max")])
def test_the_bounds_hold_also_where_nothing_is_known(has: int, pods: int, limited: str) -> None:
    assert advise(CALM, None, has, Knobs(2, 8), 1000.0)[1] == Advice(pods, None, limited)


def test_the_bounds_hold_whatever_is_needed() -> None:
    assert (advised(50.0, 3, Knobs(2, 8)).pods, advised(0.1, 3, Knobs(2, 8)).pods) == (8, 2)
    assert advised(50.0, 3, Knobs(2, 8)).limited == "max"


def test_nothing_known_changes_nothing() -> None:
    assert advise(CALM, None, 5, KNOBS, 1000.0) == (CALM, Advice(5))


def test_what_was_needed_by_a_guess_is_forgotten_when_the_capacity_is_known() -> None:
    """Requests in flight asked for 9 pods while a queue formed; five full looks later it is known that 4 are enough."""
    memory = replace(CALM, capacity=Capacity(), needs=((900.0, 9),), last=_full(0))
    for index in range(1, 6):
        memory = look(memory, _full(index), KNOBS)
    assert memory.capacity.rps == 20.0
    assert max(pods for _, pods in memory.needs) < 9


def _full(index: int) -> Sight:
    return Sight(1000.0 + 2 * index, 120.0 * index, 160.0 * index, active=80, ready=4, pending=72, full=True)


def test_a_look_that_is_full_only_at_its_end_is_not_full() -> None:
    memory = replace(CALM, capacity=Capacity(), last=replace(_full(0), full=False))
    for index in range(1, 6):
        memory = look(memory, _full(index), KNOBS)
    assert memory.capacity.rps is None


def test_what_is_answered_while_the_number_of_pods_changes_shows_no_capacity() -> None:
    memory = replace(CALM, capacity=Capacity(), last=_full(0))
    for index in range(1, 6):
        memory = look(memory, replace(_full(index), ready=4 - index % 2), KNOBS)
    assert memory.capacity.rps is None


def test_a_tenth_of_a_request_a_second_is_one_pod() -> None:
    memory = Memory(began=0.0, capacity=Capacity(20.0, 3))
    advice = Advice(1)
    for index in range(600):
        now = Sight(2.0 * index, index // 5, index // 5, active=0, ready=1, pending=0)
        memory = look(memory, now, KNOBS)
        if index:
            found = need(memory, Span(2.0, float(index % 5 == 0), 0.0, 0.0), KNOBS)
            memory, advice = advise(memory, found, advice.pods, KNOBS, now.at)
            assert advice.pods == 1


def test_by_a_signal_of_the_servers_as_many_times_the_pods_as_it_is_of_its_target() -> None:
    told = replace(CALM, demand=replace(CALM.demand, queue_ms=75.0, gpu=0.6))
    assert needed(told, knobs=replace(KNOBS, metric="queueTime", target=50.0)) == (6.0, Why.QUEUE_TIME)
    assert needed(told, knobs=replace(KNOBS, metric="gpuUtilization", target=0.8)) == (3.0, Why.GPU)


def test_a_queue_without_bound_does_not_double_more_than_once() -> None:
    told = replace(CALM, demand=replace(CALM.demand, queue_ms=9000.0))
    assert needed(told, knobs=replace(KNOBS, metric="queueTime", target=50.0))[0] == 8.0


def test_what_the_servers_do_not_tell_is_no_need() -> None:
    assert need(CALM, QUIET, replace(KNOBS, metric="queueTime", target=50.0)) is None
    assert need(CALM, QUIET, replace(KNOBS, metric="gpuUtilization", target=0.8)) is None
