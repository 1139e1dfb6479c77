"""Asks Prometheus what the rollouts that are being judged want to know, beside the passes.

A rollout asks one question at a time, and all together a few: one whose queries are slow delays its own verdicts, and
no pass waits for any. What was answered is in memory only: a process that begins asks anew.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tritium.api.status import ModelDeploymentStatus
from tritium.core.bake import compared_with
from tritium.core.ledger import read
from tritium.core.queries import questions, with_reading
from tritium.core.seen import QuerySeen, Reading
from tritium.core.wording import sentence, steady
from tritium.kube.store import Key
from tritium.probes.prometheus import NoNumber, PrometheusProbe

log = logging.getLogger(__name__)

EVERY: Final = 10.0
"""Seconds between two questions of one query: targets are scraped less often than that."""
SELDOM: Final = 60.0
"""Seconds between them at most, where one after the other has had no number."""
FRESH: Final = 45.0
"""Seconds for which an answer says how things are, beside the time in which the others of its rollout are asked."""
LONGEST: Final = 300.0
"""Seconds after which it does not in any case."""

_AT_A_TIME: Final = 4


@dataclass(slots=True)
class _Asked:
    """What is known of one query.

    Attributes:
        text: PromQL.
        at, due: when it was answered last, and when it is to be asked again, monotonic.
        failures: questions in a row without a number.
    """

    text: str
    seen: QuerySeen | None = None
    at: float = float("-inf")
    due: float = float("-inf")
    failures: int = 0


@dataclass(slots=True)
class _Watch:
    """The queries of one step.

    Attributes:
        of: the candidate, and since when its gates count.
        began: when the last round of questions did, monotonic.
        took: seconds from the beginning to the end of the last one that is over.
    """

    of: tuple[int, datetime]
    asked: dict[str, _Asked]
    task: asyncio.Task[None] | None = None
    began: float = 0.0
    took: float = 0.0

    @property
    def is_asking(self) -> bool:
        """Whether a round is under way."""
        return self.task is not None and not self.task.done()

    def oldest(self, now: float) -> float:
        """When an answer was given that counts still: what is slow, or waits for its turn, is renewed once a round."""
        goes_on = now - self.began if self.is_asking else 0.0
        return now - min(LONGEST, FRESH + max(self.took, goes_on))

    def cancel(self) -> None:
        if self.task:
            self.task.cancel()


@dataclass(slots=True)
class Queries:
    """See the module.

    Attributes:
        probe: asks; None where the operator knows no Prometheus.
        wake: called with a key, and the seconds after which it is to be looked at.
        now: the time.
        clock: seconds, monotonic.
    """

    probe: PrometheusProbe | None
    wake: Callable[[Key, float], None]
    now: Callable[[], datetime]
    clock: Callable[[], float]
    _watches: dict[Key, _Watch] = field(default_factory=dict)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))

    def answers(self, key: Key, status: ModelDeploymentStatus) -> Mapping[str, QuerySeen]:
        """By the query's name, what Prometheus says in the step that a status has under way."""
        watch = self._watches.get(key)
        if watch is None or watch.of != _step(status):
            return {}
        oldest = watch.oldest(self.clock())
        return {
            name: asked.seen
            for name, asked in watch.asked.items()
            if asked.seen and (asked.at >= oldest or not asked.seen.readings)
        }

    def ask(self, key: Key, status: ModelDeploymentStatus) -> None:
        """Ask what is due, and have the key looked at again when more is."""
        step, wanted = _step(status), questions(key, status, compared_with(read(status)))
        if self.probe is None or step is None or not wanted:
            self.forget(key)
            return
        watch = self._watches.get(key)
        if watch is None or watch.of != step:
            self.forget(key)
            watch = self._watches[key] = _Watch(step, {name: _Asked(text) for name, text in wanted.items()})
        if watch.is_asking:
            return
        left = min(each.due for each in watch.asked.values()) - self.clock()
        if left > 0:
            self.wake(key, left)
        else:
            watch.task = asyncio.create_task(self._round(self.probe, key, watch))

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone, or nothing of it is being judged."""
        if watch := self._watches.pop(key, None):
            watch.cancel()

    def stop(self) -> None:
        """Nobody waits for an answer any more."""
        for key in list(self._watches):
            self.forget(key)

    async def _round(self, probe: PrometheusProbe, key: Key, watch: _Watch) -> None:
        watch.began = self.clock()
        left = list(watch.asked.values())
        while left:
            asked = left.pop(0)
            if asked.due > self.clock():
                continue
            async with self._turns:
                found = await _answer(probe, key, asked)
            if not isinstance(found, NoNumber):
                self._has_number(watch, asked, found)
                continue
            self._has_no_number(asked, found)
            if found.silent:  # the other queries need not wait for that as long
                for each in (each for each in left if each.due <= self.clock()):
                    self._has_no_number(each, found)
                break
        watch.took = self.clock() - watch.began
        self.wake(key, 0.0)

    def _has_number(self, watch: _Watch, asked: _Asked, value: float) -> None:
        before = asked.seen.readings if asked.seen and asked.at >= watch.oldest(self.clock()) else ()
        asked.seen = QuerySeen(with_reading(before, Reading(self.now(), value)))
        asked.at, asked.failures = self.clock(), 0
        asked.due = asked.at + EVERY

    def _has_no_number(self, asked: _Asked, why: NoNumber) -> None:
        since = asked.seen.since if asked.seen else None
        asked.seen = QuerySeen((), str(why), since or self.now(), why.mistake, why.silent)
        pause = min(SELDOM, EVERY * 2 ** min(asked.failures, 10)) * random.uniform(0.9, 1.1)  # noqa: S311 - a spread, no secret
        asked.at, asked.failures = self.clock(), asked.failures + 1
        asked.due = asked.at + pause


async def _answer(probe: PrometheusProbe, key: Key, asked: _Asked) -> float | NoNumber:
    extra = {"key": "/".join(key)}
    try:
        return await probe.ask(asked.text)
    except NoNumber as error:
        log.log(logging.DEBUG if asked.failures else logging.INFO, "query %s: %s", asked.text, error, extra=extra)
        return error
    except Exception as error:  # a mistake of ours or of a library: it is asked again, and the reader is told
        log.exception("query %s", asked.text, extra=extra)
        return NoNumber(sentence(steady(f"it could not be sent: {type(error).__name__}: {error}")))


def _step(status: ModelDeploymentStatus) -> tuple[int, datetime] | None:
    candidate = status.candidate
    return (candidate.revision, candidate.judged_since) if candidate and candidate.judged_since else None
