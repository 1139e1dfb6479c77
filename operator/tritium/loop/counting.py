"""What the gateway's pods have counted, as sums that never go back, whatever becomes of the pods. Pure.

Each Envoy counts from its own start. So what is added up is what each has counted since it was last asked: an Envoy
that has another start than before began anew, and so did a counter that is lower; a pod that is gone leaves what it has
counted.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from tritium.api.gateway import STARTED_WITHIN, GatewayCounters, RevisionCounters


class Series(NamedTuple):
    """Whose counters: a revision's, or with revision None those of the ModelDeployment's address."""

    namespace: str
    name: str
    revision: int | None = None


class Part(NamedTuple):
    """One counter of a series: what it counts, and a code or the upper bound of a bucket in milliseconds."""

    kind: str
    of: str | float = ""


HTTP: Final = "http"
GRPC: Final = "grpc"
BUCKET: Final = "bucket"
"""Requests that took as long as the bound and longer than the bound before it."""
SUM: Final = Part("sum")
NO_ENDPOINT: Final = Part("no_endpoint")
OVERFLOW: Final = Part("overflow")
RETRIES: Final = Part("retries")
REFUSED: Final = Part("refused")

Counts = Mapping[Part, float]


def read(namespace: str, counters: GatewayCounters) -> dict[Series, Counts]:
    """The counters of one pod, each as a number that only goes up.

    >>> from tritium.api.gateway import ModelCounters
    >>> of_model = ModelCounters(name="fraud", requests=9, refused=2)
    >>> read("ml", GatewayCounters(models=[of_model], revisions=[]))
    {Series(namespace='ml', name='fraud', revision=None): {Part(kind='refused', of=''): 2}}
    """
    models = {Series(namespace, each.name): {REFUSED: each.refused} for each in counters.models}
    return models | {
        Series(namespace, each.name, each.revision): dict(_of_revision(each)) for each in counters.revisions
    }


def increase(before: Counts, after: Counts) -> Counts:
    """What was counted in between. Where any of them is lower than before, all of them began anew.

    A sum of times is read off a histogram, so it may be a little less without anything having begun anew.

    >>> part, other = Part("http", "200"), Part("http", "503")
    >>> increase({part: 5, other: 1}, {part: 7, other: 1})
    {Part(kind='http', of='200'): 2}
    >>> increase({part: 5, other: 1}, {part: 7})
    {Part(kind='http', of='200'): 7}
    """
    if any(number > after.get(part, 0) for part, number in before.items() if part != SUM):
        before = {}
    grown = {part: number - before.get(part, 0) for part, number in after.items()}
    return {part: number for part, number in grown.items() if number > 0}


@dataclass(slots=True)
class Counting:
    """The sums.

    Attributes:
        listed: whether a series is still of interest. What is not is forgotten, so that there are never more than
            the statuses list.
    """

    listed: Callable[[Series], bool]
    _sums: dict[Series, Counter[Part]] = field(default_factory=dict)
    _last: dict[Hashable, dict[Series, Counts]] = field(default_factory=dict)
    """By pod: what it told last of each series, also of those that it tells of no more."""
    _started: dict[Hashable, float] = field(default_factory=dict)
    _active: dict[Hashable, dict[Series, int]] = field(default_factory=dict)

    def take_in(self, pod: Hashable, namespace: str, counters: GatewayCounters, *, began_before: bool) -> None:
        """What a pod has counted.

        Args:
            pod: which one.
            namespace: where it is.
            counters: since its Envoy started.
            began_before: it was there before this process looked. What it had counted until it was first asked was
                told by another process, so that it is not told again.
        """
        now = read(namespace, counters)
        first = pod not in self._last
        before = {} if self._is_another(pod, counters) else self._last.get(pod, {})
        for series, counts in now.items():
            if first and began_before:
                continue
            grown = increase(before.get(series, {}), counts)
            if grown and self.listed(series):
                self._sums.setdefault(series, Counter()).update(grown)
        self._last[pod] = before | now
        self._active[pod] = {Series(namespace, each.name, each.revision): each.active for each in counters.revisions}

    def _is_another(self, pod: Hashable, counters: GatewayCounters) -> bool:
        """Whether its Envoy is not the one that told last; noted for the next time."""
        if counters.started is None:
            return False
        last = self._started.get(pod, counters.started)
        self._started[pod] = counters.started
        return abs(counters.started - last) > STARTED_WITHIN

    def leave(self, pod: Hashable) -> None:
        """A pod is gone."""
        self._last.pop(pod, None)
        self._started.pop(pod, None)
        self._active.pop(pod, None)

    def sums(self) -> Mapping[Series, Mapping[Part, float]]:
        """All that was counted, of what is listed."""
        self._sums = {series: counts for series, counts in self._sums.items() if self.listed(series)}
        return self._sums

    def active(self) -> Mapping[Series, int]:
        """Requests in flight."""
        total: Counter[Series] = Counter()
        for counts in self._active.values():
            total.update(counts)
        return {series: number for series, number in total.items() if self.listed(series)}


def _of_revision(counters: RevisionCounters) -> Iterator[tuple[Part, float]]:
    yield from ((Part(HTTP, code), number) for code, number in counters.codes.items())
    yield from ((Part(GRPC, code), number) for code, number in counters.grpc.items())
    bounds = sorted(counters.buckets)
    for (_, below), (bound, number) in pairwise([(0.0, 0), *bounds]):
        yield Part(BUCKET, bound), number - below
    yield SUM, counters.latency_sum_ms
    yield NO_ENDPOINT, counters.none_healthy
    yield OVERFLOW, counters.overflow
    yield RETRIES, counters.retries
