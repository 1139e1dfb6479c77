"""What Envoy is started with; tests/dataplane/gateway/test_snapshot_bootstrap.py starts it."""

import json
import re

from tritium.gateway.bootstrap import OF_MODELS, OWN, BootstrapSettings, bootstrap
from tritium.gateway.counters import LOST, STATS
from tritium.gateway.snapshot.names import log_lost

GIVEN = BootstrapSettings("pod", "ml", "/a/xds.sock", "/a/admin.sock", memory_bytes=100 * 2**20, max_connections=7)


def is_kept(name: str) -> bool:
    """Whether Envoy keeps a statistic."""
    return name.startswith(tuple(f"{prefix}." for prefix in OWN)) or any(
        re.fullmatch(pattern, name) for pattern in OF_MODELS
    )


def test_the_settings_are_where_they_belong() -> None:
    told = json.dumps(bootstrap(GIVEN))
    for value in ('"pod"', '"ml"', '"/a/xds.sock"', '"/a/admin.sock"', str(80 * 2**20), 'connections": 7'):
        assert told.count(value) == 1, value


def test_what_is_counted_for_the_operator_is_kept() -> None:
    """Names as Envoy makes them of `fraud`, revision 12."""
    http, grpc = "cluster.fraud/12/http.", "cluster.fraud/12/grpc."
    read = [
        "http.model/fraud.downstream_rq_completed",
        "http.model/fraud.rq_total",
        "http.model/fraud.rq_direct_response",
        "http.model/fraud.no_route",
        "http.model/fraud.no_cluster",
        f"{http}upstream_rq_200",
        f"{http}upstream_rq_time",
        f"{http}upstream_rq_active",
        f"{http}upstream_rq_pending_active",
        f"{http}upstream_rq_pending_overflow",
        f"{http}upstream_rq_retry",
        f"{http}upstream_cx_none_healthy",
        f"{grpc}grpc.inference.GRPCInferenceService.ModelInfer.14",
        f"{grpc}grpc.0",
        "inference.ended.model.fraud",
    ]
    assert all(re.search(STATS, name) for name in read)
    assert all(is_kept(name) for name in read)
    assert re.search(LOST, log_lost("fraud"))
    assert is_kept(log_lost("fraud"))
    # What the agent's drain looks at, and what was turned away because too much was in flight.
    assert is_kept("http.model/fraud.downstream_cx_active")
    assert is_kept("http.model/fraud.downstream_rq_active")
    assert is_kept(f"{http}upstream_rq_active_overflow")


def test_what_nobody_reads_is_not_kept() -> None:
    for name in (
        "cluster.fraud/12/http.upstream_cx_rx_bytes_total",
        "cluster.fraud/12/http.external.upstream_rq_200",
        "cluster.fraud/12/grpc.grpc.inference.GRPCInferenceService.ModelInfer.request_message_count",
        "http.model/fraud.downstream_cx_length_ms",
        "listener.0.0.0.0_10000.http.model/fraud.downstream_rq_2xx",
        "cluster.xds.upstream_cx_total",
        "inference.ended.model.",
    ):
        assert not is_kept(name), name
