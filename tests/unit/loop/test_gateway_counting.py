"""Counters of pods that start anew, come and go, as sums: nothing is told twice, and nothing goes back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tritium.api.gateway import GatewayCounters, ModelCounters, RevisionCounters
from tritium.core.counts import HTTP, REFUSED, RETRIES, Part, Series
from tritium.loop.counting import Counting, increase, read

FRAUD = Series("ml", "fraud", 1)
OK = Part(HTTP, "200")


def counted(ok: int, *, refused: int = 0, revision: int = 1, active: int = 0) -> GatewayCounters:
    """What a pod tells that has answered so many requests, half of them within a millisecond."""
    of_revision = RevisionCounters(
        name="fraud",
        revision=revision,
        codes={"200": ok},
        grpc={"0": ok},
        buckets=[(1.0, ok // 2), (5.0, ok)],
        latency_sum_ms=3.0 * ok,
        active=active,
        none_healthy=0,
        overflow=0,
        retries=ok // 10,
    )
    of_model = ModelCounters(name="fraud", requests=ok + refused, routed=ok + refused // 2, answered=refused // 2)
    return GatewayCounters(models=[of_model], revisions=[of_revision])


def of(counting: Counting, part: Part = OK, series: Series = FRAUD) -> float:
    return counting.sums().get(series, {}).get(part, 0)


def everything(_: Series) -> bool:
    return True


def test_what_was_there_before_is_not_told_again() -> None:
    counting = Counting(everything)
    counting.take_in("old", "ml", counted(1000), began_before=True, at=0)
    counting.take_in("new", "ml", counted(7), began_before=False, at=0)
    assert of(counting) == 7
    counting.take_in("old", "ml", counted(1003), began_before=True, at=0)
    assert of(counting) == 10


def test_an_envoy_that_began_anew_and_a_pod_that_went() -> None:
    counting = Counting(everything)
    counting.take_in("a", "ml", counted(100, refused=4), began_before=False, at=0)
    counting.take_in("a", "ml", counted(30, refused=1), began_before=False, at=0)
    assert (of(counting), of(counting, RETRIES)) == (130, 13)
    assert of(counting, REFUSED, Series("ml", "fraud")) == 5
    counting.leave("a")
    assert of(counting) == 130


def test_an_envoy_that_began_anew_and_has_counted_more_than_the_one_before() -> None:
    counting = Counting(everything)
    for at, age, ok in ((0, 70, 100), (5, 75, 110), (10, 3, 130), (15, 8, 131)):
        told = counted(ok).model_copy(update={"age": age})
        counting.take_in("a", "ml", told, began_before=False, at=at)
    assert of(counting) == 110 + 131


@pytest.mark.parametrize("step", [-60, -8, -2, 8, 60])
def test_a_clock_that_is_set_counts_nothing_twice(step: int) -> None:
    counting = Counting(everything)
    for at, age, ok in ((0, 5000, 100), (5, 5005 + step, 110), (10, 5010 + step, 120), (15, 5015, 130)):
        told = counted(ok).model_copy(update={"age": age})
        counting.take_in("a", "ml", told, began_before=False, at=at)
    assert of(counting) == 130


def test_requests_that_are_still_being_read_are_refused_once_at_most() -> None:
    counting = Counting(everything)
    for arrived, routed in ((1000, 1000), (1001, 1000), (1001, 1001), (1002, 1001), (1002, 1002)):
        model = ModelCounters(name="fraud", requests=arrived, routed=routed, answered=7)
        told = GatewayCounters(models=[model], revisions=[])
        counting.take_in("a", "ml", told, began_before=False, at=0)
    assert of(counting, REFUSED, Series("ml", "fraud")) == 8


def test_what_is_of_no_interest_any_more_is_not_kept_of_a_pod_either() -> None:
    listed = {FRAUD}
    counting = Counting(listed.__contains__)
    counting.take_in("a", "ml", counted(50), began_before=False, at=0)
    listed.clear()
    counting.take_in("a", "ml", GatewayCounters(models=[], revisions=[]), began_before=False, at=5)
    assert counting.sums() == {}
    listed.add(FRAUD)
    counting.take_in("a", "ml", counted(60), began_before=False, at=10)
    assert of(counting) == 60, "as if it had been new"


def test_one_revision_that_begins_anew_is_not_all_of_them() -> None:
    counting = Counting(everything)
    both = GatewayCounters(models=[], revisions=[*counted(50).revisions, *counted(90, revision=2).revisions])
    counting.take_in("a", "ml", both, began_before=False, at=0)
    anew = GatewayCounters(models=[], revisions=[*counted(2).revisions, *counted(95, revision=2).revisions])
    counting.take_in("a", "ml", anew, began_before=False, at=0)
    assert (of(counting), of(counting, series=Series("ml", "fraud", 2))) == (52, 95)


def test_one_that_is_missing_once_is_not_counted_twice() -> None:
    counting = Counting(everything)
    counting.take_in("a", "ml", counted(50), began_before=False, at=0)
    counting.take_in("a", "ml", GatewayCounters(models=[], revisions=[]), began_before=False, at=0)
    counting.take_in("a", "ml", counted(60), began_before=False, at=0)
    assert of(counting) == 60


def test_what_no_status_lists_is_forgotten() -> None:
    listed = {FRAUD}
    counting = Counting(listed.__contains__)
    counting.take_in("a", "ml", counted(50, active=2), began_before=False, at=0)
    assert set(counting.sums()) == set(counting.active()) == {FRAUD}
    listed.clear()
    assert (counting.sums(), counting.active()) == ({}, {})
    counting.take_in("a", "ml", counted(60), began_before=False, at=0)
    assert counting.sums() == {}
    listed.add(FRAUD)
    counting.take_in("a", "ml", counted(61), began_before=False, at=0)
    assert of(counting) == 1


def test_in_flight_is_what_the_pods_have_now() -> None:
    counting = Counting(everything)
    counting.take_in("a", "ml", counted(5, active=3), began_before=True, at=0)
    counting.take_in("b", "ml", counted(5, active=4), began_before=False, at=0)
    assert counting.active() == {FRAUD: 7}
    counting.leave("b")
    assert counting.active() == {FRAUD: 3}


def test_a_sum_of_times_that_is_a_little_less_is_no_new_beginning() -> None:
    before = read("ml", counted(40))[FRAUD]
    after = {**read("ml", counted(41))[FRAUD], Part("sum"): 100.0}
    assert increase(before, after)[OK] == 1


@given(st.lists(st.integers(0, 1000), min_size=1))
def test_of_a_histogram_every_request_is_in_one_bucket(numbers: list[int]) -> None:
    counting = Counting(everything)
    for number in numbers:
        counting.take_in("a", "ml", counted(number), began_before=False, at=0)
    parts = counting.sums().get(FRAUD, {})
    assert sum(number for part, number in parts.items() if part.kind == "bucket") == parts.get(OK, 0)


@dataclass
class Envoy:
    """One that counts, as far as its pod has told of it, and in truth."""

    requests: int = 0
    told: int = 0


@dataclass
class Pod:
    envoy: Envoy = field(default_factory=Envoy)
    old: bool = False


pods = st.sampled_from(["a", "b", "c"])


class Adds(RuleBasedStateMachine):
    """Pods come, count, start anew and go; some were there before the process."""

    def __init__(self) -> None:
        super().__init__()
        self.counting = Counting(everything)
        self.pods: dict[str, Pod] = {}
        self.numbers = Counter[str]()
        self.expected = 0
        self.before = 0.0

    @rule(name=pods, old=st.booleans(), had=st.integers(0, 50))
    def one_comes(self, name: str, *, old: bool, had: int) -> None:
        if name not in self.pods:
            self.numbers[name] += 1
            self.pods[name] = Pod(Envoy(had), old)

    @rule(name=pods, more=st.integers(1, 50))
    def requests_come(self, name: str, more: int) -> None:
        if name in self.pods:
            self.pods[name].envoy.requests += more

    @rule(name=pods)
    def it_is_asked(self, name: str) -> None:
        if name not in self.pods:
            return
        pod = self.pods[name]
        envoy, uid = pod.envoy, f"{name}-{self.numbers[name]}"
        first = uid not in self.counting._last
        self.counting.take_in(uid, "ml", counted(envoy.requests), began_before=pod.old, at=0)
        self.expected += 0 if first and pod.old else envoy.requests - envoy.told
        envoy.told = envoy.requests

    @precondition(lambda self: self.pods)
    @rule(name=pods)
    def its_envoy_begins_anew(self, name: str) -> None:
        """Asked while it has fewer than were told of: one with more cannot be told apart from one that went on."""
        pod = self.pods.get(name)
        if pod and pod.envoy.told:
            self.it_is_asked(name)
            pod.envoy = Envoy(requests=pod.envoy.told - 1)
            self.it_is_asked(name)

    @rule(name=pods)
    def one_goes(self, name: str) -> None:
        if self.pods.pop(name, None):
            self.counting.leave(f"{name}-{self.numbers[name]}")

    @invariant()
    def it_is_what_was_told(self) -> None:
        assert of(self.counting) == self.expected
        assert of(self.counting) >= self.before
        self.before = of(self.counting)


TestAdds = Adds.TestCase
TestAdds.settings = settings(deadline=None, max_examples=100, stateful_step_count=40)
