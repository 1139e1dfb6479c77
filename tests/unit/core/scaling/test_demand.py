"""The demand, as it is counted."""

from __future__ import annotations

import pytest

from tritium.core.scaling.demand import Demand, counted
from tritium.core.scaling.sight import Sight, Span, span


def after(*arrived: float, seconds: float = 2.0, before: Demand | None = None) -> Demand:
    """The demand after so many requests came in, a span for each number."""
    demand = before or Demand()
    for each in arrived:
        demand = counted(demand, Span(seconds, each, each, 0.0), Sight(0.0, 0.0, 0.0, active=3, ready=2))
    return demand


def test_it_is_what_comes_in_also_where_less_is_answered() -> None:
    demand = Demand()
    for _ in range(60):
        demand = counted(demand, Span(2.0, 1000.0, 320.0, 680.0), Sight(0.0, 0.0, 0.0, active=160, ready=2))
    assert demand.rate == pytest.approx(500.0)


def test_a_step_up_is_seen_within_two_looks() -> None:
    calm = after(*[200.0] * 60)
    assert after(1000.0, 1000.0, before=calm).rate > 0.85 * 500


def test_a_step_down_is_believed_slowly() -> None:
    busy = after(*[1000.0] * 60)
    assert after(*[200.0] * 15, before=busy).rate > 300
    assert after(*[200.0] * 120, before=busy).rate == pytest.approx(100.0, rel=0.1)


def test_the_first_numbers_have_no_more_weight_than_those_after_them() -> None:
    """After a restart of the operator the first span is as much chance as any."""
    assert after(20.0, 6.0, 4.0, 10.0).slow == pytest.approx(5.0)


def test_few_requests_are_watched_for_longer() -> None:
    """At one request a second 15 seconds of them are 15: a third more or less is chance."""
    quiet = after(*[2.0] * 100)
    assert after(6.0, before=quiet).rate < 1.15


def test_nothing_is_known_of_a_time_in_which_a_count_began_anew() -> None:
    assert span(Sight(10, 100, 90, 4, 2, shed=5.0), Sight(12, 160, 140, 6, 2, shed=0.0)) is None
    assert span(Sight(10, 100, 90, 4, 2), Sight(10, 160, 140, 6, 2)) is None


def test_nothing_came_in() -> None:
    demand = after(0.0, 0.0)
    assert (demand.rate, demand.chance) == (0.0, 0.0)
