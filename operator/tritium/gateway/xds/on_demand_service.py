"""The gRPC service at which Envoy asks for the clusters that requests wait for: delta CDS, beside the other stream."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import grpc
from envoy.service.cluster.v3.cds_pb2_grpc import (
    ClusterDiscoveryServiceServicer,
    add_ClusterDiscoveryServiceServicer_to_server,
)
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from tritium.gateway.snapshot.resource import Resource
from tritium.gateway.xds.on_demand import OnDemandStream

log = logging.getLogger(__name__)

Names = Callable[[Iterable[str]], None]


class OnDemandService(ClusterDiscoveryServiceServicer):  # type: ignore[misc]
    """See the module; for one event loop. Envoy may have several streams.

    Args:
        asked: called with names that Envoy asks for, on any stream.
        answered: called with names that it was sent, or has come with.
        removed: called with names of which it was told that there is none.
    """

    def __init__(self, *, asked: Names, answered: Names, removed: Names) -> None:
        self._heard = asked
        self._answered = answered
        self._removed = removed
        self._answers: Mapping[str, Resource] = {}
        self._gone: frozenset[str] = frozenset()
        self._news: set[asyncio.Event] = set()
        """One for each stream: there may be something to send."""

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve it."""
        add_ClusterDiscoveryServiceServicer_to_server(self, server)

    def publish(self, answers: Mapping[str, Resource], gone: frozenset[str]) -> None:
        """From now on there are these clusters, and there will be none of those names."""
        self._answers, self._gone = answers, gone
        for news in self._news:
            news.set()

    async def DeltaClusters(  # noqa: N802 - the name that gRPC has for it
        self, requests: AsyncIterator[DeltaDiscoveryRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """One stream, until Envoy ends it."""
        stream, news = OnDemandStream(), asyncio.Event()
        self._news.add(news)
        tasks = [
            asyncio.create_task(self._receive(stream, news, requests)),
            asyncio.create_task(self._send(stream, news, context)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._news.discard(news)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for error in results:
            if isinstance(error, Exception):
                raise error

    async def _receive(
        self, stream: OnDemandStream, news: asyncio.Event, requests: AsyncIterator[DeltaDiscoveryRequest]
    ) -> None:
        async for request in requests:
            heard = stream.receive(request)
            if heard.refused:
                log.error("Envoy refuses clusters that requests wait for: %s", heard.refused)
            if heard.has:
                self._answered(heard.has)
            if heard.asked:
                self._heard(heard.asked)
            news.set()

    async def _send(self, stream: OnDemandStream, news: asyncio.Event, context: grpc.aio.ServicerContext) -> None:
        while True:
            news.clear()
            while response := stream.next_response(self._answers, self._gone):
                await context.write(response)
                if response.resources:
                    self._answered([each.name for each in response.resources])
                if response.removed_resources:
                    self._removed(response.removed_resources)
            await news.wait()
