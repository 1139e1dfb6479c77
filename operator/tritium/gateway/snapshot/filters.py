"""HTTP filters, and how a route asks for one.

Each is off until a route asks for it, so a request pays only for what it needs. The router alone is always there.
"""

from collections.abc import Iterable
from typing import Final

from envoy.config.core.v3.grpc_method_list_pb2 import GrpcMethodList
from envoy.config.route.v3.route_components_pb2 import FilterConfig
from envoy.extensions.filters.http.grpc_stats.v3.config_pb2 import FilterConfig as GrpcStats
from envoy.extensions.filters.http.on_demand.v3.on_demand_pb2 import OnDemand
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpFilter
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from tritium.gateway.snapshot.answer_size import answer_limit_config
from tritium.gateway.snapshot.held import MOST_HELD, ON_DEMAND, most_held
from tritium.gateway.snapshot.messages import any_of
from tritium.gateway.snapshot.request_log import LOG, samples
from tritium.gateway.snapshot.request_size import request_limit_config
from tritium.gateway.table import Bounds

GRPC_STATS: Final = "grpc-stats"
"""Counts the statuses of gRPC. For Envoy's other statistics a call that failed is an HTTP 200."""

COUNTED: Final = ("ModelInfer", "ModelStreamInfer")
"""Methods that are counted each on its own; the others together."""

LARGEST: Final = 2**53
"""Of the numbers that a limit can be, the largest that JSON knows exactly."""

ON: Final = any_of(FilterConfig(config=Any()))
"""What a route says, under the filter's name, to turn it on."""


def request_limit(bounds: Bounds) -> str:
    """Name of the filter that refuses larger requests.

    >>> request_limit(Bounds(max_request_bytes=64 * 2**20)), request_limit(Bounds(max_request_bytes=0))
    ('request-67108864', 'request-1')
    """
    return f"request-{_size(bounds.max_request_bytes)}"


def answer_limit(bounds: Bounds) -> str:
    """Name of the filter that refuses larger answers."""
    return f"answer-{_size(bounds.max_response_bytes)}"


def http_filters(bounds: Iterable[Bounds], *, holds: bool = False, logs: bool = False) -> list[HttpFilter]:
    """The filters of a listener.

    Args:
        bounds: those of its models. Each limit is a filter of its own, since these filters have no settings of a
            route's own.
        holds: requests may wait for a pod. They do so before all else: only then is it known who counts them.
        logs: some requests are told to a logger: as they go to the model, and answers as they come from it.
    """
    bounds = list(bounds)
    requests = {request_limit(each): request_limit_config(_size(each.max_request_bytes)) for each in bounds}
    answers = {answer_limit(each): answer_limit_config(_size(each.max_response_bytes)) for each in bounds}
    waiting = [_off(MOST_HELD, most_held()), _off(ON_DEMAND, OnDemand())] if holds else []
    return [
        *waiting,
        _off(GRPC_STATS, _grpc_stats()),
        *(_off(name, config) for name, config in sorted((requests | answers).items())),
        *([_off(LOG, samples())] if logs else []),
        HttpFilter(name="router", typed_config=any_of(Router(suppress_envoy_headers=True))),
    ]


def _size(size: int) -> int:
    return min(max(size, 1), LARGEST)


def _off(name: str, config: Message) -> HttpFilter:
    return HttpFilter(name=name, typed_config=any_of(config), disabled=True)


def _grpc_stats() -> GrpcStats:
    inference = GrpcMethodList.Service(name="inference.GRPCInferenceService", method_names=COUNTED)
    return GrpcStats(individual_method_stats_allowlist=GrpcMethodList(services=[inference]))
