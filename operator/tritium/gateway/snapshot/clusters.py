"""The clusters: how a revision's pods are reached.

A cluster holds nothing that a user can change: Envoy would make a changed one anew, with all its connections. What may
change has its own resource: the pods (`endpoints.py`), how much they may have in flight (`in_flight.py`), timeouts and
shares (`routes.py`).
"""

from typing import Final

from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster, LoadBalancingPolicy, UpstreamConnectionOptions
from envoy.config.core.v3.address_pb2 import TcpKeepalive
from envoy.config.core.v3.config_source_pb2 import V3, AggregatedConfigSource, ConfigSource
from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.config.core.v3.protocol_pb2 import Http1ProtocolOptions, Http2ProtocolOptions
from envoy.config.core.v3.protocol_pb2 import HttpProtocolOptions as CommonOptions
from envoy.extensions.load_balancing_policies.least_request.v3.least_request_pb2 import LeastRequest
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import HttpProtocolOptions
from envoy.type.v3.percent_pb2 import Percent

from tritium.gateway.snapshot.messages import any_of, duration, uint32
from tritium.gateway.snapshot.names import Protocol

CONNECT_TIMEOUT_MS: Final = 1_000
"""After it the request is tried once more, with another pod."""

IDLE_TIMEOUT_MS: Final = 10_000
"""After it a connection that nobody uses is closed.

Triton's end waits for every connection, those that nobody uses among them, for at most 45 s; a pod has left its
endpoints 15 s before that begins.
"""

BUFFER_BYTES: Final = 2**20
"""How much of one connection Envoy keeps until the other side takes it."""

STREAM_WINDOW: Final = 2**20
"""Bytes that a pod may send for one gRPC request before Envoy has handed them on."""

CONNECTION_WINDOW: Final = 16 * 2**20
"""The same for all requests of a connection: some large answers do not hold up the small ones beside them."""

DRAWN: Final = 5
"""Pods that are compared for one request; the same may be drawn twice."""

UNLIMITED: Final = 2**31 - 1
"""For what another number bounds: connections by requests, retries by one for each request."""

PROTOCOL_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
"""Under which a cluster has its options for HTTP."""


def cluster(name: str, protocol: Protocol) -> Cluster:
    """A revision's pods, for one protocol.

    There is no active health check: Kubernetes makes one, and a pod that fails it is no endpoint. There is no outlier
    detection either: it would take pods away because a model is overloaded, and leave the others with more.
    """
    return Cluster(
        name=name,
        type=Cluster.EDS,
        eds_cluster_config=Cluster.EdsClusterConfig(eds_config=from_agent()),
        connect_timeout=duration(CONNECT_TIMEOUT_MS),
        per_connection_buffer_limit_bytes=uint32(BUFFER_BYTES),
        load_balancing_policy=_LEAST_REQUEST,
        common_lb_config=Cluster.CommonLbConfig(healthy_panic_threshold=Percent(value=0)),
        circuit_breakers=_BREAKERS,
        typed_extension_protocol_options={PROTOCOL_OPTIONS: _OPTIONS[protocol]},
        upstream_connection_options=UpstreamConnectionOptions(tcp_keepalive=_KEEPALIVE),
    )


def from_agent() -> ConfigSource:
    """By the stream that the agent serves. There is no time after which Envoy would go on without it."""
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=V3, initial_fetch_timeout=duration(0))


def _least_request() -> LoadBalancingPolicy:
    """The pod with the fewest requests in flight, of five that are drawn.

    With two of two pods the busier one would get every fourth request, with five every thirtieth. Always the very best
    would be worse: a pod that takes no connections has the fewest, and a retry would go to it again.
    """
    policy = TypedExtensionConfig(
        name="envoy.load_balancing_policies.least_request",
        typed_config=any_of(LeastRequest(choice_count=uint32(DRAWN))),
    )
    return LoadBalancingPolicy(policies=[LoadBalancingPolicy.Policy(typed_extension_config=policy)])


def _http() -> HttpProtocolOptions:
    options = HttpProtocolOptions.ExplicitHttpConfig(http_protocol_options=Http1ProtocolOptions())
    return HttpProtocolOptions(common_http_protocol_options=_COMMON, explicit_http_config=options)


def _grpc() -> HttpProtocolOptions:
    """No pings: Triton ends the connection of a client that sends more than one in five minutes."""
    http2 = Http2ProtocolOptions(
        initial_stream_window_size=uint32(STREAM_WINDOW),
        initial_connection_window_size=uint32(CONNECTION_WINDOW),
    )
    options = HttpProtocolOptions.ExplicitHttpConfig(http2_protocol_options=http2)
    return HttpProtocolOptions(common_http_protocol_options=_COMMON, explicit_http_config=options)


_COMMON: Final = CommonOptions(idle_timeout=duration(IDLE_TIMEOUT_MS))
_OPTIONS: Final = {Protocol.HTTP: any_of(_http()), Protocol.GRPC: any_of(_grpc())}
_LEAST_REQUEST: Final = _least_request()
_KEEPALIVE: Final = TcpKeepalive(keepalive_time=uint32(10), keepalive_interval=uint32(5), keepalive_probes=uint32(3))
_BREAKERS: Final = CircuitBreakers(
    thresholds=[
        CircuitBreakers.Thresholds(
            max_connections=uint32(UNLIMITED),
            # Only until Envoy has those of `in_flight.py`, milliseconds later.
            max_requests=uint32(1_024),
            max_pending_requests=uint32(1_024),
            max_retries=uint32(UNLIMITED),
        )
    ]
)
