"""Asks pods that fetch a model for long how far they are.

Not before a fetch has lasted a while, and seldom: each answer is a write of the status. Where no pod fetches nothing is
asked, and nothing is remembered.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tritium.api.fetch import FetchProgress
from tritium.core.seen import PodSeen
from tritium.kube.store import Key
from tritium.probes import fetch

EVERY: Final = 15.0
"""Seconds from the beginning of a fetch to the first question, and from one question to the next."""

_AT_A_TIME: Final = 32


@dataclass(slots=True)
class _Asked:
    """What is known of the pods of one ModelDeployment.

    Attributes:
        due: when they are asked next.
        told: by uid, what they said; none before they were asked.
    """

    due: float
    told: Mapping[str, FetchProgress] | None = None
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Fetches:
    """See the module.

    Attributes:
        wake: called with the key when there is something new.
        clock: seconds, monotonic.
    """

    wake: Callable[[Key], None]
    clock: Callable[[], float]
    _asked: dict[Key, _Asked] = field(default_factory=dict)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))

    def seen(self, key: Key) -> Mapping[str, FetchProgress] | None:
        """How far the pods are, by uid, without those that do not say; none where nobody was asked yet."""
        asked = self._asked.get(key)
        return asked.told if asked else None

    def ask(self, key: Key, pods: Sequence[PodSeen]) -> float | None:
        """Ask pods that fetch, if it is time to; return seconds until it is again, where there are any."""
        there = {pod.uid: pod.ip for pod in pods if pod.ip}
        if not there:
            self.forget(key)
            return None
        now = self.clock()
        asked = self._asked.setdefault(key, _Asked(now + EVERY))
        if now >= asked.due:
            asked.due = now + EVERY
            asked.task = asyncio.create_task(self._take(key, asked, there))
        return asked.due - now

    def forget(self, key: Key) -> None:
        """No pod of it fetches any more."""
        if (asked := self._asked.pop(key, None)) and asked.task:
            asked.task.cancel()

    def stop(self) -> None:
        """Nobody waits for an answer any more."""
        for key in list(self._asked):
            self.forget(key)

    async def _take(self, key: Key, asked: _Asked, pods: Mapping[str, str]) -> None:
        answers = await asyncio.gather(*map(self._one, pods.values()))
        told = {uid: answer for uid, answer in zip(pods, answers, strict=True) if answer}
        if told != asked.told:
            asked.told = told
            self.wake(key)

    async def _one(self, ip: str) -> FetchProgress | None:
        async with self._turns:
            return await fetch.ask(ip)
