"""The gRPC server that Envoy gets its configuration from: delta ADS on a unix socket, for one Envoy."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

import grpc
from envoy.service.discovery.v3.ads_pb2_grpc import (
    AggregatedDiscoveryServiceServicer,
    add_AggregatedDiscoveryServiceServicer_to_server,
)
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from envoy.service.discovery.v3.discovery_pb2 import Resource as WireResource
from google.protobuf.any_pb2 import Any as AnyMessage

from tritium.gateway.snapshot.resource import Snapshot
from tritium.gateway.xds.client import Response
from tritium.gateway.xds.on_demand_service import OnDemandService
from tritium.gateway.xds.state import State, Tallies
from tritium.gateway.xds.stream import Memory, Stream

log = logging.getLogger(__name__)

_OPTIONS: Final = (("grpc.http2.max_ping_strikes", 0), ("grpc.max_receive_message_length", 64 * 2**20))
"""Envoy asks for a sign of life every few seconds. A gRPC server takes that for abuse if it has nothing else to say.
The first request on a stream has every name that Envoy ever asked for."""

_OWNER_ONLY: Final = 0o177
"""Umask of a socket with mode 0600: agent and Envoy are the same user."""


class _Session:
    """One stream while it lasts."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.news = asyncio.Event()
        """There may be something to send."""
        self.replaced = asyncio.Event()
        """Another stream has begun."""


class Server(AggregatedDiscoveryServiceServicer):  # type: ignore[misc]
    """See the module. An async context manager; for one event loop.

    Args:
        socket: path of the unix socket. What is there is removed.
        changed: called after `state` may have changed. It has to be quick.
        beside: another service on the same socket.
    """

    def __init__(self, socket: Path, changed: Callable[[], None], beside: OnDemandService | None = None) -> None:
        self._socket = socket
        self._beside = beside
        self._changed = changed
        self._server: grpc.aio.Server | None = None
        self._snapshot: Snapshot | None = None
        self._tallies = Tallies()
        self._session: _Session | None = None
        self._state: State | None = State()
        """None: it has to be made anew."""
        self._memory: Memory = {}

    async def __aenter__(self) -> Self:
        self._socket.unlink(missing_ok=True)
        self._server = grpc.aio.server(options=_OPTIONS)
        add_AggregatedDiscoveryServiceServicer_to_server(self, self._server)
        if self._beside:
            self._beside.add_to(self._server)
        mask = os.umask(_OWNER_ONLY)
        try:
            self._server.add_insecure_port(f"unix:{self._socket}")
        finally:
            os.umask(mask)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            self._session.replaced.set()
        if self._server:
            await self._server.stop(grace=0.1)

    def publish(self, snapshot: Snapshot) -> None:
        """Serve this from now on: the newest wins."""
        self._snapshot = snapshot
        if self._session:
            self._session.stream.publish(snapshot)
            self._session.news.set()
            self._tell()

    @property
    def state(self) -> State:
        """What Envoy runs. Made when it is read, so that it costs nothing while nobody looks."""
        if self._state is None:
            self._state = self._session.stream.state() if self._session else State()
        return self._state

    async def DeltaAggregatedResources(  # noqa: N802 - the name that gRPC has for it
        self, requests: AsyncIterator[DeltaDiscoveryRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """One stream, until Envoy or another stream ends it."""
        session = self._begin()
        tasks = [
            asyncio.create_task(self._receive(session, requests)),
            asyncio.create_task(_send(session, context)),
            asyncio.create_task(session.replaced.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._end(session)
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for error in results:
            if isinstance(error, Exception):
                raise error

    def _begin(self) -> _Session:
        if self._session:
            self._memory = self._session.stream.memory()
            self._session.replaced.set()
        self._session = _Session(Stream(self._snapshot, self._tallies, self._memory))
        self._tell()
        return self._session

    def _end(self, session: _Session) -> None:
        if self._session is session:
            log.info("Envoy is not connected")
            self._memory = session.stream.memory()
            self._session = None
            self._state = replace(session.stream.state(), connected=False, whole=False)
            self._changed()

    def _tell(self) -> None:
        self._state = None
        self._changed()

    async def _receive(self, session: _Session, requests: AsyncIterator[DeltaDiscoveryRequest]) -> None:
        async for request in requests:
            try:
                rejected = session.stream.receive(request)
            except ValueError:
                log.warning("Envoy asks for %s, which the agent does not have", request.type_url)
                continue
            if request.HasField("node"):
                log.info("Envoy %s is connected", session.stream.envoy)
            if rejected:
                log.error(
                    "Envoy refuses %s %s, and goes on with what it has: %s",
                    rejected.resource.type.word,
                    rejected.resource.name,
                    rejected.message,
                )
            session.news.set()
            self._tell()


async def _send(session: _Session, context: grpc.aio.ServicerContext) -> None:
    while True:
        while response := session.stream.next_response():
            await context.write(_wire(response))
        session.news.clear()
        await session.news.wait()


def _wire(response: Response) -> DeltaDiscoveryResponse:
    return DeltaDiscoveryResponse(
        type_url=response.type,
        nonce=response.nonce,
        resources=[
            WireResource(
                name=name, version=held.version, resource=AnyMessage(type_url=response.type, value=held.resource.body)
            )
            for name, held in response.items.items()
            if held and held.resource
        ],
        removed_resources=[name for name, held in response.items.items() if held is None],
    )
