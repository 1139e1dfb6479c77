"""The smoke test of new pods, beside the passes: a slow model must not hold up others."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tritium.api.tensors import SmokeTest
from tritium.core.seen import Answer, PodSeen, SmokeSeen
from tritium.core.wish import smoke_tests
from tritium.core.wording import sentence, steady
from tritium.kube.store import Key

log = logging.getLogger(__name__)
Object = dict[str, Any]

GRPC_PORT: Final = 8001
AGAIN_AFTER: Final = {Answer.UNREACHABLE: 4.0, Answer.FAILED: 30.0, Answer.PASSED: 60.0}
"""Seconds before a pod is asked again, if it is to be, by what it answered last."""


@dataclass(slots=True)
class _Asked:
    """What is known of one pod for one set of tests."""

    seen: SmokeSeen | None = None
    at: float = 0.0
    task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        if self.task:
            self.task.cancel()


@dataclass(slots=True)
class Prober:
    """Sends smoke tests and remembers the answers, in this process only.

    Attributes:
        wake: called with the key when an answer has come.
        clock: seconds, monotonic.
    """

    wake: Callable[[Key], None]
    clock: Callable[[], float]
    _known: dict[Key, dict[tuple[str, str], _Asked]] = field(default_factory=dict)

    def answers(self, key: Key, obj: Object, pods: Collection[str]) -> dict[str, SmokeSeen]:
        """By the pod's uid, for the tests as they stand in the spec.

        Args:
            key: the ModelDeployment.
            obj: the same as an object.
            pods: uids of all pods that are there; others are forgotten.
        """
        tests = smoke_tests(obj["spec"])
        known = self._known.get(key, {})
        for gone in [each for each in known if each[0] not in pods]:
            known.pop(gone).cancel()
        return {uid: asked.seen for (uid, of), asked in known.items() if of == tests and asked.seen}

    def ask(self, key: Key, obj: Object, model: str, tests: Sequence[SmokeTest], pods: Sequence[PodSeen]) -> None:
        """Send the tests to pods whose answer is missing or old."""
        known = self._known.setdefault(key, {})
        identity = smoke_tests(obj["spec"])
        for pod in pods:
            asked = known.setdefault((pod.uid, identity), _Asked())
            if pod.ip and self._is_due(asked):
                asked.task = asyncio.create_task(self._send(key, asked, f"{pod.ip}:{GRPC_PORT}", model, tests))

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone."""
        for asked in self._known.pop(key, {}).values():
            asked.cancel()

    def stop(self) -> None:
        """Nobody waits for an answer any more."""
        for key in list(self._known):
            self.forget(key)

    def _is_due(self, asked: _Asked) -> bool:
        if asked.task and not asked.task.done():
            return False
        return asked.seen is None or self.clock() - asked.at >= AGAIN_AFTER[asked.seen.answer]

    async def _send(self, key: Key, asked: _Asked, address: str, model: str, tests: Sequence[SmokeTest]) -> None:
        extra = {"key": "/".join(key)}
        try:
            # Triton's client and what it needs take 25 MiB: an operator without any smoke test does without.
            from tritium.probes.triton import smoke  # noqa: PLC0415

            asked.seen = await smoke(address, model, tests)
        except Exception as error:  # a mistake of ours or of a library: the pod is asked again, and the reader is told
            log.exception("smoke test of %s", address, extra=extra)
            words = steady(f"the smoke test could not be sent: {type(error).__name__}: {error}")
            asked.seen = SmokeSeen(Answer.UNREACHABLE, sentence(words))
        asked.at = self.clock()
        log.info("smoke test of %s: %s", address, asked.seen.answer, extra=extra)
        self.wake(key)
