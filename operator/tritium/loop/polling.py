"""Asks the gateway's pods what they run, every other second, and four times a second while something is awaited.

There is a task for each pod, and none for a ModelDeployment. Whoever is concerned by a changed answer is woken. All of
it is in memory only: a process that begins asks first.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tritium.api.gateway import COUNTERS_PATH, REPORT_PATH, GatewayCounters, GatewayReport
from tritium.loop.gateway_report import Report, concerned
from tritium.probes.gateway import GatewayProbe, Unanswered, read

log = logging.getLogger(__name__)

SLOW: Final = 2.0
FAST: Final = 0.25
COUNT_EVERY: Final = 5.0
COUNT_OFTEN: Final = 1.0
"""Seconds between two questions to a pod: in general, while something is awaited, for its counters, and for them while
gates count or replicas follow the work."""

GIVEN_UP: Final = (3, 5.0)
"""An answer counts until so many questions in a row had none, and so many seconds are over."""

_AT_A_TIME: Final = 32


class Target(NamedTuple):
    """A pod to be asked."""

    namespace: str
    name: str
    uid: str
    ip: str


@dataclass(slots=True, eq=False)
class _Pod:
    """What is known of one pod.

    Attributes:
        asked: it has answered, or failed to, at least once.
        nudge: to be looked at anew whether something is awaited; of use while it is `slow`.
        failures: questions in a row that had no answer.
        heard: when it last answered, monotonic.
    """

    target: Target
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    nudge: asyncio.Event = field(default_factory=asyncio.Event)
    slow: bool = False
    report: Report | None = None
    failures: int = 0
    heard: float = 0.0
    counted: float = float("-inf")
    said: dict[str, bytes] = field(default_factory=dict)
    """By path, the answer as it came: what says the same again need not be read."""


@dataclass(slots=True)
class Polling:
    """See the module.

    Attributes:
        probe: asks one pod.
        wake: called with a namespace and the names of the ModelDeployments that are concerned; None: all of them.
        awaits: whether anything in a namespace is awaited.
        counts: called with a pod's counters.
        counts_again: called with a pod that has counted nothing more.
        judges: whether gates count in a namespace, or replicas follow the work.
    """

    probe: GatewayProbe
    wake: Callable[[str, frozenset[str] | None], None]
    awaits: Callable[[str], bool]
    counts: Callable[[Target, GatewayCounters], None]
    counts_again: Callable[[Target], None]
    judges: Callable[[str], bool]
    clock: Callable[[], float] = time.monotonic
    _pods: dict[str, dict[str, _Pod]] = field(default_factory=dict)
    """By namespace and uid."""
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))

    def follow(self, namespace: str, targets: Iterable[Target]) -> None:
        """Ask these pods of a namespace from now on, and no others."""
        wanted = {each.uid: each for each in targets}
        there = self._pods.setdefault(namespace, {})
        for uid in [uid for uid, pod in there.items() if wanted.get(uid) != pod.target]:
            del there[uid]
            self._tasks.pop(uid).cancel()
        for uid in wanted.keys() - there.keys():
            there[uid] = _Pod(wanted[uid])
            self._tasks[uid] = asyncio.create_task(self._follow(there[uid]))
        if not there:
            del self._pods[namespace]

    def stop(self) -> None:
        """Nobody waits for an answer any more."""
        for namespace in list(self._pods):
            self.follow(namespace, ())

    async def all_asked(self, within: float) -> None:
        """Wait until every pod was asked once, but not for ever."""
        waiting = [pod.asked.wait() for there in self._pods.values() for pod in there.values()]
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await asyncio.gather(*waiting)

    def hurry(self, namespace: str) -> None:
        """Something may be awaited from now on."""
        for pod in self._pods.get(namespace, {}).values():
            if pod.slow:
                pod.nudge.set()

    def reports(self, namespace: str) -> dict[str, Report | None]:
        """By the pod's uid, its newest answer that counts; without those that were not asked yet."""
        there = self._pods.get(namespace, {})
        return {uid: pod.report for uid, pod in there.items() if pod.asked.is_set()}

    def asked(self, namespace: str) -> Collection[str]:
        """Uids of the pods of a namespace that are asked: those that take requests, or may still have some."""
        return self._pods.get(namespace, {}).keys()

    def targets(self, namespace: str) -> Collection[Target]:
        """Those pods."""
        return [pod.target for pod in self._pods.get(namespace, {}).values()]

    async def _follow(self, pod: _Pod) -> None:
        while True:
            began = self.clock()
            try:
                async with self._turns:
                    await self._ask(pod)
            except Exception:  # a mistake of ours: this pod counts as silent, and the others are asked
                log.exception("asking gateway pod %s", pod.target.name, extra=_extra(pod))
                self._failed(pod)
            await self._rest(pod, began)

    async def _rest(self, pod: _Pod, began: float) -> None:
        """Until the next question is due; something that is awaited from now on makes that sooner."""
        spread = random.uniform(0.9, 1.1)  # noqa: S311 - a spread, no secret
        while True:
            pod.nudge.clear()
            pod.slow = not self.awaits(pod.target.namespace)
            slow = COUNT_OFTEN if self.judges(pod.target.namespace) else SLOW
            left = began + (slow if pod.slow else FAST) * spread - self.clock()
            if left <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await pod.nudge.wait()

    async def _ask(self, pod: _Pod) -> None:
        try:
            answer = await self.probe.ask(pod.target.ip, REPORT_PATH)
            if answer != pod.said.get(REPORT_PATH):
                self._heard(pod, Report.of(read(GatewayReport, answer)))
                pod.said[REPORT_PATH] = answer
            pod.failures, pod.heard = 0, self.clock()
        except Unanswered as error:
            log.log(
                logging.DEBUG if pod.failures else logging.INFO, "%s: %s", pod.target.name, error, extra=_extra(pod)
            )
            self._failed(pod)
        else:
            await self._count(pod)

    async def _count(self, pod: _Pod) -> None:
        if self.clock() - pod.counted < (COUNT_OFTEN if self.judges(pod.target.namespace) else COUNT_EVERY):
            return
        pod.counted = self.clock()
        with suppress(Unanswered):
            answer = await self.probe.ask(pod.target.ip, COUNTERS_PATH)
            if answer == pod.said.get(COUNTERS_PATH):
                self.counts_again(pod.target)
            else:
                self.counts(pod.target, read(GatewayCounters, answer))
                pod.said[COUNTERS_PATH] = answer

    def _heard(self, pod: _Pod, report: Report | None) -> None:
        before, pod.report = pod.report, report
        pod.asked.set()
        names = concerned(before, report)
        if names is None or names:
            self.wake(pod.target.namespace, names)

    def _failed(self, pod: _Pod) -> None:
        pod.failures += 1
        tries, seconds = GIVEN_UP
        if pod.report and pod.failures >= tries and self.clock() - pod.heard >= seconds:
            log.warning("gateway pod %s does not answer any more", pod.target.name, extra=_extra(pod))
            pod.said.clear()
            self._heard(pod, None)
        elif not pod.asked.is_set():
            pod.asked.set()
            self.wake(pod.target.namespace, None)


def _extra(pod: _Pod) -> dict[str, str]:
    return {"key": pod.target.namespace}
