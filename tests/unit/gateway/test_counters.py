"""From Envoy's statistics to counters. That Envoy really calls them so is tested in tests/dataplane/gateway."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritium.api.gateway import BOUNDS_MS
from tritium.gateway.counters import STATS, Bin, counters, cumulative, total
from tritium.gateway.table import Hold, Model

SLEEPER = Model("a-b", "u", 1, 10_000, "a-b", (), hold=Hold(asleep=False, since=0, ms=60_000))

Histograms = dict[str, list[tuple[float, float, int]]]


def stats(named: dict[str, int], histograms: Histograms) -> dict[str, Any]:
    details = [
        {"name": name, "totals": [dict(zip(("lower_bound", "width", "count"), each, strict=True)) for each in bins]}
        for name, bins in histograms.items()
    ]
    counted = [{"name": name, "value": value} for name, value in named.items()]
    return {"stats": [*counted, {"histograms": {"details": details}}]}


def test_by_model_and_revision() -> None:
    found = counters(
        stats(
            {
                "cluster.a-b/12/http.upstream_rq_200": 5,
                "cluster.a-b/12/http.upstream_rq_503": 2,
                "cluster.a-b/12/http.upstream_rq_active": 3,
                "cluster.a-b/12/http.upstream_rq_pending_active": 1,
                "cluster.a-b/12/grpc.upstream_rq_200": 9,
                "cluster.a-b/12/grpc.upstream_rq_active": 2,
                "cluster.a-b/12/grpc.grpc.inference.GRPCInferenceService.ModelInfer.0": 4,
                "cluster.a-b/12/grpc.grpc.inference.GRPCInferenceService.ModelStreamInfer.0": 1,
                "cluster.a-b/12/grpc.grpc.14": 3,
                "cluster.a-b/12/grpc.upstream_cx_none_healthy": 3,
                "cluster.a-b/12/http.upstream_cx_none_healthy": 2,
                "cluster.a-b/12/http.upstream_rq_pending_overflow": 2,
                "cluster.a-b/12/http.upstream_rq_active_overflow": 4,
                "cluster.a-b/12/http.upstream_rq_retry": 7,
                "cluster.a-b/2/http.upstream_rq_200": 1,
                "http.model/a-b.downstream_rq_completed": 20,
                "http.model/a-b.rq_total": 18,
                "http.model/a-b.rq_direct_response": 3,
                "http.model/a-b.no_route": 1,
                "inference.ended.model.a-b": 16,
                "inference.ended.model.gone": 1,
                "http.model/c.rq_total": 1,
                "http.model/d.rq_total": 1,
                "http.admin.downstream_rq_completed": 99,
                "http.admin.rq_total": 0,
                "server.uptime": 77,
            },
            {
                "cluster.a-b/12/http.upstream_rq_time": [(0, 0, 3)],
                "cluster.a-b/12/grpc.upstream_rq_time": [(7, 0.1, 2)],
            },
        ),
        {"a-b": SLEEPER, "c": replace(SLEEPER, name="c"), "d": replace(SLEEPER, name="d", hold=None)},
    )
    assert found.age == 77
    model, other, never = found.models
    assert [each.inferences for each in (model, other, never)] == [16, 0, None]
    assert (model.name, model.requests, model.routed, model.answered) == ("a-b", 20, 18, 4)
    two, twelve = found.revisions
    assert (two.revision, two.codes, two.grpc, two.active) == (2, {"200": 1}, {}, 0)
    assert (twelve.name, twelve.revision, twelve.codes) == ("a-b", 12, {"200": 5, "503": 2})
    assert (twelve.grpc, twelve.active) == ({"0": 5, "14": 3}, 6)
    assert (twelve.none_healthy, twelve.overflow, twelve.retries) == (5, 6, 7)
    assert dict(twelve.buckets)[5] == 3
    assert dict(twelve.buckets)[10] == 5
    assert twelve.latency_sum_ms == pytest.approx(3 * 0.5 + 2 * 7.5)


def test_nothing_is_counted_yet() -> None:
    assert counters({"stats": []}, {"a": SLEEPER}).model_dump() == {"age": None, "models": [], "revisions": []}


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("cluster.a/1/http.upstream_rq_200", True),
        ("cluster.a/1/grpc.grpc.inference.GRPCInferenceService.ModelInfer.13", True),
        ("cluster.a/1/grpc.grpc.0", True),
        ("cluster.a/1/http.upstream_rq_time", True),
        ("http.model/a.downstream_rq_completed", True),
        ("inference.ended.model.a-b", True),
        ("inference.ended.model.", False),
        ("cluster.a/1/http.internal.upstream_rq_200", False),
        ("cluster.a/1/http.upstream_rq_2xx", False),
        ("cluster.a/1/grpc.grpc.success", False),
        ("cluster.a/1/grpc.grpc.inference.GRPCInferenceService.ModelInfer.request_message_count", False),
        ("cluster.xds.upstream_rq_200", False),
        ("http.a.downstream_rq_completed", False),
        ("http.model/a.rds.a.config_reload", False),
        ("listener.127.0.0.1_10077.http.model/a.downstream_rq_2xx", False),
    ],
)
def test_what_envoy_is_asked_for(name: str, asked: bool) -> None:  # noqa: FBT001 - a table's column
    assert bool(re.search(STATS, name)) is asked


@given(st.lists(st.integers(0, 10_000_000), max_size=50))
def test_a_histogram_keeps_all_and_rises(latencies: list[int]) -> None:
    """Each whole millisecond in a bin of its own, as Envoy has them below 100."""
    bins = [Bin(each, 0.1, 1) for each in latencies]
    found = cumulative(bins, BOUNDS_MS)
    assert [bound for bound, _ in found] == list(BOUNDS_MS)
    counts = [count for _, count in found]
    assert counts == sorted(counts)
    assert counts[-1] == len(latencies)
    assert counts[:-1] == [sum(each < bound for each in latencies) for bound in BOUNDS_MS[:-1]]
    assert total(bins) == pytest.approx(sum(latencies) + len(latencies) / 2)
