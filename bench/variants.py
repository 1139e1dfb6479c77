"""The gateway's configuration with one thing left out, or as a bare Envoy has it: to find out what costs what. Pure."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.protocol_pb2 import Http1ProtocolOptions, Http2ProtocolOptions
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import Route
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
)
from google.protobuf.wrappers_pb2 import BoolValue

from tritium.gateway.snapshot.filters import GRPC_STATS
from tritium.gateway.snapshot.messages import any_of
from tritium.gateway.snapshot.resource import Resource, Snapshot, Type

Object = dict[str, Any]
FILTERS: Final = {"counting of gRPC": (GRPC_STATS,), "limits of size": ("request-", "answer-")}


@dataclass(slots=True)
class Parts:
    """One model's configuration, taken apart to be changed.

    Attributes:
        bootstrap: what Envoy is started with.
        manager: the listener's only filter.
    """

    bootstrap: Object
    listener: Listener
    manager: HttpConnectionManager
    routes: RouteConfiguration
    clusters: list[Cluster]

    @classmethod
    def of(cls, bootstrap: Object, snapshot: Snapshot) -> "Parts":
        """Take a snapshot of one model apart."""
        (listener,) = (Listener.FromString(each.body) for each in snapshot.resources[Type.LISTENER].values())
        (routes,) = (RouteConfiguration.FromString(each.body) for each in snapshot.resources[Type.ROUTES].values())
        clusters = [Cluster.FromString(each.body) for each in snapshot.resources[Type.CLUSTER].values()]
        manager = HttpConnectionManager()
        listener.filter_chains[0].filters[0].typed_config.Unpack(manager)
        return cls(deepcopy(bootstrap), listener, manager, routes, clusters)

    def into(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with these parts in the place of its own."""
        self.listener.filter_chains[0].filters[0].typed_config.CopyFrom(any_of(self.manager))
        made = [
            Resource.of(Type.LISTENER, self.listener.name, self.listener),
            Resource.of(Type.ROUTES, self.routes.name, self.routes),
            *(Resource.of(Type.CLUSTER, each.name, each) for each in self.clusters),
        ]
        resources = {type_: dict(named) for type_, named in snapshot.resources.items()}
        for each in made:
            resources[each.type][each.name] = each
        return Snapshot(resources, snapshot.needs)

    def each_route(self) -> list[Route]:
        """All routes."""
        return [route for host in self.routes.virtual_hosts for route in host.routes]


Change = Callable[[Parts], None]


def without_filters(*prefixes: str) -> Change:
    """Leave out filters whose names begin like that, and what turns them on."""

    def change(parts: Parts) -> None:
        kept = [each for each in parts.manager.http_filters if not each.name.startswith(prefixes)]
        del parts.manager.http_filters[:]
        parts.manager.http_filters.extend(kept)
        for route in parts.each_route():
            for name in [each for each in route.typed_per_filter_config if each.startswith(prefixes)]:
                del route.typed_per_filter_config[name]

    return change


def _no_revision_header(parts: Parts) -> None:
    for route in parts.each_route():
        del route.response_headers_to_add[:]


def _plain_routes(parts: Parts) -> None:
    """Two routes as a bare Envoy has them, with the actions of the gateway's."""
    (host,) = parts.routes.virtual_hosts
    by_name = {route.name: route for route in reversed(host.routes)}
    found = []
    for name in ("ModelInfer", "infer"):
        route = Route()
        route.CopyFrom(by_name[name])
        route.match.Clear()
        route.match.prefix = "/"
        if name == "ModelInfer":
            route.match.grpc.SetInParent()
        found.append(route)
    del host.routes[:]
    host.routes.extend(found)


def _no_retry(parts: Parts) -> None:
    for host in parts.routes.virtual_hosts:
        host.ClearField("retry_policy")


def _no_timeouts(parts: Parts) -> None:
    options = parts.manager.common_http_protocol_options
    options.ClearField("max_stream_duration")
    parts.manager.ClearField("request_headers_timeout")
    parts.manager.ClearField("stream_flush_timeout")
    for route in parts.each_route():
        if route.HasField("route"):
            route.route.timeout.Clear()
            route.route.timeout.SetInParent()


def _no_normalising(parts: Parts) -> None:
    manager = parts.manager
    manager.normalize_path.CopyFrom(BoolValue(value=False))
    manager.merge_slashes = False
    manager.ClearField("path_with_escaped_slashes_action")


def _internal_clients(parts: Parts) -> None:
    parts.manager.ClearField("use_remote_address")
    parts.manager.ClearField("skip_xff_append")


def _request_ids(parts: Parts) -> None:
    parts.manager.ClearField("generate_request_id")
    parts.manager.ClearField("preserve_external_request_id")


def _no_local_replies(parts: Parts) -> None:
    parts.manager.ClearField("local_reply_config")


def _default_codecs(parts: Parts) -> None:
    parts.manager.http_protocol_options.CopyFrom(Http1ProtocolOptions())
    parts.manager.http2_protocol_options.CopyFrom(Http2ProtocolOptions())
    parts.listener.ClearField("per_connection_buffer_limit_bytes")
    for each in parts.clusters:
        each.ClearField("per_connection_buffer_limit_bytes")


def _round_robin(parts: Parts) -> None:
    for each in parts.clusters:
        each.ClearField("load_balancing_policy")


def _no_breakers(parts: Parts) -> None:
    for each in parts.clusters:
        each.ClearField("circuit_breakers")


def _no_keepalive(parts: Parts) -> None:
    del parts.listener.socket_options[:]
    for each in parts.clusters:
        each.ClearField("upstream_connection_options")


def _no_overload_manager(parts: Parts) -> None:
    parts.bootstrap.pop("overload_manager", None)


def _eager_stats(parts: Parts) -> None:
    parts.bootstrap.pop("deferred_stat_options", None)
    parts.bootstrap.pop("stats_config", None)


def _no_runtime_keys(parts: Parts) -> None:
    """But the one without which Envoy would refuse the routes."""
    (fixed,) = (layer for layer in parts.bootstrap["layered_runtime"]["layers"] if "static_layer" in layer)
    keys = fixed["static_layer"]
    fixed["static_layer"] = {key: value for key, value in keys.items() if key.startswith("re2.")}


def _all(*changes: Change) -> Change:
    def change(parts: Parts) -> None:
        for each in changes:
            each(parts)

    return change


ONE_BY_ONE: Final[Mapping[str, Change]] = {
    **{f"without {name}": without_filters(*prefixes) for name, prefixes in FILTERS.items()},
    "without the revision's header": _no_revision_header,
    "two routes by prefix": _plain_routes,
    "without retries": _no_retry,
    "without timeouts": _no_timeouts,
    "without normalising paths": _no_normalising,
    "without use_remote_address": _internal_clients,
    "with request ids": _request_ids,
    "without local replies": _no_local_replies,
    "default windows and buffers": _default_codecs,
    "round robin": _round_robin,
    "without circuit breakers": _no_breakers,
    "without TCP keep-alive": _no_keepalive,
    "without the overload manager": _no_overload_manager,
    "default statistics": _eager_stats,
    "without runtime keys": _no_runtime_keys,
}
"""By what differs: each leaves out one thing, or has it as a bare Envoy has it."""

VARIANTS: Final[Mapping[str, Change]] = {
    "gateway": _all(),
    **ONE_BY_ONE,
    "all of these": _all(*ONE_BY_ONE.values()),
}
