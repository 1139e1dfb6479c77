"""Looking at sources again and again, until there is something to tell of one of them.

Whatever is told ends the process; the operator starts another with what is known then. So one that has been started
looks at a source only when that is due: a server that gives another answer each time costs a revision per interval, and
not one per second.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tritium.api.fetch import FetchFailure
from tritium.api.follow import Followed, FollowReport, FollowRequest, FollowResult
from tritium.sync import work
from tritium.sync.errors import Failed
from tritium.sync.listing import fingerprint
from tritium.sync.work import Mounts

log = logging.getLogger(__name__)

PATIENCE: Final = 3
"""So many looks in a row have to fail before that is told: a server may be started anew."""

TOGETHER: Final = 4
"""Sources that are looked at at the same time."""


@dataclass(slots=True)
class Follow:
    """One round after the other.

    Attributes:
        mounts: the folders that the pod mounts.
        now: the time.
        sleep: waits for so many seconds.
    """

    mounts: Mounts
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _looked: dict[str, datetime] = field(default_factory=dict)
    _failures: Counter[str] = field(default_factory=Counter)
    _open: dict[str, Any] = field(default_factory=dict)
    """Members of each request that are told for all of them together."""

    async def __call__(self, request: FollowRequest) -> FollowResult:
        """Look until there is something to tell."""
        self._looked = {each.name: each.looked for each in request.sources}
        self._open = {"allowed_networks": request.allowed_networks, "refused_networks": request.refused_networks}
        while True:
            now = self.now()
            due = [each for each in request.sources if self._due(each) <= now]
            reports = await self._round(due)
            if reports:
                # What happens to one often happens to others: they are told of with it.
                rest = [each for each in request.sources if each not in due]
                return FollowResult(reports=[*reports, *await self._round(rest)])
            ahead = min(self._due(each) for each in request.sources)
            await self.sleep(max((ahead - self.now()).total_seconds(), 0.0))

    def _due(self, source: Followed) -> datetime:
        return self._looked[source.name] + timedelta(seconds=source.every)

    async def _round(self, sources: list[Followed]) -> list[FollowReport]:
        slots = asyncio.Semaphore(TOGETHER)

        async def one(source: Followed) -> FollowReport | None:
            async with slots:
                return await self._look(source)

        found = await asyncio.gather(*map(one, sources))
        return [each for each in found if each]

    async def _look(self, source: Followed) -> FollowReport | None:
        before = source.request.fingerprint or ""
        self._looked[source.name] = self.now()
        report = FollowReport(name=source.name, written=source.written, before=before)
        try:
            asked = source.request.model_copy(update=self._open)
            found = fingerprint((await work.listing(asked, self.mounts)).files)
        except Failed as failure:
            return self._failed(source, report, failure)
        self._failures[source.name] = 0
        if found != before:
            log.info("%s: the source has changed", source.name)
            return report.model_copy(update={"fingerprint": found})
        if source.failing:
            log.info("%s: the source can be listed again", source.name)
            return report
        return None

    def _failed(self, source: Followed, report: FollowReport, failure: Failed) -> FollowReport | None:
        self._failures[source.name] += 1
        log.warning("%s: %s: %s", source.name, failure.reason, failure.message)
        if source.failing or self._failures[source.name] < PATIENCE:
            return None
        return report.model_copy(update={"failure": FetchFailure(reason=failure.reason, message=failure.message[:512])})
