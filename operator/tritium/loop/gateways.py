"""All that the operator knows of the namespaces' gateways: their pods and what these say, and whose port is which.

A pass for a ModelDeployment asks here. The pass for the gateway itself (see `gateway_pass.py`) tells here whose pods
are there and what it could not have.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tritium.api import names
from tritium.api.gateway import GatewayCounters
from tritium.core.counts import Series
from tritium.core.gateway import GATEWAY as COMPONENT
from tritium.core.pod_facts import is_terminating, is_true
from tritium.core.ports import Ports, PortsExhausted
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import GatewaySeen, Refusal, Trouble
from tritium.core.wording import sentence
from tritium.kube import kinds
from tritium.kube.glance import Glance
from tritium.kube.store import GATEWAY, Key, Store
from tritium.loop.arrivals import Arrivals
from tritium.loop.counting import Counting
from tritium.loop.gateway_pods import deployment_trouble, gateway_seen
from tritium.loop.observe import controller
from tritium.loop.polling import Polling, Target
from tritium.loop.ports import PortBook
from tritium.loop.queue import WorkQueue
from tritium.loop.tallies import Tallies
from tritium.loop.windows import Windows
from tritium.probes.gateway import GatewayProbe
from tritium.resources.gateway.anchor import NotAnAnchor, read_ports

log = logging.getLogger(__name__)
Object = dict[str, Any]

SOON: Final = 0.3
"""Seconds after which the gateway is looked at when ModelDeployments come and go."""
_FOR_EACH: Final = 0.02
_AT_MOST: Final = 5.0
"""Seconds between two writes of an anchor, for each of its owners, and at most. One owner more or less matters where
there are few; where there are many of them, many come at once."""

_PORTS_AGAIN: Final = 60.0
"""Seconds until a ModelDeployment that found no port asks again."""

_ASKED_LATELY: Final = 2.0
"""Seconds after a pass in which its ModelDeployment may be waiting: for endpoints, of which no version tells."""


@dataclass(slots=True)
class _Known:
    """Of one namespace's gateway.

    Attributes:
        pods: by uid, as they were last looked at, without what they say.
        trouble: why there is none.
        refusals: what could not be had.
        anchored: when the anchor was last written, monotonic.
        asked: when a pass last asked for the pods, monotonic.
    """

    pods: Mapping[str, GatewaySeen] = field(default_factory=dict)
    trouble: Trouble | None = None
    refusals: Mapping[tuple[str, str], Refusal] = field(default_factory=dict)
    anchored: float = float("-inf")
    asked: float = float("-inf")


class Gateways:
    """See the module.

    Args:
        store: what the watches and lists have brought. It is followed from now on.
        queue: of the passes.
        probe: asks the gateway's pods.
        now: the time.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        store: Store,
        queue: WorkQueue[Key],
        probe: GatewayProbe,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._begun = False
        self._older: set[str] = set()
        """Uids of the pods that were there before this process began."""
        self._ports = PortBook(store.namespace_owners, self._noted, now)
        self.counting = Counting(self._is_listed)
        self.windows = Windows(self.counting)
        self.tallies = Tallies(self.counting)
        self.arrivals = Arrivals()
        self.scales: Callable[[str], Collection[str]] = lambda _: ()
        """Names of the ModelDeployments of a namespace whose replicas follow the work."""
        self.polling = Polling(
            probe,
            self._wake,
            self._awaits,
            counts=self._counted,
            counts_again=lambda pod: self.arrivals.again(pod.uid, clock()),
            judges=lambda namespace: self._judges(namespace) or bool(self.scales(namespace)),
            clock=clock,
        )
        store.follow(self._learn)

    # ---- for a ModelDeployment -------------------------------------------------------------------------

    def seen(self, key: Key, uid: str) -> tuple[GatewaySeen, ...]:
        """The pods of the gateway, each with what it says of one ModelDeployment.

        Args:
            key: the ModelDeployment.
            uid: its uid; what is said of another one of its name is not meant.
        """
        self._of(key.namespace).asked = self._clock()
        self.polling.hurry(key.namespace)
        reports = self.polling.reports(key.namespace)
        return tuple(
            gateway_seen(
                pod,
                report.about(key.name, uid) if (report := reports.get(_uid(pod))) else None,
                asked=_uid(pod) in reports,
            )
            for pod in self._pods(key.namespace)
        )

    def trouble(self, namespace: str) -> Trouble | None:
        """Why the gateway cannot be made, or cannot make pods, and what to do."""
        known = self._known.get(namespace)
        refusal = next(iter(known.refusals.values()), None) if known else None
        if refusal:
            return Trouble(COMPONENT, refusal.reason, refusal.message)
        deployments = self._store.children(Key(namespace, GATEWAY), kinds.DEPLOYMENTS)
        return next((found for each in deployments if (found := deployment_trouble(each))), None)

    def port(self, key: Key, obj: Object) -> int | Trouble:
        """The port of a ModelDeployment on the gateway: the one it has, else one that is its own from now on."""
        uid = obj["metadata"]["uid"]
        said = ((obj.get("status") or {}).get("traffic") or {}).get("port")
        try:
            return self._ports.port(key, uid, said=said, led=None if said else self._led(key, uid))
        except PortsExhausted as error:
            self._queue.add(key, after=_PORTS_AGAIN, resync=True)  # a day is over without anybody telling
            message = f"{sentence(str(error).capitalize())} {REMEDIES[Reason.NO_PORT]}"
            return Trouble(COMPONENT, Reason.NO_PORT, message)

    # ---- for the gateway's own pass --------------------------------------------------------------------

    def look(self, namespace: str) -> None:
        """See which pods there are and what is wrong, ask those that can be asked, and wake whom it concerns."""
        pods, known = self._pods(namespace), self._of(namespace)
        has_models = bool(self._store.namespace_owners(namespace))
        targets = (_target(namespace, pod) for pod in pods if has_models)
        self.polling.follow(namespace, [each for each in targets if each])
        there = {_uid(pod): gateway_seen(pod, None, asked=True) for pod in pods}
        self._come_and_go(known.pods.keys(), there.keys())
        trouble = self.trouble(namespace)
        if (known.pods, known.trouble) != (there, trouble):
            known.pods, known.trouble = there, trouble
            self._wake(namespace, None)
        if not there and not has_models:
            del self._known[namespace]

    def refused(self, namespace: str, refusals: Mapping[tuple[str, str], Refusal]) -> None:
        """What the gateway's pass could not have."""
        self._of(namespace).refusals = dict(refusals)

    def anchored(self, namespace: str) -> None:
        """The anchor was written."""
        self._of(namespace).anchored = self._clock()

    def ports(self, namespace: str) -> Ports:
        """All ports of a namespace."""
        return self._ports.ports(namespace)

    # ---- for the process -------------------------------------------------------------------------------

    async def begin(self, within: float) -> None:
        """Look at all gateways, and wait until their pods were asked, so that no pass takes them for silent."""
        for namespace in self._store.namespaces():
            self.look(namespace)
            self._queue.add(Key(namespace, GATEWAY))
        await self.polling.all_asked(within)
        self._begun = True

    def arms(self) -> Iterable[tuple[Key, str, int]]:
        """The arms of all experiments: whose, by name, and which revision each serves."""
        for namespace in self._store.namespaces():
            for name, each in self._store.namespace_owners(namespace).items():
                yield from ((Key(namespace, name), arm, revision) for arm, revision in each.arms)

    def states(self) -> Mapping[str, Mapping[str, int]]:
        """By namespace, how many pods are `ready`, `silent` (ready without an answer), `starting`, `terminating`."""
        return {namespace: self._states(namespace, known) for namespace, known in self._known.items() if known.pods}

    def _states(self, namespace: str, known: _Known) -> Mapping[str, int]:
        reports = self.polling.reports(namespace)
        return Counter(_state(pod, answers=reports.get(uid) is not None) for uid, pod in known.pods.items())

    def _of(self, namespace: str) -> _Known:
        return self._known.setdefault(namespace, _Known())

    def _pods(self, namespace: str) -> list[Object]:
        return self._store.children(Key(namespace, GATEWAY), kinds.PODS)

    def _come_and_go(self, before: Collection[str], after: Collection[str]) -> None:
        if not self._begun:
            self._older |= set(after)
        for uid in set(before) - set(after):
            self._older.discard(uid)
            self.counting.leave(uid)
            self.arrivals.leave(uid)

    def _learn(self, key: Key, before: Glance | None, after: Glance | None) -> None:
        """A ModelDeployment is new, looks another way, or is gone."""
        self._ports.learn(key, before, after)
        if after is None:
            self.windows.forget(key)
            self.tallies.forget(key)
        if before is None or after is None or _who(before) != _who(after):
            self._look_soon(key.namespace)
        if after and (before is None or before.version != after.version):
            self.polling.hurry(key.namespace)

    def _look_soon(self, namespace: str) -> None:
        """The anchor may have to be written: not for each of a thousand that come at once."""
        since = self._clock() - self._of(namespace).anchored
        pause = min(_AT_MOST, _FOR_EACH * len(self._store.namespace_owners(namespace)))
        self._queue.add(Key(namespace, GATEWAY), after=max(SOON, pause - since))

    def _wake(self, namespace: str, named: Collection[str] | None) -> None:
        there = self._store.namespace_owners(namespace)
        for name in there if named is None else named & there.keys():
            self._queue.add(Key(namespace, name), resync=named is None)

    def _awaits(self, namespace: str) -> bool:
        """Whether a pod is yet to say what a status tells it, or a pass has just asked what it says."""
        known = self._known.get(namespace)
        if (known and self._clock() - known.asked < _ASKED_LATELY) or self._judges(namespace):
            return True
        reports = [each for each in self.polling.reports(namespace).values() if each]
        there = self._store.namespace_owners(namespace).items()
        return any(report.lacks(name, glance) for report in reports for name, glance in there)

    def _judges(self, namespace: str) -> bool:
        """Whether the gates of any rollout count."""
        return any(each.judging for each in self._store.namespace_owners(namespace).values())

    def _counted(self, pod: Target, counters: GatewayCounters) -> None:
        self.counting.take_in(pod.uid, pod.namespace, counters, began_before=pod.uid in self._older, at=self._clock())
        if scaled := self.scales(pod.namespace):
            self.arrivals.take_in(pod.uid, pod.namespace, counters, self._clock(), of=scaled)
        for name, each in self._store.namespace_owners(pod.namespace).items():
            if each.judging:
                self._queue.add(Key(pod.namespace, name))

    def _is_listed(self, series: Series) -> bool:
        glance = self._store.namespace_owners(series.namespace).get(series.name)
        return glance is not None and (series.revision is None or series.revision in glance.revisions)

    def _led(self, key: Key, uid: str) -> int | None:
        """The port that its own Service leads to."""
        for each in self._store.children(key, kinds.SERVICES):
            if each["metadata"]["name"] == key.name and controller(each) == uid:
                written = (each["metadata"].get("annotations") or {}).get(names.PORT, "")
                return int(written) if written.isdecimal() else None
        return None

    def _noted(self, namespace: str) -> Ports:
        """What the anchor keeps of the process before this one."""
        anchors = self._store.children(Key(namespace, GATEWAY), kinds.CONFIG_MAPS)
        for each in anchors:
            try:
                return read_ports(each)
            except NotAnAnchor as error:
                log.warning("taken for absent: %s", error, extra={"key": namespace})
        return Ports()


def _uid(pod: Object) -> str:
    return str(pod["metadata"]["uid"])


def _target(namespace: str, pod: Object) -> Target | None:
    """A pod that takes requests, or may still have some."""
    ip = (pod.get("status") or {}).get("podIP")
    asked = is_terminating(pod) or is_true(pod, "Ready")
    return Target(namespace, str(pod["metadata"]["name"]), _uid(pod), str(ip)) if ip and asked else None


def _who(glance: Glance) -> tuple[str, bool, int | None, tuple[int, ...]]:
    """What the anchor is about: the revisions only for the room in caches."""
    return glance.uid, glance.going, glance.port, glance.revisions if glance.cached else ()


def _state(pod: GatewaySeen, *, answers: bool) -> str:
    if pod.terminating:
        return "terminating"
    if not pod.ready:
        return "starting"
    return "ready" if answers else "silent"
