"""Which object is looked at next, and when: keys with due times, and never two workers on one key.

A wake-up is a key and nothing else, so any number of them before or during a pass cost one pass. Failures are spaced
out for each key by itself. What users changed goes before what is only looked at again, but never alone.
"""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_DEBOUNCE: Final = 0.05
"""Seconds a wake-up waits for others of the same key: an edit comes as several events."""
_FIRST_RETRY: Final = 0.5
_LAST_RETRY: Final = 60.0
_SHARE: Final = 5
"""Of so many hand-outs one is a resync, while both classes wait."""


@dataclass(frozen=True, slots=True)
class _Wake:
    due: float
    resync: bool
    number: int


class WorkQueue(Generic[K]):
    """See the module. For one event loop.

    Args:
        clock: seconds, as `time.monotonic`.
        jitter: a number from 0 to 1, another one each time.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, jitter: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._numbers = itertools.count()
        self._waiting: dict[K, _Wake] = {}
        """Every key that is to be looked at and is in no worker's hands."""
        self._later: list[tuple[float, int, K]] = []
        """A heap of due times. An entry counts only while it is the wake-up that its key waits for."""
        self._ready: tuple[dict[K, None], dict[K, None]] = ({}, {})
        """Of the waiting keys those that are due, in order: edits, resyncs."""
        self._working: dict[K, _Wake | None] = {}
        """Keys in a worker's hands, and the wake-up that came meanwhile."""
        self._failures: dict[K, int] = {}
        self._handed_out = 0
        self._news = asyncio.Event()

    def add(self, key: K, *, after: float = 0.0, resync: bool = False) -> None:
        """Have a key looked at in `after` seconds, or earlier if it is to be looked at earlier anyhow.

        For a `resync` nobody waits. A key that is added both ways is none.
        """
        wake = _Wake(self._clock() + max(after, _DEBOUNCE), resync, next(self._numbers))
        if key in self._working:
            self._working[key] = _both(self._working[key], wake)
        else:
            self._schedule(key, wake)

    async def get(self) -> K:
        """Wait for a key that is due, and hand it out; give it back with `done` or `failed`."""
        while True:
            key = self.take()
            if key is not None:
                return key
            self._news.clear()
            pause = self._later[0][0] - self._clock() if self._later else None
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()

    def take(self) -> K | None:
        """A key that is due now, as `get` would hand it out; None if there is none."""
        self._ripen()
        edits, resyncs = self._ready
        turn = resyncs if resyncs and (not edits or self._handed_out % _SHARE == _SHARE - 1) else edits
        if not turn:
            return None
        key = next(iter(turn))
        del turn[key], self._waiting[key]
        self._working[key] = None
        self._handed_out += 1
        return key

    def done(self, key: K, *, again: float | None) -> None:
        """A worker has finished with a key, well: its failures are forgotten.

        It is looked at `again` after so many seconds by itself; if None, only when something wakes it.
        """
        self._failures.pop(key, None)
        self._give_back(key, again, resync=False)

    def failed(self, key: K, *, at_least: float = 0.0) -> None:
        """A worker could not finish with a key: it comes again after half a second, one, two … at most a minute.

        That is `at_least` as many seconds as the server asked to wait.
        """
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        pause = min(_LAST_RETRY, _FIRST_RETRY * 2 ** min(count, 10)) * (0.5 + self._jitter() / 2)
        self._give_back(key, max(pause, at_least), resync=True)

    @property
    def depth(self) -> int:
        """How many keys are due and wait for a worker."""
        self._ripen()
        return sum(map(len, self._ready))

    @property
    def oldest(self) -> float:
        """Seconds for which the key that has been due longest has waited for a worker; 0 if none is due."""
        self._ripen()
        now = self._clock()
        return max((now - self._waiting[key].due for turn in self._ready for key in turn), default=0.0)

    def _give_back(self, key: K, after: float | None, *, resync: bool) -> None:
        meanwhile = self._working.pop(key)
        if after is not None:
            wake = _Wake(self._clock() + max(after, _DEBOUNCE), resync, next(self._numbers))
            self._schedule(key, _both(meanwhile, wake))
        elif meanwhile:
            self._schedule(key, meanwhile)

    def _schedule(self, key: K, wake: _Wake) -> None:
        before = self._waiting.get(key)
        wake = _both(before, wake)
        self._waiting[key] = wake
        if before and key in self._ready[before.resync]:
            if before.resync and not wake.resync:
                del self._ready[True][key]
                self._ready[False][key] = None
        elif before is None or wake.number != before.number:
            heapq.heappush(self._later, (wake.due, wake.number, key))
            self._tidy()
        self._news.set()

    def _ripen(self) -> None:
        """Move what has become due from later to ready."""
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            _, number, key = heapq.heappop(self._later)
            wake = self._waiting.get(key)
            if wake and wake.number == number:
                self._ready[wake.resync][key] = None

    def _tidy(self) -> None:
        """Throw superseded entries away once they are the most: one may be due hours from now."""
        if len(self._later) > 64 + 2 * len(self._waiting):
            ready = {key for turn in self._ready for key in turn}
            self._later = [(wake.due, wake.number, key) for key, wake in self._waiting.items() if key not in ready]
            heapq.heapify(self._later)


def _both(one: _Wake | None, other: _Wake) -> _Wake:
    """One wake-up for two: at the earlier time, in the higher class."""
    if one is None:
        return other
    earlier = min(one, other, key=lambda wake: wake.due)
    return _Wake(earlier.due, one.resync and other.resync, earlier.number)
