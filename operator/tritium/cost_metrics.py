"""What models cost, for Prometheus: for how long their pods have held nodes and GPUs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from tritium.loop.costs import Costs

_REVISION: Final = ("namespace", "name", "revision")


@dataclass(eq=False)
class CostMetrics(Collector):
    """Reads the seconds when it is asked for them. They begin at 0 with each operator that leads.

    Attributes:
        source: who knows them; none while this process does not lead.
    """

    source: Costs | None = None

    def collect(self) -> Iterable[Metric]:
        """Both metrics; that of GPUs is told with 0 of a model without one."""
        if self.source is None:
            return
        pods = CounterMetricFamily("tritium_pod_seconds", "Seconds that pods were on a node", labels=_REVISION)
        gpus = CounterMetricFamily(
            "tritium_gpu_seconds", "Seconds that their GPUs were held, times how many", labels=_REVISION
        )
        for key, number, seconds in self.source:
            pods.add_metric([*key, str(number)], seconds.pods)
            gpus.add_metric([*key, str(number)], seconds.gpus)
        yield from (pods, gpus)
