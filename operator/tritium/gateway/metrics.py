"""The agent's own metrics, for Prometheus. Those of the models come from Envoy, by way of `counters`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tritium.gateway.xds.state import State

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Now:
    """What is told of the moment.

    Attributes:
        ages: by plural: seconds since the API server last told anything.
        models: ModelDeployments that are served.
        waited_on: names on which requests may wait for a pod.
        lost: by namespace and name of a model: samples of its requests that its logger has not taken.
    """

    state: State
    synced: bool
    models: int
    waited_on: int
    ages: Mapping[str, float]
    lost: Mapping[tuple[str, str], int]


class Metrics(Collector):
    """See the module.

    Attributes:
        publishes: how often Envoy was given something new to take in.
        publish_seconds: how long it took to make it.
    """

    def __init__(self, now: Callable[[], Now]) -> None:
        self._now = now
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.publish_seconds = Histogram(
            "tritium_gateway_publish_seconds",
            "Time to read the facts and compile them",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.requests = Counter(
            "tritium_api_requests",
            "Requests to the API server; code 0 had no answer",
            ["verb", "code"],
            registry=self._registry,
        )

    def request(self, verb: str, code: str, _: float) -> None:
        """A request to the API server has ended, or a watch has begun."""
        self.requests.labels(verb, code).inc()

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """What is read when it is asked for."""
        now = self._now()
        gauges = {
            "tritium_gateway_synced": ("1 if the API server has told everything since the agent started", now.synced),
            "tritium_gateway_envoy_connected": ("1 if Envoy is connected to the agent", now.state.connected),
            "tritium_gateway_modeldeployments": ("ModelDeployments that are served", now.models),
            "tritium_gateway_held_names": ("Clusters that requests for inference may wait for", now.waited_on),
            "tritium_gateway_rejected": (
                "Resources of which Envoy refuses the newest version",
                len(now.state.rejected),
            ),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(name, text, value=float(value))
        age = GaugeMetricFamily(
            "tritium_watch_age_seconds", "Time since the API server last told anything of a kind", labels=["kind"]
        )
        for plural, seconds in now.ages.items():
            age.add_metric([plural], seconds)
        answers = CounterMetricFamily(
            "tritium_gateway_xds_answers", "What Envoy answered, by type of resource", labels=["type", "answer"]
        )
        for type_, tally in now.state.responses.items():
            answers.add_metric([type_.word, "ack"], tally.acks)
            answers.add_metric([type_.word, "nack"], tally.nacks)
        refusals = CounterMetricFamily(
            "tritium_gateway_xds_refusals", "What Envoy refused of each resource", labels=["type", "name"]
        )
        for (type_, name), tally in now.state.resources.items():
            if tally.nacks:  # the others are many, and have nothing to tell
                refusals.add_metric([type_.word, name], tally.nacks)
        lost = CounterMetricFamily(
            "tritium_gateway_log_lost",
            "Samples of requests that a model's logger did not take, or not to their end",
            labels=["namespace", "name"],
        )
        for whose, samples in now.lost.items():
            lost.add_metric(whose, samples)
        yield from (age, answers, refusals, lost)

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: it would be read before there is anything to read."""
        return ()
