"""How many requests may be in flight, by cluster.

Envoy has no bound on the requests of one pod. It has one for a cluster, and that is made of the bound for a pod and the
number of pods; as requests go to pods that have few, none gets much more than its part. The bound is part of Envoy's
runtime and not of the cluster, which would lose its connections with every pod that comes or goes.

It counts for each gateway pod, and for HTTP and gRPC apart.
"""

from collections.abc import Iterable
from typing import Final

from envoy.service.runtime.v3.rtds_pb2 import Runtime

from tritium.gateway.snapshot.names import IN_FLIGHT

MOST: Final = 2**31 - 1
"""The largest that Envoy is given."""


def in_flight(bounds: Iterable[tuple[str, int]]) -> Runtime:
    """The bounds of some clusters, by their names.

    Those that wait for a connection have the same bound: else a crowd would open a connection for each of its requests
    before the first is refused.

    >>> fields = in_flight([("fraud/1/http", 512)]).layer.fields
    >>> fields["circuit_breakers.fraud/1/http.default.max_requests"].number_value
    512.0
    """
    runtime = Runtime(name=IN_FLIGHT)
    fields = runtime.layer.fields
    for cluster, bound in bounds:
        for counted in ("max_requests", "max_pending_requests"):
            fields[f"circuit_breakers.{cluster}.default.{counted}"].number_value = min(bound, MOST)
    return runtime
