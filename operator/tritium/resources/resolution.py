"""The Job that lists a source, in the namespace and with the identity of whoever wrote the ModelDeployment."""

import hashlib
from typing import Any, Final

from tritium.api import names
from tritium.api.spec import ModelDeploymentSpec
from tritium.resources import fetch, sizing
from tritium.resources.owner import Owner
from tritium.resources.rendering import Rendering
from tritium.resources.seal import sealed
from tritium.resources.security import pod_security

DEADLINE: Final = 300
"""Seconds for image, start and listing together."""

KEPT: Final = 3600
"""Seconds that a finished Job stays, so that its log can be read."""


def resolution_name(owner_name: str, written: str, attempt: int) -> str:
    """The name of a try's Job; another try, or another spec, has another.

    >>> first = resolution_name("fraud", "sha256:aa", 1)
    >>> first[:-8], first == resolution_name("fraud", "sha256:aa", 2)
    ('fraud-src-', False)
    """
    digest = hashlib.sha256(f"tritium/resolution/v1\n{written}\n{attempt}".encode()).hexdigest()
    return f"{owner_name}-src-{digest[:8]}"


def resolution_job(
    owner: Owner, spec: dict[str, Any], *, written: str, attempt: int, rendering: Rendering
) -> dict[str, Any]:
    """List the source of a spec, once.

    Args:
        owner: the ModelDeployment.
        spec: its `spec` as the API server stores it.
        written: hash of the fields that are resolved.
        attempt: which try it is, from 1.
        rendering: what the installation contributes.

    Raises:
        pydantic.ValidationError: the spec is not one of this version.
    """
    parsed = ModelDeploymentSpec.model_validate(spec)
    asked = fetch.request(owner, parsed, rendering)
    labels = owner.labels() | {names.COMPONENT: names.Component.RESOLVE.value}
    pod = {
        "restartPolicy": "Never",
        "containers": [
            fetch.container("resolve", asked, resources=sizing.resolve_resources(), mounts=[], rendering=rendering)
        ],
        "volumes": fetch.volumes(asked),
        **fetch.identity(parsed),
        **fetch.placement(parsed),
        "securityContext": pod_security(),
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
    }
    annotations = {names.WRITTEN: written, names.ATTEMPT: str(attempt)}
    return sealed(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": owner.metadata(resolution_name(owner.name, written, attempt), labels, annotations),
            "spec": {
                # One pod for each Job: when to try again, and how often, is decided by the operator.
                "backoffLimit": 0,
                "activeDeadlineSeconds": DEADLINE,
                "ttlSecondsAfterFinished": KEPT,
                # A pod that is still being stopped has not said yet what it found.
                "podReplacementPolicy": "Failed",
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
    )
