"""What Triton is asked in the pods of a new revision: the smoke test, and which tensors the model has."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from tritium.api.tensors import SmokeTest
from tritium.core.seen import Answer, PodSeen, SignatureSeen, SmokeSeen
from tritium.core.wish import smoke_tests
from tritium.core.wording import sentence, steady
from tritium.kube.store import Key
from tritium.loop.answers import Answers

log = logging.getLogger(__name__)
Object = dict[str, Any]

GRPC_PORT: Final = 8001
AGAIN_AFTER: Final = {Answer.UNREACHABLE: 4.0, Answer.FAILED: 30.0, Answer.PASSED: 60.0}
"""Seconds before a pod is asked again, if it is to be, by what it answered last."""


def address(ip: str) -> str:
    """Where a pod's Triton answers."""
    return f"{ip}:{GRPC_PORT}"


@dataclass(slots=True)
class Prober:
    """Asks pods and remembers the answers, in this process only.

    Attributes:
        wake: called with the key when an answer has come.
        clock: seconds, monotonic.
    """

    wake: Callable[[Key], None]
    clock: Callable[[], float]
    _smoke: Answers[SmokeSeen] = field(init=False)
    _signatures: Answers[SignatureSeen] = field(init=False)

    def __post_init__(self) -> None:
        self._smoke = Answers(self.wake, self.clock, lambda seen: AGAIN_AFTER[seen.answer])
        again = AGAIN_AFTER[Answer.UNREACHABLE]
        # What a pod serves it serves for all its life.
        self._signatures = Answers(self.wake, self.clock, lambda seen: None if seen.signature else again)

    def answers(self, key: Key, obj: Object, pods: Collection[str]) -> dict[str, SmokeSeen]:
        """What came of the smoke test, by the pod's uid, for the tests as they stand in the spec.

        Args:
            key: the ModelDeployment.
            obj: the same as an object.
            pods: uids of all pods that are there; others are forgotten.
        """
        return self._smoke.to(smoke_tests(obj["spec"]), key, pods)

    def signatures(self, key: Key, pods: Collection[str]) -> dict[str, SignatureSeen]:
        """Which tensors a pod's model has, by its uid."""
        return self._signatures.to("", key, pods)

    def ask(self, key: Key, obj: Object, model: str, tests: Sequence[SmokeTest], pods: Sequence[PodSeen]) -> None:
        """Send the tests to pods whose answer is missing or old."""
        for pod in pods:
            if pod.ip:
                send = partial(_Pod(key, pod.ip, model).smoke, tests)
                self._smoke.ask(smoke_tests(obj["spec"]), key, pod.uid, send)

    def describe(self, key: Key, model: str, pods: Sequence[PodSeen]) -> None:
        """Ask pods that have not answered yet which tensors the model has."""
        for pod in pods:
            if pod.ip:
                self._signatures.ask("", key, pod.uid, _Pod(key, pod.ip, model).signature)

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone."""
        self._smoke.forget(key)
        self._signatures.forget(key)

    def stop(self) -> None:
        """Nobody waits for an answer any more."""
        self._smoke.stop()
        self._signatures.stop()


@dataclass(frozen=True, slots=True)
class _Pod:
    """One to be asked. What goes wrong unexpectedly, ours or a library's, is an answer too, and the pod is asked again.

    Triton's client and what it needs take 25 MiB: an operator that asks nobody does without.
    """

    key: Key
    ip: str
    model: str

    async def smoke(self, tests: Sequence[SmokeTest]) -> SmokeSeen:
        try:
            from tritium.probes import triton  # noqa: PLC0415

            seen = await triton.smoke(self._address, self.model, tests)
        except Exception as error:
            log.exception("smoke test of %s", self._address, extra=self._extra)
            seen = SmokeSeen(Answer.UNREACHABLE, _words("the smoke test could not be sent", error))
        log.info("smoke test of %s: %s", self._address, seen.answer, extra=self._extra)
        return seen

    async def signature(self) -> SignatureSeen:
        try:
            from tritium.probes import triton  # noqa: PLC0415

            seen = await triton.signature(self._address, self.model)
        except Exception as error:
            log.exception("tensors of %s", self._address, extra=self._extra)
            seen = SignatureSeen(message=_words("the question could not be sent", error))
        log.info("tensors of %s: %s", self._address, seen.message or "told", extra=self._extra)
        return seen

    @property
    def _address(self) -> str:
        return address(self.ip)

    @property
    def _extra(self) -> dict[str, str]:
        return {"key": "/".join(self.key)}


def _words(what: str, error: Exception) -> str:
    return sentence(steady(f"{what}: {type(error).__name__}: {error}"))
