"""Who made a change to a spec, by the API server's record of field managers, and why, by what was annotated.

To an operator Kubernetes tells no user, only the program that wrote: `kubectl-edit`, `helm`, `argocd-controller`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from tritium.api import names
from tritium.core.revision import written_hash

LONGEST_CAUSE: Final = 1000
"""Characters of a cause that are kept."""

_NO_PART: Final = (("f:model", "f:smokeTest"), ("f:model", "f:source", "f:pollInterval"))
"""Fields of model and server that make no revision."""


class Authorship(NamedTuple):
    """Who and why, each empty where that is not known."""

    manager: str = ""
    cause: str = ""


UNKNOWN: Final = Authorship()


def authorship(model: Mapping[str, Any], written: str, before: datetime | None) -> Authorship:
    """Who wrote the spec that a revision is about to be made of.

    That is who wrote last of those that have fields of model or server. It is nobody where that was before the last
    revision was made: then only the source has changed, or somebody took away a field, of which there is no record.

    Args:
        model: the ModelDeployment as the API server stores it.
        written: hash of the fields that the revision is made of.
        before: when the last revision was made; None where this is the first.

    >>> entry = {"manager": "helm", "time": "2026-01-01T10:00:00Z", "fieldsV1": {"f:spec": {"f:model": {"f:name": {}}}}}
    >>> model = {"metadata": {"managedFields": [entry]}, "spec": {"model": {"name": "fraud"}}}
    >>> key = written_hash(model["spec"])
    >>> authorship(model, key, None).manager, authorship(model, key, datetime.fromisoformat("2026-01-01T11:00:00Z"))
    ('helm', Authorship(manager='', cause=''))
    """
    if written_hash(model["spec"]) != written:
        return UNKNOWN
    cause = str((model["metadata"].get("annotations") or {}).get(names.CHANGE_CAUSE) or "")[:LONGEST_CAUSE]
    times = [(datetime.fromisoformat(each["time"]), str(each["manager"])) for each in writers(model) if "time" in each]
    last = max((at for at, _ in times), default=None)
    managers = {manager for at, manager in times if at == last}
    if last is None or len(managers) != 1 or (before is not None and last < before):
        return Authorship(cause=cause)
    return Authorship(managers.pop(), cause)


def writers(model: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The records of those that have fields which make revisions."""
    return [each for each in model["metadata"].get("managedFields") or () if _makes_revisions(each)]


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
