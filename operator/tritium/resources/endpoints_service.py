"""The headless Service of a revision: Kubernetes keeps the list of its ready pods for the gateway."""

from typing import Any

from tritium.core.revision import revision_name
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed
from tritium.resources.triton import GRPC_PORT, HTTP_PORT


def revision_service(
    owner: Owner,
    *,
    hash: str,  # noqa: A002 - the word that the API has for it
) -> dict[str, Any]:
    """No address: its EndpointSlices are what it is for. They carry its labels, and the ports by these names.

    A pod is in them while it is ready, and is marked there as soon as it is deleted.
    """
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": owner.metadata(revision_name(owner.name, hash), owner.revision_labels(hash)),
            "spec": {
                "clusterIP": "None",
                "selector": owner.pods_of(hash),
                "ports": [_port("http", HTTP_PORT), _port("grpc", GRPC_PORT)],
            },
        }
    )


def _port(name: str, port: int) -> dict[str, Any]:
    return {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
