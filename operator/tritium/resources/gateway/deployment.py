"""The Deployment of the gateway's pods."""

from typing import Any, Final

from tritium.resources.deployment import NO_DEADLINE
from tritium.resources.gateway.identity import PODS, Gateway
from tritium.resources.gateway.pod import pod_template
from tritium.resources.rendering import Rendering
from tritium.resources.seal import sealed

SETTLES: Final = 5
"""Seconds that a new pod must be ready before the next one is replaced: by then the nodes send it connections, and one
that falls over with the first of them has stopped the roll-out."""


def gateway_deployment(gateway: Gateway, rendering: Rendering) -> dict[str, Any]:
    """The gateway's pods, replaced one by one and never with one less than there should be."""
    return sealed(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": gateway.metadata(),
            "spec": {
                "replicas": rendering.gateway_replicas,
                "selector": {"matchLabels": dict(PODS)},
                "template": pod_template(gateway, rendering),
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
                "minReadySeconds": SETTLES,
                "revisionHistoryLimit": 1,
                "progressDeadlineSeconds": NO_DEADLINE,
            },
        }
    )
