"""A list that follows the API server: LIST, then WATCH from there on, for as long as the process lives.

Only one kind in one namespace; of each object only what its reader takes from it stays in memory.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from tritium.kube.client import Client
from tritium.kube.errors import ApiError
from tritium.kube.kinds import Kind

log = logging.getLogger(__name__)

T = TypeVar("T")

_PAGE: Final = 50
"""Objects at a time: they take ten times the room until the reader has taken what it needs."""
_PATIENCE: Final = 3
"""Failures in a row, after which a list is the better way to find out what is there."""
_TOLD_EVERY: Final = 20
_SHORT: Final = 1.0
"""Seconds: a watch that ends sooner and has brought nothing has failed, whatever it says."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


class Identity(NamedTuple):
    """Which object: another uid is another one of the same name."""

    name: str
    uid: str


class Follower(Protocol[T]):
    """Who is told what is there. Calls come one after the other, in the order of the server."""

    def listed(self, all_there_is: list[T]) -> None:
        """Everything, as of now: what is not in it is gone."""

    def changed(self, one: T) -> None:
        """One that is new or another than before."""

    def gone(self, one: Identity) -> None:
        """One is deleted, or does not carry the labels any more."""


class Reflector(Generic[T]):
    """Follows one kind in one namespace; `run` never ends.

    Args:
        take: what to keep of an object; None for one that is not of interest.
        silence: see `Client.watch`.

    Attributes:
        heard: when the server last told anything, on the monotonic clock; None before the first list.
    """

    def __init__(  # noqa: PLR0913  # what is followed, and who is told
        self,
        client: Client,
        kind: Kind,
        namespace: str,
        *,
        take: Callable[[dict[str, Any]], T | None],
        follower: Follower[T],
        label_selector: str = "",
        silence: float = 75.0,
    ) -> None:
        self._client = client
        self._kind = kind
        self._namespace = namespace
        self._selector = label_selector
        self._take = take
        self._follower = follower
        self._silence = silence
        self._version = ""
        self._failures = 0
        self.heard: float | None = None

    async def run(self) -> None:
        """List and watch until cancelled, whatever the server does."""
        while True:
            self._failures += 1  # until it is seen to work
            try:
                if not self._version:
                    await self._list()
                began = time.monotonic()
                await self._watch()
                if time.monotonic() - began > _SHORT:
                    self._failures = 0
            except ApiError as error:
                self._failures = max(1, self._failures)
                self._trouble(error)
                await asyncio.sleep(error.retry_after or 0.0)
            if self._failures:
                await asyncio.sleep(_pause(self._failures))

    def _trouble(self, error: ApiError) -> None:
        """Go on from the last version where that can be; a version that the server does not know may be the reason."""
        if error.status == HTTPStatus.GONE or self._failures >= _PATIENCE:
            self._version = ""
        level = logging.WARNING if self._failures % _TOLD_EVERY == _PATIENCE else logging.INFO
        log.log(level, "following %s: %s", self._kind.plural, error)

    async def _list(self) -> None:
        taken: list[T] = []
        version = ""
        pages = self._client.pages(self._kind, self._namespace, label_selector=self._selector, limit=_PAGE)
        async with aclosing(pages) as pages:
            async for page, first, version in pages:  # noqa: B007  # the last one's is the list's
                if first:
                    taken.clear()
                taken += [one for one in map(self._take, page) if one is not None]
        self._version = version
        self._hear()
        self._follower.listed(taken)

    async def _watch(self) -> None:
        """Follow until the watch ends."""
        watch = self._client.watch(
            self._kind,
            self._namespace,
            version=self._version,
            label_selector=self._selector,
            silence=self._silence,
        )
        async with aclosing(watch) as watch:
            async for event, obj in watch:
                self._failures = 0
                self._hear()
                self._tell(event, obj)
                self._version = obj["metadata"]["resourceVersion"]

    def _tell(self, event: str, obj: dict[str, Any]) -> None:
        if event == "DELETED":
            self._follower.gone(Identity(obj["metadata"]["name"], obj["metadata"]["uid"]))
        elif event in {"ADDED", "MODIFIED"}:
            one = self._take(obj)
            if one is not None:
                self._follower.changed(one)

    def _hear(self) -> None:
        self.heard = time.monotonic()


def _pause(failures: int) -> float:
    """Seconds until the next try: longer each time, and no two processes at the same moment."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - a spread, no secret
