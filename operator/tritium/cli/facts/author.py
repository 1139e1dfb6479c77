"""Who wrote the spec that a revision was made of: as it says itself, else by the record that the spec has now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tritium.api import names
from tritium.core.authorship import writers
from tritium.core.revision import written_hash


def noted(revision: Mapping[str, Any], annotation: str) -> str | None:
    """What was noted when the revision was made, if anything was."""
    return (revision["metadata"].get("annotations") or {}).get(annotation)


def author(model: Mapping[str, Any], revision: Mapping[str, Any], before: Mapping[str, Any] | None) -> str | None:
    """The manager that wrote it, such as `helm`; None where that is not certain.

    What was noted when the revision was made is. Where nothing was, it is certain if the spec still is what the
    revision was made of, one manager alone has all fields that make a revision, and it wrote last before the revision
    was made, and after the one before.

    Args:
        model: the ModelDeployment as the API server stores it.
        revision: a ControllerRevision of it.
        before: the kept one before it, if there is one.
    """
    if manager := noted(revision, names.CHANGED_BY):
        return manager
    if written_hash(model["spec"]) != revision["data"]["written"]:
        return None
    found = writers(model)
    if len(found) != 1 or "time" not in found[0]:
        return None
    wrote = datetime.fromisoformat(found[0]["time"])
    if before and wrote < _made(before):
        return None
    return str(found[0]["manager"]) if wrote <= _made(revision) else None


def _made(revision: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(revision["metadata"]["creationTimestamp"])
