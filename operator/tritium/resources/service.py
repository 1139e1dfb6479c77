"""The Service that clients use: one stable address, on the model's port of the gateway."""

from typing import Any

from tritium.api import names
from tritium.resources.gateway.identity import PODS
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed
from tritium.resources.triton import GRPC_PORT, HTTP_PORT


def service(owner: Owner, *, port: int, number: int) -> dict[str, Any]:
    """The address.

    The annotations tell, for the day that a restored cluster has lost the status, which revision is stable and which
    port is this model's.

    Args:
        owner: the ModelDeployment.
        port: the gateway's port for it, on which it takes HTTP and gRPC.
        number: of the stable revision.
    """
    annotations = {names.STABLE_REVISION: str(number), names.PORT: str(port)}
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": owner.metadata(owner.name, owner.labels(), annotations),
            "spec": {
                "type": "ClusterIP",
                "selector": dict(PODS),
                "ports": [
                    _port("http", HTTP_PORT, port, "http"),
                    _port("grpc", GRPC_PORT, port, "kubernetes.io/h2c"),
                ],
            },
        }
    )


def _port(name: str, port: int, target: int, protocol: str) -> dict[str, Any]:
    return {"name": name, "port": port, "targetPort": target, "protocol": "TCP", "appProtocol": protocol}
