"""All that a gateway needs besides its anchor, in the order in which it is made."""

from typing import Any

from tritium.resources.gateway.deployment import gateway_deployment
from tritium.resources.gateway.disruption import disruption_budget
from tritium.resources.gateway.identity import Gateway
from tritium.resources.gateway.network import gateway_policy
from tritium.resources.gateway.rights import role_binding, service_account
from tritium.resources.gateway.service import shared_service
from tritium.resources.rendering import Rendering


def gateway_objects(gateway: Gateway, rendering: Rendering, *, operator: str) -> list[dict[str, Any]]:
    """What the pods need first, and then they. `network.models_policy` is not among it: see there.

    Args:
        gateway: the gateway.
        rendering: what the installation contributes.
        operator: the namespace of the operator's pods.
    """
    return [
        service_account(gateway),
        role_binding(gateway),
        gateway_policy(gateway, operator=operator),
        shared_service(gateway),
        disruption_budget(gateway),
        gateway_deployment(gateway, rendering),
    ]
