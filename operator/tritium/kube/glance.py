"""What is asked of a ModelDeployment so often, or of so many at once, that nobody can decode them for it."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Glance(NamedTuple):
    """A ModelDeployment in short.

    Attributes:
        created: as the API server writes it, so that it sorts by time.
        going: it is being deleted.
        port: the gateway's port that its status says is its own.
        version: of `status.traffic`.
        revisions: numbers that its status lists.
        judging: the gates of its rollout count.
    """

    uid: str
    created: str = ""
    going: bool = False
    port: int | None = None
    version: int | None = None
    revisions: tuple[int, ...] = ()
    judging: bool = False


def glance(obj: Mapping[str, Any]) -> Glance:
    """Read it off a ModelDeployment; what is of no use is absent.

    >>> traffic = {"version": 4, "port": 10007}
    >>> glance({"metadata": {"uid": "a"}, "status": {"traffic": traffic, "revisions": [{"revision": 3}]}})
    Glance(uid='a', created='', going=False, port=10007, version=4, revisions=(3,), judging=False)
    >>> glance({"metadata": {"uid": "a", "deletionTimestamp": "x"}, "status": {"traffic": "odd", "revisions": 1}})
    Glance(uid='a', created='', going=True, port=None, version=None, revisions=(), judging=False)
    """
    metadata, status = obj["metadata"], _mapping(obj.get("status"))
    traffic, revisions = _mapping(status.get("traffic")), status.get("revisions")
    listed = (_number(_mapping(each).get("revision")) for each in (revisions if isinstance(revisions, list) else ()))
    return Glance(
        uid=str(metadata["uid"]),
        created=str(metadata.get("creationTimestamp") or ""),
        going=bool(metadata.get("deletionTimestamp")),
        port=_number(traffic.get("port")),
        version=_number(traffic.get("version")),
        revisions=tuple(each for each in listed if each is not None),
        judging=bool(_mapping(status.get("candidate")).get("judgedSince")),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None
