"""What pods are asked beside the passes, and what they answered: a slow one must not hold up others."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tritium.kube.store import Key

A = TypeVar("A")


@dataclass(slots=True)
class _Asked(Generic[A]):
    """What is known of one pod for one question."""

    seen: A | None = None
    at: float = 0.0
    task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        if self.task:
            self.task.cancel()


@dataclass(slots=True)
class Answers(Generic[A]):
    """Asks, and remembers the answers, in this process only.

    Attributes:
        wake: called with the key when an answer has come.
        clock: seconds, monotonic.
        again: by what was answered last, seconds before a pod is asked again; None: never.
    """

    wake: Callable[[Key], None]
    clock: Callable[[], float]
    again: Callable[[A], float | None]
    _known: dict[Key, dict[tuple[str, str], _Asked[A]]] = field(default_factory=dict)

    def to(self, question: str, key: Key, pods: Collection[str]) -> dict[str, A]:
        """By the pod's uid.

        Args:
            question: tells one from another, where they change.
            key: the ModelDeployment.
            pods: uids of all pods that are there; others are forgotten.
        """
        known = self._known.get(key, {})
        for gone in [each for each in known if each[0] not in pods]:
            known.pop(gone).cancel()
        return {uid: asked.seen for (uid, of), asked in known.items() if of == question and asked.seen is not None}

    def ask(self, question: str, key: Key, uid: str, send: Callable[[], Awaitable[A]]) -> None:
        """Ask a pod, if its answer is missing, or is one to be asked for again."""
        asked = self._known.setdefault(key, {}).setdefault((uid, question), _Asked())
        if self._is_due(asked):
            asked.task = asyncio.create_task(self._take(key, asked, send))

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone."""
        for asked in self._known.pop(key, {}).values():
            asked.cancel()

    def stop(self) -> None:
        """Nobody waits for an answer any more."""
        for key in list(self._known):
            self.forget(key)

    def _is_due(self, asked: _Asked[A]) -> bool:
        if asked.task and not asked.task.done():
            return False
        wait = 0.0 if asked.seen is None else self.again(asked.seen)
        return wait is not None and self.clock() - asked.at >= wait

    async def _take(self, key: Key, asked: _Asked[A], send: Callable[[], Awaitable[A]]) -> None:
        asked.seen = await send()
        asked.at = self.clock()
        self.wake(key)
