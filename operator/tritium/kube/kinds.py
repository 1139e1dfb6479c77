"""The kinds of objects the operator deals with, and where each lives on the API server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from tritium.api import names


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: the four names Kubernetes has for it. The group of the core API is empty."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """As an object carries it.

        >>> DEPLOYMENTS.api_version, PODS.api_version
        ('apps/v1', 'v1')
        """
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Where one object is, or (without a name) the collection; of all namespaces without one.

        >>> DEPLOYMENTS.path("a", "b", "scale")
        '/apis/apps/v1/namespaces/a/deployments/b/scale'
        >>> PODS.path()
        '/api/v1/pods'
        >>> PODS.path("a", "../secrets/b")
        '/api/v1/namespaces/a/pods/..%2Fsecrets%2Fb'
        """
        where = ["apis" if self.group else "api", self.api_version]
        where += ["namespaces", quote(namespace, safe="")] if namespace else []
        where += [self.plural]
        where += [quote(part, safe="") for part in (name, subresource) if part]
        return "/" + "/".join(where)


MODEL_DEPLOYMENTS: Final = Kind(names.GROUP, names.VERSION, names.PLURAL, names.KIND)
DEPLOYMENTS: Final = Kind("apps", "v1", "deployments", "Deployment")
CONTROLLER_REVISIONS: Final = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
SERVICES: Final = Kind("", "v1", "services", "Service")
PODS: Final = Kind("", "v1", "pods", "Pod")
CONFIG_MAPS: Final = Kind("", "v1", "configmaps", "ConfigMap")
JOBS: Final = Kind("batch", "v1", "jobs", "Job")
DISRUPTION_BUDGETS: Final = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
SERVICE_ACCOUNTS: Final = Kind("", "v1", "serviceaccounts", "ServiceAccount")
ROLE_BINDINGS: Final = Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
NETWORK_POLICIES: Final = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
ENDPOINT_SLICES: Final = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
EVENTS: Final = Kind("", "v1", "events", "Event")
LEASES: Final = Kind("coordination.k8s.io", "v1", "leases", "Lease")
CUSTOM_RESOURCE_DEFINITIONS: Final = Kind(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"
)

OWNED: Final = (
    CONTROLLER_REVISIONS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    JOBS,
    NETWORK_POLICIES,
    PODS,
    ROLE_BINDINGS,
    SERVICES,
    SERVICE_ACCOUNTS,
)
"""What the operator makes, and the pods that come of it. Each carries the label of `selector`."""

WATCHED: Final = (MODEL_DEPLOYMENTS, *OWNED)
"""All of which the store keeps the newest facts."""

_KNOWN: Final = {
    (kind.api_version, kind.kind): kind for kind in (*WATCHED, EVENTS, LEASES, CUSTOM_RESOURCE_DEFINITIONS)
}


def selector(kind: Kind) -> str:
    """The label selector with which a watched kind is listed and watched: ours only, but every ModelDeployment.

    >>> selector(PODS), selector(MODEL_DEPLOYMENTS)
    ('app.kubernetes.io/managed-by=tritium', '')
    """
    return f"{names.MANAGED_BY}={names.FIELD_MANAGER}" if kind in OWNED else ""


def of(obj: Mapping[str, Any]) -> Kind:
    """The kind of an object, by its apiVersion and kind.

    Raises:
        LookupError: it is none of those above.

    >>> of({"apiVersion": "batch/v1", "kind": "Job"}).plural
    'jobs'
    """
    wanted = obj.get("apiVersion"), obj.get("kind")
    if wanted not in _KNOWN:
        raise LookupError(f"the operator deals with no {wanted[1]} of {wanted[0]}")
    return _KNOWN[wanted]
