"""What arrives at revisions, as the pods of a gateway count it, each in its own time. Pure.

The pods are asked one after the other, so that their newest counts are of different moments. Added up as they are, some
would count twice in a second and others not at all: so all are read at one moment, between two answers of each.
"""

from collections import deque
from collections.abc import Collection, Container, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

from tritium.api.gateway import GatewayCounters, RevisionCounters
from tritium.core.counts import GRPC, HTTP, Part, Series
from tritium.core.sample import is_failure
from tritium.loop.counting import Told, is_another

KEPT: Final = 16
"""Answers of a pod that are kept."""
SILENT: Final = 10.0
"""Seconds after which a pod that does not answer is not waited for."""


class Flow(NamedTuple):
    """Of one revision, by one pod since it was first asked, or by all of them.

    Attributes:
        arrived: requests, however they ended, and those that are in flight.
        answered: those that were answered well.
        shed: those that found no pod, or too many others.
        active: in flight.
    """

    arrived: float = 0.0
    answered: float = 0.0
    shed: float = 0.0
    active: float = 0.0

    def plus(self, other: "Flow") -> "Flow":
        """Both together."""
        return Flow(*(one + two for one, two in zip(self, other, strict=True)))

    def towards(self, other: "Flow", part: float) -> "Flow":
        """A part of the way to a later one.

        >>> Flow(10, 8, 0, 2).towards(Flow(20, 16, 0, 4), 0.5)
        Flow(arrived=15.0, answered=12.0, shed=0.0, active=3.0)
        """
        return Flow(*(one + (two - one) * part for one, two in zip(self, other, strict=True)))


class _Answer(NamedTuple):
    at: float
    flows: Mapping[Series, Flow]


@dataclass(slots=True)
class _Pod:
    """What one pod has told.

    Attributes:
        offset: what is to be added to what it tells, since Envoy began anew, or was there before it was first asked.
    """

    namespace: str
    told: Told
    raw: Mapping[Series, Flow]
    offset: dict[Series, Flow] = field(default_factory=dict)
    answers: deque[_Answer] = field(default_factory=lambda: deque(maxlen=KEPT))

    @classmethod
    def of(cls, namespace: str, told: Told, raw: Mapping[Series, Flow]) -> Self:
        first = cls(namespace, told, raw, {series: _nothing(flow) for series, flow in raw.items()})
        first.answers.append(_Answer(told.at, first.flows()))
        return first

    def flows(self) -> Mapping[Series, Flow]:
        return {series: flow.plus(self.offset.get(series, Flow())) for series, flow in self.raw.items()}

    def hears(self, told: Told, raw: Mapping[Series, Flow]) -> None:
        if is_another(self.told, told) or any(_is_less(flow, self.raw.get(each)) for each, flow in raw.items()):
            # What it has told stays; what was in flight is lost with the Envoy that it was in.
            before = self.flows()
            self.offset = {each: flow._replace(active=0.0) for each, flow in before.items()}
        else:  # one that is asked about since now had its requests before
            self.offset |= {each: _nothing(flow) for each, flow in raw.items() if each not in self.raw}
        self.told, self.raw = told, raw
        self.answers.append(_Answer(told.at, self.flows()))

    def at(self, moment: float, series: Series) -> Flow:
        later = None
        for answer in reversed(self.answers):
            flow = answer.flows.get(series, Flow())
            if answer.at <= moment:
                if later is None:
                    return flow
                return flow.towards(later.flows.get(series, flow), (moment - answer.at) / (later.at - answer.at))
            later = answer
        return later.flows.get(series, Flow()) if later else Flow()


@dataclass(slots=True)
class Arrivals:
    """See the module."""

    _pods: dict[Hashable, _Pod] = field(default_factory=dict)
    _left: dict[Series, Flow] = field(default_factory=dict)

    def take_in(
        self, pod: Hashable, namespace: str, counters: GatewayCounters, at: float, *, of: Container[str]
    ) -> None:
        """What a pod has counted.

        Args:
            pod: which one.
            namespace: where it is.
            counters: since its Envoy started.
            at: seconds of a clock that is never set.
            of: names of the ModelDeployments that are of interest.
        """
        told = Told(at, counters.age)
        raw = {
            Series(namespace, each.name, each.revision): _flow(each) for each in counters.revisions if each.name in of
        }
        raw |= {
            Series(namespace, each.name): Flow(arrived=float(each.inferences))
            for each in counters.models
            if each.name in of and each.inferences is not None
        }
        if pod in self._pods:
            self._pods[pod].hears(told, raw)
        else:
            self._pods[pod] = _Pod.of(namespace, told, raw)

    def again(self, pod: Hashable, at: float) -> None:
        """A pod has counted nothing more until then."""
        if known := self._pods.get(pod):
            known.hears(Told(at, known.told.age), known.raw)

    def leave(self, pod: Hashable) -> None:
        """A pod is gone; what it has counted stays."""
        gone = self._pods.pop(pod, None)
        for series, flow in gone.answers[-1].flows.items() if gone else ():
            self._left[series] = self._left.get(series, Flow()).plus(flow._replace(active=0.0))

    def moment(self, namespace: str, now: float) -> float | None:
        """The newest time at which all pods that answer have been asked; none where none does."""
        return min((each.told.at for each in self._answering(namespace, now)), default=None)

    def is_partial(self, pods: Iterable[Hashable], now: float) -> bool:
        """Whether one of these pods does not answer, or never has, so that more may arrive than is counted."""
        heard = (self._pods.get(each) for each in pods)
        return any(each is None or now - each.told.at > SILENT for each in heard)

    def at(self, moment: float, series: Series) -> Flow:
        """What came to a revision until then, and what was in flight."""
        found = self._left.get(series, Flow())
        for each in self._pods.values():
            if each.namespace == series.namespace:
                found = found.plus(each.at(moment, series))
        return found

    def inferences(self, namespace: str, name: str, moment: float) -> float | None:
        """Requests for inference until then; none where not every pod that answers tells them."""
        series = Series(namespace, name)
        tell = all(series in each.raw for each in self._pods.values() if each.namespace == namespace)
        return self.at(moment, series).arrived if tell else None

    def keep(self, namespace: str, name: str, revisions: Collection[int]) -> None:
        """Of that ModelDeployment only these revisions are of interest from now on."""
        kept = {*revisions, None} if revisions else set[int | None]()
        gone = [each for each in self._left if each[:2] == (namespace, name) and each.revision not in kept]
        for each in gone:
            del self._left[each]

    def _answering(self, namespace: str, now: float) -> list[_Pod]:
        return [each for each in self._pods.values() if each.namespace == namespace and now - each.told.at <= SILENT]


def _flow(counters: RevisionCounters) -> Flow:
    parts = ((HTTP, counters.codes), (GRPC, counters.grpc))
    done = sum(sum(counts.values()) for _, counts in parts)
    failed = sum(number for kind, counts in parts for of, number in counts.items() if is_failure(Part(kind, of)))
    return Flow(
        arrived=float(done + counters.active),
        answered=float(done - failed),
        shed=float(counters.none_healthy + counters.overflow),
        active=float(counters.active),
    )


def _nothing(flow: Flow) -> Flow:
    """What makes a first answer the beginning: nothing has arrived yet, and what is in flight is in flight."""
    return Flow(-flow.arrived, -flow.answered, -flow.shed, 0.0)


def _is_less(flow: Flow, before: Flow | None) -> bool:
    return before is not None and (flow.answered < before.answered or flow.shed < before.shed)
