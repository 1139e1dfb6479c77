"""The pod template of a revision. It is kept in the revision and used verbatim ever after."""

from collections.abc import Mapping
from typing import Any, Final

from tritium.api import names
from tritium.api.fetch import FACTS_FOLDER, MODELS_FOLDER, FetchRequest
from tritium.api.server import Server
from tritium.api.spec import ModelDeploymentSpec
from tritium.core.revision import revision_name
from tritium.resources import fetch, sizing, triton
from tritium.resources.amounts import mebibytes
from tritium.resources.merge import merged
from tritium.resources.owner import Owner
from tritium.resources.rendering import Rendering
from tritium.resources.security import container_security, pod_security

DRAIN: Final = 15
"""Seconds between a pod's deletion and SIGTERM, from which on Triton resets new connections. The gateway sends a pod
nothing any more, and closes what is idle, once it hears that the pod goes: this is how long that news may take."""

LOAD_BUDGET: Final = 30 * 60
"""Seconds that a model may take to load before the server is started again."""

_MODELS: Final = "models"
_SHARED_MEMORY: Final = "shm"
_TEMPORARY: Final = "tmp"
_FACTS: Final = "revision"


def pod_template(  # noqa: PLR0913 - seven facts that have nothing else in common
    owner: Owner,
    spec: dict[str, Any],
    *,
    hash: str,  # noqa: A002 - the word that the API has for it
    fingerprint: str,
    size: int,
    rendering: Rendering,
    pin: str | None = None,
) -> dict[str, Any]:
    """Render the pods of a revision.

    Args:
        owner: the ModelDeployment.
        spec: its `spec` as the API server stores it; free-form parts are handed on as they are.
        hash: eight characters of the revision.
        fingerprint: of the source's listing.
        size: bytes of the source's files.
        rendering: what the installation contributes.
        pin: what the source's moving reference named.

    Raises:
        pydantic.ValidationError: the spec is not one of this version.
    """
    parsed = ModelDeploymentSpec.model_validate(spec)
    server = parsed.server or Server()
    revision = revision_name(owner.name, hash)
    asked = fetch.request(owner, parsed, rendering, fingerprint=fingerprint, pin=pin, revision=revision)
    stored = 0 if asked.cache else size
    resources = sizing.triton_resources(server, size, stored)
    labels = owner.revision_labels(hash) | {names.COMPONENT: names.Component.MODEL.value}
    fetcher = fetch.container(
        "fetch",
        asked,
        resources=sizing.fetch_resources(resources),
        mounts=[
            {"name": _MODELS, "mountPath": MODELS_FOLDER},
            {"name": _FACTS, "mountPath": FACTS_FOLDER, "readOnly": True},
        ],
        rendering=rendering,
    )
    pod = {
        "initContainers": [fetcher],
        "containers": [_triton(server, asked, resources, rendering)],
        "volumes": [*_volumes(revision, server, size, stored), *fetch.volumes(asked)],
        **fetch.identity(parsed),
        **_placement(owner, hash, server),
        "securityContext": pod_security(),
        # Otherwise each Service of the namespace becomes seven variables, which end a start where there are thousands.
        "enableServiceLinks": False,
        # While it loads, Triton as the first process of a container would not hear SIGTERM.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": DRAIN + triton.EXIT_TIMEOUT + 15,
    }
    generated = {"metadata": {"labels": labels}, "spec": pod}
    whole = merged(generated, _changes(server.pod_template or {}))
    return _asking(_kept(whole, labels), asked)


def _triton(server: Server, asked: FetchRequest, resources: dict[str, Any], rendering: Rendering) -> dict[str, Any]:
    image = server.image or rendering.triton_image
    # Kubernetes looks for a newer image where the tag is `latest`; what the installation brings has its own policy.
    policy = {} if server.image else {"imagePullPolicy": rendering.image_pull_policy}
    return {
        "name": "triton",
        "image": image,
        **policy,
        # Images differ in what their entrypoint makes of arguments, and agree on where the program is.
        "command": ["tritonserver"],
        "args": triton.arguments(gpu=server.gpu is not None, further=server.args or []),
        **({"env": server.env} if server.env else {}),
        "ports": [
            {"name": "http", "containerPort": triton.HTTP_PORT},
            {"name": "grpc", "containerPort": triton.GRPC_PORT},
            {"name": "metrics", "containerPort": triton.METRICS_PORT},
        ],
        "resources": resources,
        "volumeMounts": [
            {"name": _MODELS, "mountPath": MODELS_FOLDER, "readOnly": True},
            *fetch.shown(asked),
            {"name": _SHARED_MEMORY, "mountPath": "/dev/shm"},  # noqa: S108 - a volume of its own
            {"name": _TEMPORARY, "mountPath": "/tmp"},  # noqa: S108 - a volume of its own
        ],
        **_probes(asked.model),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN}}},
        "securityContext": container_security(),
        # Why a model could not be loaded is the end of the log.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _probes(model: str) -> dict[str, Any]:
    """The endpoints open when all is loaded, so the first probe is the one that waits for the model."""
    live = {"httpGet": {"path": "/v2/health/live", "port": "http"}}
    ready = {"httpGet": {"path": f"/v2/models/{model}/ready", "port": "http"}}
    return {
        "startupProbe": live | {"periodSeconds": 2, "failureThreshold": LOAD_BUDGET // 2},
        "readinessProbe": ready | {"periodSeconds": 3, "timeoutSeconds": 2, "failureThreshold": 2},
        "livenessProbe": live | {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
    }


def _volumes(facts: str, server: Server, size: int, stored: int) -> list[dict[str, Any]]:
    shared = sizing.shared_memory(server, size)
    return [
        {"name": _MODELS, "emptyDir": {"sizeLimit": mebibytes(sizing.models_volume(stored))}},
        {"name": _SHARED_MEMORY, "emptyDir": {"medium": "Memory", "sizeLimit": shared}},
        {"name": _TEMPORARY, "emptyDir": {}},
        # Optional: the first fetch of a revision finds out what is written in there.
        {"name": _FACTS, "configMap": {"name": facts, "optional": True}},
    ]


def _placement(owner: Owner, revision: str, server: Server) -> dict[str, Any]:
    # Preferred: on one node all replicas must still find a place.
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": owner.pods_of(revision)},
    }
    written = {
        "nodeSelector": server.node_selector,
        "tolerations": server.tolerations,
        "affinity": server.affinity,
        "priorityClassName": server.priority_class_name,
        "runtimeClassName": server.runtime_class_name,
    }
    return {name: value for name, value in written.items() if value} | {"topologySpreadConstraints": [spread]}


def _changes(template: Mapping[str, Any]) -> dict[str, Any]:
    """The user's template without a null that would take away what makes the pod one of Tritium's."""
    changes = {name: value for name, value in template.items() if value is not None}
    for part, members in (("metadata", {"labels"}), ("spec", {"containers", "initContainers"})):
        inner = changes.get(part)
        if isinstance(inner, Mapping):
            changes[part] = {name: each for name, each in inner.items() if not (each is None and name in members)}
    return changes


def _kept(template: dict[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """The template with the labels that Tritium selects by, whatever the user's own says.

    A part that is no object stays as it is: the API server refuses it, and says where.
    """
    metadata = template["metadata"]
    if isinstance(metadata, Mapping) and isinstance(metadata["labels"], Mapping):
        return template | {"metadata": {**metadata, "labels": {**metadata["labels"], **labels}}}
    return template


def _asking(template: dict[str, Any], asked: FetchRequest) -> dict[str, Any]:
    """The template in which fetch is asked what it was to be asked, whatever the user's own says.

    For the request says what the installation's administrator decides.
    """
    pod = template["spec"]
    containers = pod.get("initContainers") if isinstance(pod, Mapping) else None
    if not isinstance(containers, list):
        return template
    return template | {"spec": {**pod, "initContainers": [fetch.asking(each, asked) for each in containers]}}
