"""Where the rollouts stand, for Prometheus, as the operator that leads sees it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tritium.api.status import Phase
from tritium.loop.rollouts import REASONS, Rollouts

_MODEL: Final = ("namespace", "name")


@dataclass(eq=False)
class RolloutMetrics(Collector):
    """Reads the rollouts when it is asked for them.

    Attributes:
        source: where they are; none while this process does not lead.
    """

    source: Rollouts | None = None

    def collect(self) -> Iterable[Metric]:
        """All metrics of the rollouts. Of its phases each has a series, 1 for the one it is in, as pods have theirs."""
        if self.source is None:
            return
        phase = GaugeMetricFamily("tritium_rollout_phase", "1 for the phase it is in", labels=(*_MODEL, "phase"))
        step = GaugeMetricFamily(
            "tritium_rollout_step", "Its step, from 1; one more than there are: all have passed; 0: none", labels=_MODEL
        )
        text = "Revisions that were turned down since this process has led"
        aborts = CounterMetricFamily("tritium_rollout_aborts", text, labels=(*_MODEL, "reason"))
        for key, rollout in self.source:
            for each in Phase:
                phase.add_metric([*key, each], float(each == rollout.phase))
            step.add_metric([*key], rollout.step)
            for reason in dict.fromkeys([*REASONS, *rollout.aborts]):
                aborts.add_metric([*key, reason], rollout.aborts[reason])
        yield from (phase, step, aborts)
