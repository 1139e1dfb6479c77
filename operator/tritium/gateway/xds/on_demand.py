"""One stream on which Envoy asks for single clusters: those that requests wait for. Pure.

It is delta xDS as everywhere, but for this: not to answer is an answer. Envoy goes on waiting, and what it has asked
for on a stream before, and still lacks, it asks for again when the next one begins.

>>> asks = DeltaDiscoveryRequest(type_url=Type.CLUSTER, resource_names_subscribe=["a", "b"])
>>> stream = OnDemandStream()
>>> stream.receive(asks).asked
('a', 'b')
>>> stream.next_response({}, frozenset()) is None
True
>>> cluster = Resource(Type.CLUSTER, "a", "1", b"")
>>> response = stream.next_response({"a": cluster, "c": cluster}, frozenset("b"))
>>> [each.name for each in response.resources], response.removed_resources
(['a'], ['b'])
>>> stream.next_response({"a": cluster}, frozenset("b")) is None
True
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from envoy.service.discovery.v3.discovery_pb2 import Resource as WireResource
from google.protobuf.any_pb2 import Any

from tritium.gateway.snapshot.resource import Resource, Type


@dataclass(frozen=True, slots=True)
class Heard:
    """What one request says.

    Attributes:
        asked: names that it asks for; the first request of a stream has all those that Envoy ever asked for.
        has: names that Envoy comes with.
        refused: Envoy's own words about what it was sent last; empty if it takes it.
    """

    asked: tuple[str, ...]
    has: tuple[str, ...]
    refused: str


class OnDemandStream:
    """See the module."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        """Names that Envoy has asked for and was not told about."""
        self._has: set[str] = set()
        self._nonces = map(str, count(1))

    def receive(self, request: DeltaDiscoveryRequest) -> Heard:
        """Take a request of Envoy."""
        has = tuple(request.initial_resource_versions)
        asked = tuple(request.resource_names_subscribe)
        self._has.update(has)
        self._asked.update(name for name in asked if name not in has)
        self._asked.difference_update(request.resource_names_unsubscribe)
        return Heard(asked, has, request.error_detail.message)

    def next_response(self, answers: Mapping[str, Resource], gone: frozenset[str]) -> DeltaDiscoveryResponse | None:
        """What is to be sent now; it counts as sent.

        Args:
            answers: clusters that there are.
            gone: names of which there is none, and will be none: what waits on one is refused.
        """
        found = sorted(name for name in self._asked if name in answers)
        removed = sorted(name for name in self._asked | self._has if name in gone and name not in found)
        if not found and not removed:
            return None
        self._asked.difference_update(found, removed)
        self._has.difference_update(removed)
        self._has.update(found)
        return DeltaDiscoveryResponse(
            type_url=Type.CLUSTER,
            nonce=next(self._nonces),
            resources=[_wire(answers[name]) for name in found],
            removed_resources=removed,
        )


def _wire(resource: Resource) -> WireResource:
    body = Any(type_url=resource.type, value=resource.body)
    return WireResource(name=resource.name, version=resource.version, resource=body)
