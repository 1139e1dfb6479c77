"""How a pass ends decides when the next one comes: real workers on a real queue, and passes that end as told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tritium.kube.errors import Asked, Conflict, Refused, Unavailable
from tritium.kube.kinds import SERVICES
from tritium.kube.store import Key
from tritium.loop.queue import WorkQueue
from tritium.loop.reconcile import Outcome, SchemaTooOld
from tritium.loop.workers import Workers
from tritium.loop.writer import NotLeading

KEY = Key("ml", "fraud")
ASKED = Asked("apply", SERVICES, "ml", "fraud")


@dataclass
class Passes:
    """Passes that end as told, and what was said of them, on a clock that the test moves."""

    end: Outcome | Exception
    now: float = 0.0
    results: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = WorkQueue[Key](clock=lambda: self.now, jitter=lambda: 1.0)
        self.workers = Workers(self.queue, self.reconcile, self.ended)
        self.over = asyncio.Event()

    def ended(self, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.results.append(result)
        self.over.set()

    async def reconcile(self, key: Key) -> Outcome:
        assert key == KEY
        if isinstance(self.end, Exception):
            raise self.end
        return self.end

    async def one(self) -> None:
        """A worker does the pass that is due."""
        self.over.clear()
        working, over = asyncio.create_task(self.workers.run(1)), asyncio.create_task(self.over.wait())
        await asyncio.wait({working, over}, return_when=asyncio.FIRST_COMPLETED)
        for task in (over, working):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await working

    def comes_again_after(self) -> float | None:
        """In so many whole tenths of a second the key is due again; None: not within two minutes."""
        start = self.now
        for tenth in range(1, 1200):
            self.now = start + tenth / 10
            if self.queue.depth:
                return tenth / 10
        return None


async def ended(end: Outcome | Exception) -> Passes:
    """One pass that ended like that."""
    passes = Passes(end)
    passes.queue.add(KEY)
    passes.now += 1
    await passes.one()
    return passes


@pytest.mark.parametrize(
    ("end", "result", "again"),
    [
        (Outcome(), "ok", None),
        (Outcome(again=7.0), "ok", 7.0),
        (Outcome(refused=True), "refused", 0.5),
        (Outcome(again=0.2, refused=True), "refused", 0.2),
        (Conflict(ASKED, status=409, reason="Conflict", message="no"), "conflict", 0.5),
        (Unavailable(ASKED, status=500, reason="InternalError", message="no"), "unavailable", 0.5),
        (Unavailable(ASKED, status=429, reason="TooManyRequests", message="no", retry_after=7.0), "unavailable", 7.0),
        (Refused(ASKED, status=422, reason="Invalid", message="no"), "error", 0.5),
        (NotLeading(), "not leading", 0.5),
        (KeyError("a mistake of ours"), "error", 0.5),
    ],
)
async def test_how_it_ended_and_when_it_comes_again(end: Outcome | Exception, result: str, again: float | None) -> None:
    passes = await ended(end)
    assert passes.results == [result]
    assert passes.comes_again_after() == again


async def test_failures_are_forgotten_when_it_goes_well() -> None:
    passes = Passes(KeyError("a mistake of ours"))
    passes.queue.add(KEY)
    waits = []
    for end in (passes.end, passes.end, passes.end, Outcome(again=1.0), passes.end):
        passes.end = end
        passes.comes_again_after()
        await passes.one()
        waits.append(passes.comes_again_after())
    assert waits == [0.5, 1.0, 2.0, 1.0, 0.5]


async def test_no_pass_makes_sense_on_another_schema() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await ended(SchemaTooOld("the server does not keep phase"))
    assert caught.group_contains(SchemaTooOld)
