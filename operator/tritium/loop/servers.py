"""What Triton says in the pods of the models that are scaled: how many requests wait in each, every few seconds."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tritium.core.scaling.at_once import AtOnce
from tritium.kube.store import Key
from tritium.probes.triton_http import Load, TritonProbe, Unanswered

log = logging.getLogger(__name__)

EVERY: Final = 5.0
"""Seconds between two questions to a pod."""
OLD: Final = 12.0
"""Seconds after which an answer is one no more: two questions without another."""
UNKNOWN: Final = AtOnce(instances=1, batch=1)
"""What a model is taken to do at the same time until it has told."""

_AT_A_TIME: Final = 32


class Server(NamedTuple):
    """A pod that is ready."""

    uid: str
    ip: str


Asked = Mapping[Key, tuple[str, tuple[Server, ...]]]
"""By ModelDeployment: the model's name, and the servers that are asked."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Of all servers of one model.

    Attributes:
        pending: requests that wait in them; none where not every one has told lately.
        full: in each of them so many have waited, the last two times, that it had all to do that it can.
        flight: requests in flight that each is meant to have while it is not known what it can do.
        queue_ms: how long requests have waited lately that were answered, a mean; none where they wait, and
            nothing was answered.
        gpu: share of the time in which their GPUs did anything, a mean; none where nobody tells.
    """

    pending: int | None
    full: bool
    flight: float
    queue_ms: float | None = None
    gpu: float | None = None


@dataclass(slots=True)
class _Told:
    """By one server.

    Attributes:
        full: how many times in a row so many requests waited.
        before: what it told the time before, if it is still the same server.
    """

    load: Load
    at: float
    full: int
    before: Load | None = None


@dataclass(slots=True)
class Servers:
    """See the module."""

    probe: TritonProbe
    clock: Callable[[], float]
    _told: dict[str, _Told] = field(default_factory=dict)
    """By uid."""
    _at_once: dict[str, AtOnce] = field(default_factory=dict)

    def waits(self, servers: Collection[Server]) -> Waits:
        """What is known now."""
        now = self.clock()
        told = [self._told.get(each.uid) for each in servers]
        fresh = [each for each in told if each and now - each.at <= OLD]
        flight = next((self._at_once[each.uid] for each in servers if each.uid in self._at_once), UNKNOWN).flight
        if not servers or len(fresh) < len(told):
            return Waits(None, full=False, flight=flight)
        gpus = [each.load.gpu for each in fresh if each.load.gpu is not None]
        return Waits(
            pending=sum(each.load.pending for each in fresh),
            full=all(each.full >= 2 for each in fresh),
            flight=flight,
            queue_ms=_queue_ms(fresh),
            gpu=sum(gpus) / len(gpus) if gpus else None,
        )

    async def run(self, asked: Callable[[], Asked]) -> None:
        """Ask, again and again, until cancelled."""
        while True:
            began = self.clock()
            await self.ask(asked())
            await asyncio.sleep(max(0.0, EVERY - (self.clock() - began)))

    async def ask(self, asked: Asked) -> None:
        """Ask all of them once; what others have told is forgotten."""
        turns = asyncio.Semaphore(_AT_A_TIME)
        there = {each.uid for _, servers in asked.values() for each in servers}
        self._told = {uid: told for uid, told in self._told.items() if uid in there}
        self._at_once = {uid: known for uid, known in self._at_once.items() if uid in there}
        async with asyncio.TaskGroup() as group:
            for key, (model, servers) in asked.items():
                for each in servers:
                    group.create_task(self._ask(key, model, each, turns))

    async def _ask(self, key: Key, model: str, server: Server, turns: asyncio.Semaphore) -> None:
        try:
            async with turns:
                if server.uid not in self._at_once:
                    with suppress(Unanswered):  # without it nobody knows when the server is full, and the rest is known
                        self._at_once[server.uid] = await self.probe.at_once(server.ip, model)
                load = await self.probe.load(server.ip, model)
        except Unanswered as error:
            log.debug("%s: %s", server.ip, error, extra={"key": "/".join(key)})
            return
        except Exception:  # a mistake of ours: this server has not told, and the others are asked
            log.exception("asking %s", server.ip, extra={"key": "/".join(key)})
            return
        known, at_once = self._told.get(server.uid), self._at_once.get(server.uid)
        full = (known.full if known else 0) + 1 if at_once and at_once.is_full(load.pending) else 0
        same = known is not None and load.requests >= known.load.requests
        self._told[server.uid] = _Told(load, self.clock(), full, known.load if known and same else None)


def _queue_ms(told: Iterable[_Told]) -> float | None:
    """Between the last two answers of each."""
    pairs = [(each.before, each.load) for each in told if each.before]
    requests = sum(now.requests - before.requests for before, now in pairs)
    waited = sum(now.queued_us - before.queued_us for before, now in pairs)
    if requests > 0:
        return waited / requests / 1000
    return 0.0 if pairs and not any(now.pending for _, now in pairs) else None
