"""The confidence intervals of the measurements."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.confidence import interval, per, picks, quantiles

VALUES = st.floats(0.001, 1_000)
ROUNDS = st.lists(st.lists(VALUES, min_size=1, max_size=8), min_size=1, max_size=8)


@settings(deadline=None)  # the first call of numpy may take long
@given(ROUNDS)
def test_the_first_draw_is_what_was_measured(rounds: list[list[float]]) -> None:
    arrays = [np.array(each) for each in rounds]
    chosen = picks(len(rounds), times=5)
    (median,) = quantiles(arrays, [0.5], chosen)
    assert median[0] == np.median(np.concatenate(arrays))
    amounts, counts = [each.sum() for each in arrays], [len(each) for each in arrays]
    assert np.isclose(per(amounts, counts, chosen)[0], np.concatenate(arrays).mean())


@settings(deadline=None)  # the first call of numpy may take long
@given(ROUNDS)
def test_a_draw_says_nothing_that_no_round_says(rounds: list[list[float]]) -> None:
    for draws in quantiles([np.array(each) for each in rounds], [0.5, 0.99], picks(len(rounds), times=20)):
        assert draws.min() >= min(map(min, rounds))
        assert draws.max() <= max(map(max, rounds))


def test_the_truth_is_in_nineteen_of_twenty_intervals() -> None:
    """Rounds that drift together: what is compared are the differences within a round."""
    draw = np.random.default_rng(1)
    inside = 0
    for trial in range(100):
        drift = draw.normal(0, 5, 30)
        one = [draw.normal(10 + each, 1, 50) for each in drift]
        other = [draw.normal(12 + each, 1, 50) for each in drift]
        chosen = picks(30, times=200, seed=trial)
        sizes = [50] * 30
        added = interval(
            per([each.sum() for each in other], sizes, chosen) - per([o.sum() for o in one], sizes, chosen)
        )
        inside += added.low <= 2 <= added.high
        assert added.high - added.low < 0.5
    assert 89 <= inside <= 99


def test_more_rounds_make_it_surer() -> None:
    draw = np.random.default_rng(2)
    widths = []
    for number in (10, 100):
        (median,) = quantiles([draw.exponential(1, 20) for _ in range(number)], [0.5], picks(number))
        found = interval(median)
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2
