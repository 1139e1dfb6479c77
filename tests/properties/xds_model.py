"""A model of Envoy 1.40 on a delta stream: what it takes in, when it answers, and what it does when it refuses.

Each habit in here was seen in the real one (tests/dataplane/gateway/test_xds_envoy_facts.py). The body of a resource is
what the model goes by: `Body`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from tritium.gateway.snapshot.resource import Resource, Type
from tritium.gateway.xds.client import Response

ORDER = (Type.CLUSTER, Type.ENDPOINTS, Type.LISTENER, Type.ROUTES)


@dataclass(frozen=True)
class Body:
    """What a resource says.

    Attributes:
        fault: `bad`: Envoy refuses this resource; `invalid`: it refuses the whole response unread.
        clusters: that a route names.
    """

    number: int
    fault: str = ""
    clusters: tuple[str, ...] = ()

    def resource(self, type_: Type, name: str) -> Resource:
        version = f"{self.number}{self.fault}" + "".join(f"+{each}" for each in self.clusters)
        return Resource(type_, name, version, json.dumps(asdict(self)).encode())


def read(resource: Resource) -> Body:
    value = json.loads(resource.body)
    return Body(value["number"], value["fault"], tuple(value["clusters"]))


class RefusedError(Exception):
    """Envoy's words."""


@dataclass(eq=False)
class Cluster:
    version: str
    endpoints: str | None = None
    """Version of the endpoints it was given."""


@dataclass(eq=False)
class Listener:
    name: str
    version: str
    """It uses the route of its name."""


@dataclass
class Subscription:
    names: dict[str, str | None] = field(default_factory=dict)
    """What is asked for by name, and the version it has."""
    others: dict[str, str] = field(default_factory=dict)
    """What came because everything is asked for."""
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    begun: bool = False
    greeted: bool = False
    """A request was sent on this stream."""

    def add(self, name: str) -> None:
        self.begun = True
        self.names[name] = None
        self.removed.discard(name)
        self.added.add(name)

    def remove(self, name: str) -> None:
        self.names.pop(name, None)
        self.added.discard(name)
        self.removed.add(name)


class Envoy:
    """See the module. It writes its requests to `said`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.said: list[DeltaDiscoveryRequest] = []
        self.active: dict[str, Cluster] = {}
        self.warming: dict[str, Cluster] = {}
        self.listeners: dict[str, Listener] = {}
        self.starting: dict[str, Listener] = {}
        self.draining: list[Listener] = []
        self.routes: dict[str, tuple[str, frozenset[str]] | None] = {}
        self.unsure: set[str] = set()
        """Clusters that have endpoints of which it was told that they do not exist: it mentions them no longer."""
        self.given_up: set[str] = set()
        """Routes that listeners wait for no longer."""
        self.subscriptions = {type_: Subscription() for type_ in ORDER}
        self.answers: list[tuple[Type, str, str]] = []
        self.subscriptions[Type.CLUSTER].begun = self.subscriptions[Type.LISTENER].begun = True
        self.flush()

    # What it may never come to.

    def check(self) -> None:
        """No route names a cluster that is not there, or that has no endpoints."""
        used = {each.name for each in (*self.listeners.values(), *self.draining)}
        for name in used:
            route = self.routes.get(name)
            for cluster in route[1] if route else ():
                assert cluster in self.active, f"{name} names {cluster}, which is not there"
                there = self.active[cluster].endpoints is not None or cluster in self.unsure
                assert there, f"{name} names {cluster}, which has no endpoints"

    # What it is sent.

    def take(self, response: Response) -> None:
        """Take in a response, or refuse it, and answer as soon as it can."""
        items = {name: held.resource for name, held in response.items.items() if held and held.resource}
        gone = [name for name, held in response.items.items() if held is None]
        message = ""
        try:
            self._read(items)
            getattr(self, f"_take_{response.type.name.lower()}")(items, gone)
        except RefusedError as error:
            message = str(error)
            self._refused(response.type)
        else:
            self._note(response.type, items, gone)
        if self.random.random() < 0.5:
            self.flush()  # what it asks for now goes before the answer, or with it
        self.answers.append((response.type, response.nonce, message))
        self.flush()
        self.check()

    def drain(self) -> None:
        """The connections of a listener that is gone have ended."""
        if self.draining:
            listener = self.draining.pop(self.random.randrange(len(self.draining)))
            self._release(listener.name)
            self.flush()
            self.check()

    def reconnect(self) -> None:
        """A new stream; what was under way is lost."""
        self.said.clear()
        self.answers.clear()
        for subscription in self.subscriptions.values():
            subscription.greeted = False
        self.flush()

    def flush(self) -> None:
        """Say what there is to say. No word of clusters while one of them waits for its endpoints."""
        paused = {Type.CLUSTER} if self.warming else set()
        for answer in [answer for answer in self.answers if answer[0] not in paused]:
            self.answers.remove(answer)
            type_, nonce, message = answer
            request = self._request(type_)
            request.response_nonce = nonce
            if message:
                request.error_detail.message = message
            self.said.append(request)
        for type_ in ORDER:
            subscription = self.subscriptions[type_]
            news = subscription.added or subscription.removed
            greets = subscription.begun and not subscription.greeted and (subscription.names or type_ not in _NAMED)
            if type_ not in paused and (news or greets):
                self.said.append(self._request(type_))

    def has(self) -> dict[Type, dict[str, str]]:
        """What it runs, by version."""
        return {
            Type.CLUSTER: {name: each.version for name, each in self.active.items()},
            Type.ENDPOINTS: {name: each.endpoints for name, each in self.active.items() if each.endpoints is not None},
            Type.LISTENER: {name: each.version for name, each in self.listeners.items()},
            Type.ROUTES: {name: route[0] for name, route in self.routes.items() if route},
        }

    def _request(self, type_: Type) -> DeltaDiscoveryRequest:
        subscription = self.subscriptions[type_]
        request = DeltaDiscoveryRequest(type_url=type_)
        if not subscription.greeted:
            subscription.greeted = True
            subscription.added |= set(subscription.names)
            subscription.removed.clear()
            have = subscription.others | {name: version for name, version in subscription.names.items() if version}
            request.initial_resource_versions.update(have)
        request.resource_names_subscribe.extend(sorted(subscription.added))
        request.resource_names_unsubscribe.extend(sorted(subscription.removed))
        subscription.added.clear()
        subscription.removed.clear()
        return request

    def _concerns(self, resource: Resource) -> bool:
        """What it has not asked for it does not even read."""
        return resource.type not in _NAMED or resource.name in self.subscriptions[resource.type].names

    def _read(self, items: dict[str, Resource]) -> None:
        if any(read(each).fault == "invalid" for each in items.values() if self._concerns(each)):
            raise RefusedError("invalid")

    def _note(self, type_: Type, items: dict[str, Resource], gone: list[str]) -> None:
        subscription = self.subscriptions[type_]
        for name, resource in items.items():
            if type_ not in _NAMED:
                subscription.others[name] = resource.version
            elif name in subscription.names:
                subscription.names[name] = resource.version
        for name in gone:
            subscription.others.pop(name, None)
            if name in subscription.names:
                subscription.names[name] = None

    # By type.

    def _take_cluster(self, items: dict[str, Resource], gone: list[str]) -> None:
        refused = []
        for name, resource in items.items():
            if read(resource).fault:
                refused.append(name)
                continue
            there = self.warming.get(name) or self.active.get(name)
            if there is None or there.version != resource.version:
                watched = name in self.warming or name in self.active
                self.warming[name] = Cluster(resource.version)
                if not watched:
                    self.subscriptions[Type.ENDPOINTS].add(name)
        for name in gone:
            if self.warming.pop(name, None) or name in self.active:
                self.active.pop(name, None)
                self.subscriptions[Type.ENDPOINTS].remove(name)
        if refused:
            raise RefusedError(f"Error adding/updating cluster(s) {', '.join(refused)}")

    def _take_endpoints(self, items: dict[str, Resource], gone: list[str]) -> None:
        names = [name for name in items if self._concerns(items[name])]
        self.random.shuffle(names)
        for name in names:
            if read(items[name]).fault:
                raise RefusedError("malformed IP address")  # and does not come to the rest
            for cluster in (self.active.get(name), self.warming.get(name)):
                if cluster:
                    cluster.endpoints = items[name].version
            self.unsure.discard(name)
            self._warm(name)
        for name in gone:
            self.unsure.add(name)
            self._warm(name)

    def _take_listener(self, items: dict[str, Resource], gone: list[str]) -> None:
        for name in gone:
            if self.starting.pop(name, None):
                self._release(name)
            if listener := self.listeners.pop(name, None):
                self.draining.append(listener)
        refused = [name for name, resource in items.items() if read(resource).fault]
        for name, resource in items.items():
            if name not in refused:
                self._add_listener(name, resource.version)
        if refused:
            raise RefusedError(f"Error adding/updating listener(s) {', '.join(refused)}")

    def _add_listener(self, name: str, version: str) -> None:
        there = self.starting.get(name) or self.listeners.get(name)
        if there is not None and there.version == version:
            return
        self.starting[name] = Listener(name, version)
        if name not in self.routes:
            self.routes[name] = None
            self.subscriptions[Type.ROUTES].add(name)
        if self.routes[name] or name in self.given_up:
            self._start(name)

    def _take_routes(self, items: dict[str, Resource], _gone: list[str]) -> None:
        names = [name for name in items if self._concerns(items[name])]
        self.random.shuffle(names)
        for name in names:
            body = read(items[name])
            if body.fault:
                raise RefusedError("route: no")
            self.routes[name] = (items[name].version, frozenset(body.clusters))
            self._start(name)

    def _refused(self, type_: Type) -> None:
        """Whatever waits for a resource of this type goes on without."""
        if type_ is Type.ENDPOINTS:
            for name in list(self.warming):
                self._warm(name)
        if type_ is Type.ROUTES:
            self.given_up |= set(self.routes)
            for name in list(self.starting):
                self._start(name)

    def _warm(self, name: str) -> None:
        if cluster := self.warming.pop(name, None):
            self.active[name] = cluster

    def _start(self, name: str) -> None:
        if listener := self.starting.pop(name, None):
            if old := self.listeners.get(name):
                self.draining.append(old)
            self.listeners[name] = listener

    def _release(self, name: str) -> None:
        """The last listener that used a route is gone."""
        users = (*self.listeners.values(), *self.starting.values(), *self.draining)
        if not any(each.name == name for each in users) and name in self.routes:
            del self.routes[name]
            self.given_up.discard(name)
            self.subscriptions[Type.ROUTES].remove(name)


_NAMED: Any = frozenset({Type.ENDPOINTS, Type.ROUTES})
