"""The endpoints of a cluster."""

from collections.abc import Iterable

from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.endpoint.v3 import endpoint_components_pb2 as components
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment

from tritium.gateway.snapshot.names import Protocol
from tritium.gateway.table import Endpoint


def load_assignment(cluster: str, protocol: Protocol, endpoints: Iterable[Endpoint]) -> ClusterLoadAssignment:
    """All of them in one locality, since a pod's place says nothing about how busy it is.

    >>> two = [Endpoint("10.0.0.1", 8000, 8001), Endpoint("fd00::1", 8000, 8001)]
    >>> hosts = load_assignment("fraud/1/grpc", Protocol.GRPC, two).endpoints[0].lb_endpoints
    >>> found = [host.endpoint.address.socket_address for host in hosts]
    >>> [(each.address, each.port_value) for each in found]
    [('10.0.0.1', 8001), ('fd00::1', 8001)]
    """
    hosts = [
        components.LbEndpoint(endpoint=components.Endpoint(address=_address(each, protocol))) for each in endpoints
    ]
    places = [components.LocalityLbEndpoints(lb_endpoints=hosts)] if hosts else []
    return ClusterLoadAssignment(cluster_name=cluster, endpoints=places)


def _address(endpoint: Endpoint, protocol: Protocol) -> Address:
    port = endpoint.http if protocol is Protocol.HTTP else endpoint.grpc
    return Address(socket_address=SocketAddress(address=endpoint.address, port_value=port))
