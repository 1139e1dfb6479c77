"""What a revision did in a window of time: requests, failures, refusals, latencies. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Final

from tritium.api.gateway import BOUNDS_MS
from tritium.core.counts import BUCKET, GRPC, HTTP, NO_ENDPOINT, Part
from tritium.core.proportion import Tally

GRPC_OK: Final = 0
GRPC_FAILURES: Final = frozenset({2, 4, 8, 13, 14, 15})
"""UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS."""
GRPC_LAST: Final = 16
"""Clients take a status beyond the last one for UNKNOWN."""

TOO_MANY_REQUESTS: Final = 429

Histogram = tuple[tuple[float, int], ...]
"""(upper bound in milliseconds, requests up to it), ascending."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one revision did.

    Attributes:
        requests: HTTP and gRPC together, each once, however it ended.
        failed: those that the revision failed: HTTP 5xx and 429, and the statuses of gRPC that mean the same. What
            the gateway answered for it is among them: timeouts, no connection, too many in flight.
        refused: those for which client and revision do not understand each other: other 4xx of HTTP, other
            statuses of gRPC. Clients err with any revision; more than with the one before is the revision's doing.
        latency: how long they took. The gateway measures what a pod answered, so it may hold fewer than `requests`.
    """

    requests: int = 0
    failed: int = 0
    refused: int = 0
    latency: Histogram = ()

    def slower_than(self, bound_ms: float) -> Tally:
        """Those that took longer than a bound of the gateway's.

        >>> Sample(latency=((5, 90), (250, 97), (1000, 100))).slower_than(500)
        Tally(bad=3, requests=100)
        """
        total = self.latency[-1][1] if self.latency else 0
        return Tally(total - _up_to(self.latency, bound_ms), total)


def sample(counts: Mapping[Part, float]) -> Sample:
    """What was counted of one revision.

    >>> counts = {Part(HTTP, "200"): 90, Part(HTTP, "503"): 2, Part(GRPC, "0"): 7, Part(GRPC, "3"): 1}
    >>> sample(counts | {Part(BUCKET, 5): 95, Part(BUCKET, 10): 3})
    Sample(requests=100, failed=2, refused=1, latency=((5.0, 95), (10.0, 98)))
    """
    ended = [(part, round(number)) for part, number in counts.items() if part.kind in {HTTP, GRPC}]
    buckets = sorted((float(part.of), round(number)) for part, number in counts.items() if part.kind == BUCKET)
    bounds = [bound for bound, _ in buckets]
    return Sample(
        requests=sum(number for _, number in ended),
        failed=sum(number for part, number in ended if is_failure(part)),
        refused=sum(number for part, number in ended if _is_refusal(part)),
        latency=tuple(zip(bounds, accumulate(number for _, number in buckets), strict=True)),
    )


def served(counts: Mapping[Part, float]) -> Sample:
    """The same, without the requests that found no pod at all.

    >>> served({Part(HTTP, "200"): 90, Part(HTTP, "503"): 7, NO_ENDPOINT: 5})
    Sample(requests=92, failed=2, refused=0, latency=())
    """
    did = sample(counts)
    unserved = min(round(counts.get(NO_ENDPOINT, 0)), did.failed)
    return replace(did, requests=did.requests - unserved, failed=did.failed - unserved)


def minus(now: Sample, baseline: Sample) -> Sample:
    """What was done since the baseline. Where anything is lower than it was, the counting began anew in between.

    >>> minus(Sample(requests=120, failed=3), Sample(requests=100, failed=1))
    Sample(requests=20, failed=2, refused=0, latency=())
    >>> minus(Sample(requests=7), Sample(requests=100, failed=1))
    Sample(requests=7, failed=0, refused=0, latency=())
    """
    bounds = sorted({bound for bound, _ in (*now.latency, *baseline.latency)})
    latency = [(bound, _up_to(now.latency, bound) - _up_to(baseline.latency, bound)) for bound in bounds]
    failed, refused, fine = now.failed - baseline.failed, now.refused - baseline.refused, _fine(now) - _fine(baseline)
    if min(failed, refused, fine, *_differences(number for _, number in latency)) < 0:
        return now
    return Sample(failed + refused + fine, failed, refused, tuple(latency))


def plus(one: Sample, other: Sample) -> Sample:
    """Both together.

    >>> plus(Sample(9, latency=((5, 9),)), Sample(3, 1, latency=((1, 2), (5, 3))))
    Sample(requests=12, failed=1, refused=0, latency=((1, 2), (5, 12)))
    """
    bounds = sorted({bound for bound, _ in (*one.latency, *other.latency)})
    latency = tuple((bound, _up_to(one.latency, bound) + _up_to(other.latency, bound)) for bound in bounds)
    return Sample(one.requests + other.requests, one.failed + other.failed, one.refused + other.refused, latency)


def bound_of(threshold_ms: float) -> float | None:
    """The bound of the gateway's at which requests are told apart: the threshold, or the next above it.

    What took longer than that surely took longer than the threshold. None: the threshold is above all bounds.

    >>> bound_of(250), bound_of(300), bound_of(5_000_000)
    (250, 500, None)
    """
    return next((bound for bound in BOUNDS_MS if bound >= threshold_ms), None)


def is_failure(part: Part) -> bool:
    """Whether a code is one that the revision answers for.

    >>> [is_failure(Part(HTTP, code)) for code in ("200", "404", "429", "503")]
    [False, False, True, True]
    """
    code = int(part.of)
    if part.kind == GRPC:
        return code in GRPC_FAILURES or code > GRPC_LAST
    return code >= 500 or code == TOO_MANY_REQUESTS


def _is_refusal(part: Part) -> bool:
    code = int(part.of)
    return not is_failure(part) and (code != GRPC_OK if part.kind == GRPC else code >= 400)


def _up_to(histogram: Histogram, bound: float) -> int:
    return max((number for other, number in histogram if other <= bound), default=0)


def _fine(it: Sample) -> int:
    return it.requests - it.failed - it.refused


def _differences(rising: Iterable[int]) -> list[int]:
    return [after - before for before, after in pairwise([0, *rising])]
