"""What is asked of a ModelDeployment so often, or of so many at once, that nobody can decode them for it."""

from collections.abc import Iterator, Mapping
from sys import intern
from typing import Any, NamedTuple


class Glance(NamedTuple):
    """A ModelDeployment in short.

    Attributes:
        created: as the API server writes it, so that it sorts by time.
        going: it is being deleted.
        port: the gateway's port that its status says is its own.
        version: of `status.traffic`.
        revisions: numbers that its status lists.
        characters: the eight characters of each of them, and its number.
        judging: the gates of its rollout count.
        phase: of its rollout; empty before the first pass.
        step: of its candidate, from 0; None while none has begun.
        turned_down: number and reason of each revision that is not tried again.
        arms: of its experiment, by name, and the revision that each serves.
        follows: the state of its source that is followed, and how often that is looked at; empty where it is not.
        cached: its model is to come from a cache.
        conditions: type, status and reason of each.
    """

    uid: str
    created: str = ""
    going: bool = False
    port: int | None = None
    version: int | None = None
    revisions: tuple[int, ...] = ()
    characters: tuple[tuple[str, int], ...] = ()
    judging: bool = False
    phase: str = ""
    step: int | None = None
    turned_down: tuple[tuple[int, str], ...] = ()
    arms: tuple[tuple[str, int], ...] = ()
    follows: tuple[str, ...] = ()
    cached: bool = False
    conditions: tuple[tuple[str, str, str], ...] = ()


def glance(obj: Mapping[str, Any]) -> Glance:
    """Read it off a ModelDeployment; what is of no use is absent.

    >>> traffic = {"version": 4, "port": 10007}
    >>> revisions = [{"revision": 3, "name": "fraud-3f2a9c01"}]
    >>> found = glance({"metadata": {"uid": "a"}, "status": {"traffic": traffic, "revisions": revisions}})
    >>> found.port, found.version, found.revisions, found.characters
    (10007, 4, (3,), (('3f2a9c01', 3),))
    >>> condition = {"type": "Ready", "status": "True", "reason": "Serving", "message": "it serves"}
    >>> glance({"metadata": {"uid": "a"}, "status": {"conditions": [condition]}}).conditions
    (('Ready', 'True', 'Serving'),)
    >>> odd = {"traffic": "odd", "revisions": 1, "candidate": {"step": "x"}, "rejectedRevisions": [7, {"revision": 2}]}
    >>> glance({"metadata": {"uid": "a", "deletionTimestamp": "x"}, "status": odd}) == Glance("a", going=True)
    True
    """
    metadata, status = obj["metadata"], _mapping(obj.get("status"))
    traffic, candidate = _mapping(status.get("traffic")), _mapping(status.get("candidate"))
    arms = ((str(each.get("name")), number) for number, each in _numbered(status.get("arms")))
    return Glance(
        uid=str(metadata["uid"]),
        created=str(metadata.get("creationTimestamp") or ""),
        going=bool(metadata.get("deletionTimestamp")),
        port=_number(traffic.get("port")),
        version=_number(traffic.get("version")),
        revisions=tuple(number for number, _ in _numbered(status.get("revisions"))),
        characters=tuple(
            (str(each.get("name")).rpartition("-")[2], number) for number, each in _numbered(status.get("revisions"))
        ),
        judging=bool(candidate.get("judgedSince")),
        phase=str(status.get("phase") or ""),
        step=_number(candidate.get("step")),
        turned_down=tuple(
            (number, str(each["reason"]))
            for number, each in _numbered(status.get("rejectedRevisions"))
            if "reason" in each
        ),
        arms=tuple(arms),
        follows=_follows(obj),
        cached="cache" in _mapping(_mapping(obj.get("spec")).get("model")),
        conditions=tuple(_conditions(status.get("conditions"))),
    )


def _conditions(entries: Any) -> Iterator[tuple[str, str, str]]:
    for each in _mappings(entries):
        kind, state, reason = (intern(str(each.get(name) or "")) for name in ("type", "status", "reason"))
        yield kind, state, reason


def _follows(obj: Mapping[str, Any]) -> tuple[str, ...]:
    spec, status = _mapping(obj.get("spec")), _mapping(obj.get("status"))
    every = _mapping(_mapping(spec.get("model")).get("source")).get("pollInterval")
    known = _mapping(status.get("source"))
    # Without an interval an alias is followed all the same: whether something is, the status says.
    return (str(every), *(str(known.get(each)) for each in ("written", "fingerprint", "at"))) if known else ()


def _numbered(entries: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Entries about a revision, each with its number."""
    for each in map(_mapping, entries if isinstance(entries, list) else ()):
        number = _number(each.get("revision"))
        if number is not None:
            yield number, each


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [_mapping(each) for each in value] if isinstance(value, list) else []


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None
