"""What the operator tells Prometheus, as its collectors write it, for what reads it."""

from __future__ import annotations

from tritium.cli.facts.exposition import Exposition, exposition


def told(seconds: float, *, leads: bool = True, rate: float = 100.0) -> Exposition:
    """So many seconds after it began: fraud has requests, one in fifty fails, most take up to 5 ms."""
    return exposition(text(seconds, leads=leads, rate=rate))


def text(seconds: float, *, leads: bool = True, rate: float = 100.0) -> str:
    """The same, as it is read."""
    fraud = 'name="fraud",namespace="ml"'
    done = rate * seconds
    series = {
        f'tritium_gateway_requests_total{{code="200",{fraud},protocol="http",revision="2"}}': done * 0.7,
        f'tritium_gateway_requests_total{{code="503",{fraud},protocol="http",revision="2"}}': done * 0.02,
        f'tritium_gateway_requests_total{{code="404",{fraud},protocol="http",revision="2"}}': done * 0.03,
        f'tritium_gateway_requests_total{{code="0",{fraud},protocol="grpc",revision="3"}}': done * 0.25,
        f'tritium_gateway_request_duration_seconds_bucket{{le="0.005",{fraud},revision="2"}}': done * 0.6,
        f'tritium_gateway_request_duration_seconds_bucket{{le="0.25",{fraud},revision="2"}}': done * 0.75,
        f'tritium_gateway_request_duration_seconds_bucket{{le="+Inf",{fraud},revision="2"}}': done * 0.75,
        f'tritium_gateway_request_duration_seconds_bucket{{le="0.005",{fraud},revision="3"}}': done * 0.25,
        f'tritium_gateway_request_duration_seconds_bucket{{le="+Inf",{fraud},revision="3"}}': done * 0.25,
        f'tritium_gateway_no_endpoint_total{{{fraud},revision="2"}}': 0,
        f'tritium_gateway_active_requests{{{fraud},revision="2"}}': 7,
        f'tritium_gateway_active_requests{{{fraud},revision="3"}}': 2,
        f'tritium_gpu_seconds_total{{{fraud},revision="2"}}': 3 * seconds,
        f'tritium_gpu_seconds_total{{{fraud},revision="3"}}': seconds,
        f"tritium_scaling_pending_requests{{{fraud}}}": 4,
        f"tritium_scaling_gpu_utilization{{{fraud}}}": 0.62,
        'tritium_gateway_no_endpoint_total{name="quiet",namespace="ml",revision="1"}': 0,
        'tritium_gpu_seconds_total{name="quiet",namespace="ml",revision="1"}': 0,
        'tritium_gateway_pods{namespace="ml",state="ready"}': 2,
        'tritium_gateway_pods{namespace="dev",state="silent"}': 1,
        'tritium_condition{name="fraud",namespace="ml",reason="x",status="True",type="Ready"}': 1,
    }
    lines = ["# HELP tritium_leader 1 if this process holds the Lease", "# TYPE tritium_leader gauge"]
    lines.append(f"tritium_leader {float(leads)}")
    lines += [f"{name} {float(value)}" for name, value in series.items()] if leads else []
    return "\n".join([*lines, ""])
