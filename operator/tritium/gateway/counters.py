"""From Envoy's statistics to counters by model and revision. Pure.

Envoy counts by cluster, and a cluster is a revision and a protocol. The names of statistics are made from the names of
clusters and listeners; a ModelDeployment's name holds neither `.` nor `/`, so they can be taken apart again.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final, NamedTuple

from tritium.api.gateway import BOUNDS_MS, GatewayCounters, ModelCounters, RevisionCounters
from tritium.gateway.snapshot.names import ENDED, Protocol, log_lost
from tritium.gateway.table import Model

STATS: Final = (
    r"^(cluster\.[a-z0-9-]+/[0-9]+/(http|grpc)\."
    r"(upstream_rq_([0-9]+|active|pending_active|retry|active_overflow|pending_overflow|time)|upstream_cx_none_healthy"
    r"|grpc\.(.+\.)?[0-9]+)"
    r"|http\.model/[a-z0-9-]+\.(downstream_rq_completed|rq_total|rq_direct_response|no_route|no_cluster)"
    rf"|{re.escape(ENDED)}\.[a-z0-9-]+"
    r"|server\.uptime)$"
)
"""Which statistics to ask Envoy for; it is what `/stats?filter=` takes. There are some hundred for each cluster."""

LOST: Final = "^" + log_lost("[a-z0-9-]+").replace(".", r"\.") + "$"
"""The same for `lost`."""

UPTIME: Final = "server.uptime"
"""Whole seconds since this Envoy started, as of the last time it flushed its statistics."""

_CLUSTER: Final = re.compile(r"cluster\.(?P<model>[^/]+)/(?P<revision>[0-9]+)/(?P<protocol>[a-z]+)\.(?P<what>.+)")
_INFERENCES: Final = re.compile(rf"{re.escape(ENDED)}\.(?P<model>[^.]+)")
_LISTENER: Final = re.compile(r"http\.model/(?P<model>[^./]+)\.(?P<what>[^.]+)")


class Bin(NamedTuple):
    """Some values of a histogram of Envoy's: milliseconds, cut down to whole ones.

    Attributes:
        lower: the smallest value that belongs in it.
        width: how much larger they may be.
        values: how many there are.
    """

    lower: float
    width: float
    values: int


@dataclass(slots=True)
class _Revision:
    codes: Counter[str] = field(default_factory=Counter)
    grpc: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)
    bins: list[Bin] = field(default_factory=list)


def counters(stats: Mapping[str, Any], served: Mapping[str, Model]) -> GatewayCounters:
    """The counters.

    Args:
        stats: what Envoy answers to `/stats?format=json&histogram_buckets=detailed`.
        served: the ModelDeployments there are. Envoy counts its own listeners too.

    >>> from tritium.gateway.table import Hold
    >>> fraud = Model("fraud", "u", 7, 10_000, "fraud", (), hold=Hold(True, 7, 60_000))
    >>> told = {"cluster.fraud/3/http.upstream_rq_200": 7, "http.model/fraud.downstream_rq_completed": 8}
    >>> told |= {"http.model/fraud.rq_total": 7}
    >>> told |= {"inference.ended.model.fraud": 6}
    >>> found = counters({"stats": [{"name": name, "value": value} for name, value in told.items()]}, {"fraud": fraud})
    >>> found.revisions[0].codes, found.models[0].requests, found.models[0].routed, found.models[0].inferences
    ({'200': 7}, 8, 7, 6)
    """
    revisions: dict[tuple[str, int], _Revision] = {}
    models: dict[str, Counter[str]] = {}
    for each in stats["stats"]:
        if "histograms" in each:
            for histogram in each["histograms"].get("details") or ():
                if found := _CLUSTER.fullmatch(histogram["name"]):
                    _of(revisions, found).bins += _bins(histogram)
        elif found := _CLUSTER.fullmatch(each["name"]):
            _count(_of(revisions, found), found["protocol"], found["what"], each["value"])
        elif found := _LISTENER.fullmatch(each["name"]):
            models.setdefault(found["model"], Counter())[found["what"]] += each["value"]
        elif found := _INFERENCES.fullmatch(each["name"]):
            models.setdefault(found["model"], Counter())[ENDED] += each["value"]
    return GatewayCounters(
        age=next((each["value"] for each in stats["stats"] if each.get("name") == UPTIME), None),
        models=[_model(served[name], counted) for name, counted in sorted(models.items()) if name in served],
        revisions=[_revision(name, number, it) for (name, number), it in sorted(revisions.items()) if name in served],
    )


def lost(stats: Mapping[str, Any], served: Mapping[str, Model]) -> dict[str, int]:
    """How many samples of requests no logger has taken to their end, by the models that have one.

    >>> from tritium.gateway.table import Log
    >>> fraud = Model("fraud", "u", 7, 10_000, "fraud", (), log=Log("fraud-log", 1_000, request=True, response=True))
    >>> lost({"stats": [{"name": log_lost("fraud"), "value": 3}]}, {"fraud": fraud}), lost({"stats": []}, {"a": fraud})
    ({'fraud': 3}, {'a': 0})
    """
    found = {each["name"]: each["value"] for each in stats["stats"] if "name" in each}
    return {name: found.get(log_lost(name), 0) for name, model in served.items() if model.log}


def cumulative(bins: Iterable[Bin], bounds: Sequence[int]) -> list[tuple[float, int]]:
    """How many values are below each bound.

    Envoy cuts a latency down to whole milliseconds, so its 5 is more than 5, and its 0 is less than 1.

    >>> cumulative([Bin(0, 0, 10), Bin(4, 0.1, 2), Bin(5, 0.1, 1), Bin(250, 10, 3)], (1, 5, 10, 250, 500))
    [(1, 10), (5, 12), (10, 13), (250, 13), (500, 16)]
    """
    below = [0] * len(bounds)
    for each in bins:
        below[min(bisect_right(bounds, each.lower), len(bounds) - 1)] += each.values
    return list(zip(bounds, accumulate(below), strict=True))


def total(bins: Iterable[Bin]) -> float:
    """Sum of all values: each is taken to lie in the middle of where it can be.

    >>> total([Bin(0, 0, 10), Bin(250, 10, 1)])
    260.0
    """
    return sum(each.values * (each.lower + max(each.width, 1) / 2) for each in bins)


def _of(revisions: dict[tuple[str, int], _Revision], found: re.Match[str]) -> _Revision:
    return revisions.setdefault((found["model"], int(found["revision"])), _Revision())


def _bins(histogram: Mapping[str, Any]) -> list[Bin]:
    return [Bin(each["lower_bound"], each["width"], each["count"]) for each in histogram.get("totals") or ()]


def _count(revision: _Revision, protocol: str, what: str, value: int) -> None:
    """A gRPC request is counted by its own status, whatever HTTP says of it."""
    last = what.rpartition(".")[2].removeprefix("upstream_rq_")
    if not last.isdigit():
        revision.other[what] += value
    elif what.startswith("grpc."):
        revision.grpc[last] += value
    elif protocol == Protocol.HTTP:
        revision.codes[last] += value


def _revision(name: str, number: int, found: _Revision) -> RevisionCounters:
    return RevisionCounters(
        name=name,
        revision=number,
        codes=dict(sorted(found.codes.items())),
        grpc=dict(sorted(found.grpc.items(), key=lambda each: int(each[0]))),
        buckets=cumulative(found.bins, BOUNDS_MS),
        latency_sum_ms=total(found.bins),
        active=found.other["upstream_rq_active"] + found.other["upstream_rq_pending_active"],
        none_healthy=found.other["upstream_cx_none_healthy"],
        # The first where requests are in flight, the second where they wait for a connection.
        overflow=found.other["upstream_rq_active_overflow"] + found.other["upstream_rq_pending_overflow"],
        retries=found.other["upstream_rq_retry"],
    )


def _model(model: Model, counted: Counter[str]) -> ModelCounters:
    """A request that still waits for a pod has not come to its route: it counts when it does, or is answered before."""
    return ModelCounters(
        name=model.name,
        requests=max(counted["downstream_rq_completed"], counted["rq_total"]),
        routed=counted["rq_total"],
        inferences=counted[ENDED] if model.hold else None,
        answered=counted["rq_direct_response"] + counted["no_route"] + counted["no_cluster"],
    )
