"""Files on their way to the store. While it is away they wait, as many as there is room for, the newest of them."""

import asyncio
import json
import logging
import time
from collections import deque
from contextlib import suppress
from typing import Final, Protocol

from tritium.requestlog.batch import File
from tritium.requestlog.metrics import Dropped, Metrics
from tritium.requestlog.record import SCHEMA
from tritium.sync.errors import Failed

log = logging.getLogger(__name__)

ROOM: Final = 8 * 2**20
"""Bytes of files that wait, compressed. The newest is kept however large it is."""

PATIENCE: Final = 300.0
"""Seconds without success after which the pod is not ready, and a start has failed."""

FORMAT_FILE: Final = "format.json"

_FIRST: Final = 1.0
_LONGEST: Final = 30.0
"""Seconds between two attempts."""


class Store(Protocol):
    """Where files go."""

    async def put(self, name: str, content: bytes) -> None:
        """Write a file.

        Raises:
            Failed: why not.
        """


class Uploads:
    """See the module; for one event loop.

    Args:
        store: where they go.
        metrics: what is counted.
        patience: see `PATIENCE`.
    """

    def __init__(self, store: Store, metrics: Metrics, patience: float = PATIENCE) -> None:
        self._store = store
        self._metrics = metrics
        self._patience = patience
        self._waiting: deque[File] = deque()
        self._under_way = 0
        """Bytes of the file that is being stored."""
        self._news = asyncio.Event()
        self._ending = asyncio.Event()
        self._proven = False
        self._failing: float | None = None
        """Since when no attempt has succeeded."""

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether what is written now is likely to be stored; in words."""
        if not self._proven:
            return False, "nothing could be written yet"
        if self._exhausted():
            return False, f"no file could be stored for {self._patience:.0f} seconds"
        return True, "files are stored"

    async def prove(self) -> None:
        """Write what says how to read the files: so it is known at the start, not an hour later, that it may.

        Raises:
            Failed: it may not, or the store stayed away.
        """
        content = json.dumps({"schema": SCHEMA, "files": "date=*/*.jsonl.gz"}).encode() + b"\n"
        pause = _FIRST
        while True:
            try:
                await self._put(FORMAT_FILE, content)
            except Failed as failure:
                if not failure.transient or self._exhausted():
                    raise
                log.warning("Not ready, as %s: %s. Trying again", failure.reason, failure.message)
            else:
                self._proven = True
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST)

    def add(self, file: File) -> None:
        """One more; the oldest go where there is no room for all."""
        self._waiting.append(file)
        self._make_room()
        self._news.set()

    async def run(self) -> None:
        """Upload what there is and what comes, until `finish`."""
        pause = _FIRST
        while not (self._ending.is_set() and not self._waiting):
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
                continue
            if await self._uploaded(self._waiting.popleft()):
                pause = _FIRST
                continue
            await self._rest(_FIRST if self._ending.is_set() else pause)
            pause = min(pause * 2, _LONGEST)

    def finish(self) -> None:
        """No more files will come: `run` ends when all are stored, and waits no longer than it must."""
        self._ending.set()
        self._news.set()

    def give_up(self) -> None:
        """What is still here is lost."""
        while self._waiting:
            self._drop(self._waiting.popleft())

    async def _rest(self, pause: float) -> None:
        """Wait; the end of the pod is a reason to try at once."""
        if self._ending.is_set():
            await asyncio.sleep(pause)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), pause)

    async def _uploaded(self, file: File) -> bool:
        """Whether it is stored; if not it waits again, before all others."""
        self._under_way, stored = len(file.content), False
        try:
            await self._put(file.name, file.content)
            stored = True
        except Failed as failure:
            self._metrics.upload_failures.inc()
            log.warning("%s is not stored, as %s: %s", file.name, failure.reason, failure.message)
        finally:
            self._under_way = 0
            if not stored:
                self._waiting.appendleft(file)
                self._make_room()
        if stored:
            self._metrics.files.inc()
            self._metrics.bytes.inc(len(file.content))
            self._metrics.records.inc(file.records)
        return stored

    def _make_room(self) -> None:
        while len(self._waiting) > 1 and self._under_way + sum(len(each.content) for each in self._waiting) > ROOM:
            self._drop(self._waiting.popleft())

    async def _put(self, name: str, content: bytes) -> None:
        try:
            await self._store.put(name, content)
        except Failed:
            self._failing = self._failing or time.monotonic()
            raise
        self._failing = None

    def _exhausted(self) -> bool:
        return self._failing is not None and time.monotonic() - self._failing >= self._patience

    def _drop(self, file: File) -> None:
        self._metrics.dropped(Dropped.STORE, file.records)
        log.warning("%s is lost (records: %d): the store is away for too long", file.name, file.records)
