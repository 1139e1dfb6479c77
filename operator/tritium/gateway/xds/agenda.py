"""What is to be looked at, and from that the next response: by urgency, and in company that does no harm.

A refusal does not say which resource of a response it is about, and Envoy may have taken in the others. So what Envoy
has not yet comes in batches, and a change of what it runs comes alone. What was refused in a batch is sent again, one
by one.

Endpoints have one more danger. A ClusterLoadAssignment that is refused lets all clusters that wait for theirs go on
without any. So a changed cluster is followed by the endpoints that Envoy has acknowledged last, and nothing comes
between; and after a reconnect, when nobody knows which clusters wait, those come before any others.
"""

from collections.abc import Iterable
from typing import Final

from tritium.gateway.snapshot.resource import Resource, Type
from tritium.gateway.xds.client import Client, Key
from tritium.gateway.xds.order import STAGES, Step, View, offer, step

BATCH: Final = 50
"""Resources in one response, at most."""

Offered = dict[str, Resource | None]
"""What a response is to bring, by name; None for what it takes away."""


class Agenda:
    """See the module. Only names about which something may have changed are looked at."""

    def __init__(self) -> None:
        self._open: dict[Type, dict[str, None]] = {type_: {} for type_ in Type}
        """Names to look at, in order."""
        self._waiting: set[Key] = set()
        """What is looked at again once Envoy has said something."""
        self._behind: list[str] = []
        """Changed clusters that were just sent, and whose endpoints come next."""

    def add(self, keys: Iterable[Key]) -> None:
        """Something about these may have changed."""
        for type_, name in keys:
            self._open[type_][name] = None

    def wake(self) -> None:
        """Envoy has said something."""
        self.add(self._waiting)
        self._waiting.clear()

    def follow(self, cluster: str) -> None:
        """A cluster is being sent, and Envoy does not ask for its endpoints anew."""
        self._behind.append(cluster)

    def good_endpoints(self, view: View) -> Offered:
        """Endpoints that cannot be refused, for clusters that have none without them. They go before all else."""
        client = view.client
        while self._behind:
            key = (Type.ENDPOINTS, self._behind.pop())
            held = client.held.get(key)
            if client.asks_for(key):
                self.add([key])  # there may be newer ones
                return {key[1]: held.resource if held else offer(view.snapshot, client, key)}
        anew: Offered = {}
        for key in client.due:
            if key[0] is Type.ENDPOINTS and (held := client.held.get(key)) and held.resource:
                anew[key[1]] = held.resource
                self.add([key])
                if len(anew) == BATCH:
                    break
        return anew

    def next(self, view: View, unanswered: Iterable[Type]) -> tuple[Type, Offered] | None:
        """The next response. Types of `unanswered` get one, be it empty."""
        for type_, what in STAGES:
            offered = self._ready(view, type_, what)
            if offered or (what is Step.SEND and type_ in unanswered):
                return type_, offered
        return None

    def _ready(self, view: View, type_: Type, what: Step) -> Offered:
        """Names for which this is the step to take; what has nothing to be done is dropped on the way."""
        offered: Offered = {}
        for name in tuple(self._open[type_]):
            key = (type_, name)
            found = step(view, key)
            if found in {Step.NOTHING, Step.WAIT}:
                del self._open[type_][name]
                if found is Step.WAIT:
                    self._waiting.add(key)
            elif found is what:
                resource = offer(view.snapshot, view.client, key) if what is Step.SEND else None
                if resource is not None and _is_risky(view.client, resource):
                    offered = {name: resource}
                    break
                offered[name] = resource
                if len(offered) == BATCH:
                    break
        for name in offered:
            del self._open[type_][name]
        return offered


def _is_risky(client: Client, resource: Resource) -> bool:
    """Whether a refusal would leave open which version Envoy runs, were it not alone."""
    key = (resource.type, resource.name)
    held = client.held.get(key)
    return key in client.doubtful or (held is not None and held.version != resource.version)
