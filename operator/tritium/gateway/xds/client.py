"""What one Envoy has, as far as it has told on its stream."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tritium.gateway.snapshot.resource import Resource, Snapshot, Type

Key = tuple[Type, str]
"""One resource of Envoy: its type and its name."""


@dataclass(frozen=True, slots=True)
class Held:
    """One version of a resource, as Envoy has it or was sent it.

    Attributes:
        resource: None if Envoy came with it and nobody here knows what it says.
        needs: of a RouteConfiguration, the clusters it names; None: unknown.
    """

    version: str
    resource: Resource | None = None
    needs: frozenset[str] | None = frozenset()

    @classmethod
    def of(cls, snapshot: Snapshot, resource: Resource) -> "Held":
        """A resource that a snapshot has."""
        needs = snapshot.needs.get(resource.name, frozenset()) if resource.type is Type.ROUTES else frozenset()
        return cls(resource.version, resource, needs)


def wanted_of(snapshot: Snapshot | None, key: Key) -> Resource | None:
    """What a snapshot has of a name."""
    return snapshot.resources.get(key[0], {}).get(key[1]) if snapshot else None


@dataclass(frozen=True, slots=True)
class Rejected:
    """What Envoy refused, and its own words; the version before goes on."""

    resource: Resource
    message: str


@dataclass(frozen=True, slots=True)
class Response:
    """One response.

    Attributes:
        items: what it brings, by name; None for what it takes away.
        alone: it was about one resource, so that a refusal is, too.
        let_go: routes of it that Envoy let go of while it was under way. If Envoy asked for one anew before it came to
            this response, it took the route in.
    """

    type: Type
    nonce: str
    items: dict[str, Held | None]
    alone: bool
    let_go: dict[str, Held] = field(default_factory=dict)


@dataclass(slots=True)
class Client:
    """See the module.

    Attributes:
        everything: types of which all resources are asked for.
        names: what is asked for by name.
        held: what it has: acknowledged by it, or told when the stream began.
        unanswered: responses by nonce, oldest first.
        flight: the newest unanswered response that has the resource.
        doubtful: what it may have taken in: it came in a refused response with others, or was let go of under way.
        rejected: what it refused when it was alone in its response, unless something newer took its place.
        due: what it has asked for and was not answered yet, whatever it has.
        settled: it has told everything that it came with.
    """

    everything: set[Type] = field(default_factory=set)
    names: dict[Type, set[str]] = field(default_factory=lambda: {type_: set() for type_ in Type})
    held: dict[Key, Held] = field(default_factory=dict)
    unanswered: dict[str, Response] = field(default_factory=dict)
    flight: dict[Key, Response] = field(default_factory=dict)
    doubtful: dict[Key, Held] = field(default_factory=dict)
    rejected: dict[Key, Rejected] = field(default_factory=dict)
    due: set[Key] = field(default_factory=set)
    settled: bool = False

    def asks_for(self, key: Key) -> bool:
        """Whether it wants to have it."""
        return key[0] in self.everything or key[1] in self.names[key[0]]

    def newest(self, key: Key) -> Held | None:
        """What it will have if it takes in everything that it was sent."""
        response = self.flight.get(key)
        return self.held.get(key) if response is None else response.items[key[1]]

    def changing(self) -> frozenset[Key]:
        """What it was sent something else of than it has acknowledged, and has not answered yet."""
        return frozenset(
            key
            for response in self.unanswered.values()
            for name, sent in response.items.items()
            if (held := self.held.get(key := (response.type, name))) and (sent is None or sent.version != held.version)
        )

    def refused(self, resource: Resource) -> bool:
        """Whether it has refused this very content."""
        rejected = self.rejected.get((resource.type, resource.name))
        return rejected is not None and rejected.resource.version == resource.version

    def has_clusters(self, snapshot: Snapshot, names: Iterable[str]) -> bool:
        """Whether it has acknowledged all of these, with their endpoints."""
        assignments = snapshot.resources.get(Type.ENDPOINTS, {})
        return all(
            (Type.CLUSTER, name) in self.held and ((Type.ENDPOINTS, name) in self.held or name not in assignments)
            for name in names
        )

    def accept(self, snapshot: Snapshot | None, key: Key, held: Held) -> None:
        """It took this in."""
        self.held[key] = held
        self.doubtful.pop(key, None)
        wanted = wanted_of(snapshot, key)
        # Endpoints that it took in before may be sent again while those that are wanted stay refused.
        if wanted is None or not self.refused(wanted):
            self.rejected.pop(key, None)
        self.recognise(snapshot, key)

    def refuse(self, snapshot: Snapshot | None, key: Key, resource: Resource, message: str) -> Rejected:
        """It refused this, and nothing else."""
        if (doubtful := self.doubtful.get(key)) and doubtful.version == resource.version:
            del self.doubtful[key]
        self.rejected[key] = rejected = Rejected(resource, message)
        self.recognise(snapshot, key)
        return rejected

    def recognise(self, snapshot: Snapshot | None, key: Key) -> None:
        """What it has, or has refused, may be what is published now."""
        wanted, held, rejected = wanted_of(snapshot, key), self.held.get(key), self.rejected.get(key)
        if snapshot and wanted and held and held.version == wanted.version:
            self.held[key] = Held.of(snapshot, wanted)
            self.rejected.pop(key, None)
        elif rejected and wanted is None:
            del self.rejected[key]
        elif rejected and wanted and rejected.resource.version == wanted.version:
            self.rejected[key] = Rejected(wanted, rejected.message)

    def routes(self) -> list[Held]:
        """Every route that it has, was sent or may have."""
        there = (
            held for kept in (self.held, self.doubtful) for (type_, _), held in kept.items() if type_ is Type.ROUTES
        )
        sent = [each for each in self.unanswered.values() if each.type is Type.ROUTES]
        under_way = (held for response in sent for kept in (response.items, response.let_go) for held in kept.values())
        return [route for route in (*there, *under_way) if route is not None]

    def may_have(self, response: Response) -> None:
        """It has answered a response: of what it let go of meanwhile, it may have what it has asked for anew."""
        for name, held in response.let_go.items():
            key = (response.type, name)
            if self.asks_for(key) and key not in self.held:
                self.doubtful[key] = held

    def forget(self, key: Key) -> None:
        """It has it no longer, and what is under way to it will not change that."""
        for kept in (self.held, self.doubtful, self.rejected, self.flight):
            kept.pop(key, None)
        self.due.discard(key)
        for response in self.unanswered.values():
            if response.type is key[0] and (held := response.items.pop(key[1], None)) and key[0] is Type.ROUTES:
                response.let_go[key[1]] = held
