"""The logger while it runs: it proves that it may write, then takes what the gateway tells, and stores it."""

import asyncio
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from tritium.api.request_log import RequestLogRequest
from tritium.requestlog import http, record, service
from tritium.requestlog.batch import Batch
from tritium.requestlog.exchange import Exchange
from tritium.requestlog.metrics import Metrics
from tritium.requestlog.place import Place
from tritium.requestlog.record import Model
from tritium.requestlog.service import Recorder, Wanted
from tritium.requestlog.settings import Settings
from tritium.requestlog.uploads import Uploads
from tritium.sync.discretion import Discretion

log = logging.getLogger(__name__)

_LAST: Final = 17.0
"""Seconds for the last files, after `service` has had two: Kubernetes gives a pod 30 in all."""


class Logger:
    """See the module.

    Args:
        request: what is written, and where to.
        settings: of this pod.
        secret: the folder where the Secret is mounted.
    """

    def __init__(self, request: RequestLogRequest, settings: Settings, secret: Path) -> None:
        self._settings = settings
        self._model = Model(request.namespace, request.name)
        self._discretion = Discretion.of(secret) if "headers" in request.fields else None
        self._metrics = Metrics()
        self._place = Place(request, secret)
        self._uploads = Uploads(self._place, self._metrics)
        self._batch: Batch | None = None
        self._files = 0
        self._ending = asyncio.Event()
        wanted = Wanted(*(request.max_bytes if each in request.fields else None for each in ("request", "response")))
        self._recorder = Recorder(wanted, self._write, self._metrics)

    def end(self) -> None:
        """Take no more, and store what there is."""
        self._ending.set()

    async def run(self) -> None:
        """Until `end`.

        Raises:
            Failed: nothing may be written there.
            OSError: a port is taken.
        """
        async with http.serve(self._settings.http_port, lambda: self._uploads.ready, self._metrics.text):
            try:
                if await self._proven():
                    await self._work()
            finally:
                self._place.close()

    async def _proven(self) -> bool:
        """Whether it may write; not so if the pod ends before that is known."""
        proving, ending = asyncio.create_task(self._uploads.prove()), asyncio.create_task(self._ending.wait())
        await asyncio.wait([proving, ending], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not proving.done():
            proving.cancel()
            await asyncio.gather(proving, return_exceptions=True)
            return False
        proving.result()
        log.info("Requests for %s/%s are written to %s", self._model.namespace, self._model.name, self._place)
        return True

    async def _work(self) -> None:
        uploading, closing = asyncio.create_task(self._uploads.run()), asyncio.create_task(self._close_in_time())
        # It ends by itself only if something in it is wrong.
        uploading.add_done_callback(lambda _: self._ending.set())
        try:
            await service.serve(self._recorder, self._settings.grpc_port, self._ending)
        finally:
            closing.cancel()
            self._close()
            self._uploads.finish()
            with suppress(TimeoutError):
                await asyncio.wait_for(uploading, _LAST)
            self._uploads.give_up()

    async def _close_in_time(self) -> None:
        """A file does not wait for a next line."""
        while True:
            await asyncio.sleep(1)
            self._close_if_due()

    def _write(self, exchange: Exchange, duration: float) -> None:
        line = record.line(exchange, self._model, duration, self._discretion)
        if self._batch is None:
            self._files += 1
            self._batch = Batch(self._settings.pod_name, self._files, time.time())
        self._batch.add(line)
        self._close_if_due()

    def _close_if_due(self) -> None:
        if self._batch and self._batch.is_due(time.time()):
            self._close()

    def _close(self) -> None:
        if self._batch:
            self._uploads.add(self._batch.close())
        self._batch = None
