"""What writes a model's request log: one pod, in the namespace and with the identity of whoever wrote the spec."""

from typing import Any, Final

from tritium.api import names
from tritium.api.request_log import (
    LOG_GRPC_PORT,
    LOG_HTTP_PORT,
    POD_NAME_VARIABLE,
    REQUEST_LOG_VARIABLE,
    RequestLogRequest,
)
from tritium.api.spec import ModelDeploymentSpec
from tritium.core.pod_facts import LOG
from tritium.core.request_log import LogWish, log_wish, target
from tritium.resources import fetch
from tritium.resources.deployment import NO_DEADLINE
from tritium.resources.owner import Owner
from tritium.resources.rendering import Rendering
from tritium.resources.seal import sealed
from tritium.resources.security import container_security, pod_security

METRICS: Final = "metrics"
GRPC: Final = "grpc"
"""The container's ports; the first is called as it is in the pods of models, so that both are scraped alike."""

_ENDS_WITHIN: Final = 30
"""Seconds in which it writes what it has."""

_RESOURCES: Final = {
    "requests": {"cpu": "20m", "memory": "96Mi"},
    "limits": {"cpu": "1", "memory": "256Mi", "ephemeral-storage": "64Mi"},
}


def logger_service(owner: Owner) -> dict[str, Any]:
    """The headless Service by which the gateway finds the pod."""
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "Service",
            # The gateway's agents look at the endpoints of what has this label, and at no others.
            "metadata": owner.metadata(names.request_log(owner.name), _labels(owner) | {names.REVISION: LOG}),
            "spec": {
                "clusterIP": "None",
                "selector": _selector(owner),
                "ports": [
                    {"name": name, "port": port, "targetPort": to, "protocol": "TCP"}
                    for name, port, to in (("http", LOG_HTTP_PORT, METRICS), ("grpc", LOG_GRPC_PORT, GRPC))
                ],
            },
        }
    )


def logger(owner: Owner, spec: dict[str, Any], rendering: Rendering) -> dict[str, Any]:
    """The Deployment. It is rendered anew whenever the spec, or Tritium, is another.

    Args:
        owner: the ModelDeployment.
        spec: its `spec` as the API server stores it, with a log.
        rendering: what the installation contributes.

    Raises:
        ValueError: there is nothing to be logged.
    """
    parsed = ModelDeploymentSpec.model_validate(spec)
    wish = log_wish(parsed)
    if wish is None:
        raise ValueError(f"{owner.name} has no request log")
    pod = {
        "containers": [_container(_asked(owner, parsed, wish, rendering), rendering)],
        "volumes": _volumes(_asked(owner, parsed, wish, rendering)),
        **fetch.identity(parsed),
        **fetch.placement(parsed),
        "securityContext": pod_security(),
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _ENDS_WITHIN,
    }
    return sealed(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": owner.metadata(names.request_log(owner.name), _labels(owner)),
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": _selector(owner)},
                "template": {"metadata": {"labels": _labels(owner)}, "spec": pod},
                # One that is asked for no more writes no more, whatever becomes of the next.
                "strategy": {"type": "Recreate"},
                "revisionHistoryLimit": 1,
                "progressDeadlineSeconds": NO_DEADLINE,
            },
        }
    )


def _asked(owner: Owner, spec: ModelDeploymentSpec, wish: LogWish, rendering: Rendering) -> RequestLogRequest:
    return RequestLogRequest(
        target=target(spec, wish.uri),
        namespace=owner.namespace,
        name=owner.name,
        max_bytes=wish.max_bytes,
        fields=wish.fields,
        allowed_networks=list(rendering.allowed_networks) or None,
        refused_networks=list(rendering.refused_networks) or None,
    )


def _container(asked: RequestLogRequest, rendering: Rendering) -> dict[str, Any]:
    pod_name = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    return {
        "name": LOG,
        "image": rendering.fetch_image,
        "imagePullPolicy": rendering.image_pull_policy,
        "command": ["python3", "-m", "tritium.requestlog"],
        "env": [
            {"name": REQUEST_LOG_VARIABLE, "value": fetch.wire(asked)},
            {"name": POD_NAME_VARIABLE, "valueFrom": pod_name},
        ],
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"}
            for name, port in ((METRICS, LOG_HTTP_PORT), (GRPC, LOG_GRPC_PORT))
        ],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": METRICS}, "periodSeconds": 5, "timeoutSeconds": 2},
        "resources": _RESOURCES,
        "volumeMounts": [
            {"name": fetch.SCRATCH, "mountPath": "/tmp"},  # noqa: S108 - a volume of its own
            *fetch.secret_mounts(asked.target),
        ],
        "securityContext": container_security(),
        "terminationMessagePolicy": "File",
    }


def _volumes(asked: RequestLogRequest) -> list[dict[str, Any]]:
    return [{"name": fetch.SCRATCH, "emptyDir": {"sizeLimit": "32Mi"}}, *fetch.secret_volumes(asked.target)]


def _selector(owner: Owner) -> dict[str, str]:
    return {names.OWNER: owner.name, names.COMPONENT: names.Component.LOG.value}


def _labels(owner: Owner) -> dict[str, str]:
    return owner.labels() | _selector(owner)
