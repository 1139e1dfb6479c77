"""The Services that clients use: one stable address, on the model's port of the gateway; and that of the preview."""

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
    return _leading(owner.metadata(owner.name, owner.labels(), annotations), port)


def preview_service(owner: Owner, *, port: int) -> dict[str, Any]:
    """The address on which the next revision can be looked at.

    Args:
        owner: the ModelDeployment.
        port: the gateway's port for its preview.
    """
    return _leading(owner.metadata(names.preview_service(owner.name), owner.labels()), port)


def _leading(metadata: dict[str, Any], port: int) -> dict[str, Any]:
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
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
