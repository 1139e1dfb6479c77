"""The gateway's own Service: the shared port, for an Ingress or a load balancer in front of it."""

from typing import Any

from tritium.resources.gateway.identity import PODS, Gateway
from tritium.resources.gateway.pod import SHARED
from tritium.resources.seal import sealed


def shared_service(gateway: Gateway) -> dict[str, Any]:
    """Leads to the port on which models are told apart by host and path, HTTP and gRPC alike."""
    port = {
        "name": "http",
        "port": 80,
        "targetPort": SHARED,
        "protocol": "TCP",
        # Who honours it speaks HTTP/2 to the gateway, in which HTTP and gRPC are one. HTTP/1.1 is answered as well.
        "appProtocol": "kubernetes.io/h2c",
    }
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": gateway.metadata(),
            "spec": {"type": "ClusterIP", "selector": dict(PODS), "ports": [port]},
        }
    )
