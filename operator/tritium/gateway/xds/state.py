"""What the agent sees of its Envoy: an immutable picture, and the counts of what Envoy answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tritium.gateway.snapshot.resource import Resource, Type
from tritium.gateway.xds.client import Key, Rejected


@dataclass(frozen=True, slots=True)
class Tally:
    """How often Envoy took something in, and how often it refused."""

    acks: int = 0
    nacks: int = 0

    def and_one(self, *, refused: bool) -> "Tally":
        """One answer more.

        >>> Tally(acks=2).and_one(refused=True)
        Tally(acks=2, nacks=1)
        """
        return Tally(self.acks + (not refused), self.nacks + refused)


@dataclass(frozen=True, slots=True)
class State:
    """See the module.

    Attributes:
        connected: Envoy has a stream to this server.
        envoy: its version, such as 1.40.0; empty until it has told.
        acked: what it runs, as far as it is known what that says; the last known while it is not connected.
        changing: of what it was sent something else since, which it has not answered yet.
        rejected: what it refused last, unless something newer of that name was taken in since.
        responses: answers to responses, by type. A response may bring several resources.
        resources: answers that were about one resource, for those that are published.
        whole: it has acknowledged all of what is published, but for what it refused and what needs that.
    """

    connected: bool = False
    envoy: str = ""
    acked: Mapping[Key, Resource] = field(default_factory=dict)
    changing: frozenset[Key] = frozenset()
    rejected: Mapping[Key, Rejected] = field(default_factory=dict)
    responses: Mapping[Type, Tally] = field(default_factory=dict)
    resources: Mapping[Key, Tally] = field(default_factory=dict)
    whole: bool = False


class Tallies:
    """Counts since the agent started."""

    def __init__(self) -> None:
        self.responses: dict[Type, Tally] = dict.fromkeys(Type, Tally())
        self.resources: dict[Key, Tally] = {}

    def response(self, type_: Type, *, refused: bool) -> None:
        """Envoy answered a response."""
        self.responses[type_] = self.responses[type_].and_one(refused=refused)

    def resource(self, key: Key, *, refused: bool) -> None:
        """Its answer was about this resource."""
        self.resources[key] = self.resources.get(key, Tally()).and_one(refused=refused)
