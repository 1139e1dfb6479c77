"""Gates on any numbers: the bounds are Wilson's, the promise of the evidence holds, and verdicts never turn around."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritium.api.gateway import BOUNDS_MS
from tritium.api.rollout import Analysis, LatencyGate
from tritium.core.counts import BUCKET, GRPC, HTTP, Part
from tritium.core.evidence import OF_STABLE, above_limit, above_stable
from tritium.core.excess import PROOF, Allowed, verdict
from tritium.core.gate import Verdict, together
from tritium.core.gates import judge
from tritium.core.proportion import Tally, wilson
from tritium.core.sample import Sample, minus, sample

SIZES = st.one_of(st.integers(0, 120), st.integers(0, 100_000))
TALLIES = SIZES.flatmap(lambda size: st.builds(Tally, st.integers(0, size), st.just(size)))
SHARES = st.floats(0, 1)
RATIOS = st.floats(1, 100)
ALLOWED = st.builds(Allowed, SHARES, RATIOS, st.integers(1, 1_000), st.booleans())
PARTS = st.one_of(
    st.builds(Part, st.just(HTTP), st.integers(100, 599).map(str)),
    st.builds(Part, st.just(GRPC), st.integers(0, 17).map(str)),
    st.builds(Part, st.just(BUCKET), st.sampled_from(BOUNDS_MS)),
)
COUNTS = st.dictionaries(PARTS, st.integers(0, 10_000), max_size=12)
SAMPLES = COUNTS.map(sample)
WATCHED = Analysis(latency=LatencyGate(threshold="250ms"))


@given(TALLIES.filter(lambda tally: tally.requests > 0), st.floats(0.5, 5))
def test_the_bounds_are_those_of_the_definition(tally: Tally, z: float) -> None:
    """The shares from which what was seen is z standard deviations away, found by halving."""

    def away(share: float) -> float:
        return abs(tally.share - share) - z * math.sqrt(share * (1 - share) / tally.requests)

    def between(inside: float, outside: float) -> float:
        for _ in range(200):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if away(middle) <= 0 else (inside, middle)
        return inside

    lower, upper = wilson(tally, z)
    assert lower == pytest.approx(between(tally.share, 0.0), abs=1e-9)
    assert upper == pytest.approx(between(tally.share, 1.0), abs=1e-9)
    assert 0 <= lower <= tally.share <= upper <= 1


@given(TALLIES, TALLIES, RATIOS)
def test_evidence_takes_the_allowed_shares_that_explain_best(candidate: Tally, stable: Tally, ratio: float) -> None:
    """The same, with the stable revision's true share found by narrowing down: the evidence has one valley."""

    def if_truly(share: float) -> float:
        fine = stable.requests - stable.bad
        likelihood = stable.bad * math.log(share) + fine * math.log1p(-share)
        return above_limit(candidate, min(ratio * share, 1.0)) + _mixed(stable) - likelihood

    low, high = 1e-15, 1 - 1e-15
    for _ in range(200):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if if_truly(left) <= if_truly(right) else (left, high)
    assert above_stable(candidate, stable, ratio) == pytest.approx(if_truly(low), rel=1e-6, abs=1e-6)


def _mixed(stable: Tally) -> float:
    """Logarithm of how likely what was seen is, one request after the other."""
    bad, fine = OF_STABLE
    chance = 0.0
    for part, own in ((bad, stable.bad), (fine, stable.requests - stable.bad)):
        chance += math.lgamma(part + own) - math.lgamma(part)
    return chance - math.lgamma(bad + fine + stable.requests) + math.lgamma(bad + fine)


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.1, 0.5])
@pytest.mark.parametrize("part", [1.0, 0.5])
def test_looking_after_each_request_does_not_break_the_promise(limit: float, part: float) -> None:
    """The exact probability, over 1,000 requests, that a version whose share is allowed is ever found guilty."""
    share, guilty = limit * part, 0.0
    innocent = {0: 1.0}
    for requests in range(1, 1_001):
        after: dict[int, float] = defaultdict(float)
        for bad, chance in innocent.items():
            after[bad] += chance * (1 - share)
            after[bad + 1] += chance * share
        innocent = {}
        for bad, chance in after.items():
            if above_limit(Tally(bad, requests), limit) >= PROOF:
                guilty += chance
            elif chance > 1e-15:
                innocent[bad] = chance
    assert guilty <= 1 / 4_000


@pytest.mark.parametrize("beside", [1, 3], ids=["half of the requests", "a quarter of the requests"])
@pytest.mark.parametrize("share", [0.02, 0.2, 0.4])
def test_nor_does_it_beside_a_stable_revision(share: float, beside: int) -> None:
    """The same for two versions: the candidate's share is exactly as many times the other's as is allowed."""
    ratio, guilty = 1.5, 0.0
    innocent = {(0, 0): 1.0}
    for requests in range(1, 31):
        after: dict[tuple[int, int], float] = innocent
        for chance_of_bad, is_candidate in [(ratio * share, 1), *[(share, 0)] * beside]:
            split: dict[tuple[int, int], float] = defaultdict(float)
            for (bad, other), chance in after.items():
                split[bad, other] += chance * (1 - chance_of_bad)
                split[bad + is_candidate, other + 1 - is_candidate] += chance * chance_of_bad
            after = split
        innocent = {}
        for (bad, other), chance in after.items():
            if above_stable(Tally(bad, requests), Tally(other, beside * requests), ratio) >= PROOF:
                guilty += chance
            elif chance > 1e-12:
                innocent[bad, other] = chance
    assert guilty <= 1 / 4_000


@given(TALLIES, TALLIES, ALLOWED, st.data())
def test_more_that_went_badly_never_helps(
    candidate: Tally, stable: Tally, allowed: Allowed, data: st.DataObject
) -> None:
    worse = Tally(data.draw(st.integers(candidate.bad, candidate.requests)), candidate.requests)
    order = [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]
    before, after = (order.index(verdict(each, stable, allowed)) for each in (candidate, worse))
    assert before <= after


@given(TALLIES, TALLIES, ALLOWED)
def test_a_verdict_says_what_it_means(candidate: Tally, stable: Tally, allowed: Allowed) -> None:
    found, limit = verdict(candidate, stable, allowed), allowed.limit(stable)
    lower, _ = wilson(candidate)
    if found is Verdict.FAIL:
        assert lower > limit, "the lower bound that people see is above the limit that they see"
    if found is Verdict.PASS:
        assert lower <= limit
        assert candidate.requests >= allowed.requests


@given(SAMPLES, st.integers(1, 50))
def test_a_version_that_does_as_the_other_does_not_fail(candidate: Sample, times: int) -> None:
    stable = Sample(
        times * candidate.requests,
        times * candidate.failed,
        times * candidate.refused,
        tuple((bound, times * number) for bound, number in candidate.latency),
    )
    gates = judge(WATCHED, candidate, stable, 0, {})
    assert together(gates) is not Verdict.FAIL


@given(SAMPLES)
def test_no_request_is_neither_a_pass_nor_a_failure(stable: Sample) -> None:
    gates = judge(WATCHED, Sample(), stable, None, {})
    assert {gate.verdict for gate in gates} == {Verdict.INCONCLUSIVE}


@given(COUNTS, st.data())
def test_each_request_is_counted_once_in_whatever_order(counts: dict[Part, int], data: st.DataObject) -> None:
    found = sample(dict(data.draw(st.permutations(list(counts.items())))))
    assert found == sample(counts)
    assert found.requests == sum(number for part, number in counts.items() if part.kind != BUCKET)
    assert found.failed + found.refused <= found.requests
    slow = [found.slower_than(bound).bad for bound in BOUNDS_MS]
    assert slow == sorted(slow, reverse=True)
    assert slow[-1] == 0


@given(COUNTS, COUNTS)
def test_what_came_after_the_baseline(before: dict[Part, int], grown: dict[Part, int]) -> None:
    after = {part: before.get(part, 0) + grown.get(part, 0) for part in before.keys() | grown.keys()}
    found, alone = minus(sample(after), sample(before)), sample(grown)
    assert (found.requests, found.failed, found.refused) == (alone.requests, alone.failed, alone.refused)
    assert [found.slower_than(bound) for bound in BOUNDS_MS] == [alone.slower_than(bound) for bound in BOUNDS_MS]


@given(SAMPLES, SAMPLES)
def test_nothing_is_ever_negative(now: Sample, baseline: Sample) -> None:
    found = minus(now, baseline)
    assert min(found.failed, found.refused, found.requests - found.failed - found.refused) >= 0
    slow = [found.slower_than(bound).bad for bound in BOUNDS_MS]
    assert slow == sorted(slow, reverse=True)
    assert slow[-1] == 0
