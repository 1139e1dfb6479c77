"""What the gateways count, for Prometheus: by model and revision, as the operator that leads has added it up."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tritium.core.counts import BUCKET, GRPC, HTTP, NO_ENDPOINT, OVERFLOW, REFUSED, RETRIES, SUM, Part, Series
from tritium.kube.store import Key
from tritium.loop.gateways import Gateways

Sums = Mapping[Series, Mapping[Part, float]]

_MODEL: Final = ("namespace", "name")
_REVISION: Final = (*_MODEL, "revision")
_OF_A_REVISION: Final = (
    (NO_ENDPOINT, "no_endpoint", "Requests that found no endpoint"),
    (OVERFLOW, "overflow", "Requests that were turned away because too many were in flight"),
    (RETRIES, "retries", "Requests that were sent a second time"),
)


@dataclass(eq=False)
class GatewayMetrics(Collector):
    """Reads the sums when it is asked for them.

    Attributes:
        source: where they are; none while this process does not lead.
    """

    source: Gateways | None = None

    def collect(self) -> Iterable[Metric]:
        """All metrics of the gateways."""
        if self.source is None:
            return
        sums = self.source.counting.sums()
        yield _requests(sums)
        yield _durations(sums)
        for part, name, text in _OF_A_REVISION:
            yield _counter(name, text, _REVISION, part, sums)
        yield _counter("refused", "Requests that were refused before they had a revision", _MODEL, REFUSED, sums)
        yield _active(self.source.counting.active())
        yield _pods(self.source.states())
        yield _arms(self.source.arms())


def _requests(sums: Sums) -> Metric:
    labels = (*_REVISION, "protocol", "code")
    family = CounterMetricFamily("tritium_gateway_requests", "Requests by their status code", labels=labels)
    for series, parts in sums.items():
        for part, number in parts.items():
            if part.kind in {HTTP, GRPC}:
                family.add_metric([*_labels(series), part.kind, str(part.of)], number)
    return family


def _durations(sums: Sums) -> Metric:
    name, text = "tritium_gateway_request_duration_seconds", "How long requests took, both protocols"
    family = HistogramMetricFamily(name, text, labels=_REVISION)
    for series, parts in sums.items():
        buckets = list(_buckets(parts))
        if buckets:
            family.add_metric(_labels(series), buckets, parts.get(SUM, 0.0) / 1000)
    return family


def _buckets(parts: Mapping[Part, float]) -> Iterator[tuple[str, float]]:
    """(upper bound in seconds, requests up to it); what is beyond the last bound of Envoy is in none of them."""
    each = sorted((float(part.of), number) for part, number in parts.items() if part.kind == BUCKET)
    totals = list(accumulate(number for _, number in each))
    yield from ((f"{bound / 1000:g}", total) for (bound, _), total in zip(each, totals, strict=True))
    if totals:
        yield "+Inf", totals[-1]


def _counter(name: str, text: str, labels: tuple[str, ...], part: Part, sums: Sums) -> Metric:
    """Told with 0 as well: who sees a first 1 sees no increase."""
    family = CounterMetricFamily(f"tritium_gateway_{name}", text, labels=labels)
    for series, parts in sums.items():
        if (series.revision is not None) == (labels == _REVISION):
            family.add_metric(_labels(series), parts.get(part, 0.0))
    return family


def _active(numbers: Mapping[Series, int]) -> Metric:
    family = GaugeMetricFamily("tritium_gateway_active_requests", "Requests in flight", labels=_REVISION)
    for series, number in numbers.items():
        family.add_metric(_labels(series), number)
    return family


def _pods(states: Mapping[str, Mapping[str, int]]) -> Metric:
    family = GaugeMetricFamily("tritium_gateway_pods", "Pods of the gateways", labels=("namespace", "state"))
    for namespace, numbers in states.items():
        for state, number in numbers.items():
            family.add_metric([namespace, state], number)
    return family


def _arms(arms: Iterable[tuple[Key, str, int]]) -> Metric:
    """To be joined with the requests of the revision."""
    labels = (*_REVISION, "arm")
    family = GaugeMetricFamily(
        "tritium_experiment_arm", "1 for each arm of an experiment that is in the status", labels=labels
    )
    for key, arm, revision in arms:
        family.add_metric([*key, str(revision), arm], 1)
    return family


def _labels(series: Series) -> list[str]:
    return [series.namespace, series.name, *([] if series.revision is None else [str(series.revision)])]
