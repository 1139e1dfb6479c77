"""Who wrote the spec that a revision was made of, where the API server's record leaves no doubt."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from tritium.core.revision import written_hash

_NO_PART: Final = (("f:model", "f:smokeTest"), ("f:model", "f:source", "f:pollInterval"))
"""Fields of model and server that make no revision."""


def author(model: Mapping[str, Any], revision: Mapping[str, Any]) -> str | None:
    """The manager that wrote it, such as `helm`; None where that is not certain.

    It is certain if the spec still is what the revision was made of, one manager alone has all fields that make a
    revision, and it wrote last before the revision was made.

    Args:
        model: the ModelDeployment as the API server stores it.
        revision: a ControllerRevision of it.
    """
    if written_hash(model["spec"]) != revision["data"]["written"]:
        return None
    writers = [each for each in model["metadata"].get("managedFields") or () if _makes_revisions(each)]
    if len(writers) != 1 or "time" not in writers[0]:
        return None
    made = datetime.fromisoformat(revision["metadata"]["creationTimestamp"])
    wrote = datetime.fromisoformat(writers[0]["time"])
    return str(writers[0]["manager"]) if wrote <= made else None


def _makes_revisions(entry: Mapping[str, Any]) -> bool:
    spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    return any(
        path[0] in {"f:model", "f:server"} and not any(path[: len(each)] == each for each in _NO_PART)
        for path in _paths(spec)
    )


def _paths(fields: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The fields that have no fields below them; `.` is the object itself."""
    for name, below in fields.items():
        if below:
            yield from _paths(below, (*above, name))
        elif name != ".":
            yield (*above, name)
