"""The ConfigMap with what is known of a revision only after its first fetch."""

from typing import Any

from tritium.api.fetch import DIGEST_KEY
from tritium.core.revision import revision_name
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed


def revision_facts(
    owner: Owner,
    *,
    hash: str,  # noqa: A002 - the word that the API has for it
    digest: str,
) -> dict[str, Any]:
    """Bind every later fetch of a revision to the bytes that the first one found."""
    return sealed(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": owner.metadata(revision_name(owner.name, hash), owner.revision_labels(hash)),
            "data": {DIGEST_KEY: digest},
            "immutable": True,
        }
    )
