"""What one pod can do, as it is learned."""

from __future__ import annotations

import pytest

from tritium.core.scaling.capacity import Capacity, learned, shown
from tritium.core.scaling.sight import Sight, Span


def full(before: Capacity, *answered: float, ready: int = 2) -> Capacity:
    """After spans of two seconds in which all pods had more to do than they can."""
    for each in answered:
        before = learned(before, Span(2.0, 900.0, each, 0.0), ready, full=True)
    return before


def seen(before: Capacity, answered: float, active: int, looks: int, ready: int = 1) -> Capacity:
    """After looks two seconds apart."""
    for _ in range(looks):
        now = Sight(0.0, 0.0, 0.0, active=active, ready=ready)
        before = shown(before, Span(2.0, answered, answered, 0.0), now, same=True)
    return before


def test_ten_full_seconds_show_it() -> None:
    assert full(Capacity(), *[640.0] * 4).rps is None
    assert full(Capacity(), *[640.0] * 5).rps == 160.0


def test_they_have_to_be_in_a_row() -> None:
    broken = learned(full(Capacity(), *[640.0] * 4), Span(2.0, 900.0, 900.0, 0.0), 2, full=False)
    assert full(broken, 640.0).rps is None


def test_being_full_and_answering_nothing_shows_nothing() -> None:
    """The servers hang: with a capacity of nothing there could never be pods enough."""
    assert full(Capacity(), *[0.0] * 20) == Capacity()
    known = Capacity(160.0, 3)
    assert full(known, *[0.0] * 20).rps == 160.0


def test_without_pods_nothing_is_learned() -> None:
    assert full(Capacity(), *[640.0] * 10, ready=0) == Capacity()


def test_one_bad_window_changes_a_fifth_and_a_slower_model_is_learned_within_a_minute() -> None:
    known = Capacity(160.0, 5)
    assert full(known, *[20.0] * 5).rps == pytest.approx(128.0)
    assert full(known, *[320.0] * 5 * 4).rps == 80.0


def test_more_than_was_known_counts_at_once() -> None:
    assert full(Capacity(20.0, 1), *[640.0] * 5).rps == 160.0


def test_a_pod_answers_at_least_what_it_could_one_after_the_other() -> None:
    """A request in flight at each second look, 24 a second: each takes 20.8 ms, so that 48 fit into a second."""
    found = Capacity()
    for look in range(200):
        found = seen(found, answered=48.0, active=look % 2, looks=1)
    assert 30 < found.at_least < 48


def test_what_was_learned_too_low_is_not_kept_for_ever() -> None:
    """A model that was still warming up, say: with so many pods as that asks for none is ever full again."""
    known = seen(Capacity(10.0, 1), answered=15.0, active=1, looks=60, ready=4).known
    assert known == pytest.approx(10.0)
    known = seen(Capacity(10.0, 1), answered=60.0, active=1, looks=60, ready=4).known
    assert known is not None
    assert known > 20


def test_a_few_looks_show_nothing_of_how_long_requests_take() -> None:
    """At a tenth of a request a second nobody is seen in flight: that is no proof that it takes no time."""
    assert seen(Capacity(), answered=1.0, active=0, looks=1000).at_least == 0.0
    assert seen(Capacity(), answered=100.0, active=1, looks=20).at_least == 0.0


def test_a_window_of_full_pods_says_more_than_what_was_seen_at_other_times() -> None:
    """A model that is slower from now on: how fast it was is forgotten with the first of them."""
    quick = seen(Capacity(160.0, 3), answered=400.0, active=1, looks=100)
    assert quick.known is not None
    assert quick.known > 160
    assert full(quick, *[320.0] * 5).at_least == 0.0


def test_what_pods_do_while_their_number_changes_shows_nothing() -> None:
    before = seen(Capacity(), answered=100.0, active=2, looks=40)
    now = Sight(0.0, 0.0, 0.0, active=2, ready=2)
    after = shown(before, Span(2.0, 100.0, 1_000_000.0, 0.0), now, same=False)
    assert (after.seen, after.at_least) == (0.0, before.at_least)
