"""What the agent does about requests that wait for a pod: it names, answers, and tells who is waited for."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable

from tritium.api.gateway import HELD_FOR, HeldReport
from tritium.gateway.holding import Holding
from tritium.gateway.snapshot.resource import Snapshot, Type
from tritium.gateway.table import Table
from tritium.gateway.xds.on_demand_service import OnDemandService
from tritium.gateway.xds.state import State


class Waiting:
    """See the module; for one event loop.

    Args:
        news: called when Envoy has asked for something: everything is to be published anew, by and by.
    """

    def __init__(self, news: Callable[[], None]) -> None:
        self._news = news
        self._holding = Holding(boot=time.time_ns() // 1_000_000)
        self._table = Table()
        self._changed = asyncio.Event()
        """Set and replaced each time when another may be waited for."""
        self._closed = False
        self.service = OnDemandService(
            asked=self._asked,
            answered=lambda names: self._holding.answered(names, time.monotonic()),
            removed=self._holding.removed,
        )

    def named(self, table: Table) -> Table:
        """The table, with the names on which requests wait."""
        return self._holding.named(table, time.monotonic())

    def publish(self, table: Table, snapshot: Snapshot, state: State, *, listed: bool = True) -> None:
        """Answer what can be answered.

        Args:
            table: as `named` has made it,
            snapshot: what was made of it,
            state: and what Envoy has of that.
            listed: the table has all models that there are.
        """
        now = time.monotonic()
        self._table = table
        wanted = snapshot.resources.get(Type.ROUTES, {})

        def routed(name: str) -> bool:
            acked = state.acked.get((Type.ROUTES, name))
            return acked is not None and name in wanted and acked.version == wanted[name].version

        self.service.publish(self._holding.answers(table), self._holding.gone(table, routed, now, listed=listed))
        self._tell()

    def due(self) -> float | None:
        """Seconds until everything is to be published anew although nothing has changed; None: never."""
        now = time.monotonic()
        at = self._holding.due(self._table, now)
        return None if at is None else at - now

    def open(self) -> int:
        """Names on which requests may wait."""
        return self._holding.open(self._table, time.monotonic())

    async def report(self, known: str) -> HeldReport:
        """Who is waited for: as soon as it is another answer than the one that is known."""
        until = time.monotonic() + HELD_FOR
        while True:
            changed = self._changed
            models = self._holding.report(self._table)
            words = "\n".join(f"{each.name} {each.uid} {each.since}" for each in models)
            told = HeldReport(tag=hashlib.sha256(words.encode()).hexdigest()[:16], models=models)
            left = until - time.monotonic()
            if told.tag != known or left <= 0 or self._closed:
                return told
            try:
                await asyncio.wait_for(changed.wait(), left)
            except TimeoutError:
                return told

    def close(self) -> None:
        """Who asks is answered at once."""
        self._closed = True
        self._tell()

    def _asked(self, names: Iterable[str]) -> None:
        self._holding.asked(names, time.monotonic())
        self._tell()
        self._news()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
