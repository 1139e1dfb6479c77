"""What Envoy tells of requests (`ext_proc` in observability mode), one gRPC stream for each. It waits for no answer."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import grpc
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest
from envoy.service.ext_proc.v3.external_processor_pb2_grpc import (
    ExternalProcessorServicer,
    add_ExternalProcessorServicer_to_server,
)

from tritium.api.request_log import SENT_METADATA
from tritium.requestlog.exchange import Exchange, Side
from tritium.requestlog.metrics import Dropped, Metrics

log = logging.getLogger(__name__)

STREAMS: Final = 32
"""Requests at a time."""

KEPT: Final = 6 * 2**20
"""Bytes of bodies that are kept at a time, of all requests."""

_GRACE: Final = 2.0
"""Seconds for the requests that are under way when the pod ends."""

_OPTIONS: Final = (
    # No more of a body in advance than 64 KiB of each stream: without it gRPC takes in what the line gives.
    ("grpc.http2.bdp_probe", 0),
    # A port that somebody else has is a mistake, and not to be shared.
    ("grpc.so_reuseport", 0),
    # Envoy's own signs of life are no abuse.
    ("grpc.http2.max_ping_strikes", 0),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is kept: bytes of a body; None: it is not written."""

    request: int | None
    response: int | None


class Recorder(ExternalProcessorServicer):  # type: ignore[misc]
    """One for all streams.

    Args:
        wanted: of each exchange.
        record: called with an exchange and its seconds, once, when nothing more comes.
        metrics: what is counted.
    """

    def __init__(self, wanted: Wanted, record: Callable[[Exchange, float], None], metrics: Metrics) -> None:
        self._wanted = wanted
        self._record = record
        self._metrics = metrics
        self._streams = 0
        self._kept = 0

    async def Process(  # noqa: N802 - the name that gRPC has for it
        self, messages: AsyncIterator[ProcessingRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """One exchange. The stream ends as soon as the response has: until then Envoy keeps what it holds."""
        if self._streams >= STREAMS:
            self._metrics.dropped(Dropped.STREAMS)
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many requests at a time to be logged")
        self._streams += 1
        taking = _Taking(self._begin(context))
        try:
            fits = await self._take(taking, messages)
        except BaseException:
            # Envoy has cut it off, or the pod ends: what is known of the request is known.
            self._finish(taking, fits=True)
            raise
        self._finish(taking, fits=fits)
        if not fits:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large bodies at a time to be logged")

    def _begin(self, context: grpc.aio.ServicerContext) -> Exchange:
        """What is not told of is not waited for."""
        said = dict(context.invocation_metadata() or ()).get(SENT_METADATA, "request,response").split(",")
        wanted = self._wanted
        request, response = Side(wanted.request, "request" in said), Side(wanted.response, "response" in said)
        return Exchange(time.time(), request, response)

    async def _take(self, taking: "_Taking", messages: AsyncIterator[ProcessingRequest]) -> bool:
        """Whether it could be kept."""
        exchange = taking.exchange
        async for message in messages:
            cost = exchange.cost(message)
            if self._kept + cost > KEPT:
                return False
            self._kept += cost
            taking.kept += cost
            exchange.take(message)
            if exchange.ended:
                break
        return True

    def _finish(self, taking: "_Taking", *, fits: bool) -> None:
        try:
            if not fits:
                self._metrics.dropped(Dropped.MEMORY)
            elif taking.exchange.request.headers:
                self._record(taking.exchange, time.monotonic() - taking.began)
        except Exception:
            log.exception("this is a mistake in Tritium, please report it")
            self._metrics.dropped(Dropped.MISTAKE)
        finally:
            self._streams -= 1
            self._kept -= taking.kept


class _Taking:
    """One stream while it lasts."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.began = time.monotonic()
        self.kept = 0


async def serve(recorder: Recorder, port: int, ending: asyncio.Event) -> None:
    """Listen until the pod ends, and then until what is under way has had its time.

    Raises:
        OSError: the port is taken.
    """
    server = grpc.aio.server(options=_OPTIONS)
    add_ExternalProcessorServicer_to_server(recorder, server)
    try:
        server.add_insecure_port(f"[::]:{port}")
    except RuntimeError as error:
        raise OSError(f"port {port} cannot be listened on: {error}") from error
    await server.start()
    try:
        await ending.wait()
    finally:
        await server.stop(_GRACE)
