"""What the simulations of the gates reckon with numpy is what the rule says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import broken, rollouts
from bench.broken import Broken
from bench.judged import FAILED, REFUSED, SLOW, Windows, first_failure, may_fail, passes
from bench.rollouts import Outcome, Plan
from tritium.api.rollout import Analysis, LatencyGate
from tritium.core.excess import Allowed, fails, verdict
from tritium.core.gate import Verdict
from tritium.core.gates import judge
from tritium.core.proportion import Tally
from tritium.core.sample import Sample

SIZES = st.one_of(st.integers(0, 120), st.integers(0, 100_000))
TALLIES = SIZES.flatmap(lambda size: st.builds(Tally, st.integers(0, size), st.just(size)))
LOW = SIZES.flatmap(lambda size: st.builds(Tally, st.integers(0, size // 30), st.just(size)))
"""Shares about the limit, where it matters."""
LOOKS = st.lists(st.tuples(TALLIES | LOW, TALLIES | LOW), min_size=1, max_size=10)
ALLOWED = st.one_of(
    st.sampled_from([FAILED, REFUSED, SLOW]),
    st.builds(Allowed, st.floats(0.001, 0.5), st.floats(1, 10), st.integers(1, 100), st.booleans()),
)


@given(LOOKS, ALLOWED)
def test_it_is_the_rule(looks: list[tuple[Tally, Tally]], allowed: Allowed) -> None:
    columns = [(*candidate, *stable) for candidate, stable in looks]
    seen = Windows(*(np.array([numbers]) for numbers in zip(*columns, strict=True)))
    failing = [fails(candidate, stable, allowed) for candidate, stable in looks]
    assert first_failure(seen, allowed).tolist() == [(*failing, True).index(True)]
    passing = [verdict(candidate, stable, allowed) is Verdict.PASS for candidate, stable in looks]
    assert (passes(seen, allowed)[0] & ~np.array(failing)).tolist() == passing
    assert not (np.array(failing) & ~may_fail(seen, allowed)[0]).any(), "it was not asked where it would have failed"


@given(TALLIES | LOW, TALLIES | LOW)
def test_these_are_the_gates(of_candidate: tuple[int, int], of_stable: tuple[int, int]) -> None:
    """What is allowed by default, and the histogram as the gate of latency reads it."""
    sides = [
        (
            Sample(requests, failed=bad),
            Sample(requests, refused=bad),
            Sample(latency=((250, requests - bad), (500, requests))),
        )
        for bad, requests in (of_candidate, of_stable)
    ]
    wanted = Analysis(latency=LatencyGate(threshold="250ms"))
    verdicts = [
        next(gate.verdict for gate in judge(wanted, candidate, stable, 0, {}) if gate.name == name)
        for name, candidate, stable in zip(("errors", "refused", "latency"), *sides, strict=True)
    ]
    tallies = Tally(*of_candidate), Tally(*of_stable)
    assert verdicts == [verdict(*tallies, allowed) for allowed in (FAILED, REFUSED, SLOW)]


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        (Plan((5, 100), 200, 0.0, 0.0), Outcome(0, 20, 0)),
        # Too few requests for any verdict.
        (Plan((5, 100), 0.01, 0.0, 0.0), Outcome(0, 0, 20)),
        # Nothing to compare with, and far too many fail.
        (Plan((100,), 200, 0.05, 0.05), Outcome(20, 0, 0)),
        # The same beside a stable revision that fails as many, of which the last step remembers.
        (Plan((50, 100), 200, 0.05, 0.05), Outcome(0, 20, 0)),
        # As slow as the stable revision is no fault; where there is none it is.
        (Plan((5, 100), 200, 0.0, 0.0, 0.2), Outcome(0, 20, 0)),
        (Plan((100,), 200, 0.0, 0.0, 0.2), Outcome(20, 0, 0)),
    ],
)
def test_healthy(plan: Plan, outcome: Outcome) -> None:
    assert rollouts.simulate(plan, 20, seed=1) == outcome


def test_broken() -> None:
    found = broken.simulate(Broken(1.0, 0.0, 10, 10), 20, 200, seed=1)
    assert found.within == 20
    assert found.requests.max() <= 30
    assert found.seconds.max() == 0
    found = broken.simulate(Broken(0.01, 0.01, 10, 10), 20, 200, seed=1)
    assert found.within == 0
    assert np.isinf(found.requests).all()
    assert np.isinf(found.seconds).all()


def test_slow() -> None:
    """Of the requests more may be slow than may fail."""
    of_many, of_few = (broken.simulate(Broken(share, 0.0, 10, 10, SLOW), 20, 200, seed=1) for share in (1.0, 0.04))
    assert (of_many.within, of_few.within) == (20, 0)
    assert broken.simulate(Broken(0.04, 0.0, 10, 10), 20, 200, seed=1).within > 0
