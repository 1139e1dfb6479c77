"""Who may connect to what, where the cluster's network enforces NetworkPolicies.

Probes come from the node of a pod, which Kubernetes lets through whatever a policy says.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tritium.api import names
from tritium.api.fetch import PROGRESS_PORT
from tritium.api.gateway import AGENT_PORT, FIRST_PORT, LAST_PORT, SHARED_PORT, preview_port
from tritium.api.request_log import LOG_GRPC_PORT, LOG_HTTP_PORT
from tritium.resources.gateway.identity import PODS, Gateway
from tritium.resources.seal import sealed
from tritium.resources.triton import GRPC_PORT, HTTP_PORT, METRICS_PORT

Object = dict[str, Any]

MODELS: Final = "tritium-models"
"""Name of the policy for the pods of the models."""

OPERATOR: Final[Mapping[str, str]] = {"app.kubernetes.io/name": "tritium", names.COMPONENT: "operator"}
"""Labels that the chart gives to the operator's pods."""


def gateway_policy(gateway: Gateway, *, operator: str) -> Object:
    """Models are for everybody, and so are their previews; what the agent tells, and draining, are for the operator.

    Args:
        gateway: the gateway.
        operator: the namespace of the operator's pods.
    """
    models = {"protocol": "TCP", "port": FIRST_PORT, "endPort": preview_port(LAST_PORT)}
    return _policy(
        gateway,
        names.GATEWAY,
        PODS,
        {"ports": [models, *_ports(SHARED_PORT)]},
        {"from": [_operator(operator)], "ports": _ports(AGENT_PORT)},
    )


def models_policy(gateway: Gateway, *, operator: str) -> Object:
    """Requests come from the gateway, smoke tests from the operator; metrics are for whoever collects them.

    The same holds for what writes a model's request log. The operator also asks how far a fetch is, and what a model
    does at the same time. To be applied once every Service of the namespace leads to the gateway: until then clients
    speak to the pods.
    """
    return _policy(
        gateway,
        MODELS,
        {names.MANAGED_BY: names.FIELD_MANAGER},
        {"from": [{"podSelector": {"matchLabels": dict(PODS)}}], "ports": _ports(HTTP_PORT, GRPC_PORT, LOG_GRPC_PORT)},
        {"from": [_operator(operator)], "ports": _ports(HTTP_PORT, GRPC_PORT, PROGRESS_PORT)},
        {"ports": _ports(METRICS_PORT, LOG_HTTP_PORT)},
        components=(names.Component.MODEL, names.Component.LOG),
    )


def _policy(
    gateway: Gateway, name: str, pods: Mapping[str, str], *ingress: Object, components: Sequence[names.Component] = ()
) -> Object:
    selector: Object = {"matchLabels": dict(pods)}
    if components:
        values = [each.value for each in components]
        selector["matchExpressions"] = [{"key": names.COMPONENT, "operator": "In", "values": values}]
    return sealed(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": gateway.metadata(name),
            "spec": {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": list(ingress)},
        }
    )


def _operator(namespace: str) -> Object:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "podSelector": {"matchLabels": dict(OPERATOR)},
    }


def _ports(*numbers: int) -> list[Object]:
    return [{"protocol": "TCP", "port": number} for number in numbers]
