"""Both sides of one delta stream, as a test writes them down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from tritium.gateway.snapshot.resource import Resource, Snapshot, Type
from tritium.gateway.xds.client import Rejected, Response
from tritium.gateway.xds.state import State, Tallies
from tritium.gateway.xds.stream import Memory, Stream

CDS, EDS, LDS, RDS, RTDS = Type.CLUSTER, Type.ENDPOINTS, Type.LISTENER, Type.ROUTES, Type.RUNTIME

Said = tuple[Type, list[str], list[str]]
"""Of a response: its type, what it brings as `name@version`, what it takes away."""


def snapshot(*resources: str, **needs: str) -> Snapshot:
    """Resources as `CDS a@1`, needs as `route="a b"`."""
    found: dict[Type, dict[str, Resource]] = {type_: {} for type_ in Type}
    for each in resources:
        word, _, rest = each.partition(" ")
        name, _, version = rest.partition("@")
        type_ = {"CDS": CDS, "EDS": EDS, "LDS": LDS, "RDS": RDS, "RTDS": RTDS}[word]
        found[type_][name] = Resource(type_, name, version or "1", each.encode())
    return Snapshot(found, {name: frozenset(clusters.split()) for name, clusters in needs.items()})


def model(name: str, *clusters: str, version: str = "1") -> list[str]:
    """A listener, its route of some version, and clusters with endpoints."""
    named = [f"{kind} {cluster}@1" for cluster in clusters for kind in ("CDS", "EDS")]
    return [f"LDS {name}@1", f"RDS {name}@{version}", *named]


FRAUD = snapshot(*model("fraud", "a"), fraud="a")


class Talk:
    """An Envoy played by the test; it answers only when the test says so."""

    def __init__(self, published: Snapshot | None = None, memory: Memory | None = None) -> None:
        self.stream = Stream(published, Tallies(), memory or {})
        self.open: list[Response] = []
        """Responses that Envoy has not answered."""

    @property
    def state(self) -> State:
        return self.stream.state()

    def is_whole(self) -> bool:
        return self.state.whole

    def publish(self, published: Snapshot) -> list[Said]:
        self.stream.publish(published)
        return self.hears()

    def asks(
        self, type_: Type, *names: str, leaves: Iterable[str] = (), has: Mapping[str, str] | None = None
    ) -> list[Said]:
        """A request that answers nothing; `has`: what Envoy comes with, by version."""
        request = DeltaDiscoveryRequest(
            type_url=type_,
            resource_names_subscribe=names,
            resource_names_unsubscribe=leaves,
            initial_resource_versions=has or {},
        )
        self.stream.receive(request)
        return self.hears()

    def hears(self) -> list[Said]:
        """All that is sent now."""
        found = []
        while response := self.stream.next_response():
            self.open.append(response)
            brings = [f"{name}@{held.version}" for name, held in response.items.items() if held]
            found.append((response.type, brings, [name for name, held in response.items.items() if held is None]))
        return found

    def acks(self, *types: Type) -> list[Said]:
        """Envoy takes in everything of some types that it has not answered yet; without types, all."""
        return self._answers(types or tuple(Type), "")

    def nacks(self, *types: Type, message: str = "no") -> list[Said]:
        """It refuses it."""
        return self._answers(types, message)

    def refuses(self, type_: Type, message: str = "no") -> Rejected | None:
        """It refuses the oldest response of a type; what is known from that."""
        response = next(each for each in self.open if each.type is type_)
        self.open.remove(response)
        return self.stream.receive(answer(response, message))

    def runs(self, published: Snapshot, *routes: str) -> None:
        """Come to where Envoy runs all of this."""
        self.publish(published)
        self.asks(CDS)
        self.asks(EDS, *published.resources[EDS])
        self.acks()
        self.asks(LDS)
        self.acks()
        if routes:
            self.asks(RDS, *routes)
        self.acks()
        assert self.is_whole()
        assert not self.open

    def _answers(self, types: Iterable[Type], message: str) -> list[Said]:
        for response in [each for each in self.open if each.type in types]:
            self.open.remove(response)
            self.stream.receive(answer(response, message))
        return self.hears()


def answer(response: Response, message: str = "") -> DeltaDiscoveryRequest:
    """Envoy's answer to a response; with a message it refuses."""
    request = DeltaDiscoveryRequest(type_url=response.type, response_nonce=response.nonce)
    if message:
        request.error_detail.message = message
    return request
