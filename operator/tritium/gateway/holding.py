"""Requests that wait for a pod: on which names, who is waited for, and what is answered when. Pure.

A route of a model that is held leads to a cluster that does not exist, `<model>/<held>/<protocol>`; Envoy keeps the
request and asks the agent for that name. Envoy asks for each name once, ever. So a name that was answered is of no more
use, nor is one whose requests will soon have waited long enough: all of them give up when the first one does. `held` is
`z<since>.<boot>.<n>`: which sleep, which agent, and a number that goes up.

Nothing of this is kept on a disk. An agent that starts makes new names, and Envoy tells it all those that it ever asked
for. Some of them may still hold requests, so all are answered when there is a pod.

>>> from tritium.gateway.table import Hold, Share
>>> fraud = Model("fraud", "u", 7, 10_000, "fraud", (Share(1, "s", 10_000),), hold=Hold(True, 7, 60_000))
>>> table = Table({"fraud": fraud})
>>> holding = Holding(boot=1764000000)
>>> holding.named(table, now=0.0).models["fraud"].held
'z7.1764000000.1'
>>> holding.report(table)
[]
>>> holding.asked(["fraud/z7.1764000000.1/http"], now=1.0)
>>> holding.report(table)
[Held(name='fraud', uid='u', since=7)]
>>> holding.named(table, now=32.0).models["fraud"].held
'z7.1764000000.2'
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final, NamedTuple

from tritium.api.gateway import Held
from tritium.gateway.snapshot.held import held_cluster, held_name, is_held, leading
from tritium.gateway.snapshot.names import Protocol
from tritium.gateway.snapshot.resource import Resource
from tritium.gateway.table import Hold, Model, Table

KNOWN: Final = 8
"""Names of a model that are kept in mind, the youngest: older ones hold no request any more."""

STAYS: Final = 60.0
"""Seconds that an answered name stays after the last request on it can have ended."""

_NAME: Final = re.compile(
    r"(?P<model>[a-z0-9-]+)/z(?P<since>[0-9]+)[.](?P<boot>[0-9]+)[.](?P<number>[0-9]+)/(?P<protocol>http|grpc)"
)


class Word(NamedTuple):
    """What the names of both protocols have in common. They sort by age."""

    boot: int
    number: int
    since: int

    def __str__(self) -> str:
        return f"z{self.since}.{self.boot}.{self.number}"


@dataclass(slots=True)
class _Asked:
    """A name that Envoy has asked for."""

    at: float
    answered: float | None = None
    removed: bool = False


@dataclass(slots=True)
class _Model:
    """What is known of the names of one model.

    Attributes:
        current: on which requests wait now; None: they do not wait.
    """

    uid: str = ""
    current: Word | None = None
    asked: dict[Word, dict[Protocol, _Asked]] = field(default_factory=dict)


class Holding:
    """See the module. Times are seconds of any one clock.

    Args:
        boot: unix seconds at the agent's start: it sets its names apart from those of agents before it.
    """

    def __init__(self, boot: int) -> None:
        self._boot = boot
        self._numbers = count(1)
        self._models: dict[str, _Model] = {}

    def named(self, table: Table, now: float) -> Table:
        """The table, with the names on which requests wait."""
        for name in self._models.keys() - table.models.keys():
            self._models[name].current = None
            if all(one.removed for _, _, one in _each(name, self._models[name])):
                del self._models[name]
        models = {name: self._named(model, table, now) for name, model in table.models.items()}
        return Table(models, table.endpoints)

    def asked(self, names: Iterable[str], now: float) -> None:
        """Envoy has asked for these, now or long ago."""
        for model in self._noted(names, now):
            _forget(self._models[model].asked)

    def answered(self, names: Iterable[str], now: float) -> None:
        """Envoy was sent these, or has come with them."""
        names = list(names)
        noted = self._noted(names, now)
        for one in self._found(names):
            one.answered = now if one.answered is None else one.answered
        for model in noted:
            _forget(self._models[model].asked)

    def removed(self, names: Iterable[str]) -> None:
        """Envoy was told that there are none such."""
        for one in self._found(names):
            one.removed = True

    def answers(self, table: Table) -> dict[str, Resource]:
        """What Envoy may have of the names that it has asked for: there are pods, and they stay."""
        found: dict[str, Resource] = {}
        for name, known in self._models.items():
            model = table.models.get(name)
            if model is None or (model.hold and model.hold.asleep):
                continue
            if share := leading(model, table.endpoints):
                plain = replace(model, held=None)
                for asked, protocol, one in _each(name, known):
                    if not one.removed:
                        found[asked] = held_cluster(asked, protocol, plain, share, table.endpoints[share.service])
        return found

    def gone(self, table: Table, routed: Callable[[str], bool], now: float, *, listed: bool) -> frozenset[str]:
        """What Envoy is not to have: answered long ago, or of a model that is gone.

        Args:
            table: what there is.
            routed: whether Envoy runs a model's newest routes, so that none names anything older.
            now: the time.
            listed: the table has all models that there are.
        """
        return frozenset(
            asked
            for name, known in self._models.items()
            for asked, _, one in _each(name, known)
            if not one.removed
            and (
                listed
                if (model := table.models.get(name)) is None
                else (one.answered is not None and now >= one.answered + _stays(model) and routed(name))
            )
        )

    def report(self, table: Table) -> list[Held]:
        """Models that sleep and that somebody has waited for since they fell asleep, by name."""
        return [
            Held(name=name, uid=model.uid, since=model.hold.since)
            for name, model in sorted(table.models.items())
            if model.hold and model.hold.asleep and self._is_asked_for(model, model.hold)
        ]

    def open(self, table: Table, now: float) -> int:
        """Names on which requests may wait: asked for and not answered, and not for longer than they wait."""
        return sum(
            one.answered is None and not one.removed and now < one.at + _waits(table.models[name])
            for name, known in self._models.items()
            if name in table.models
            for _, _, one in _each(name, known)
        )

    def due(self, table: Table, now: float) -> float | None:
        """When something is to be done although nothing was said; None: never."""
        return min((at for at in self._times(table) if at > now), default=None)

    def _times(self, table: Table) -> Iterator[float]:
        for name, known in self._models.items():
            if (model := table.models.get(name)) is None:
                continue
            if known.current and model.hold:
                yield from (one.at + _half(model.hold) for one in known.asked.get(known.current, {}).values())
            yield from (one.answered + _stays(model) for _, _, one in _each(name, known) if one.answered is not None)

    def _named(self, model: Model, table: Table, now: float) -> Model:
        known = self._models.setdefault(model.name, _Model()) if model.hold else self._models.get(model.name, _Model())
        if known.uid and known.uid != model.uid:
            known = self._models[model.name] = _Model()
        known.uid = model.uid
        if model.hold is None or not is_held(model, table.endpoints):
            known.current = None
            return model
        if model.hold.ms == 0:
            known.current = None
            return replace(model, held="")
        if known.current is None or known.current.since != model.hold.since or _is_spent(known, model.hold, now):
            known.current = Word(self._boot, next(self._numbers), model.hold.since)
        return replace(model, held=str(known.current))

    def _noted(self, names: Iterable[str], now: float) -> set[str]:
        """Keep in mind that Envoy knows these names; the models they are of."""
        noted: set[str] = set()
        for name in names:
            if parsed := _parsed(name):
                model, word, protocol = parsed
                asked = self._models.setdefault(model, _Model()).asked
                asked.setdefault(word, {}).setdefault(protocol, _Asked(now))
                noted.add(model)
        return noted

    def _is_asked_for(self, model: Model, hold: Hold) -> bool:
        known = self._models.get(model.name)
        return known is not None and any(word.since == hold.since for word in known.asked)

    def _found(self, names: Iterable[str]) -> Iterator[_Asked]:
        for name in names:
            if parsed := _parsed(name):
                model, word, protocol = parsed
                known = self._models.get(model)
                if known and (one := known.asked.get(word, {}).get(protocol)):
                    yield one


def _parsed(name: str) -> tuple[str, Word, Protocol] | None:
    """What a name is made of; None: it is not one of ours.

    >>> _parsed("fraud/z7.1764000000.2/http")
    ('fraud', Word(boot=1764000000, number=2, since=7), <Protocol.HTTP: 'http'>)
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    word = Word(int(found["boot"]), int(found["number"]), int(found["since"]))
    return found["model"], word, Protocol(found["protocol"])


def _each(model: str, known: _Model) -> Iterator[tuple[str, Protocol, _Asked]]:
    for word, protocols in known.asked.items():
        for protocol, one in protocols.items():
            yield held_name(model, str(word), protocol), protocol, one


def _forget(asked: dict[Word, dict[Protocol, _Asked]]) -> None:
    """Of old names only those are kept of which Envoy still has a cluster: it has to go one day."""
    for word in sorted(asked)[:-KNOWN]:
        if all(one.answered is None or one.removed for one in asked[word].values()):
            del asked[word]


def _is_spent(known: _Model, hold: Hold, now: float) -> bool:
    """Whether the next request needs another name than the present one, lest it wait for less than half of its time."""
    asked = known.asked.get(known.current, {}) if known.current else {}
    return any(one.answered is not None or one.removed or now >= one.at + _half(hold) for one in asked.values())


def _half(hold: Hold) -> float:
    return hold.ms / 2_000


def _waits(model: Model) -> float:
    return model.hold.ms / 1_000 if model.hold else 0


def _stays(model: Model) -> float:
    return STAYS + _waits(model) + 2 * model.bounds.timeout_ms / 1_000
