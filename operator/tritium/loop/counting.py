"""What the gateway's pods have counted, as sums that never go back, whatever becomes of the pods. Pure.

Each Envoy counts from its own start. So what is added up is what each has counted since it was last asked: an Envoy
that is younger than before began anew, and so did a counter that is lower; a pod that is gone leaves what it has
counted.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from tritium.api.gateway import GatewayCounters, RevisionCounters
from tritium.core.counts import (
    ANSWERED,
    ARRIVED,
    BUCKET,
    GRPC,
    HTTP,
    NO_ENDPOINT,
    OVERFLOW,
    REFUSED,
    RETRIES,
    ROUTED,
    SUM,
    Counts,
    Part,
    Series,
)

LATE: Final = 2.0
"""Seconds by which an Envoy may be older than the time since its birth: it tells whole seconds, and late."""


RECENT: Final = 300.0
"""Seconds after which the sums are put down again: what was counted recently is that of one to two such times."""


class Told(NamedTuple):
    """When an Envoy told last, in seconds of a clock that is never set, and how old it said it was."""

    at: float
    age: int | None


def read(namespace: str, counters: GatewayCounters) -> dict[Series, Counts]:
    """The counters of one pod, each as a number that only goes up.

    >>> from tritium.api.gateway import ModelCounters
    >>> of_model = ModelCounters(name="fraud", requests=9, routed=8, answered=2)
    >>> read("ml", GatewayCounters(models=[of_model], revisions=[]))[Series("ml", "fraud")][ROUTED]
    8
    """
    models: dict[Series, Counts] = {
        Series(namespace, each.name): {ARRIVED: each.requests, ROUTED: each.routed, ANSWERED: each.answered}
        for each in counters.models
    }
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


def is_another(before: Told | None, now: Told) -> bool:
    """Whether an Envoy is not the one that told last: it is younger, and was born since then.

    One whose clock was set back is younger, too, but not young.

    >>> was = Told(at=100.0, age=50)
    >>> [is_another(was, Told(at=105.0, age=age)) for age in (55, 47, 3)]
    [False, False, True]
    """
    if before is None or before.age is None or now.age is None:
        return False
    return now.age < before.age and now.age <= now.at - before.at + LATE


def refused(counts: Mapping[Part, float]) -> float:
    """Requests that never had a revision. One that is still being read counts as well, until it has a route.

    >>> refused({ARRIVED: 9, ROUTED: 8, ANSWERED: 2})
    3
    """
    return max(counts.get(ARRIVED, 0) - counts.get(ROUTED, 0), 0) + counts.get(ANSWERED, 0)


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
    _told: dict[Hashable, Told] = field(default_factory=dict)
    _active: dict[Hashable, dict[Series, int]] = field(default_factory=dict)
    _marks: tuple[tuple[float, Mapping[Series, Counts]], ...] = ()
    """The sums as they were put down the last two times, and when."""

    def take_in(
        self, pod: Hashable, namespace: str, counters: GatewayCounters, *, began_before: bool, at: float
    ) -> None:
        """What a pod has counted.

        Args:
            pod: which one.
            namespace: where it is.
            counters: since its Envoy started.
            began_before: it was there before this process looked. What it had counted until it was first asked was
                told by another process, so that it is not told again.
            at: seconds of a clock that is never set.
        """
        now, told = read(namespace, counters), Told(at, counters.age)
        if not self._marks or at - self._marks[-1][0] >= RECENT:
            put_down = {series: dict(counts) for series, counts in self.sums().items()}
            self._marks = (*self._marks[-1:], (at, put_down))
        first = pod not in self._last
        before = {} if is_another(self._told.get(pod), told) else self._last.get(pod, {})
        for series, counts in now.items():
            if first and began_before:
                continue
            grown = increase(before.get(series, {}), counts)
            if grown and self.listed(series):
                self._add(series, grown)
        # One that is missing once is still the same; of what is of no interest any more nothing is kept.
        self._last[pod] = {series: counts for series, counts in before.items() if self.listed(series)} | now
        self._told[pod] = told
        self._active[pod] = {Series(namespace, each.name, each.revision): each.active for each in counters.revisions}

    def _add(self, series: Series, grown: Counts) -> None:
        sums = self._sums.setdefault(series, Counter())
        sums.update(grown)
        if series.revision is None:  # what was still being read when it was counted does not take it down again
            sums[REFUSED] = max(sums[REFUSED], int(refused(sums)))

    def leave(self, pod: Hashable) -> None:
        """A pod is gone."""
        self._last.pop(pod, None)
        self._told.pop(pod, None)
        self._active.pop(pod, None)

    def sums(self) -> Mapping[Series, Mapping[Part, float]]:
        """All that was counted, of what is listed."""
        self._sums = {series: counts for series, counts in self._sums.items() if self.listed(series)}
        return self._sums

    def of(self, series: Series) -> Mapping[Part, float]:
        """What was counted of one."""
        return self._sums.get(series, {})

    def recent(self, series: Series) -> Counts:
        """What was counted of one in the last five to ten minutes in which anything was counted."""
        return increase(self._marks[0][1].get(series, {}), self.of(series)) if self._marks else {}

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
