"""One delta stream: what Envoy says changes what it has, and what it has decides what it is told next.

`receive` takes Envoy's requests and `publish` the newest snapshot, both at any rate and in any order; `next_response`
gives what may be sent now, one response at a time. Nothing is queued, so whatever is sent is of the newest snapshot.

What one has to know of Envoy 1.40 (shown by tests/dataplane/gateway/test_xds_envoy_facts.py):

* a changed cluster has no endpoints until its ClusterLoadAssignment is sent again, and Envoy does not ask for it;
* until then it acknowledges no cluster at all and, after a reconnect, does not even ask for clusters;
* it asks for a route once a listener names it, and lets go of it when the last such listener has drained. That a route
  were removed it ignores.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Final

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from tritium.gateway.snapshot.resource import Snapshot, Type
from tritium.gateway.xds.agenda import Agenda, Offered
from tritium.gateway.xds.client import Client, Held, Key, Rejected, Response, wanted_of
from tritium.gateway.xds.order import View, is_whole
from tritium.gateway.xds.state import State, Tallies

Memory = Mapping[tuple[Key, str], Held]
"""What versions with which Envoy may come back are about, by resource and version."""

WINDOW: Final = 1000
"""Unanswered responses after which endpoints wait, too. It bounds the memory."""

_ALL: Final = "*"


class Stream:
    """See the module.

    Args:
        snapshot: what is published; None: nothing yet, and nothing is sent.
        memory: of the stream before.
    """

    def __init__(self, snapshot: Snapshot | None, tallies: Tallies, memory: Memory) -> None:
        self.envoy = ""
        """Envoy's version, once it has told."""
        self._snapshot = snapshot
        self._tallies = tallies
        self._memory = memory
        self._client = Client()
        self._agenda = Agenda()
        self._nonces = map(str, itertools.count(1))
        self._begun: set[Type] = set()
        """Types that Envoy has asked for on this stream."""
        self._unwelcomed: set[Type] = set()
        """Types of which Envoy wants everything and was sent nothing: it waits for an answer."""

    def publish(self, snapshot: Snapshot) -> None:
        """Take the newest snapshot. Resources that are the same objects as before cost nearly nothing."""
        before, self._snapshot = self._snapshot, snapshot
        if before is None:
            before = Snapshot()
            self._agenda.add(self._client.held)
        for type_ in Type:
            for name in _differences(before.resources.get(type_, {}), snapshot.resources.get(type_, {})):
                key = (type_, name)
                self._client.recognise(snapshot, key)
                self._agenda.add([key])
                if wanted_of(snapshot, key) is None:
                    self._tallies.resources.pop(key, None)
        for name, needs in snapshot.needs.items():
            if needs != before.needs.get(name):
                self._agenda.add([(Type.LISTENER, name), (Type.ROUTES, name)])

    def receive(self, request: DeltaDiscoveryRequest) -> Rejected | None:
        """Take a request of Envoy; returns what it refuses with it, if that is known.

        Raises:
            ValueError: it asks for a type that the agent does not have.
        """
        if request.HasField("node"):
            version = request.node.user_agent_build_version.version
            self.envoy = f"{version.major_number}.{version.minor_number}.{version.patch}"
        type_ = Type(request.type_url)
        answered = self._client.unanswered.pop(request.response_nonce, None)  # None as well if of an earlier stream
        rejected = self._answered(answered, request) if answered else None
        for name in request.resource_names_unsubscribe:
            self._let_go(type_, name)
        if type_ not in self._begun:
            self._begin(type_, request)
        else:
            for name in request.resource_names_subscribe:
                self._client.forget((type_, name))  # Envoy has, or it would not ask
                self._asked(type_, name)
        if answered and not (answered.alone and request.HasField("error_detail")):
            self._client.may_have(answered)
        self._agenda.wake()
        return rejected

    def next_response(self) -> Response | None:
        """What is to be sent now; it counts as sent."""
        if self._snapshot is None:
            return None
        view = View(self._snapshot, self._client)
        if good := self._agenda.good_endpoints(view):
            return self._send(self._snapshot, Type.ENDPOINTS, good)
        if len(self._client.unanswered) >= WINDOW:
            return None
        found = self._agenda.next(view, self._unwelcomed)
        return None if found is None else self._send(self._snapshot, *found)

    def state(self) -> State:
        """The picture of now."""
        snapshot, client = self._snapshot, self._client
        return State(
            connected=True,
            envoy=self.envoy,
            acked={key: held.resource for key, held in client.held.items() if held.resource is not None},
            changing=client.changing(),
            rejected=dict(client.rejected),
            responses=dict(self._tallies.responses),
            resources=dict(self._tallies.resources),
            whole=snapshot is not None and is_whole(snapshot, client),
        )

    def memory(self) -> Memory:
        """What the next stream has to know; of types that were not asked for on this one, what it knew itself."""
        client = self._client
        known = {(key, held.version): held for kept in (client.held, client.doubtful) for key, held in kept.items()}
        for response in client.unanswered.values():
            for name, held in (*response.items.items(), *response.let_go.items()):
                if held is not None:
                    known[((response.type, name), held.version)] = held
        return {entry: held for entry, held in self._memory.items() if entry[0][0] not in self._begun} | known

    def _begin(self, type_: Type, request: DeltaDiscoveryRequest) -> None:
        """The first request for a type: what Envoy comes with, and what it wants."""
        self._begun.add(type_)
        for name, version in request.initial_resource_versions.items():
            key = (type_, name)
            unknown = Held(version, needs=None if type_ is Type.ROUTES else frozenset())
            self._client.held[key] = self._memory.get((key, version), unknown)
            self._client.recognise(self._snapshot, key)
        names = list(request.resource_names_subscribe)
        if not names and type_ in {Type.CLUSTER, Type.LISTENER}:
            names = [_ALL]
        for name in names:
            self._asked(type_, name)

    def _asked(self, type_: Type, name: str) -> None:
        client, key = self._client, (type_, name)
        if name == _ALL:
            client.everything.add(type_)
            self._unwelcomed.add(type_)
            published = self._snapshot.resources.get(type_, {}) if self._snapshot else {}
            self._agenda.add((type_, each) for each in published)
            self._agenda.add([each for each in client.held if each[0] is type_])
            return
        client.names[type_].add(name)
        # A cluster that waits for its endpoints has them according to Envoy, if it had them before it was changed.
        if type_ is Type.ENDPOINTS or key not in client.held:
            client.due.add(key)
        self._agenda.add([key])

    def _let_go(self, type_: Type, name: str) -> None:
        if name == _ALL:
            self._client.everything.discard(type_)
        self._client.names[type_].discard(name)
        self._client.forget((type_, name))

    def _send(self, snapshot: Snapshot, type_: Type, offered: Offered) -> Response:
        client = self._client
        response = Response(type_, next(self._nonces), {}, alone=len(offered) == 1)
        for name, resource in offered.items():
            key = (type_, name)
            if resource is None and type_ is not Type.ENDPOINTS:  # Envoy keeps those until their cluster goes
                client.forget(key)
            if resource is not None and type_ is Type.CLUSTER and name in client.names[Type.ENDPOINTS]:
                self._agenda.follow(name)
            client.due.discard(key)
            client.flight[key] = response
            response.items[name] = None if resource is None else Held.of(snapshot, resource)
        self._unwelcomed.discard(type_)
        client.unanswered[response.nonce] = response
        return response

    def _answered(self, response: Response, request: DeltaDiscoveryRequest) -> Rejected | None:
        client = self._client
        client.settled = True
        refused = request.HasField("error_detail")
        self._tallies.response(response.type, refused=refused)
        rejected = None
        for name, held in response.items.items():
            key = (response.type, name)
            if client.flight.get(key) is response:
                del client.flight[key]
            self._agenda.add([key])
            if held is None or held.resource is None:
                continue
            if not refused:
                client.accept(self._snapshot, key, held)
            elif response.alone:
                rejected = client.refuse(self._snapshot, key, held.resource, request.error_detail.message)
            else:
                client.doubtful[key] = held
            if (response.alone or not refused) and wanted_of(self._snapshot, key) is not None:
                self._tallies.resource(key, refused=refused)
        return rejected


def _differences(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    """Names of which one has another object than the other.

    >>> list(_differences({"a": 1, "b": 2}, {"b": 3, "c": 4}))
    ['b', 'c', 'a']
    """
    if before is not after:
        yield from (name for name, value in after.items() if before.get(name) is not value)
        yield from (name for name in before if name not in after)
