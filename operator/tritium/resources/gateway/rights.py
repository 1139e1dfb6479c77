"""Who the gateway's agent is, and what it may do: read the namespace's ModelDeployments and EndpointSlices."""

from typing import Any

from tritium.api import names
from tritium.resources.gateway.identity import Gateway
from tritium.resources.seal import sealed


def service_account(gateway: Gateway) -> dict[str, Any]:
    """The agent's identity."""
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": gateway.metadata(),
            # The pod mounts a token itself, and into the agent only.
            "automountServiceAccountToken": False,
        }
    )


def role_binding(gateway: Gateway) -> dict[str, Any]:
    """Gives the agent the ClusterRole that the chart brings, in this namespace."""
    return sealed(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": gateway.metadata(),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": names.GATEWAY},
            "subjects": [{"kind": "ServiceAccount", "name": names.GATEWAY, "namespace": gateway.namespace}],
        }
    )
