"""The operator's own metrics, and its log."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pythonjsonlogger.json import JsonFormatter

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)


def configure_log(level: str) -> None:
    """One JSON object a line; `key` is the ModelDeployment's namespace/name."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
    )
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """All metrics; each with its unit in its name."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    passes: Counter = field(init=False)
    pass_seconds: Histogram = field(init=False)
    requests: Counter = field(init=False)
    request_seconds: Histogram = field(init=False)
    leader: Gauge = field(init=False)
    queue_depth: Gauge = field(init=False)
    queue_age: Gauge = field(init=False)
    watch_age: Gauge = field(init=False)
    objects: Gauge = field(init=False)

    def __post_init__(self) -> None:
        def put(name: str, metric: object) -> None:
            object.__setattr__(self, name, metric)

        registry = self.registry
        put("passes", Counter("tritium_reconcile", "Passes by how they ended", ["result"], registry=registry))
        put(
            "pass_seconds",
            Histogram(
                "tritium_reconcile_duration_seconds", "How long a pass took", buckets=_SECONDS, registry=registry
            ),
        )
        put(
            "requests",
            Counter(
                "tritium_api_requests",
                "Requests to the API server; code 0 had no answer",
                ["verb", "code"],
                registry=registry,
            ),
        )
        put(
            "request_seconds",
            Histogram(
                "tritium_api_request_duration_seconds",
                "How long a request to the API server took",
                ["verb"],
                buckets=_SECONDS,
                registry=registry,
            ),
        )
        put("leader", Gauge("tritium_leader", "1 if this process holds the Lease", registry=registry))
        put("queue_depth", Gauge("tritium_queue_depth", "ModelDeployments that wait for a pass", registry=registry))
        put(
            "queue_age", Gauge("tritium_queue_oldest_age_seconds", "How long the longest has waited", registry=registry)
        )
        put(
            "watch_age",
            Gauge(
                "tritium_watch_age_seconds",
                "Time since anything was heard from the API server's watches or lists",
                registry=registry,
            ),
        )
        put("objects", Gauge("tritium_modeldeployments", "ModelDeployments that are known", registry=registry))

    def follow(self, gauge: Gauge, read: Callable[[], float]) -> None:
        """Read a gauge's value when it is asked for."""
        gauge.set_function(read)

    def request(self, verb: str, code: str, seconds: float) -> None:
        """A request to the API server has ended."""
        self.requests.labels(verb, code).inc()
        self.request_seconds.labels(verb).observe(seconds)

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self.registry)
