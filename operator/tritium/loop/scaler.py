"""Looks at the work of every ModelDeployment whose replicas follow it, and has those looked at that need others.

A pass tells which pods there are and what is asked for; this tells the pass what the work needs. Between the two no
pass is made: a load that stays costs a look each second, and nothing else. All of it is in memory only: what must
survive is in the status.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from tritium.api.gateway import Held
from tritium.api.status import CapacityStatus
from tritium.core.counts import Series
from tritium.core.scaling.account import is_other
from tritium.core.scaling.capacity import Capacity, inherited
from tritium.core.scaling.controller import Memory, Need, advise, look, need
from tritium.core.scaling.knobs import Knobs
from tritium.core.scaling.priority import NO_CLAIM, Claim, comes_first
from tritium.core.scaling.sight import Sight, span
from tritium.core.scaling.size import knobs_of
from tritium.core.scaling.sleep import may_rest
from tritium.core.scaling.wish import ScalingWish
from tritium.core.scaling.work import Work
from tritium.kube.store import Key
from tritium.loop.arrivals import Arrivals, Flow
from tritium.loop.servers import Asked, Server, Servers

log = logging.getLogger(__name__)

EVERY: Final = 1.0
"""Seconds between two looks."""
AGAIN: Final = 10.0
"""Seconds until a pass is woken again for as many pods as before: it may have had a reason not to ask for them."""
RESTS_AGAIN: Final = 30.0
"""The same where it may fall asleep: something else may keep it awake for long."""
SILENT_AFTER: Final = 60.0
"""Seconds without anything known after which a person is told."""
NEWS_EVERY: Final = 30.0
"""Seconds between two passes only because the need is another."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A ModelDeployment whose replicas follow its work, as a pass saw it.

    Attributes:
        uid: its own; another one of the same name is another.
        asked: by its spec.
        model: its name in Triton.
        stable: number of the revision that serves.
        revisions: numbers of all that get requests.
        servers: pods of the stable revision that are ready.
        desired: replicas that are asked for,
        since: and since when.
        capacity: as the status keeps it.
        cold: seconds that a pod needs to be ready.
        claim: of devices such as GPUs.
        sleep: which sleep it is, where it has no pods since nobody asks it anything.
    """

    uid: str
    asked: ScalingWish
    model: str
    stable: int | None
    revisions: tuple[int, ...]
    servers: tuple[Server, ...]
    desired: int
    since: datetime
    capacity: CapacityStatus | None = None
    cold: int | None = None
    sleep: int | None = None
    claim: Claim = NO_CLAIM


@dataclass(slots=True)
class _Watch:
    """Of one subject.

    Attributes:
        of: number of the revision whose capacity `memory` holds.
        need: what the work needed when it was last known,
        at: and when that was.
        told: pods that a pass was last told are needed, and when; none where it was told of none yet.
        gpu: share of the time in which the servers' GPUs did anything.
        arrived: requests since it is looked at.
        flows: by the number of a revision, what was counted of it when it was last looked at.
        advised: pods that a pass was last woken to ask for, and when.
        quiet: a person was told that nothing is known.
        active: when it last had something to do, or no pod to do it: what nobody could ask was not idle.
        waited: the sleep in which somebody waited for it last.
        first: who came first when it was last looked at.
        turned: when a pass was last woken to have it fall asleep, or wake.
        inferences: requests for inference so far; none where not every pod of the gateway tells them.
        busy: something was in flight.
    """

    subject: Subject
    memory: Memory
    of: int | None
    need: Need | None = None
    at: float = float("-inf")
    told: tuple[float, float] | None = None
    gpu: float | None = None
    arrived: float = 0.0
    flows: dict[int, Flow] = field(default_factory=dict)
    advised: tuple[int, float] = (-1, float("-inf"))
    quiet: bool = False
    active: float = float("-inf")
    waited: int | None = None
    first: str = ""
    turned: float = float("-inf")
    inferences: float | None = None
    busy: bool = False


@dataclass(slots=True)
class Scaler:
    """See the module.

    Attributes:
        arrivals: what the gateways count.
        gateways: uids of the pods of a namespace's gateway that requests go through.
        servers: what Triton says.
        wake: has a ModelDeployment looked at.
        clock: seconds, monotonic.
        now: the time.
    """

    arrivals: Arrivals
    gateways: Callable[[str], Collection[str]]
    servers: Servers
    wake: Callable[[Key], None]
    clock: Callable[[], float]
    now: Callable[[], datetime]
    _watched: dict[Key, _Watch] = field(default_factory=dict)
    _lacking: dict[str, Claim] = field(default_factory=dict)
    """Of those that wait for a device."""

    def follow(self, key: Key, subject: Subject) -> None:
        """Look at its work from now on."""
        self._lacking.pop("/".join(key), None)
        if subject.claim.lacks:
            self._lacking["/".join(key)] = subject.claim
        known = self._watched.get(key)
        if known is None or known.subject.uid != subject.uid:
            memory = Memory(began=self.clock(), capacity=_seed(subject.capacity, subject.stable))
            self._watched[key] = _Watch(subject, memory, subject.stable)
            return
        if subject.revisions != known.subject.revisions:
            self.arrivals.keep(*key, subject.revisions)
        known.subject = subject
        if subject.stable != known.of:  # of the next revision it is known no better than from the one before
            known.of, told = subject.stable, subject.capacity
            is_told = told is not None and told.revision == subject.stable
            seed = _seed(told, subject.stable) if is_told else inherited(known.memory.capacity)
            known.memory = replace(known.memory, capacity=seed, last=None)

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone, or its replicas are fixed."""
        self._lacking.pop("/".join(key), None)
        if self._watched.pop(key, None):
            self.arrivals.keep(key.namespace, key.name, ())

    def waited(self, key: Key, held: Held) -> None:
        """Somebody waits for one that sleeps."""
        watch = self._watched.get(key)
        if watch is not None and watch.subject.uid == held.uid and watch.waited != held.since:
            self._call(key, watch, held.since)

    def sleeps(self) -> frozenset[str]:
        """Namespaces of those that sleep."""
        return frozenset(key.namespace for key, each in self._watched.items() if each.subject.sleep is not None)

    def scales(self, namespace: str) -> frozenset[str]:
        """Names of those in a namespace whose work is looked at."""
        return frozenset(key.name for key in self._watched if key.namespace == namespace)

    def __iter__(self) -> Iterator[tuple[Key, Subject, Work]]:
        """All whose work is looked at, and what is known of it."""
        for key, each in self._watched.items():
            if work := self.work(key):
                yield key, each.subject, work

    def work(self, key: Key) -> Work | None:
        """What is known of the work of one."""
        watch, at = self._watched.get(key), self.clock()
        if watch is None:
            return None
        unknown_for = at - max(watch.at, watch.memory.began)
        silent = f"{self._who(watch)}; the replicas stay" if unknown_for > SILENT_AFTER else ""
        fresh = watch.need if unknown_for <= SILENT_AFTER else None
        partial = self.arrivals.is_partial(self.gateways(key.namespace), at)
        last = watch.memory.last
        is_known = last is not None and at - last.at <= SILENT_AFTER
        quiet = at - max(watch.active, watch.memory.began) if is_known else 0.0
        return Work(watch.memory, at, fresh, silent, partial, watch.gpu, quiet, watch.waited, self._first(key))

    def _first(self, key: Key) -> str:
        """Who comes first."""
        return comes_first(self._watched[key].subject.claim, self._lacking) if self._lacking else ""

    def _who(self, watch: _Watch) -> str:
        """Who does not tell."""
        if watch.memory.last and self.clock() - watch.memory.last.at <= SILENT_AFTER:
            return f"the pods' Triton does not tell the metric {watch.subject.asked.metric}"
        return "the gateway's pods do not tell what arrives"

    async def run(self) -> None:
        """Look, again and again, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.servers.run(self.asked))
            while True:
                self.look()
                await asyncio.sleep(EVERY)

    def look(self) -> None:
        """Look at the work of all."""
        for key in list(self._watched):
            try:
                self._look(key)
            except Exception:  # a mistake of ours with one: the others are looked at
                log.exception("looking at the work", extra={"key": "/".join(key)})

    def asked(self) -> Asked:
        """Whose servers are asked."""
        return {key: (each.subject.model, each.subject.servers) for key, each in self._watched.items()}

    def _look(self, key: Key) -> None:
        watch, at = self._watched[key], self.clock()
        moment = self.arrivals.moment(key.namespace, at)
        last = watch.memory.last
        if moment is not None and (last is None or moment > last.at):
            self._see(key, watch, moment)
        if self._is_news(key, watch, at):
            watch.told = (watch.need.pods, at) if watch.need else watch.told
            self.wake(key)

    def _see(self, key: Key, watch: _Watch, moment: float) -> None:
        subject, last = watch.subject, watch.memory.last
        flows = {each: self.arrivals.at(moment, Series(*key, each)) for each in subject.revisions}
        # One that gets requests since now, or none any more, neither adds what it has ever had nor takes it away.
        came = sum(max(0.0, flow.arrived - watch.flows.get(number, flow).arrived) for number, flow in flows.items())
        watch.arrived += came
        self._note(key, watch, moment, came=came, busy=any(flow.active for flow in flows.values()))
        watch.flows, stable = flows, flows.get(subject.stable or 0, Flow())
        waits = self.servers.waits(subject.servers)
        watch.gpu = waits.gpu
        sight = Sight(
            at=moment,
            arrived=watch.arrived,
            answered=stable.answered,
            active=round(sum(each.active for each in flows.values())),
            ready=len(subject.servers),
            pending=waits.pending,
            full=waits.full,
            shed=stable.shed,  # what others turn away is the rollout's business
            queue_ms=waits.queue_ms,
            gpu=waits.gpu,
        )
        knobs = replace(_knobs(subject), flight=waits.flight)
        what = span(last, sight) if last else None
        watch.memory = look(watch.memory, sight, knobs)
        if what is not None and (found := need(watch.memory, what, knobs)) is not None:
            watch.need, watch.at = found, self.clock()

    def _note(self, key: Key, watch: _Watch, moment: float, *, came: float, busy: bool) -> None:
        """Whether anybody asks it anything: a look at its health is no question.

        What is in flight in two looks in a row is no look at its health either. Where no pod is ready nobody can tell.
        """
        asked = self.arrivals.inferences(key.namespace, key.name, moment)
        if asked is not None:
            came = max(0.0, asked - (asked if watch.inferences is None else watch.inferences))
        works = busy and watch.busy
        watch.inferences, watch.busy = asked, busy
        if came or works or not watch.subject.servers:
            watch.active = self.clock()
        sleep = watch.subject.sleep
        if came and sleep is not None and watch.waited != sleep:  # refused, since nobody is held
            self._call(key, watch, sleep)

    def _call(self, key: Key, watch: _Watch, sleep: int) -> None:
        watch.waited, watch.active = sleep, self.clock()
        self.wake(key)

    def _turns(self, watch: _Watch, work: Work, at: float) -> bool:
        """Whether it is to fall asleep, or to wake."""
        subject = watch.subject
        wakes = subject.sleep is not None and watch.waited == subject.sleep
        rests = subject.sleep is None and subject.desired > 0 and may_rest(subject.asked, work)
        if not (wakes or rests) or at - watch.turned < (AGAIN if wakes else RESTS_AGAIN):
            return False
        watch.turned = at
        return True

    def _is_news(self, key: Key, watch: _Watch, at: float) -> bool:
        work = self.work(key)
        others = (bool(work and work.silent), work.first if work else "")
        if others != (watch.quiet, watch.first):
            watch.quiet, watch.first = others
            return True
        if work and self._turns(watch, work, at):
            return True
        if watch.need is None or watch.quiet:
            return False
        if watch.told is None:
            return True
        subject, (told, when) = watch.subject, watch.told
        knobs = _knobs(subject)
        lowered = at - (self.now() - subject.since).total_seconds()
        advice = advise(replace(watch.memory, lowered=lowered), watch.need, subject.desired, knobs, at)[1]
        if advice.pods != subject.desired and _is_again(watch, advice.pods, at):
            return True
        return is_other(watch.need.pods, told) and at - when >= NEWS_EVERY


def _is_again(watch: _Watch, pods: int, at: float) -> bool:
    """Whether a pass is to be woken for so many: for another number, or since nothing has come of it yet."""
    advised, then = watch.advised
    if pods == advised and at - then < AGAIN:
        return False
    watch.advised = pods, at
    return True


def _knobs(subject: Subject) -> Knobs:
    return knobs_of(subject.asked, subject.cold, awake=subject.sleep is None)


def _seed(capacity: CapacityStatus | None, stable: int | None) -> Capacity:
    """What the status knows; of another revision than the one that serves it is a guess."""
    if capacity is None:
        return Capacity()
    known = Capacity(capacity.rps, capacity.windows)
    return known if capacity.revision == stable else inherited(known)
