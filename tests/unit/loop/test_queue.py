"""The queue: what is promised of it, on a clock of our own, and once with real workers."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.loop.settling import settle
from tritium.loop.queue import WorkQueue

DEBOUNCE = 0.05


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue[str]:
    return WorkQueue(clock=clock, jitter=lambda: 1.0)


def all_due(queue: WorkQueue[str]) -> list[str]:
    """Everything that would be handed out now, in order."""
    taken: list[str] = []
    while (key := queue.take()) is not None:
        taken.append(key)
    return taken


def test_many_wake_ups_are_one_pass(clock: Clock, queue: WorkQueue[str]) -> None:
    for _ in range(40):
        queue.add("a")
        clock.now += 0.001
    assert queue.take() is None
    clock.now += DEBOUNCE
    assert all_due(queue) == ["a"]
    queue.done("a", again=None)
    clock.now += 1000
    assert queue.take() is None


def test_the_earliest_time_counts(clock: Clock, queue: WorkQueue[str]) -> None:
    queue.add("a", after=300)
    queue.add("a", after=10)
    queue.add("a", after=20)
    clock.now += 9.9
    assert queue.take() is None
    clock.now += 0.2
    assert all_due(queue) == ["a"]
    queue.done("a", again=None)
    clock.now += 1000
    assert queue.take() is None


def test_what_wakes_a_key_in_hands_runs_once_after(clock: Clock, queue: WorkQueue[str]) -> None:
    queue.add("a")
    clock.now += 1
    assert queue.take() == "a"
    queue.add("a")
    queue.add("a")
    clock.now += 100
    assert queue.take() is None
    queue.done("a", again=500)
    assert all_due(queue) == ["a"]
    queue.done("a", again=None)
    clock.now += 1000
    assert queue.take() is None


def test_it_comes_again_by_itself(clock: Clock, queue: WorkQueue[str]) -> None:
    queue.add("a")
    clock.now += 1
    assert queue.take() == "a"
    queue.done("a", again=30)
    clock.now += 29
    assert queue.take() is None
    clock.now += 2
    assert queue.take() == "a"


def test_failures_are_spaced_out_and_forgotten(clock: Clock, queue: WorkQueue[str]) -> None:
    queue.add("a")
    clock.now += 1
    pauses = []
    for _ in range(10):
        assert queue.take() == "a"
        queue.failed("a")
        began = clock.now
        while queue.depth == 0:
            clock.now += 0.25
        pauses.append(clock.now - began)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert queue.take() == "a"
    queue.done("a", again=0.0)
    clock.now += 1
    assert queue.take() == "a"
    queue.failed("a")
    clock.now += 0.6
    assert queue.take() == "a"


def test_a_thousand_failures_overflow_nothing(clock: Clock, queue: WorkQueue[str]) -> None:
    queue.add("a")
    for _ in range(5000):
        clock.now += 61
        assert queue.take() == "a"
        queue.failed("a")


def test_jitter_shortens_a_pause_by_half_at_most(clock: Clock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock, jitter=lambda: 0.0)
    queue.add("a")
    clock.now += 1
    queue.take()
    queue.failed("a")
    clock.now += 0.24
    assert queue.take() is None
    clock.now += 0.02
    assert queue.take() == "a"


def test_the_server_says_how_long_to_wait(clock: Clock, queue: WorkQueue[str]) -> None:
    queue.add("a")
    clock.now += 1
    queue.take()
    queue.failed("a", at_least=7)
    clock.now += 6.9
    assert queue.take() is None
    clock.now += 0.2
    assert queue.take() == "a"


def test_keys_fail_each_for_itself(clock: Clock, queue: WorkQueue[str]) -> None:
    for key in ("a", "b"):
        queue.add(key)
    clock.now += 1
    for _ in range(5):
        assert "a" in all_due(queue)
        queue.failed("a")
        clock.now += 61
    queue.failed("b")
    clock.now += 0.6
    assert "b" in all_due(queue)


def test_edits_go_before_resyncs_but_not_for_ever(clock: Clock, queue: WorkQueue[str]) -> None:
    for number in range(10):
        queue.add(f"resync{number}", resync=True)
    for number in range(10):
        queue.add(f"edit{number}")
    clock.now += 1
    order = all_due(queue)
    assert order[:4] == ["edit0", "edit1", "edit2", "edit3"]
    assert order[4] == "resync0"
    assert [key for key in order if key.startswith("edit")] == [f"edit{number}" for number in range(10)]
    assert [key for key in order if key.startswith("resync")] == [f"resync{number}" for number in range(10)]


def test_an_edit_lifts_a_key_out_of_the_resyncs(clock: Clock, queue: WorkQueue[str]) -> None:
    for key in ("a", "b", "c"):
        queue.add(key, resync=True)
    clock.now += 1
    assert queue.depth == 3
    queue.add("c")
    queue.add("a", resync=True)
    assert all_due(queue) == ["c", "a", "b"]


def test_figures(clock: Clock, queue: WorkQueue[str]) -> None:
    assert (queue.depth, queue.oldest) == (0, 0.0)
    queue.add("a")
    queue.add("b", after=10)
    assert (queue.depth, queue.oldest) == (0, 0.0)
    clock.now += 5 + DEBOUNCE
    assert queue.depth == 1
    assert queue.oldest == pytest.approx(5)
    queue.take()
    assert (queue.depth, queue.oldest) == (0, 0.0)


def test_superseded_times_do_not_pile_up(clock: Clock, queue: WorkQueue[str]) -> None:
    for _ in range(10_000):
        queue.add("a")
        clock.now += 1
        assert queue.take() == "a"
        queue.done("a", again=100_000)
    assert len(queue._later) < 200


class Model(RuleBasedStateMachine):
    """What anybody could have kept by hand: for each key when it is due at the earliest, and in whose hands it is."""

    keys = st.sampled_from("abcd")
    times = st.sampled_from([0.0, 0.02, 1.0, 30.0, 100.0])

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue: WorkQueue[str] = WorkQueue(clock=self.clock)
        self.due: dict[str, float] = {}
        self.meanwhile: dict[str, float | None] = {}
        """Keys in hands: the wake-up that came since."""

    @rule(key=keys, after=times, resync=st.booleans())
    def add(self, key: str, after: float, *, resync: bool) -> None:
        self.queue.add(key, after=after, resync=resync)
        due = self.clock.now + max(after, DEBOUNCE)
        if key in self.meanwhile:
            before = self.meanwhile[key]
            self.meanwhile[key] = due if before is None else min(due, before)
        else:
            self.due[key] = min(due, self.due.get(key, due))

    @rule()
    def take(self) -> None:
        key = self.queue.take()
        due = {each for each, when in self.due.items() if when <= self.clock.now}
        if key is None:
            assert not due
            return
        assert key not in self.meanwhile
        assert key in due
        del self.due[key]
        self.meanwhile[key] = None

    @precondition(lambda self: self.meanwhile)
    @rule(data=st.data(), again=times | st.none())
    def done(self, data: st.DataObject, again: float | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.meanwhile)))
        self.queue.done(key, again=again)
        times = [self.meanwhile.pop(key), None if again is None else self.clock.now + max(again, DEBOUNCE)]
        if any(each is not None for each in times):
            self.due[key] = min(each for each in times if each is not None)

    @precondition(lambda self: self.meanwhile)
    @rule(data=st.data(), at_least=st.sampled_from([61.0, 90.0]))
    def failed(self, data: st.DataObject, at_least: float) -> None:
        key = data.draw(st.sampled_from(sorted(self.meanwhile)))
        self.queue.failed(key, at_least=at_least)
        meanwhile, again = self.meanwhile.pop(key), self.clock.now + at_least
        self.due[key] = again if meanwhile is None else min(meanwhile, again)

    @rule(seconds=st.sampled_from([0.01, 0.05, 1.0, 50.0, 1000.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def figures_are_right(self) -> None:
        due = [when for when in self.due.values() if when <= self.clock.now]
        assert self.queue.depth == len(due)
        assert self.queue.oldest == max((self.clock.now - when for when in due), default=0.0)

    def teardown(self) -> None:
        self.clock.now += 10_000
        expected = set(self.due)
        taken = all_due(self.queue)
        assert sorted(taken) == sorted(expected)


TestModel = Model.TestCase
TestModel.settings = settings(deadline=None, max_examples=200, stateful_step_count=40)


async def test_workers_never_share_a_key_and_lose_none() -> None:
    queue: WorkQueue[int] = WorkQueue()
    keys = range(20)
    working: set[int] = set()
    wanted, seen = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)

    async def work() -> None:
        while True:
            key = await queue.get()
            assert key not in working
            working.add(key)
            seen[key] = wanted[key]
            await asyncio.sleep(0.001 * (key % 5))
            working.remove(key)
            if key % 7 == 3 and wanted[key] % 2:
                queue.failed(key)
            else:
                queue.done(key, again=None)

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work()) for _ in range(8)]
        for number in range(300):
            key = number * 7 % len(keys)
            wanted[key] += 1
            queue.add(key, resync=number % 3 == 0)
            await asyncio.sleep(0.001)
        async with asyncio.timeout(5):
            while seen != wanted:  # noqa: ASYNC110  # read as it is, so that a failure shows it
                await asyncio.sleep(0.01)
        for worker in workers:
            worker.cancel()


async def test_whoever_waits_gets_what_comes() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("late", after=60)
    waiting = asyncio.create_task(queue.get())
    await settle()
    began = time.monotonic()
    queue.add("now")
    assert await asyncio.wait_for(waiting, 2) == "now"
    assert time.monotonic() - began >= DEBOUNCE * 0.9


async def test_whoever_stops_waiting_takes_nothing_along() -> None:
    queue: WorkQueue[str] = WorkQueue()
    waiting = asyncio.create_task(queue.get())
    await settle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    queue.add("a")
    assert await asyncio.wait_for(queue.get(), 2) == "a"
