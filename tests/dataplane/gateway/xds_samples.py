"""Small resources by hand: a listener and a route for each model, and clusters with endpoints on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration

# What the listener's JSON names has to be known to protobuf.
from envoy.extensions.filters.http.router.v3 import router_pb2  # noqa: F401
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2  # noqa: F401
from google.protobuf.json_format import ParseDict

from tests.ports import HOST
from tritium.gateway.snapshot.resource import Resource, Snapshot, Type

_ADS: Final = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
_EXTENSIONS: Final = "type.googleapis.com/envoy.extensions.filters"
_ROUTER: Final = {"name": "router", "typed_config": {"@type": f"{_EXTENSIONS}.http.router.v3.Router"}}


def cluster(name: str, **more: Any) -> Resource:
    """A cluster whose endpoints come from the agent."""
    config = {"name": name, "type": "EDS", "eds_cluster_config": {"eds_config": _ADS}, "connect_timeout": "1s", **more}
    return Resource.of(Type.CLUSTER, name, ParseDict(config, Cluster()))


def refused_cluster(name: str) -> Resource:
    """A cluster that Envoy reads and does not take."""
    return cluster(name, lb_policy="CLUSTER_PROVIDED")


def unreadable_cluster(name: str) -> Resource:
    """A cluster because of which Envoy does not take anything of the response."""
    return cluster(name, connect_timeout="-1s")


def endpoints(name: str, *ports: int, host: str = HOST) -> Resource:
    """The endpoints of a cluster; `host` may be nonsense, which Envoy refuses."""
    there = [{"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}} for port in ports]
    config = {"cluster_name": name, "endpoints": [{"lb_endpoints": there}]}
    return Resource.of(Type.ENDPOINTS, name, ParseDict(config, ClusterLoadAssignment()))


def listener(name: str, port: int, **more: Any) -> Resource:
    """A port; its route has the listener's name."""
    manager = {
        "@type": f"{_EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "rds": {"route_config_name": name, "config_source": _ADS},
        "http_filters": [_ROUTER],
    }
    config = {
        "name": name,
        "address": {"socket_address": {"address": HOST, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        **more,
    }
    return Resource.of(Type.LISTENER, name, ParseDict(config, Listener()))


def routes(name: str, weights: Mapping[str, int], regex: str = "/.*") -> Resource:
    """Everything, by weight, to some clusters; `regex` may be none, which Envoy refuses."""
    split = {"clusters": [{"name": cluster, "weight": weight} for cluster, weight in weights.items()]}
    route = {"match": {"safe_regex": {"regex": regex}}, "route": {"weighted_clusters": split, "timeout": "5s"}}
    config = {"name": name, "virtual_hosts": [{"name": name, "domains": ["*"], "routes": [route]}]}
    return Resource.of(Type.ROUTES, name, ParseDict(config, RouteConfiguration()))


def model(name: str, port: int, ports: Mapping[str, int], weights: Mapping[str, int] | None = None) -> list[Resource]:
    """Everything of one model: `ports` has the port of the one endpoint of each cluster."""
    found = [listener(name, port), routes(name, weights or dict.fromkeys(ports, 1))]
    for each, upstream in ports.items():
        found += [cluster(each), endpoints(each, upstream)]
    return found


def snapshot(*resources: Resource) -> Snapshot:
    """All of these; of two with one name the last."""
    found: dict[Type, dict[str, Resource]] = {type_: {} for type_ in Type}
    for resource in resources:
        found[resource.type][resource.name] = resource
    return Snapshot(found, {name: _named(each) for name, each in found[Type.ROUTES].items()})


def _named(resource: Resource) -> frozenset[str]:
    config = RouteConfiguration.FromString(resource.body)
    return frozenset(
        each.name
        for host in config.virtual_hosts
        for route in host.routes
        for each in route.route.weighted_clusters.clusters
    )
