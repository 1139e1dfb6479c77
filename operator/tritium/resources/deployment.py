"""The Deployment that keeps the pods of one revision."""

from collections.abc import Mapping
from typing import Any, Final

from tritium.api import names
from tritium.core.revision import revision_name
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed

NO_DEADLINE: Final = 2**31 - 1
"""Kubernetes' word for none. Whether a revision takes too long is decided from its pods; a second opinion after the
ten minutes of the default would call a large image or a slow load failed, in `kubectl rollout status` and in tools
that read it."""


def deployment(
    owner: Owner,
    *,
    hash: str,  # noqa: A002 - the word that the API has for it
    replicas: int,
    template: Mapping[str, Any],
) -> dict[str, Any]:
    """The pods of a revision, with the template that the revision keeps."""
    labels = owner.revision_labels(hash)
    return sealed(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": owner.metadata(
                revision_name(owner.name, hash), labels | {names.COMPONENT: names.Component.MODEL.value}
            ),
            "spec": {
                # Always present: left out it would become 1, and nobody could tell whether somebody else scales.
                "replicas": replicas,
                "selector": {"matchLabels": {name: labels[name] for name in (names.OWNER, names.REVISION)}},
                "template": dict(template),
                # The template never changes, so this is for whoever restarts the pods by hand.
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
                "revisionHistoryLimit": 1,
                "progressDeadlineSeconds": NO_DEADLINE,
            },
        }
    )
