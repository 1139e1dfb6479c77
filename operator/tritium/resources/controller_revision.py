"""The ControllerRevision that keeps a revision: what it was made from, and the pod template it runs with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tritium.api import names
from tritium.api.fetch import Origin
from tritium.core.authorship import UNKNOWN, Authorship
from tritium.core.revision import revision_name, revision_of
from tritium.core.seen import RevisionSeen
from tritium.resources.fetch import CACHE
from tritium.resources.owner import Owner
from tritium.resources.seal import sealed


class NotARevision(ValueError):
    """A ControllerRevision that does not hold what Tritium writes into one."""


def controller_revision(  # noqa: PLR0913 - what is written down, each by its name
    owner: Owner,
    *,
    hash: str,  # noqa: A002 - the word that the API has for it
    number: int,
    written: str,
    fingerprint: str,
    model: str,
    files: int,
    size: int,
    template: Mapping[str, Any],
    authorship: Authorship = UNKNOWN,
    origin: Origin | None = None,
) -> dict[str, Any]:
    """Write a revision down; the API server lets nobody change it afterwards.

    Args:
        owner: the ModelDeployment.
        hash: eight characters that name the revision.
        number: 1, 2, 3 …
        written: hash of the fields it is made from.
        fingerprint: of the source's listing.
        model: name of the model in Triton.
        files: how many the source has.
        size: bytes that they have together.
        template: the pod template, used verbatim ever after.
        authorship: who wrote the spec, and why. It is no part of what a revision is.
        origin: where the source's moving reference led.
    """
    known = {names.CHANGED_BY: authorship.manager, names.CHANGE_CAUSE: authorship.cause}
    noted = {name: text for name, text in known.items() if text}
    return sealed(
        {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": owner.metadata(revision_name(owner.name, hash), owner.revision_labels(hash), noted),
            "revision": number,
            "data": {
                "written": written,
                "fingerprint": fingerprint,
                "model": model,
                "files": files,
                "bytes": size,
                "template": dict(template),
                **({"origin": origin.model_dump(mode="json", by_alias=True, exclude_none=True)} if origin else {}),
            },
        }
    )


def uses_cache(obj: Mapping[str, Any]) -> bool:
    """Whether the pods of a revision, as the API server stores it, mount a cache."""
    try:
        volumes = obj["data"]["template"]["spec"]["volumes"]
        return any(volume["name"] == CACHE for volume in volumes)
    except (KeyError, TypeError):
        return False


def read_controller_revision(obj: Mapping[str, Any]) -> RevisionSeen:
    """Read a revision as the API server stores it.

    Raises:
        NotARevision: something that every revision has is missing.
    """
    try:
        metadata, data = obj["metadata"], obj["data"]
        return RevisionSeen(
            hash=revision_of(metadata["name"]),
            number=obj["revision"],
            written=data["written"],
            fingerprint=data["fingerprint"],
            created=datetime.fromisoformat(metadata["creationTimestamp"]),
            template=data["template"],
            model=data["model"],
        )
    except (KeyError, TypeError, ValueError) as error:
        name = obj.get("metadata", {}).get("name")
        raise NotARevision(f"ControllerRevision {name} is not one of Tritium's: it has no valid {error}") from error
