"""What Envoy is started with: where its agent is, what it counts, and what it does when memory runs short. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tritium.api.gateway import BOUNDS_MS, HEALTH_PATH, HEALTH_PORT, RUN_FOLDER
from tritium.gateway.snapshot.names import AGENT, ENDED, IN_FLIGHT, log_lost

Object = dict[str, Any]

OWN: Final = ("server", "listener_manager", "cluster_manager", "control_plane", "runtime", "overload")
"""Statistics of Envoy itself, by what their names begin with."""

_ARRIVALS: Final = (
    "downstream_(cx|rq)_(total|active)|downstream_rq_completed|rq_total|rq_direct_response|no_(route|cluster)"
)
_REQUESTS: Final = "[0-9]{3}|total|active|active_overflow|pending_active|pending_overflow|retry|timeout|time"
OF_MODELS: Final = (
    f"http[.][^.]+[.]({_ARRIVALS})",
    f"cluster[.][^.]+[.]upstream_rq_({_REQUESTS})",
    "cluster[.][^.]+[.](upstream_cx_(none_healthy|connect_fail)|membership_(total|healthy))",
    "cluster[.][^.]+[.]grpc[.]([A-Za-z.]+[.])?[0-9]+",
    rf"{re.escape(ENDED)}[.][a-z0-9-]+",
    log_lost("[a-z0-9-]+").replace(".", "[.]"),
)
"""Statistics of models, by their whole names."""

HEAP_SHARE: Final = 0.8
"""Of the memory of Envoy's container; code, stacks and what the allocator cannot use have the rest."""


@dataclass(frozen=True, slots=True)
class BootstrapSettings:
    """What differs between two Envoys.

    Attributes:
        node: name of its pod.
        cluster: name of its namespace.
        xds_socket, admin_socket: paths of at most 107 characters.
        address: where it listens.
        memory_bytes: the limit of its container.
        max_connections: of clients, on all ports together.
    """

    node: str
    cluster: str
    xds_socket: str = f"{RUN_FOLDER}/xds.sock"
    admin_socket: str = f"{RUN_FOLDER}/admin.sock"
    address: str = "0.0.0.0"  # noqa: S104 - the pod's own network
    memory_bytes: int = 512 * 2**20
    max_connections: int = 10_000


def bootstrap(settings: BootstrapSettings) -> Object:
    """The configuration; JSON is how Envoy reads it."""
    return {
        "node": {"id": settings.node, "cluster": settings.cluster},
        "admin": {"address": {"pipe": {"path": settings.admin_socket, "mode": 0o600}}},
        "dynamic_resources": {
            "ads_config": _ads(),
            "lds_config": _from_agent(),
            "cds_config": _from_agent(),
        },
        "static_resources": {"clusters": [_agent(settings.xds_socket)], "listeners": [_health(settings.address)]},
        # Histograms are merged that often, and the operator reads them every few seconds.
        "stats_flush_interval": "1s",
        "layered_runtime": {"layers": _layers()},
        "stats_config": _stats(),
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
        "overload_manager": _overload(settings),
    }


def _from_agent() -> Object:
    """Envoy is live when it has a whole configuration, and not before, however long the agent needs."""
    return {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}


def _ads() -> Object:
    """One stream for everything. After it broke Envoy asks again within a second, not within 30."""
    again = {"retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"}}
    return {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": AGENT, "retry_policy": again}}],
    }


def _agent(socket: str) -> Object:
    endpoint = {"endpoint": {"address": {"pipe": {"path": socket}}}}
    # An agent that hangs is noticed like one that is gone.
    http2 = {"connection_keepalive": {"interval": "10s", "timeout": "5s"}}
    return {
        "name": AGENT,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": AGENT, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": http2},
            }
        },
    }


def _health(address: str) -> Object:
    """Envoy's own word that it takes requests: an agent that is gone must not take the pod out of the Services."""
    http = "type.googleapis.com/envoy.extensions.filters"
    check = {"name": ":path", "string_match": {"exact": HEALTH_PATH}}
    elsewhere = {"match": {"prefix": "/"}, "direct_response": {"status": 404}}
    manager = {
        "@type": f"{http}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "/health",
        "route_config": {"virtual_hosts": [{"name": "health", "domains": ["*"], "routes": [elsewhere]}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.health_check",
                "typed_config": {
                    "@type": f"{http}.http.health_check.v3.HealthCheck",
                    "pass_through_mode": False,
                    "headers": [check],
                },
            },
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{http}.http.router.v3.Router"}},
        ],
    }
    return {
        "name": "/health",
        "address": {"socket_address": {"address": address, "port_value": HEALTH_PORT, "ipv4_compat": address == "::"}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
        # A probe must find an answer while there are too many connections, or too little memory.
        "ignore_global_conn_limit": True,
        "bypass_overload_manager": True,
    }


def _layers() -> list[Object]:
    return [
        {
            "name": "fixed",
            "static_layer": {
                # A timeout is DEADLINE_EXCEEDED, which clients do not answer with a retry, and not UNAVAILABLE.
                "envoy.reloadable_features.grpc_timeout_returns_deadline_exceeded": True,
                # A pod that takes no connections does not look like the one with the least to do.
                "envoy.reloadable_features.least_request_lb_count_pending_requests": True,
                "envoy.reloadable_features.strict_chunk_parsing": True,
                # A client would be read from only as fast as a logger takes copies of what it sends.
                "envoy.reloadable_features.grpc_side_stream_flow_control": False,
                # A listener that changes would close connections that are idle, and with them requests on their way.
                "envoy.reloadable_features.use_connection_event_drain": False,
                # The paths that pass are regular expressions with the names of a model and of a path in them.
                "re2.max_program_size.error_level": 100_000,
            },
        },
        {"name": IN_FLIGHT, "rtds_layer": {"name": IN_FLIGHT, "rtds_config": _from_agent()}},
    ]


def _stats() -> Object:
    """Of the hundreds that there are for each cluster only those that somebody reads: the others cost no memory."""
    return {
        "stats_matcher": {"inclusion_list": {"patterns": [*_prefixed(OWN), *_like(OF_MODELS)]}},
        "histogram_bucket_settings": [{"match": {"suffix": "upstream_rq_time"}, "buckets": BOUNDS_MS}],
    }


def _prefixed(names: Iterable[str]) -> list[Object]:
    return [{"prefix": f"{name}."} for name in names]


def _like(patterns: Iterable[str]) -> list[Object]:
    return [{"safe_regex": {"regex": pattern}} for pattern in patterns]


def _overload(settings: BootstrapSettings) -> Object:
    """Shed in time: a gateway that is killed for its memory loses every request that it has.

    Of the container's memory the heap may have `HEAP_SHARE`. At 90 % of that, memory that is free is given back to the
    system; at 95 % new requests are answered with 503 and connections end after their answer; at 98 % new connections
    are closed at once.
    """
    heap, connections = (
        "envoy.resource_monitors.fixed_heap",
        "envoy.resource_monitors.global_downstream_max_connections",
    )
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            _monitor(
                heap, "fixed_heap.v3.FixedHeapConfig", max_heap_size_bytes=int(settings.memory_bytes * HEAP_SHARE)
            ),
            _monitor(
                connections,
                "downstream_connections.v3.DownstreamConnectionsConfig",
                max_active_downstream_connections=settings.max_connections,
            ),
        ],
        "actions": [
            _action("shrink_heap", heap, 0.90),
            _action("stop_accepting_requests", heap, 0.95),
            _action("disable_http_keepalive", heap, 0.95),
            _action("reject_incoming_connections", heap, 0.98),
        ],
    }


def _monitor(name: str, type_: str, **config: int) -> Object:
    url = f"type.googleapis.com/envoy.extensions.resource_monitors.{type_}"
    return {"name": name, "typed_config": {"@type": url} | config}


def _action(name: str, monitor: str, share: float) -> Object:
    return {
        "name": f"envoy.overload_actions.{name}",
        "triggers": [{"name": monitor, "threshold": {"value": share}}],
    }
