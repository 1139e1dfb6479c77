"""The conditions of each ModelDeployment, for Prometheus, as the operator that leads sees them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tritium.kube.store import Store

_LABELS: Final = ("namespace", "name", "type", "status", "reason")


@dataclass(eq=False)
class ConditionMetrics(Collector):
    """Reads the statuses when it is asked for them.

    Attributes:
        source: what the watches and lists have brought; none while this process does not lead.
    """

    source: Store | None = None

    def collect(self) -> Iterable[Metric]:
        """One series for each condition, with what it says now: another status or reason is another series."""
        if self.source is None:
            return
        conditions = GaugeMetricFamily("tritium_condition", "1 for what each condition says", labels=_LABELS)
        for namespace in self.source.namespaces():
            for name, glance in self.source.namespace_owners(namespace).items():
                for condition in glance.conditions:
                    conditions.add_metric([namespace, name, *condition], 1)
        yield conditions
