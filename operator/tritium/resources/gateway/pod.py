"""The gateway's pod: Envoy, and beside it the agent that tells it what to do and ends after it."""

from typing import Any, Final

from tritium.api import names
from tritium.api.gateway import (
    AGENT_PORT,
    BOOTSTRAP_FILE,
    DRAIN_HEADER,
    DRAIN_PATH,
    HEALTH_PATH,
    HEALTH_PORT,
    READY_PATH,
    RUN_FOLDER,
    SHARED_PORT,
    STARTED_PATH,
)
from tritium.resources.gateway.identity import LABELS, PODS, Gateway
from tritium.resources.rendering import Rendering
from tritium.resources.security import container_security, pod_security

Object = dict[str, Any]

SHARED: Final = "shared"
"""Name of the shared port. Those of the models come and go, and no pod template names them."""

WORKERS: Final = 2
"""Threads of Envoy that move requests. Its own default is one for each core of the node."""

LEAVING: Final = 15
"""Seconds until every node has taken a pod that ends out of the Services: until then connections still come."""

LONGEST_REQUEST: Final = 60
"""Seconds that requests get to finish in: the default of `traffic.timeout`. One that may take longer is cut off where
it is still under way at the end of them."""

GRACE: Final = LEAVING + LONGEST_REQUEST + 15
"""Seconds from a pod's deletion to SIGKILL. It is a bound: a pod without requests ends as soon as it has left."""

LISTENER_DRAIN: Final = 600
"""Seconds that connections of a listener that has changed go on with what it was, if no answer ends them before."""

_RUN: Final = "run"
_API_ACCESS: Final = "api-access"
_API_FOLDER: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_PLACE: Final = "kubernetes.io/hostname"
_ZONE: Final = "topology.kubernetes.io/zone"

_STORAGE: Final = {"requests": {"ephemeral-storage": "64Mi"}, "limits": {"ephemeral-storage": "256Mi"}}
"""Of each container: its log, and its share of what they write. Explicit, for a namespace with a quota of it."""

_AGENT: Final = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
"""What the agent asks for and may use. No limit on the CPU: it would make a change of weights wait."""


def pod_template(gateway: Gateway, rendering: Rendering) -> Object:
    """The same as long as the installation's images and amounts are: nothing else rolls a gateway."""
    return {
        "metadata": {
            "labels": dict(LABELS),
            "annotations": {"kubectl.kubernetes.io/default-container": "envoy"},
        },
        "spec": {
            "serviceAccountName": names.GATEWAY,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "initContainers": [_agent(gateway, rendering)],
            "containers": [_envoy(gateway, rendering)],
            "volumes": [{"name": _RUN, "emptyDir": {"sizeLimit": "64Mi"}}, _api_access()],
            "securityContext": pod_security(),
            "terminationGracePeriodSeconds": GRACE,
            **_placement(),
        },
    }


def _agent(gateway: Gateway, rendering: Rendering) -> Object:
    """A native sidecar: it starts before Envoy, and ends after it."""
    started = {"httpGet": {"path": STARTED_PATH, "port": "agent"}}
    return {
        "name": "agent",
        "image": rendering.fetch_image,
        "imagePullPolicy": rendering.image_pull_policy,
        "command": ["python3", "-m", "tritium.gateway"],
        "restartPolicy": "Always",
        "env": [
            _from_pod("TRITIUM_NAMESPACE", "metadata.namespace"),
            _from_pod("TRITIUM_POD_NAME", "metadata.name"),
            _from_pod("TRITIUM_POD_IP", "status.podIP"),
            # Known to those who may read the pod, and to nobody who can only connect to it.
            {"name": "TRITIUM_DRAIN_TOKEN", "value": gateway.anchor},
            {
                # In bytes. Envoy's bootstrap, which the agent writes, has it shed load before it would be killed.
                "name": "TRITIUM_ENVOY_MEMORY",
                "valueFrom": {"resourceFieldRef": {"containerName": "envoy", "resource": "limits.memory"}},
            },
        ],
        "ports": [{"name": "agent", "containerPort": AGENT_PORT}],
        # Where the API server cannot be reached there is nothing to start with. To start again would not help, and
        # after some such starts the kubelet would wait for minutes between them.
        "startupProbe": started | {"periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 600},
        # No readiness: Envoy goes on without the agent, and must not leave the Services for its sake.
        "livenessProbe": started | {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
        "resources": _with_storage(_AGENT),
        "volumeMounts": [
            {"name": _RUN, "mountPath": RUN_FOLDER},
            {"name": _API_ACCESS, "mountPath": _API_FOLDER, "readOnly": True},
        ],
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _envoy(gateway: Gateway, rendering: Rendering) -> Object:
    drain = {"name": DRAIN_HEADER, "value": gateway.anchor}
    return {
        "name": "envoy",
        "image": rendering.gateway_image,
        "imagePullPolicy": rendering.image_pull_policy,
        # Images differ in their entrypoint, and agree on where the program is.
        "command": ["/usr/local/bin/envoy"],
        # Envoy takes no `=` between a flag and its value.
        "args": [
            *("--config-path", BOOTSTRAP_FILE),
            *("--concurrency", str(WORKERS)),
            # It is for two processes with one set of ports, and would need memory that both can write to.
            "--disable-hot-restart",
            # A client is asked to connect again with the next answer it gets, not with one somewhere on the way.
            *("--drain-strategy", "immediate"),
            *("--drain-time-s", str(LISTENER_DRAIN)),
            *("--log-level", "warning"),
            # They warn of each request that is too large or that no logger takes, and of each filter that is new: a
            # client could fill the log.
            *("--component-log-level", "misc:error,http:critical,ext_proc:critical"),
        ],
        "ports": [{"name": SHARED, "containerPort": SHARED_PORT}],
        # Once all of its configuration is there. From then on Envoy speaks for itself.
        "startupProbe": {
            "httpGet": {"path": READY_PATH, "port": AGENT_PORT},
            "periodSeconds": 1,
            "timeoutSeconds": 2,
            "failureThreshold": 600,
        },
        "readinessProbe": {
            "httpGet": {"path": HEALTH_PATH, "port": HEALTH_PORT},
            "periodSeconds": 2,
            "timeoutSeconds": 2,
            "failureThreshold": 2,
        },
        # SIGTERM ends Envoy at once, so all that has to be finished is finished before.
        "lifecycle": {"preStop": {"httpGet": {"path": DRAIN_PATH, "port": AGENT_PORT, "httpHeaders": [drain]}}},
        "resources": _with_storage(rendering.gateway_resources),
        "volumeMounts": [{"name": _RUN, "mountPath": RUN_FOLDER}],
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _api_access() -> Object:
    """What Kubernetes mounts into each container of a pod that does not refuse it. Envoy has no use for it."""
    return {
        "name": _API_ACCESS,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": _field("metadata.namespace")}]}},
            ]
        },
    }


def _placement() -> Object:
    """On nodes and in zones of their own, where there are any: preferred, for one node must do."""
    own = {"matchLabels": dict(PODS)}
    other_node = {"weight": 100, "podAffinityTerm": {"topologyKey": _PLACE, "labelSelector": own}}
    return {
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [other_node]}},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": _ZONE,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": own,
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
    }


def _with_storage(resources: Any) -> Object:
    return {part: _STORAGE.get(part, {}) | dict(amounts) for part, amounts in resources.items()}


def _from_pod(name: str, path: str) -> Object:
    return {"name": name, "valueFrom": {"fieldRef": _field(path)}}


def _field(path: str) -> Object:
    return {"apiVersion": "v1", "fieldPath": path}
