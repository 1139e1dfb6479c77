"""A client that tells of requests as Envoy does: a stream for each, and it waits for nothing but the stream's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import grpc
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest
from envoy.service.ext_proc.v3.external_processor_pb2_grpc import ExternalProcessorStub

from tests.ports import HOST
from tests.unit.requestlog.telling import ALL, Told
from tritium.api.request_log import SENT_METADATA


class Envoy:
    """One connection."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ExternalProcessorStub(channel)

    async def tell(self, told: Told) -> grpc.StatusCode:
        """Tell of all of it; the logger ends the stream, for this side never does."""
        call = await self.begin(told.messages(), told.sent)
        code: grpc.StatusCode = await call.code()
        return code

    async def begin(self, messages: Iterable[ProcessingRequest], sent: str = ALL) -> grpc.aio.StreamStreamCall:
        """A stream that is still open when all has been said, unless the logger has ended it before."""
        call = self._stub.Process(metadata=((SENT_METADATA, sent),))
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            for each in messages:
                await call.write(each)
        return call


@asynccontextmanager
async def envoy(port: int) -> AsyncIterator[Envoy]:
    """Connected to a logger."""
    async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
        yield Envoy(channel)
