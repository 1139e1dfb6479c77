"""Grafana's dashboards, as a short description from which `make generate` writes charts/tritium/dashboards.

A panel is its title, its unit and its queries, each with a legend. Two panels are beside each other.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).resolve().parent.parent / "charts" / "tritium" / "dashboards"
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WIDE, HIGH = 12, 8

MODEL: Final = 'namespace="$namespace",name="$name"'
RATE: Final = "[$__rate_interval]"
FAILED: Final = (
    'tritium_gateway_requests_total{{protocol="http",code=~"429|5..",{by}}}{rate}',
    'tritium_gateway_requests_total{{protocol="grpc",code=~"2|4|8|1[3-5]|1[7-9]|[2-9][0-9]|[0-9]{{3,}}",{by}}}{rate}',
)


class Panel(NamedTuple):
    """See the module.

    Attributes:
        queries: by legend.
        kind: Grafana's name of what is drawn.
    """

    title: str
    unit: str
    queries: Mapping[str, str]
    kind: str = "timeseries"


def rate(metric: str, by: str, selector: str = "") -> str:
    """Of a counter, a second.

    >>> rate("x_total", "name", 'a="b"')
    'sum by (name) (rate(x_total{a="b"}[$__rate_interval]))'
    """
    chosen = f"{{{selector}}}" if selector else ""
    return f"sum by ({by}) (rate({metric}{chosen}{RATE}))"


def failing(by: str, selector: str = "") -> str:
    """Share of the requests that failed, as the gates of rollouts count; 0 where none did."""
    failed = " or ".join(f"rate({each.format(by=selector, rate=RATE)})" for each in FAILED)
    every = rate("tritium_gateway_requests_total", by, selector)
    return f"(sum by ({by}) ({failed}) or 0 * {every}) / ({every} > 0)"


def quantile(share: str, by: str, selector: str = "") -> str:
    """How long requests took, at most, of a share of them."""
    buckets = rate("tritium_gateway_request_duration_seconds_bucket", f"{by}, le", selector)
    return f"histogram_quantile({share}, {buckets})"


def latest(metric: str, by: str, selector: str = "") -> str:
    """Of a gauge that only the leading operator tells, whichever pod that is."""
    return f"max by ({by}) ({metric}{{{selector}}})"


GPU_HOURS: Final = "sum by (namespace, name) (increase(tritium_gpu_seconds_total[$__range])) / 3600 > 0"
THOUSANDS: Final = "(sum by (namespace, name) (increase(tritium_gateway_requests_total[$__range])) > 0) / 1000"
EACH: Final = "namespace, name"
NAMED: Final = "{{namespace}}/{{name}}"
SERVED: Final = rate("nv_inference_request_success", "pod", MODEL)
UNREADY: Final = latest("tritium_condition", EACH, 'type="Ready",status!="True"')

FLEET: Final = (
    Panel("Operators that lead", "none", {"": "sum(tritium_leader)"}, "stat"),
    Panel(
        "Models, and those that are not Ready",
        "none",
        {
            "there are": "max(tritium_modeldeployments)",
            "not Ready": f"count({UNREADY}) or vector(0)",
        },
        "stat",
    ),
    Panel("Requests", "reqps", {NAMED: rate("tritium_gateway_requests_total", EACH)}),
    Panel("Requests that fail", "percentunit", {NAMED: failing(EACH)}),
    Panel("99 % of the requests take at most", "s", {NAMED: quantile("0.99", EACH)}),
    Panel(
        "Rollouts by phase",
        "none",
        {"{{phase}}": "sum by (phase) (max by (namespace, name, phase) (tritium_rollout_phase))"},
    ),
    Panel(
        "Replicas that are asked for, with scaling", "none", {NAMED: latest("tritium_scaling_desired_replicas", EACH)}
    ),
    Panel("Gateway pods", "none", {"{{namespace}} {{state}}": latest("tritium_gateway_pods", "namespace, state")}),
    Panel("GPUs that are held", "none", {NAMED: f"{rate('tritium_gpu_seconds_total', EACH)} > 0"}),
    Panel("How busy GPUs are", "percentunit", {NAMED: 'avg by (namespace, name) (nv_gpu_utilization{name!=""})'}),
    Panel("GPU hours in this time", "h", {NAMED: GPU_HOURS}, "bargauge"),
    Panel("GPU hours for a thousand requests", "h", {NAMED: f"({GPU_HOURS}) / ({THOUSANDS})"}, "bargauge"),
    Panel("Passes of the operator", "ops", {"{{result}}": rate("tritium_reconcile_total", "result")}),
    Panel("Longest wait for a pass", "s", {"": "max(tritium_queue_oldest_age_seconds)"}),
)

ONE: Final = (
    Panel("Requests by revision", "reqps", {"{{revision}}": rate("tritium_gateway_requests_total", "revision", MODEL)}),
    Panel(
        "Share of each revision",
        "percentunit",
        {
            "{{revision}}": f"{rate('tritium_gateway_requests_total', 'revision', MODEL)}"
            f" / ignoring (revision) group_left () ({rate('tritium_gateway_requests_total', '', MODEL)} > 0)"
        },
    ),
    Panel("Requests that fail", "percentunit", {"{{revision}}": failing("revision", MODEL)}),
    Panel(
        "Answers by code",
        "reqps",
        {"{{protocol}} {{code}}": rate("tritium_gateway_requests_total", "protocol, code", MODEL)},
    ),
    Panel(
        "How long requests take",
        "s",
        {
            f"{{{{revision}}}} p{100 * float(share):g}": quantile(share, "revision", MODEL)
            for share in ("0.5", "0.95", "0.99")
        },
    ),
    Panel("In flight", "none", {"{{revision}}": latest("tritium_gateway_active_requests", "revision", MODEL)}),
    Panel(
        "Turned away, and sent again",
        "reqps",
        {
            "no pod": rate("tritium_gateway_no_endpoint_total", "", MODEL),
            "too many": rate("tritium_gateway_overflow_total", "", MODEL),
            "again": rate("tritium_gateway_retries_total", "", MODEL),
        },
    ),
    Panel("Waiting in Triton", "none", {"{{pod}}": f"sum by (pod) (nv_inference_pending_request_count{{{MODEL}}})"}),
    Panel(
        "Time in Triton, of a request",
        "µs",
        {
            f"{{{{pod}}}} {what}": f"{rate(f'nv_inference_{what}_duration_us', 'pod', MODEL)} / ({SERVED} > 0)"
            for what in ("queue", "compute_infer")
        },
    ),
    Panel(
        "Size of batches",
        "none",
        {
            "{{pod}}": f"{rate('nv_inference_count', 'pod', MODEL)}"
            f" / ({rate('nv_inference_exec_count', 'pod', MODEL)} > 0)"
        },
    ),
    Panel(
        "Replicas",
        "none",
        {
            "asked for": latest("tritium_scaling_desired_replicas", "", MODEL),
            "needed": latest("tritium_scaling_needed_replicas", "", MODEL),
            "at most": latest("tritium_scaling_max_replicas", "", MODEL),
            "servers that answer": f"count(count by (pod) (nv_inference_pending_request_count{{{MODEL}}}))",
        },
    ),
    Panel(
        "Requests a second: that arrive, and that one pod can do",
        "reqps",
        {
            "arrive": latest("tritium_scaling_requests_per_second", "", MODEL),
            "one pod": latest("tritium_scaling_pod_requests_per_second", "", MODEL),
        },
    ),
    Panel(
        "Rollout", "none", {"{{phase}}": f"{latest('tritium_rollout_phase', 'phase', MODEL)} == 1"}, "state-timeline"
    ),
    Panel("Step of the rollout", "none", {"step": latest("tritium_rollout_step", "", MODEL)}),
    Panel("Conditions", "none", {"": latest("tritium_condition", "type, status, reason", MODEL)}, "table"),
    Panel(
        "GPUs that each revision holds",
        "none",
        {"{{revision}}": f"{rate('tritium_gpu_seconds_total', 'revision', MODEL)} > 0"},
    ),
    Panel("How busy GPUs are", "percentunit", {"{{pod}} {{gpu_uuid}}": f"nv_gpu_utilization{{{MODEL}}}"}),
    Panel("Memory of GPUs", "bytes", {"{{pod}} {{gpu_uuid}}": f"nv_gpu_memory_used_bytes{{{MODEL}}}"}),
    Panel("Power of GPUs", "watt", {"{{pod}} {{gpu_uuid}}": f"nv_gpu_power_usage{{{MODEL}}}"}),
)
ROLLOUTS: Final = f'max by (phase) (tritium_rollout_phase{{{MODEL},phase!="Idle"}}) == 1'


def dashboards() -> dict[Path, str]:
    """Each file, and what it has to contain."""
    choices = [_choice("namespace", ""), _choice("name", '{namespace="$namespace"}')]
    changes = {"name": "Rollouts", "enable": True, "iconColor": "orange", "datasource": SOURCE} | {
        "expr": ROLLOUTS,
        "titleFormat": "{{phase}}",
    }
    return {
        FOLDER / "fleet.json": _dashboard("tritium-fleet", "Tritium: all models", FLEET, [], []),
        FOLDER / "model.json": _dashboard("tritium-model", "Tritium: one model", ONE, choices, [changes]),
    }


def _dashboard(uid: str, title: str, panels: tuple[Panel, ...], choices: list[Any], notes: list[Any]) -> str:
    source = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    whole = {
        "uid": uid,
        "title": title,
        "tags": ["tritium"],
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [source, *choices]},
        "annotations": {"list": notes},
        "panels": [_panel(number, each) for number, each in enumerate(panels)],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _choice(label: str, among: str) -> dict[str, Any]:
    query = f"label_values(tritium_rollout_phase{among}, {label})"
    return {"name": label, "type": "query", "datasource": SOURCE, "query": query, "refresh": 2, "sort": 1}


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    at_once = {"instant": True, **({"format": "table"} if panel.kind == "table" else {})}
    targets = [
        {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend or panel.title}
        | (at_once if panel.kind in {"table", "bargauge"} else {})
        for place, (legend, query) in enumerate(panel.queries.items())
    ]
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": WIDE * (number % 2), "y": HIGH * (number // 2), "w": WIDE, "h": HIGH},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
