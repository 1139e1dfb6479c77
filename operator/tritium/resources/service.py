"""The Service that clients use: one stable address on the pods of the stable revision."""

from typing import Any

from tritium.api import names
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed
from tritium.resources.triton import GRPC_PORT, HTTP_PORT


def service(
    owner: Owner,
    *,
    hash: str,  # noqa: A002 - the word that the API has for it
    number: int,
) -> dict[str, Any]:
    """The address, leading to one revision.

    The annotation tells which one by its number, for the day that a restored cluster has lost the status.
    """
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": owner.metadata(owner.name, owner.labels(), {names.STABLE_REVISION: str(number)}),
            "spec": {
                "type": "ClusterIP",
                "selector": owner.pods_of(hash),
                "ports": [
                    _port("http", HTTP_PORT, "http"),
                    _port("grpc", GRPC_PORT, "kubernetes.io/h2c"),
                ],
            },
        }
    )


def _port(name: str, port: int, protocol: str) -> dict[str, Any]:
    return {"name": name, "port": port, "targetPort": name, "protocol": "TCP", "appProtocol": protocol}
