"""Workers: they take keys from the queue, and turn how a pass ended into when the next one is."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tritium.kube.errors import ApiError, Conflict, Unavailable
from tritium.kube.store import Key
from tritium.loop.queue import WorkQueue
from tritium.loop.reconcile import Outcome, SchemaTooOld
from tritium.loop.writer import NotLeading

log = logging.getLogger(__name__)

Ended = Callable[[str, float], None]
"""Called with how a pass ended (`ok`, `refused`, `conflict`, `unavailable`,
`not leading`, `error`) and its seconds."""


@dataclass(slots=True)
class Workers:
    """A group of workers on one queue.

    Attributes:
        last_end: when a pass last ended, monotonic.
    """

    queue: WorkQueue[Key]
    reconcile: Callable[[Key], Awaitable[Outcome]]
    ended: Ended
    clock: Callable[[], float] = time.monotonic
    last_end: float = field(init=False)

    def __post_init__(self) -> None:
        self.last_end = self.clock()

    async def run(self, number: int) -> None:
        """Work until cancelled.

        Raises:
            ExceptionGroup: with SchemaTooOld, after which no pass makes sense.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(number):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            began = self.clock()
            result = await self._pass(key)
            self.last_end = self.clock()
            self.ended(result, self.last_end - began)

    async def _pass(self, key: Key) -> str:
        extra = {"key": f"{key.namespace}/{key.name}"}
        try:
            outcome = await self.reconcile(key)
        except SchemaTooOld:
            raise
        except Exception as error:  # noqa: BLE001 - one object's trouble, even a mistake of ours, is not the others'
            self.queue.failed(key, at_least=getattr(error, "retry_after", None) or 0.0)
            return _told(error, extra)
        if outcome.refused:
            self.queue.failed(key)
            if outcome.again is not None:  # what is due does not wait for what was refused
                self.queue.add(key, after=outcome.again, resync=True)
            return "refused"
        self.queue.done(key, again=outcome.again)
        return "ok"


def _told(error: Exception, extra: dict[str, str]) -> str:
    """Log why a pass failed, as loud as it matters; returns the same in a word for the metrics."""
    match error:
        case NotLeading():  # the elector, which knows it too, is about to end all this
            return "not leading"
        case Conflict():
            log.debug("looking again: %s", error, extra=extra)
            return "conflict"
        case Unavailable():
            log.warning("trying again: %s", error, extra=extra)
            return "unavailable"
        case ApiError():
            log.error("trying again: %s", error, extra=extra)
        case _:
            log.error("a pass failed: this is a mistake in Tritium", exc_info=error, extra=extra)
    return "error"
