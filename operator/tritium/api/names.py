"""The names that a user and a cluster see.

They are a contract: objects in clusters carry them, so a name changes only with a new API version.
"""

from enum import StrEnum
from typing import Final

GROUP: Final = "serving.tritium.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "ModelDeployment"
LIST_KIND: Final = "ModelDeploymentList"
PLURAL: Final = "modeldeployments"
SINGULAR: Final = "modeldeployment"
SHORT_NAMES: Final = ("mdep",)
CRD_NAME: Final = f"{PLURAL}.{GROUP}"

SCHEMA_ANNOTATION: Final = f"{GROUP}/schema"
"""On the CRD: the number of the schema it carries. An operator refuses to run on an older one."""

SCHEMA_NUMBER: Final = 2
"""Goes up with every change of the schema that an operator relies on."""

MAX_NAME: Final = 50
"""Characters of a ModelDeployment's name. It names a Service (63), and `<name>-<hash8>` a Deployment whose
pods add a ReplicaSet's and their own suffix to it."""

PREVIEW: Final = "-preview"
"""Ends the name of the Service on which a model's next revision can be looked at."""

LOG: Final = "-log"
"""Ends the name of what writes a model's request log."""

FIELD_MANAGER: Final = "tritium"
"""Who applies. One manager, so that a field left out of a later apply goes away."""

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
COMPONENT: Final = "app.kubernetes.io/component"
"""On pods and what makes them: what they are for, a `Component`."""

OWNER: Final = f"{GROUP}/name"
"""On everything the operator makes for a ModelDeployment: its name."""

REVISION: Final = f"{GROUP}/revision"
"""On everything that belongs to one revision: its eight characters. On the Service of a logger: `log`."""

WRITTEN: Final = f"{GROUP}/written"
"""On a resolution's Job: hash of the fields it resolves, as the user wrote them."""

ATTEMPT: Final = f"{GROUP}/attempt"
"""On a resolution's Job: which try it is, from 1."""

STABLE_REVISION: Final = f"{GROUP}/stable-revision"
"""On the Service: number of the stable revision, for the day the status is lost."""

PORT: Final = f"{GROUP}/port"
"""On the Service: the gateway's port that it leads to, for the same day."""

GATEWAY_LABEL: Final = f"{GROUP}/gateway"
"""On everything that makes up the gateway of a namespace, with the value `true`: it has no ModelDeployment's name."""

APPLIED: Final = f"{GROUP}/applied"
"""On everything the operator applies: a short hash of what it applied, which shows that a field was dropped from it."""

CHANGED_BY: Final = f"{GROUP}/changed-by"
"""On a ControllerRevision: who wrote the spec it was made of, a field manager such as `helm`; absent if unknown."""

CHANGE_CAUSE: Final = "kubernetes.io/change-cause"
"""On a ModelDeployment, by whoever changes it: why. The revision that is made of it keeps it."""

ACTION: Final = f"{GROUP}/action"
"""On a ModelDeployment: a one-shot action, `verb@token`."""


def preview_service(name: str) -> str:
    """Name of the Service that leads to the preview of a ModelDeployment.

    >>> preview_service("fraud")
    'fraud-preview'
    """
    return f"{name}{PREVIEW}"


def request_log(name: str) -> str:
    """Name of the Deployment that writes the request log of a ModelDeployment, and of its headless Service.

    >>> request_log("fraud")
    'fraud-log'
    """
    return f"{name}{LOG}"


class Component(StrEnum):
    """What a pod is for."""

    MODEL = "model"
    """It serves a revision."""
    RESOLVE = "resolve"
    """It lists a source."""
    FOLLOW = "follow"
    """It looks for changes at sources."""
    LOG = "log"
    """It writes a model's request log."""
    GATEWAY = "gateway"
    """It takes the requests of a namespace."""


FOLLOW: Final = "tritium-follow"
"""The name of each Job that looks for changes at sources begins so."""

GATEWAY: Final = "tritium-gateway"
"""Name of everything that makes up the gateway of a namespace, and of the ClusterRole of its agent."""
