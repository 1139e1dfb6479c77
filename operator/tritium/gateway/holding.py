"""Requests that wait for a pod: on which names, who is waited for, and what is answered when. Pure.

A route of a model that is held leads to a cluster that does not exist, `<model>/<held>/<protocol>`; Envoy keeps the
request and asks the agent for that name. Envoy asks for each name once, ever. So a name that was answered is of no more
use, nor is one whose requests will soon have waited long enough: all of them give up when the first one does. `held` is
`z<since>.<boot>.<n>.<whose>`: which sleep, which agent, a number that goes up, and something of the model's uid. Names
sort by age as long as each agent's `boot` is more than that of all before it. It is the time, which may have been set
back; then it is what Envoy has heard of last, and one more.

Nothing of this is kept on a disk. An agent that starts makes new names, and Envoy tells it all those that it ever asked
for. Some of them may still hold requests, so all are answered when there is a pod.

>>> from tritium.gateway.table import Hold, Share
>>> fraud = Model("fraud", "u", 7, 10_000, "fraud", (Share(1, "s", 10_000),), hold=Hold(True, 7, 60_000))
>>> table = Table({"fraud": fraud})
>>> holding = Holding(boot=1764000000000)
>>> holding.named(table, now=0.0).models["fraud"].held
'z7.1764000000000.1.0bfe935e'
>>> holding.report(table)
[]
>>> holding.asked(["fraud/z7.1764000000000.1.0bfe935e/http"], now=1.0)
>>> holding.report(table)
[Held(name='fraud', uid='u', since=7)]
>>> holding.named(table, now=32.0).models["fraud"].held
'z7.1764000000000.2.0bfe935e'
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from tritium.api.gateway import Held
from tritium.gateway.asked import Asked, Known, Name, Word, each, parsed, whose
from tritium.gateway.snapshot.held import held_cluster, is_held, leading
from tritium.gateway.snapshot.resource import Resource
from tritium.gateway.table import Model, Table

AGAIN: Final = 1.0
"""Seconds after which it is looked again whether Envoy has other routes now than those of a model of before."""

STAYS: Final = 60.0
"""Seconds that an answered name stays after the last request on it can have ended."""


class Holding:
    """See the module. Times are seconds of any one clock.

    Args:
        boot: unix milliseconds at the agent's start: it sets its names apart from those of agents before it.
    """

    def __init__(self, boot: int) -> None:
        self._boots = [boot]
        """Those that this agent has had; the last one is in its next name."""
        self._last = 0
        """Number of the last name."""
        self._known: dict[str, Known] = {}
        """By model."""

    def named(self, table: Table, now: float) -> Table:
        """The table, with the names on which requests wait."""
        for model in self._known.keys() - table.models.keys():
            self._known[model].current = None
            if all(asked.removed for asked in self._known[model].names.values()):
                del self._known[model]
        return Table({name: self._named(model, table, now) for name, model in table.models.items()}, table.endpoints)

    def asked(self, names: Iterable[str], now: float) -> None:
        """Envoy has asked for these, now or long ago."""
        self._note(names, now)

    def answered(self, names: Iterable[str], now: float) -> None:
        """Envoy was sent these, or has come with them."""
        names = list(names)
        self._note(names, now)
        for asked in self._found(names):
            asked.answered = now if asked.answered is None else asked.answered

    def removed(self, names: Iterable[str]) -> None:
        """Envoy was told that there are none such."""
        names = list(names)
        for asked in self._found(names):
            asked.removed = True
        for model in {name.model for text in names if (name := parsed(text))} & self._known.keys():
            self._known[model].forget(self._boots)

    def answers(self, table: Table) -> dict[str, Resource]:
        """What Envoy may have of the names that it has asked for: there are pods, and they stay."""
        found: dict[str, Resource] = {}
        old = self._old()
        for name, asked in each(self._known):
            model = table.models.get(name.model)
            if model is None or asked.removed or _is_anothers(name, model) or (model.hold and model.hold.asleep):
                continue
            if name in old:
                continue
            if share := leading(model, table.endpoints):
                pods, plain = table.endpoints[share.service], replace(model, held=None)
                found[str(name)] = held_cluster(str(name), name.protocol, plain, share, pods)
        return found

    def gone(self, table: Table, routed: Callable[[str], bool], now: float, *, listed: bool) -> frozenset[str]:
        """What Envoy is not to have: answered long ago, of a model that is gone, or too many.

        Args:
            table: what there is.
            routed: whether Envoy runs a model's newest routes, so that none names anything older.
            now: the time.
            listed: the table has all models that there are.
        """

        def is_gone(name: Name, model: Model | None, asked: Asked) -> bool:
            if model is None:
                return listed
            if _is_anothers(name, model):
                return listed and routed(model.name)
            return asked.answered is not None and now >= asked.answered + _stays(model) and routed(model.name)

        old = self._old()
        return frozenset(
            str(name)
            for name, asked in each(self._known)
            if not asked.removed and (name in old or is_gone(name, table.models.get(name.model), asked))
        )

    def report(self, table: Table) -> list[Held]:
        """Models that sleep and that somebody has waited for since they fell asleep, by name."""
        return [
            Held(name=name, uid=model.uid, since=model.hold.since)
            for name, model in sorted(table.models.items())
            if model.hold
            and model.hold.asleep
            and (known := self._known.get(name))
            and known.asked_in(model.hold.since, uid=model.uid)
        ]

    def open(self, table: Table, now: float) -> int:
        """Names on which requests may wait: asked for and not answered, and not for longer than they wait."""
        return sum(
            asked.answered is None and not asked.removed and now < asked.at + _waits(table.models[name.model])
            for name, asked in each(self._known)
            if name.model in table.models
        )

    def due(self, table: Table, now: float) -> float | None:
        """When something is to be done although nothing was said; None: never."""
        return min((at for at in self._times(table, now) if at > now), default=None)

    def _times(self, table: Table, now: float) -> Iterator[float]:
        for name, asked in each(self._known):
            if model := table.models.get(name.model):
                if _is_anothers(name, model) and not asked.removed:
                    yield now + AGAIN
                if name.word == self._known[name.model].current:
                    yield asked.at + _waits(model) / 2
                if asked.there and asked.answered is not None:
                    yield asked.answered + _stays(model)

    def _named(self, model: Model, table: Table, now: float) -> Model:
        held = self._held(model, table, now)
        return model if held is None else replace(model, held=held)

    def _held(self, model: Model, table: Table, now: float) -> str | None:
        """What `Model.held` is to be now."""
        known = self._known.get(model.name)
        if model.hold and known is None:
            known = self._known[model.name] = Known()
        if model.hold is None or known is None or model.hold.ms == 0 or not is_held(model, table.endpoints):
            if known:
                known.current = None
            return "" if is_held(model, table.endpoints) else None
        sleep = (model.hold.since, whose(model.uid))
        if known.current is None or (known.current.since, known.current.whose) != sleep or _is_spent(known, model, now):
            self._last += 1
            known.current = Word(self._boots[-1], self._last, *sleep)
        return str(known.current)

    def _note(self, names: Iterable[str], now: float) -> None:
        """Keep in mind that Envoy knows these names."""
        ours = [name for text in names if (name := parsed(text))]
        self._outdo(name.word for name in ours)
        for name in ours:
            self._known.setdefault(name.model, Known()).names.setdefault(name, Asked(now))

    def _old(self) -> set[Name]:
        return {name for known in self._known.values() for name in known.old(self._boots)}

    def _outdo(self, words: Iterable[Word]) -> None:
        """Be younger than every agent before this one, whatever the clock says."""
        boot = self._boots[-1]
        others = [word.boot for word in words if word.boot > boot or (word.boot == boot and word.number > self._last)]
        if others:
            self._boots.append(max(others) + 1)
            for known in self._known.values():
                known.current = None

    def _found(self, names: Iterable[str]) -> Iterator[Asked]:
        for text in names:
            name = parsed(text)
            if name and (known := self._known.get(name.model)) and (asked := known.names.get(name)):
                yield asked


def _is_anothers(name: Name, model: Model) -> bool:
    """Whether a name is of a model that was called the same before."""
    return name.word.whose != whose(model.uid)


def _is_spent(known: Known, model: Model, now: float) -> bool:
    """Whether the next request needs another name than the present one, lest it wait for less than half of its time."""
    half = _waits(model) / 2
    return any(
        asked.answered is not None or asked.removed or now >= asked.at + half for asked in known.of(known.current)
    )


def _waits(model: Model) -> float:
    return model.hold.ms / 1_000 if model.hold else 0


def _stays(model: Model) -> float:
    return STAYS + _waits(model) + 2 * model.bounds.timeout_ms / 1_000
