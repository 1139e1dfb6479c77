"""What the operator tells Prometheus of models, read for people."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tritium.core.counts import Part
from tritium.core.sample import Sample, sample

_REQUESTS: Final = "tritium_gateway_requests_total"
_BUCKETS: Final = "tritium_gateway_request_duration_seconds_bucket"
_ALWAYS: Final = "tritium_gateway_no_endpoint_total"
"""Told of each revision whose requests are counted, also if there were none."""
_LEADER: Final = "tritium_leader"
_PODS: Final = "tritium_gateway_pods"
_AMOUNTS: Final = {
    "tritium_gateway_active_requests": "active",
    "tritium_gpu_seconds_total": "gpu_seconds",
    "tritium_scaling_pending_requests": "pending",
    "tritium_scaling_gpu_utilization": "gpu",
}
_READ: Final = (_REQUESTS, _BUCKETS, _ALWAYS, _LEADER, _PODS, *_AMOUNTS)


class Model(NamedTuple):
    """Which one."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Told:
    """Of one model, at one moment; what is absent is not known.

    Attributes:
        did: by the number of a revision, all that it ever did.
        active: requests in flight.
        gpu_seconds: for which GPUs were held, ever.
        pending: requests that wait in the servers.
        gpu: share of the time in which GPUs did anything.
    """

    did: Mapping[int, Sample] = field(default_factory=dict)
    active: float | None = None
    gpu_seconds: float | None = None
    pending: float | None = None
    gpu: float | None = None


@dataclass(frozen=True, slots=True)
class Exposition:
    """What one process of the operator tells; one that does not lead tells of no model.

    Attributes:
        silent: namespaces with a gateway pod that does not say what it counts.
    """

    leads: bool
    models: Mapping[Model, Told]
    silent: frozenset[str] = frozenset()


def exposition(text: str) -> Exposition:
    """Read it.

    Raises:
        ValueError: it is no exposition of metrics.

    >>> text = '''
    ... tritium_leader 1.0
    ... tritium_gateway_requests_total{namespace="ml",name="fraud",revision="2",protocol="http",code="503"} 3.0
    ... tritium_gpu_seconds_total{namespace="ml",name="fraud",revision="2"} 120.0
    ... tritium_gpu_seconds_total{namespace="ml",name="fraud",revision="3"} 30.0
    ... '''
    >>> told = exposition(text).models["ml", "fraud"]
    >>> told.did[2].failed, told.gpu_seconds, told.active
    (3, 150.0, None)
    """
    counts: dict[tuple[Model, int], dict[Part, float]] = defaultdict(dict)
    amounts: dict[Model, dict[str, float]] = defaultdict(dict)
    leads, silent = False, set()
    for each in _samples(text):
        if each.name == _LEADER:
            leads = each.value > 0
            continue
        if each.name == _PODS:
            silent |= {each.labels["namespace"]} if each.labels["state"] == "silent" and each.value > 0 else set()
            continue
        model = Model(each.labels["namespace"], each.labels["name"])
        if amount := _AMOUNTS.get(each.name):
            amounts[model][amount] = amounts[model].get(amount, 0.0) + each.value
            continue
        counted = counts[model, int(each.labels["revision"])]
        if each.name == _REQUESTS:
            counted[Part(each.labels["protocol"], each.labels["code"])] = each.value
        elif each.name == _BUCKETS and each.labels["le"] != "+Inf":
            counted[Part("le", round(float(each.labels["le"]) * 1000, 3))] = each.value
    did: dict[Model, dict[int, Sample]] = defaultdict(dict)
    for (model, revision), counted in counts.items():
        did[model][revision] = _sample(counted)
    return Exposition(leads, {each: Told(did[each], **amounts[each]) for each in {*did, *amounts}}, frozenset(silent))


def _samples(text: str) -> list[Any]:
    """Only those that are read: the parser takes its time."""
    lines = "".join(f"{line}\n" for line in text.splitlines() if line.startswith(_READ))
    return [each for family in text_string_to_metric_families(lines) for each in family.samples]


def _sample(counted: Mapping[Part, float]) -> Sample:
    """Prometheus's buckets hold all requests up to their bound, as those of a sample do."""
    ended = sample({part: number for part, number in counted.items() if part.kind != "le"})
    bounds = sorted((float(part.of), round(number)) for part, number in counted.items() if part.kind == "le")
    return Sample(ended.requests, ended.failed, ended.refused, tuple(bounds))
