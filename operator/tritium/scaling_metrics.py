"""How many pods the work needs, for Prometheus, as the operator that leads sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tritium.loop.scaler import Scaler

_MODEL: Final = ("namespace", "name")


@dataclass(eq=False)
class ScalingMetrics(Collector):
    """Reads what is known of the work when it is asked for it.

    Attributes:
        source: who knows it; none while this process does not lead.
    """

    source: Scaler | None = None

    def collect(self) -> Iterable[Metric]:
        """All metrics of scaling; what is not known has no series."""
        if self.source is None:
            return
        desired = GaugeMetricFamily("tritium_scaling_desired_replicas", "Pods that are asked for", labels=_MODEL)
        needed = GaugeMetricFamily(
            "tritium_scaling_needed_replicas", "Pods that the work needs, before bounds and waiting", labels=_MODEL
        )
        most = GaugeMetricFamily("tritium_scaling_max_replicas", "Pods that are asked for at most", labels=_MODEL)
        rate = GaugeMetricFamily("tritium_scaling_requests_per_second", "Requests that arrive, smoothed", labels=_MODEL)
        capacity = GaugeMetricFamily(
            "tritium_scaling_pod_requests_per_second", "Requests that one pod can do", labels=(*_MODEL, "revision")
        )
        pending = GaugeMetricFamily(
            "tritium_scaling_pending_requests", "Requests that wait in the servers", labels=_MODEL
        )
        busy = GaugeMetricFamily(
            "tritium_scaling_gpu_utilization", "Share of the time in which GPUs did anything", labels=_MODEL
        )
        for key, subject, work in self.source:
            desired.add_metric([*key], subject.desired)
            most.add_metric([*key], subject.asked.most)
            if work.need:
                needed.add_metric([*key], work.need.pods)
                rate.add_metric([*key], work.memory.demand.rate)
            rps = subject.asked.capacity or work.memory.capacity.known
            if rps and subject.stable:
                capacity.add_metric([*key, str(subject.stable)], rps)
            if work.need and work.memory.last and work.memory.last.pending is not None:
                pending.add_metric([*key], work.memory.last.pending)
            if work.need and work.gpu is not None:
                busy.add_metric([*key], work.gpu)
        yield from (desired, needed, most, rate, capacity, pending, busy)
