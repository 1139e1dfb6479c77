"""The newest facts about every watched object, by the ModelDeployment or the gateway they belong to.

Facts come from three sides in any order: watch events, the answers to our own writes, and lists (see sweep.py). The
store makes one truth of them: an older version never replaces a newer one, what was deleted does not come back, and
what a list does not hold any more is forgotten.

It holds each object as compact JSON, a fifth of what the same object takes as dicts, and decodes it when it is read.
Passes read the same few objects again and again, so those read last are kept decoded: nobody may change what was read.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tritium.api import names
from tritium.kube.glance import Glance, glance
from tritium.kube.kinds import MODEL_DEPLOYMENTS, Kind
from tritium.kube.version import newer

Object = dict[str, Any]

GATEWAY: Final = "/gateway"
"""In the place of a ModelDeployment's name: the gateway of the namespace. No object can be called that."""

FOLLOWERS: Final = "/followers"
"""The same, for the Jobs of the namespace that look for changes at sources."""

SHARED: Final = frozenset({GATEWAY, FOLLOWERS})
"""What belongs to a namespace, and to no single ModelDeployment."""

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_GRAVES: Final = 10_000


class Key(NamedTuple):
    """Which ModelDeployment, which shared part of a namespace (see `SHARED`), or which object of a kind."""

    namespace: str
    name: str


Glanced = Callable[[Key, Glance | None, Glance | None], None]
"""Called with a ModelDeployment's key, and what it was and is in short; None if it was not or is not there."""

Attended = Callable[[Key, Mapping[str, Any] | None], None]
"""Called with where an object is, and a newer version of it; None if it is gone."""


class _Identity(NamedTuple):
    place: Key
    uid: str
    version: str
    owner: Key | None


@dataclass(slots=True)
class _Fact:
    """An object as it was last seen.

    Attributes:
        heard: the tick at which an event or an answer told of this version, or at which a list that holds the
            object was asked for.
        settled: the version was told of twice, see `Store.remember`.
    """

    uid: str
    version: str
    owner: Key
    data: bytes
    heard: int
    settled: bool


class _Grave(NamedTuple):
    uid: str
    version: str
    tick: int


@lru_cache(maxsize=128)
def _decoded(data: bytes) -> Object:
    """An object; by its text, so that a newer version is another entry."""
    decoded: Object = json.loads(data)
    return decoded


class Store:
    """See the module. A namespace has one object of a kind and name at a time, so that is where facts are kept."""

    def __init__(self) -> None:
        self._facts: dict[Kind, dict[Key, _Fact]] = {}
        self._owned: dict[Key, dict[tuple[Kind, str], _Fact]] = {}
        self._graves: dict[tuple[Kind, Key], _Grave] = {}
        """Where something was deleted, and when: what is older is late. Oldest first."""
        self._tick = 0
        self._swept: dict[Kind, int] = {}
        """The tick at which the last list of a kind began."""
        self._unseen: set[Key] = set()
        self._glances: dict[str, dict[str, Glance]] = {}
        self._followers: list[Glanced] = []
        self._attending: dict[Kind, list[Attended]] = {}

    def follow(self, glanced: Glanced) -> None:
        """Have a function told of every ModelDeployment that is new, is gone, or looks another way."""
        self._followers.append(glanced)

    def attend(self, kind: Kind, attended: Attended) -> None:
        """Have a function told of every object of a kind that is new, is gone, or has changed."""
        self._attending.setdefault(kind, []).append(attended)

    def remember(self, kind: Kind, obj: Mapping[str, Any], *, gone: bool = False) -> Key | None:
        """Take in an event, or the answer to a write; return the ModelDeployment that is to be looked at, if any.

        A version that is told of a second time is to be looked at too: the first time may have been the answer to
        our own write, and that holds what others wrote just before it. From the third time on (a watch that began
        anew) it is no news.

        An object without its owner's label, and without the gateway's, is gone. One that changes hands concerns whoever
        has lost it. What has no uid, name and namespace is ignored.
        """
        seen = _identity(kind, obj)
        if seen is None:
            return None
        if gone or seen.owner is None:
            return self._forget(kind, seen)
        known = self._facts.get(kind, {}).get(seen.place)
        if known and (known.uid, known.version) == (seen.uid, seen.version):
            news, known.settled = not known.settled, True
            return known.owner if news else None
        return self._learn(kind, seen, seen.owner, obj, self._tick)

    def object(self, key: Key) -> Object | None:
        """The ModelDeployment, None if there is none."""
        fact = self._facts.get(MODEL_DEPLOYMENTS, {}).get(key)
        return _decoded(fact.data) if fact else None

    def children(self, key: Key, kind: Kind) -> list[Object]:
        """What belongs to a ModelDeployment or a gateway by its labels, by name.

        Whether it is really its own, its uid says.
        """
        owned = self._owned.get(key, {})
        return [_decoded(owned[each].data) for each in sorted(owned, key=lambda each: each[1]) if each[0] == kind]

    def drop(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Forget an object of which the server has just said that it is no more."""
        place = Key(namespace, name)
        known = self._facts.get(kind, {}).get(place)
        if known and known.uid == uid:
            self._remove(kind, place, known)
            self._bury(kind, place, uid, known.version)
            self._look(kind, place, None)

    def owners(self) -> list[Key]:
        """All ModelDeployments."""
        return list(self._facts.get(MODEL_DEPLOYMENTS, {}))

    def namespaces(self) -> list[str]:
        """Those that have ModelDeployments."""
        return list(self._glances)

    def namespace_owners(self, namespace: str) -> Mapping[str, Glance]:
        """The ModelDeployments of a namespace, by name. It changes with them: not to be kept."""
        return self._glances.get(namespace, {})

    def orphans(self) -> list[Key]:
        """ModelDeployments that have objects and are not there themselves."""
        return [
            key
            for key, owned in self._owned.items()
            if key.name not in SHARED and (MODEL_DEPLOYMENTS, key.name) not in owned
        ]

    def sweep_started(self) -> int:
        """A mark in time, to be taken before a list is asked for."""
        self._tick += 1
        return self._tick

    def replace(self, kind: Kind, items: Iterable[Mapping[str, Any]], marker: int) -> set[Key]:
        """Take in a whole list; return the ModelDeployments of which something was not known yet.

        What the list does not hold is removed, unless it was heard of after `marker`: then it may be younger.
        """
        self.listed(kind, items, marker)
        self.finish(kind, marker)
        return self.take_unseen()

    def listed(self, kind: Kind, items: Iterable[Mapping[str, Any]], marker: int) -> None:
        """Take in one page of a list."""
        for obj in items:
            seen = _identity(kind, obj)
            if seen is None or seen.owner is None:
                continue
            known = self._facts.get(kind, {}).get(seen.place)
            is_news = known is None or (known.uid, known.version) != (seen.uid, seen.version)
            if is_news and self._learn(kind, seen, seen.owner, obj, marker):
                self._unseen |= {seen.owner} | ({known.owner} if known else set())
            self._is_listed(kind, seen, marker)

    def finish(self, kind: Kind, marker: int) -> None:
        """After the last page of a list: remove what was on none of them."""
        missing = [(place, fact) for place, fact in self._facts.get(kind, {}).items() if fact.heard < marker]
        for place, fact in missing:
            self._remove(kind, place, fact)
            self._bury(kind, place, fact.uid, fact.version)
            self._unseen.add(fact.owner)
            self._look(kind, place, None)
        self._clear_graves(kind, marker)

    def take_unseen(self) -> set[Key]:
        """The ModelDeployments of which lists have told something new since this was last asked."""
        unseen, self._unseen = self._unseen, set()
        return unseen

    def _learn(self, kind: Kind, seen: _Identity, owner: Key, obj: Mapping[str, Any], heard: int) -> Key | None:
        """Keep what is news; return whom it concerns."""
        facts = self._facts.setdefault(kind, {})
        known, grave = facts.get(seen.place), self._graves.get((kind, seen.place))
        if known and not newer(seen.version, known.version, otherwise=True):
            return None
        if grave and not newer(seen.version, grave.version, otherwise=seen.uid != grave.uid):
            return None
        data = _compact(kind, obj)
        if data is None:
            return None
        if known:
            self._remove(kind, seen.place, known)
        fact = _Fact(seen.uid, seen.version, owner, data, heard, settled=False)
        facts[seen.place] = self._owned.setdefault(fact.owner, {})[kind, seen.place.name] = fact
        self._look(kind, seen.place, obj)
        return known.owner if known else fact.owner

    def _look(self, kind: Kind, place: Key, obj: Mapping[str, Any] | None) -> None:
        """Tell who attends; keep what a ModelDeployment looks like in short, and tell who follows."""
        for attended in self._attending.get(kind, ()):
            attended(place, obj)
        if kind != MODEL_DEPLOYMENTS:
            return
        there = self._glances.setdefault(place.namespace, {})
        before, after = there.pop(place.name, None), glance(obj) if obj else None
        if after:
            there[place.name] = after
        if not there:
            del self._glances[place.namespace]
        if before != after:
            for told in self._followers:
                told(place, before, after)

    def _is_listed(self, kind: Kind, seen: _Identity, marker: int) -> None:
        fact = self._facts.get(kind, {}).get(seen.place)
        if fact and fact.uid == seen.uid:
            fact.heard = max(fact.heard, marker)
            fact.settled |= fact.version == seen.version

    def _forget(self, kind: Kind, seen: _Identity) -> Key | None:
        """Something is gone; return whom it concerns."""
        known = self._facts.get(kind, {}).get(seen.place)
        if known:
            is_known = known.uid == seen.uid
            if known.version != seen.version and not newer(seen.version, known.version, otherwise=is_known):
                return None  # a successor is there, or its label was lost and has come back
            self._remove(kind, seen.place, known)
            self._look(kind, seen.place, None)
        self._bury(kind, seen.place, seen.uid, seen.version)
        return known.owner if known else None

    def _remove(self, kind: Kind, place: Key, fact: _Fact) -> None:
        del self._facts[kind][place]
        owned = self._owned[fact.owner]
        del owned[kind, place.name]
        if not owned:
            del self._owned[fact.owner]

    def _bury(self, kind: Kind, place: Key, uid: str, version: str) -> None:
        before = self._graves.pop((kind, place), None)
        if before and not newer(version, before.version, otherwise=True):
            uid, version = before.uid, before.version
        self._graves[kind, place] = _Grave(uid, version, self._tick)

    def _clear_graves(self, kind: Kind, marker: int) -> None:
        """Forget who died before the last list but one: no event is that late."""
        before, self._swept[kind] = self._swept.get(kind, 0), marker
        old = [place for place, grave in self._graves.items() if place[0] == kind and grave.tick < before]
        surplus = list(self._graves)[: max(0, len(self._graves) - _MOST_GRAVES)]
        for place in {*old, *surplus}:
            del self._graves[place]


def _identity(kind: Kind, obj: Mapping[str, Any]) -> _Identity | None:
    """What is needed to know which object it is and whose; None for what is none."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    match [metadata.get(name) for name in ("namespace", "name", "uid")]:
        case [str(namespace), str(name), str(uid)] if namespace and name and uid:
            place = Key(namespace, name)
            version = str(metadata.get("resourceVersion", ""))
            owner = place if kind == MODEL_DEPLOYMENTS else _owner(namespace, metadata.get("labels"))
            return _Identity(place, uid, version, owner)
    return None


def _owner(namespace: str, labels: Any) -> Key | None:
    if not isinstance(labels, Mapping):
        return None
    owner = labels.get(names.OWNER)
    if isinstance(owner, str) and owner:
        return Key(namespace, owner)
    if labels.get(names.COMPONENT) == names.Component.FOLLOW.value:
        return Key(namespace, FOLLOWERS)
    return Key(namespace, GATEWAY) if labels.get(names.GATEWAY_LABEL) == "true" else None


def _compact(kind: Kind, obj: Mapping[str, Any]) -> bytes | None:
    """An object's JSON without what nobody decides from and takes the most room; None if it has no JSON."""
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    annotations = metadata.get("annotations")
    if isinstance(annotations, Mapping) and _LAST_APPLIED in annotations:
        metadata["annotations"] = {name: value for name, value in annotations.items() if name != _LAST_APPLIED}
    whole = {"apiVersion": kind.api_version, "kind": kind.kind, **obj, "metadata": metadata}
    try:
        return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None
