"""A server for Envoy that says what the test tells it to, right or wrong."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import grpc
from envoy.service.discovery.v3.ads_pb2_grpc import (
    AggregatedDiscoveryServiceServicer,
    add_AggregatedDiscoveryServiceServicer_to_server,
)
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from envoy.service.discovery.v3.discovery_pb2 import Resource as WireResource
from google.protobuf.any_pb2 import Any as AnyMessage

from tests.controlplane.waiting import wait_for
from tritium.gateway.snapshot.resource import Resource, Type


class Scripted(AggregatedDiscoveryServiceServicer):  # type: ignore[misc]
    """See the module; an async context manager.

    Attributes:
        said: the requests of the newest stream, in order.
    """

    def __init__(self, socket: Path) -> None:
        self.said: list[DeltaDiscoveryRequest] = []
        self._socket = socket
        self._nonces = map(str, itertools.count(1))
        self._context: Any = None

    async def __aenter__(self) -> Self:
        self._socket.unlink(missing_ok=True)
        self._server = grpc.aio.server()
        add_AggregatedDiscoveryServiceServicer_to_server(self, self._server)
        self._server.add_insecure_port(f"unix:{self._socket}")
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(0)

    async def DeltaAggregatedResources(  # noqa: N802 - the name that gRPC has for it
        self, requests: AsyncIterator[DeltaDiscoveryRequest], context: Any
    ) -> None:
        self.said, self._context = [], context
        async for request in requests:
            self.said.append(request)

    async def send(self, type_: Type, *resources: Resource, removed: tuple[str, ...] = ()) -> str:
        """A response; its nonce."""
        nonce = next(self._nonces)
        there = [
            WireResource(name=each.name, version=each.version, resource=AnyMessage(type_url=type_, value=each.body))
            for each in resources
        ]
        await self._context.write(
            DeltaDiscoveryResponse(type_url=type_, nonce=nonce, resources=there, removed_resources=removed)
        )
        return nonce

    async def takes(self, type_: Type, *resources: Resource, removed: tuple[str, ...] = ()) -> str:
        """A response, and Envoy's answer: its message, empty if it takes it."""
        answer = await self.answer(await self.send(type_, *resources, removed=removed))
        return str(answer.error_detail.message)

    async def answer(self, nonce: str) -> DeltaDiscoveryRequest:
        """Wait for the answer to a response."""
        return await self.hears(lambda each: each.response_nonce == nonce, f"the answer to {nonce}")

    async def asks(self, type_: Type, *names: str) -> DeltaDiscoveryRequest:
        """Wait until Envoy asks for a type, and for these names in one request."""
        return await self.hears(
            lambda each: each.type_url == type_ and set(names) <= set(each.resource_names_subscribe), f"{type_.word}"
        )

    async def lets_go(self, type_: Type, name: str) -> None:
        """Wait until it asks for this one no longer."""
        await self.hears(
            lambda each: each.type_url == type_ and name in each.resource_names_unsubscribe, f"no longer {name}"
        )

    async def hears(self, fits: Callable[[DeltaDiscoveryRequest], bool], what: str) -> DeltaDiscoveryRequest:
        """Wait for a request."""
        found = await wait_for(lambda: next((each for each in self.said if fits(each)), None), 10, what)
        assert found is not None
        return found

    def answered(self, nonce: str) -> bool:
        """Whether it has answered already."""
        return any(each.response_nonce == nonce for each in self.said)
