"""What arrives, read at one moment from pods that are asked at different ones."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.loop.test_gateway_counting import counted
from tritium.core.counts import Series
from tritium.loop.arrivals import SILENT, Arrivals, Flow

FRAUD = Series("ml", "fraud", 1)
OF = {"fraud"}


def arrived(arrivals: Arrivals, at: float) -> float:
    return arrivals.at(at, FRAUD).arrived


def test_what_was_there_before_the_first_question_did_not_just_arrive() -> None:
    arrivals = Arrivals()
    arrivals.take_in("a", "ml", counted(1000), 1.0, of=OF)
    assert arrivals.at(1.0, FRAUD) == Flow()
    arrivals.take_in("a", "ml", counted(1010, active=3), 2.0, of=OF)
    assert arrivals.at(2.0, FRAUD) == Flow(23, 20, 0, 3)  # `counted` counts each for HTTP and for gRPC


@given(jitter=st.lists(st.tuples(st.floats(0.8, 1.2), st.floats(0.8, 1.2)), min_size=12, max_size=12))
def test_a_rate_that_stays_is_the_same_however_the_pods_are_asked(jitter: list[tuple[float, float]]) -> None:
    """Each pod gets 50 requests a second; added up as they come, some seconds would have twice as many."""
    arrivals, times = Arrivals(), {"a": 0.0, "b": 0.5}
    seen: list[tuple[float, float]] = []
    for pauses in [(0.0, 0.0), *jitter]:
        for pod, pause in zip(times, pauses, strict=True):
            times[pod] += pause
            arrivals.take_in(pod, "ml", counted(round(times[pod] * 1e6)), times[pod], of=OF)
        moment = arrivals.moment("ml", max(times.values()))
        assert moment == min(times.values())
        seen.append((moment, arrived(arrivals, moment)))
    later = [each for each in seen if each[0] >= 0.5]  # from then on both count
    for (began, before), (ended, now) in pairwise(later):
        if ended - began > 0.1:
            assert (now - before) / (ended - began) == pytest.approx(4e6, rel=1e-3)


def test_one_that_is_asked_about_from_now_on_did_not_just_get_all_its_requests() -> None:
    arrivals = Arrivals()
    arrivals.take_in("a", "ml", counted(5000), 1.0, of=())
    assert arrived(arrivals, 1.0) == 0
    arrivals.take_in("a", "ml", counted(5010), 2.0, of=OF)
    arrivals.take_in("a", "ml", counted(5020), 3.0, of=OF)
    assert [arrived(arrivals, at) for at in (1.0, 2.0, 3.0)] == [0, 0, 20]


def test_an_envoy_that_began_anew_takes_nothing_away() -> None:
    arrivals = Arrivals()
    for at, number in ((0.0, 100), (1.0, 130), (2.0, 4), (3.0, 9)):
        arrivals.take_in("a", "ml", counted(number), at, of=OF)
    assert [arrived(arrivals, at) for at in (0.0, 1.0, 2.0, 3.0)] == [0, 60, 68, 78]


def test_what_a_pod_counted_stays_when_it_goes() -> None:
    arrivals = Arrivals()
    arrivals.take_in("a", "ml", counted(0), 0.0, of=OF)
    arrivals.take_in("a", "ml", counted(10, active=2), 1.0, of=OF)
    arrivals.leave("a")
    assert arrivals.at(1.0, FRAUD) == Flow(22, 20, 0, 0)
    assert arrivals.moment("ml", 1.0) is None
    arrivals.keep("ml", "fraud", [1])
    assert arrived(arrivals, 2.0) > 0
    arrivals.keep("ml", "fraud", ())
    assert arrivals.at(1.0, FRAUD) == Flow()


def test_a_pod_that_does_not_answer_is_not_waited_for_and_not_forgotten() -> None:
    arrivals = Arrivals()
    for pod in ("a", "b"):
        arrivals.take_in(pod, "ml", counted(0), 0.0, of=OF)
        arrivals.take_in(pod, "ml", counted(10), 1.0, of=OF)
    late = 2 + SILENT
    arrivals.take_in("a", "ml", counted(20), late, of=OF)
    assert arrivals.moment("ml", late) == late
    assert arrivals.is_partial(["a", "b"], late)
    assert arrived(arrivals, late) == 60
    assert not arrivals.is_partial(["a"], late)
    assert arrivals.is_partial(["a", "c"], late)


def test_one_that_counts_nothing_more_is_no_silent_one() -> None:
    arrivals = Arrivals()
    arrivals.take_in("a", "ml", counted(10), 0.0, of=OF)
    for second in range(1, 40):
        arrivals.again("a", float(second))
    assert not arrivals.is_partial(["a"], 39.0)
    assert arrivals.moment("ml", 39.0) == 39.0
    assert arrived(arrivals, 39.0) == 0


def test_a_namespace_has_its_own() -> None:
    arrivals = Arrivals()
    arrivals.take_in("a", "ml", counted(0), 0.0, of=OF)
    arrivals.take_in("a", "ml", counted(10), 1.0, of=OF)
    assert arrivals.moment("other", 1.0) is None
    assert arrivals.at(1.0, Series("other", "fraud", 1)) == Flow()
