"""The chart's rules as Prometheus runs them: each alert fires on what it is about, and none of them on a healthy day.

promtool runs the rules themselves over hours of series in a second. That the series are told like this is seen where
the operator and Triton run.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from e2e.cluster.binaries import ensure
from hack.install_manifest import CHART

if TYPE_CHECKING:
    from pathlib import Path

RULES: Final = CHART / "rules.yaml"
MODEL: Final = 'namespace="ml",name="fraud"'
HOURS: Final = 4 * 60
"""Minutes that are looked at."""


def condition(kind: str, status: str, reason: str) -> str:
    """One condition's series."""
    return f'tritium_condition{{{MODEL},type="{kind}",status="{status}",reason="{reason}"}}'


def requests(code: int, protocol: str = "http") -> str:
    """How many were answered so."""
    return f'tritium_gateway_requests_total{{{MODEL},revision="1",protocol="{protocol}",code="{code}"}}'


def aborts(reason: str) -> str:
    """How many versions were turned down for that."""
    return f'tritium_rollout_aborts_total{{{MODEL},reason="{reason}"}}'


def phase(name: str) -> str:
    """1 while it is in it."""
    return f'tritium_rollout_phase{{{MODEL},phase="{name}"}}'


LEADER: Final = 'tritium_leader{pod="operator-0"}'
NO_ENDPOINT: Final = f'tritium_gateway_no_endpoint_total{{{MODEL},revision="1"}}'
OVERFLOW: Final = f'tritium_gateway_overflow_total{{{MODEL},revision="1"}}'
SILENT: Final = 'tritium_gateway_pods{namespace="ml",state="silent"}'
GPU: Final = f'nv_gpu_utilization{{{MODEL},pod="fraud-1",gpu_uuid="GPU-1"}}'
IDLE_GPU: Final = f'nv_gpu_utilization{{{MODEL},pod="fraud-2",gpu_uuid="GPU-2"}}'

COMPUTES: Final = f'nv_inference_compute_infer_duration_us{{{MODEL},pod="fraud-1",model="fraud",version="1"}}'

HEALTHY: Final = {
    LEADER: "1x240",
    'tritium_leader{pod="operator-1"}': "0x240",
    NO_ENDPOINT: "0x240",
    OVERFLOW: "0x240",
    requests(200): "0+600x240",
    requests(500): "0x60 0+0x0 2+0x180",  # two, long ago
    requests(0, "grpc"): "0+60x240",
    requests(3, "grpc"): "0+60x240",  # what clients do wrong
    phase("Idle"): "1x240",
    phase("Initial"): "1x20 0x220",
    phase("Paused"): "0x30 1x50 0x160",
    phase("Blocked"): "0x240",
    aborts("AbortedByHand"): "0x225 1x15",
    aborts("GateFailed"): "0x30 1x210",  # hours ago
    condition("SourceReady", "True", "Resolved"): "1x240",
    condition("SourceReady", "False", "SourceUnreachable"): "_x30 1x10 _x200",
    condition("TrafficConfigured", "True", "Configured"): "1x240",
    condition("ScalingActive", "True", "Scaling"): "1x200 _x40",
    condition("ScalingActive", "True", "AtMax"): "_x228 1x12",
    condition("RequestsLogged", "True", "Logging"): "1x200 _x10 1x30",
    condition("RequestsLogged", "False", "Starting"): "_x200 1x10 _x30",
    SILENT: "0x30 1x3 0x207",
    GPU: "0.4x240",
    IDLE_GPU: "0x240",  # beside one that works
    COMPUTES: "0+600000x240",  # 1 % of the time
}
"""A day with what may happen."""

BAD: Final[dict[str, dict[str, str]]] = {
    "TritiumRequestsFindNoPod": {NO_ENDPOINT: "0x230 0+5x10"},
    "TritiumNobodyLeads": {LEADER: "1x200 0x40"},
    "TritiumNewModelDoesNotStart": {phase("Initial"): "0x200 1x40"},
    "TritiumRolloutAborted": {aborts("BakeFailed"): "0x230 1x10"},
    "TritiumRolloutStandsStill": {phase("Blocked"): "0x170 1x70"},
    "TritiumSourceFails": {condition("SourceReady", "False", "AccessDenied"): "_x220 1x20"},
    "TritiumGatewayPodSilent": {SILENT: "0x230 1x10"},
    "TritiumGatewayRejectsConfiguration": {
        condition("TrafficConfigured", "False", "ConfigurationRejected"): "_x230 1x10"
    },
    "TritiumGatewayTurnsRequestsAway": {OVERFLOW: "0x220 0+1x20"},
    "TritiumAtMax": {condition("ScalingActive", "True", "AtMax"): "_x220 1x20"},
    "TritiumNoRoom": {condition("ScalingActive", "False", "NoRoom"): "_x220 1x20"},
    "TritiumScalingBlind": {condition("ScalingActive", "False", "NoData"): "_x230 1x10"},
    "TritiumErrorBudgetBurns": {requests(503): "0x200 0+30x40"},
    "TritiumRequestsNotLogged": {condition("RequestsLogged", "False", "AccessDenied"): "_x220 1x20"},
    "TritiumGpuIdle": {GPU: "0.4x30 0.01x210"},
}
MORE: Final = (
    ("TritiumNobodyLeads", {LEADER: "1x200 _x40", 'tritium_leader{pod="operator-1"}': "0x200 _x40"}),
    ("TritiumErrorBudgetBurns", {requests(14, "grpc"): "0x200 0+30x40"}),
    ("TritiumErrorBudgetBurns", {requests(429): "0x200 0+30x40"}),
)
"""Other ways to the same."""

WELL: Final = (
    # 4 % of 5 minutes: the hour has seen little of it.
    {requests(503): "0x234 0+30x5"},
    # Over by now.
    {requests(503): "0x170 0+30x60 1800x10"},
    # One of few.
    {requests(200): "0+1x240", requests(0, "grpc"): "0x240", requests(3, "grpc"): "0x240", requests(503): "0x235 1x5"},
    # Nobody asks for anything.
    {requests(200): "5x240", requests(0, "grpc"): "0x240", requests(3, "grpc"): "0x240"},
    # A part of a GPU, of which nothing is known but that Triton computes for 20 s of each minute.
    {GPU: "0x240", COMPUTES: "0+20000000x240"},
    # Without a GPU, and without scaling.
    {GPU: "_x240", IDLE_GPU: "_x240", condition("ScalingActive", "True", "AtMax"): "_x240"},
)


def firing(tmp_path: Path, changed: dict[str, str], *alerts: str) -> None:
    """See that exactly these alerts fire in the end."""
    series = [{"series": name, "values": values} for name, values in (HEALTHY | changed).items()]
    expected = [{"labels": f'{{alertname="{each}"}}', "value": 1} for each in alerts]
    asked = {"expr": 'count by (alertname) (ALERTS{alertstate="firing"})', "eval_time": f"{HOURS}m"}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked | {"exp_samples": expected}]}
    file = tmp_path / "rules.test.json"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", str(file))


def test_gpus_are_counted_also_while_pods_start(tmp_path: Path) -> None:
    """Two of one revision for all the time, and one that another has held for ten minutes: no Triton tells of it."""
    held = f"tritium_gpu_seconds_total{{{MODEL},revision="
    series = [
        {"series": f'{held}"1"}}', "values": "0+120x240"},
        {"series": f'{held}"2"}}', "values": "0x230 60+60x10"},
    ]
    name = "model:tritium_gpus:avg5m"
    asked = {"expr": name, "eval_time": f"{HOURS}m", "exp_samples": [{"labels": f"{name}{{{MODEL}}}", "value": 3}]}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    file = tmp_path / "recorded.test.json"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", str(file))


def promtool(*arguments: str) -> None:
    """Run it; what it complains of fails the test."""
    ended = subprocess.run([ensure("promtool")["promtool"], *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def alerts() -> set[str]:
    """Names of all there are."""
    groups: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}


def test_prometheus_takes_the_file() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))


def test_a_healthy_day_wakes_nobody(tmp_path: Path) -> None:
    firing(tmp_path, {})


@pytest.mark.parametrize("changed", WELL)
def test_what_is_no_reason_wakes_nobody(tmp_path: Path, changed: dict[str, str]) -> None:
    firing(tmp_path, changed)


def test_each_alert_has_a_case() -> None:
    assert alerts() == BAD.keys()


@pytest.mark.parametrize(("alert", "changed"), [*BAD.items(), *MORE])
def test_an_alert_fires_alone(tmp_path: Path, alert: str, changed: dict[str, str]) -> None:
    firing(tmp_path, changed, alert)
