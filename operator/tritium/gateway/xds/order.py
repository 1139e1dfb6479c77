"""In which order Envoy is told: a cluster and its endpoints are there before a route names them, and stay as long.

What may happen to one resource now follows from what is published and from what Envoy has acknowledged, never from
what other models wait for:

* endpoints: at once, whenever they differ from what was sent last. They are all that is sent while an older version is
  unanswered: a pod that is about to end must be out within milliseconds;
* how much may be in flight (Runtime), and clusters: at once. Only the change of a cluster that Envoy came with waits
  until its endpoints are known here: a changed cluster has none until some are sent;
* a new listener, and any route: as soon as all clusters that the route names are acknowledged, with their endpoints;
* a listener that is gone: at once. Envoy keeps its route until the connections have drained, and then says so;
* a cluster that is gone: once no route that Envoy may have names it.

A model with a route to one cluster, and an Envoy that has nothing:

>>> from tritium.gateway.xds.client import Held
>>> def now(snapshot, key):
...     return step(View(snapshot, envoy), key).name
>>> def made(type_, name, version="1"):
...     return Resource(type_, name, version, b"")
>>> def published(**versions):
...     names = {Type.CLUSTER: "c", Type.ENDPOINTS: "c", Type.LISTENER: "fraud", Type.ROUTES: "fraud"}
...     resources = {t: {n: made(t, n, versions.get(t.name, "1"))} for t, n in names.items()}
...     return Snapshot(resources, {"fraud": frozenset("c")})
>>> cluster, endpoints = (Type.CLUSTER, "c"), (Type.ENDPOINTS, "c")
>>> listener, route = (Type.LISTENER, "fraud"), (Type.ROUTES, "fraud")
>>> envoy = Client(everything={Type.CLUSTER, Type.LISTENER}, settled=True)
>>> for key in (cluster, endpoints, listener, route):
...     print(key[0].word, now(published(), key))
Cluster SEND
ClusterLoadAssignment NOTHING
Listener WAIT
RouteConfiguration NOTHING

Envoy takes the cluster in and asks for its endpoints. Without them the listener still waits:

>>> envoy.held[cluster] = Held("1")
>>> envoy.names[Type.ENDPOINTS].add("c")
>>> now(published(), endpoints), now(published(), listener)
('SEND', 'WAIT')
>>> envoy.held[endpoints] = Held("1", published().resources[Type.ENDPOINTS]["c"])
>>> now(published(), listener)
'SEND'

It asks for the route, and has it. A changed cluster does not hold up the route, which has one already:

>>> envoy.held[listener] = Held("1")
>>> envoy.names[Type.ROUTES].add("fraud")
>>> envoy.held[route] = Held("1", needs=frozenset("c"))
>>> change = published(CLUSTER="2", ROUTES="2")
>>> now(change, cluster), now(change, route)
('SEND', 'SEND')

The model goes: its listener first; the cluster only when Envoy has let go of the route.

>>> now(Snapshot(), listener), now(Snapshot(), cluster)
('REMOVE', 'WAIT')
>>> envoy.forget(route)
>>> now(Snapshot(), cluster)
'REMOVE'
"""

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Final

from tritium.gateway.snapshot.resource import Resource, Snapshot, Type
from tritium.gateway.xds.client import Client, Key, wanted_of


class Step(Enum):
    """What is to be done about one resource now."""

    NOTHING = auto()
    """It is as it should be, or nobody asks for it, or Envoy has refused it."""
    WAIT = auto()
    """Envoy has to answer something else first."""
    SEND = auto()
    """See `offer`."""
    REMOVE = auto()
    """Take it away, or say that it does not exist."""


STAGES: Final = (
    (Type.ENDPOINTS, Step.SEND),
    (Type.ENDPOINTS, Step.REMOVE),
    (Type.RUNTIME, Step.SEND),
    (Type.RUNTIME, Step.REMOVE),
    (Type.CLUSTER, Step.SEND),
    (Type.LISTENER, Step.REMOVE),  # before others are sent: one may have its address
    (Type.LISTENER, Step.SEND),
    (Type.ROUTES, Step.SEND),
    (Type.ROUTES, Step.REMOVE),
    (Type.CLUSTER, Step.REMOVE),
)
"""What goes first of what may go now."""


@dataclass(frozen=True)
class View:
    """What is published, and what Envoy has, at one moment."""

    snapshot: Snapshot
    client: Client

    @cached_property
    def routed(self) -> frozenset[str] | None:
        """Clusters that a route names which Envoy has, was sent or may have; None: one of them is unknown."""
        routes = self.client.routes()
        if any(route.needs is None for route in routes):
            return None
        return frozenset(name for route in routes for name in route.needs or ())


def step(view: View, key: Key) -> Step:
    """What is to be done about one resource."""
    snapshot, client = view.snapshot, view.client
    if not client.asks_for(key):
        return Step.NOTHING
    match key[0]:
        case Type.ENDPOINTS:
            return _endpoints(snapshot, client, key)
        case _ if key in client.flight:
            return Step.WAIT
        case _ if offer(snapshot, client, key) is None:
            return _gone(view, key)
        case _:
            return _there(snapshot, client, key)


def offer(snapshot: Snapshot, client: Client, key: Key) -> Resource | None:
    """What is sent for a resource; None: there is none. Endpoints that Envoy has refused are as good as none."""
    wanted = wanted_of(snapshot, key)
    return None if wanted and key[0] is Type.ENDPOINTS and client.refused(wanted) else wanted


def _endpoints(snapshot: Snapshot, client: Client, key: Key) -> Step:
    offered, newest = offer(snapshot, client, key), client.newest(key)
    if key in client.due:
        return Step.REMOVE if offered is None else Step.SEND
    differs = offered is not None and (newest is None or newest.version != offered.version)
    return Step.SEND if differs else Step.NOTHING


def _gone(view: View, key: Key) -> Step:
    client = view.client
    there = key in client.held or key in client.doubtful
    match key[0]:
        case Type.CLUSTER if there:
            free = client.settled and view.routed is not None and key[1] not in view.routed
            return Step.REMOVE if free else Step.WAIT
        case Type.LISTENER if there:
            return Step.REMOVE
        case _:  # Envoy ignores that a route it has were removed; it lets go of it with the last listener
            return Step.REMOVE if key in client.due and not there else Step.NOTHING


def _there(snapshot: Snapshot, client: Client, key: Key) -> Step:
    wanted, held = snapshot.resources[key[0]][key[1]], client.held.get(key)
    if client.refused(wanted) or (held is not None and held.version == wanted.version and key not in client.due):
        return Step.NOTHING
    match key[0]:
        case Type.CLUSTER:
            ready = held is None or (client.settled and not _endpoints_unknown(client, key[1]))
        case Type.LISTENER if held:
            ready = True
        case Type.LISTENER | Type.ROUTES:
            ready = client.has_clusters(snapshot, snapshot.needs.get(key[1], ()))
        case _:
            ready = True
    return Step.SEND if ready else Step.WAIT


def _endpoints_unknown(client: Client, cluster: str) -> bool:
    endpoints = client.held.get((Type.ENDPOINTS, cluster))
    return endpoints is not None and endpoints.resource is None


def is_whole(snapshot: Snapshot, client: Client) -> bool:
    """Whether Envoy has acknowledged everything that it has not refused, and that needs nothing it has refused.

    What it has acknowledged it does not run for long while something else is under way to it.

    >>> from tritium.gateway.xds.client import Rejected
    >>> cluster, route = Resource(Type.CLUSTER, "c", "2", b""), Resource(Type.ROUTES, "fraud", "2", b"")
    >>> snapshot = Snapshot({Type.CLUSTER: {"c": cluster}, Type.ROUTES: {"fraud": route}}, {"fraud": frozenset("c")})
    >>> is_whole(snapshot, Client())
    False
    >>> is_whole(snapshot, Client(rejected={(Type.CLUSTER, "c"): Rejected(cluster, "no")}))
    True
    """
    changing = client.changing()
    return all(
        (
            (held := client.held.get((type_, name)))
            and held.version == resource.version
            and (type_, name) not in changing
        )
        or client.refused(resource)
        or _is_stuck(snapshot, client, resource)
        for type_, resources in snapshot.resources.items()
        for name, resource in resources.items()
    )


def _is_stuck(snapshot: Snapshot, client: Client, resource: Resource) -> bool:
    """Whether it cannot be sent because of something else that Envoy has refused."""

    def lacks(type_: Type, name: str) -> bool:  # not even an older version is there
        wanted = wanted_of(snapshot, (type_, name))
        return (type_, name) not in client.held and wanted is not None and client.refused(wanted)

    if resource.type is Type.ENDPOINTS:
        return lacks(Type.CLUSTER, resource.name)
    if resource.type is Type.CLUSTER:
        endpoints = wanted_of(snapshot, (Type.ENDPOINTS, resource.name))
        return _endpoints_unknown(client, resource.name) and endpoints is not None and client.refused(endpoints)
    if resource.type is Type.ROUTES and lacks(Type.LISTENER, resource.name):
        return True
    needs = snapshot.needs.get(resource.name, ()) if resource.type in {Type.LISTENER, Type.ROUTES} else ()
    return any(lacks(type_, name) for name in needs for type_ in (Type.CLUSTER, Type.ENDPOINTS))
