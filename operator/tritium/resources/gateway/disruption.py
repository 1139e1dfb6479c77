"""The gateway's PodDisruptionBudget: a drained node takes one of its pods at a time."""

from typing import Any

from tritium.resources.gateway.identity import PODS, Gateway
from tritium.resources.seal import sealed


def disruption_budget(gateway: Gateway) -> dict[str, Any]:
    """For the gateway's pods; with a single one it does not keep a node from being drained."""
    return sealed(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": gateway.metadata(),
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchLabels": dict(PODS)},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }
    )
