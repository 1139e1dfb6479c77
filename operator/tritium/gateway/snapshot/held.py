"""Requests that wait in Envoy for a pod: on which cluster, how many, how long, and what lets them go on.

A route leads to a cluster that does not exist. Envoy's filter for clusters on demand keeps the request, asks the agent
for that name, and goes on as soon as it has a cluster of it. Which names those are says `gateway/holding.py`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.config.core.v3.config_source_pb2 import V3, ApiConfigSource, ConfigSource
from envoy.config.core.v3.grpc_service_pb2 import GrpcService
from envoy.extensions.filters.http.adaptive_concurrency.v3 import adaptive_concurrency_pb2 as adaptive
from envoy.extensions.filters.http.on_demand.v3.on_demand_pb2 import OnDemandCds, PerRouteConfig
from envoy.type.v3.http_status_pb2 import HttpStatus
from google.protobuf.any_pb2 import Any

from tritium.gateway.snapshot.clusters import UNLIMITED, cluster
from tritium.gateway.snapshot.endpoints import load_assignment
from tritium.gateway.snapshot.messages import any_of, duration, header_set, uint32
from tritium.gateway.snapshot.names import AGENT, Protocol, cluster_name
from tritium.gateway.snapshot.resource import About, Resource, Type
from tritium.gateway.table import Endpoint, Model, Share

ON_DEMAND: Final = "on-demand"
"""The filter in which requests wait."""

MOST_HELD: Final = "most-held"
"""The filter before it, which bounds how many."""

MOST: Final = 256
"""So many wait on one port of one gateway pod; it is as many as one pod of the model takes by default."""

TOO_MANY_WAIT: Final = 508
"""The status by which the filter's answer is known from others; nobody outside sees it."""

HELD_BUFFER_BYTES: Final = 32 * 2**10
HELD_STREAM_WINDOW: Final = 2**16 - 1
HELD_CONNECTION_WINDOW: Final = 2**20
"""Of a request that waits, so much is kept in memory: by connection, and by stream and connection of HTTP/2."""

ASLEEP: Final = "No replica of this model is ready: it starts when a request for inference comes. Ask again later."

_NEVER: Final = 3_600_000
"""Milliseconds between two looks at a bound that never changes."""

_METADATA: Final = "tritium"
_REVISION: Final = "revision"


def is_held(model: Model, endpoints: Mapping[str, tuple[Endpoint, ...]]) -> bool:
    """Whether no pod takes the requests of a model: it sleeps, or has none.

    >>> from tritium.gateway.table import Hold
    >>> waking = Model("fraud", "u", 1, 10_000, "fraud", (Share(1, "s", 10_000),), hold=Hold(False, 1, 60_000))
    >>> is_held(waking, {}), is_held(waking, {"s": (Endpoint("10.0.0.1", 8000, 8001),)})
    (True, False)
    """
    return model.hold is not None and (model.hold.asleep or leading(model, endpoints) is None)


def leading(model: Model, endpoints: Mapping[str, tuple[Endpoint, ...]]) -> Share | None:
    """Of the revisions that have pods, the one with the largest weight; None: none of those with a weight has."""
    able = [share for share in model.shares if share.weight > 0 and endpoints.get(share.service)]
    return max(able, key=lambda share: share.weight, default=None)


def held_name(model: str, held: str, protocol: Protocol) -> str:
    """The cluster on which requests wait.

    >>> held_name("fraud", "z7.1764000000000.1.0bfe935e", Protocol.HTTP)
    'fraud/z7.1764000000000.1.0bfe935e/http'
    """
    return f"{model}/{held}/{protocol}"


@lru_cache(maxsize=1024)
def held_cluster(name: str, protocol: Protocol, model: Model, share: Share, pods: tuple[Endpoint, ...]) -> Resource:
    """What lets the requests go on that wait on a name: to the pods of one revision, as they are now.

    It counts as that revision's own cluster. Of what has waited nothing is refused for coming all at once: what is
    more than the pods take waits a little longer, where the protocol lets it.
    """
    usual = cluster_name(model.name, share.revision, protocol)
    found = cluster(name, protocol)
    found.type = Cluster.STATIC
    found.ClearField("eds_cluster_config")
    found.load_assignment.CopyFrom(load_assignment(name, protocol, pods))
    found.alt_stat_name = usual
    found.metadata.filter_metadata[_METADATA][_REVISION] = str(share.revision)
    bound = min(model.bounds.max_concurrency * len(pods), UNLIMITED)
    most = uint32(max(bound, MOST))
    connections = bound if protocol is Protocol.HTTP else UNLIMITED
    found.circuit_breakers.CopyFrom(
        CircuitBreakers(
            thresholds=[
                CircuitBreakers.Thresholds(
                    max_connections=uint32(max(connections, 1)),
                    max_requests=most,
                    max_pending_requests=most,
                    max_retries=uint32(UNLIMITED),
                )
            ]
        )
    )
    return Resource.of(Type.CLUSTER, name, found, About(model.name, model.uid, model.version))


def waits(ms: int) -> Any:
    """What a route says to the filter: to wait for its cluster, and how long at most.

    The stream is one of its own. On that of all other resources no request waits for longer than 15 seconds, and a
    name without an answer delays those that are asked for after it until `initial_fetch_timeout`.
    """
    back_off = GrpcService.EnvoyGrpc(cluster_name=AGENT)
    back_off.retry_policy.retry_back_off.base_interval.CopyFrom(duration(100))
    back_off.retry_policy.retry_back_off.max_interval.CopyFrom(duration(500))
    source = ApiConfigSource(
        api_type=ApiConfigSource.DELTA_GRPC,
        transport_api_version=V3,
        grpc_services=[GrpcService(envoy_grpc=back_off)],
        set_node_on_first_message_only=True,
    )
    found = ConfigSource(resource_api_version=V3, api_config_source=source, initial_fetch_timeout=duration(200))
    return any_of(PerRouteConfig(odcds=OnDemandCds(source=found, timeout=duration(ms))))


def most_held() -> adaptive.AdaptiveConcurrency:
    """How many may wait: Envoy's control of concurrency, pinned to one number."""
    limit = adaptive.GradientControllerConfig.ConcurrencyLimitCalculationParams(
        max_concurrency_limit=uint32(MOST), concurrency_update_interval=duration(_NEVER)
    )
    pinned = adaptive.GradientControllerConfig.MinimumRTTCalculationParams(
        fixed_value=duration(_NEVER), min_concurrency=uint32(MOST)
    )
    config = adaptive.GradientControllerConfig(concurrency_limit_params=limit, min_rtt_calc_params=pinned)
    status = HttpStatus()
    status.code = TOO_MANY_WAIT
    return adaptive.AdaptiveConcurrency(gradient_controller_config=config, concurrency_limit_exceeded_status=status)


def whose_revision(header: str) -> HeaderValueOption:
    """Says on the answer which revision it is from; which one that is, is known by the cluster alone."""
    return header_set(header, f"%METADATA(CLUSTER:{_METADATA}:{_REVISION})%")
