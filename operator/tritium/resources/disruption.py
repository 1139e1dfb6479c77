"""The PodDisruptionBudget: a drained node takes one pod of a revision at a time."""

from typing import Any

from tritium.core.revision import revision_name
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed


def disruption_budget(
    owner: Owner,
    *,
    hash: str,  # noqa: A002 - the word that the API has for it
) -> dict[str, Any]:
    """For a revision with two replicas or more."""
    return sealed(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": owner.metadata(revision_name(owner.name, hash), owner.revision_labels(hash)),
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchLabels": owner.pods_of(hash)},
                # A pod that does not work serves nobody, so it must not keep a node from being drained.
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }
    )
