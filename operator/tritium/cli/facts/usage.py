"""What models do at the moment: the difference of two looks at what is counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from tritium.cli.facts.exposition import Exposition, Model, Told
from tritium.core.quantile import quantile
from tritium.core.sample import Sample, minus, plus


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one model; what is absent is not known.

    Attributes:
        rate: requests a second.
        errors: share of them that failed, as the gates of a rollout count; none without requests.
        median_ms, p95_ms: how long they took at most, half of them and 95 %.
        active: in flight.
        pending: waiting in the servers.
        gpu: share of the time in which GPUs did anything.
        gpus: that are held.
    """

    rate: float | None = None
    errors: float | None = None
    median_ms: float | None = None
    p95_ms: float | None = None
    active: float | None = None
    pending: float | None = None
    gpu: float | None = None
    gpus: float | None = None


def usage(before: Exposition | None, now: Exposition, seconds: float) -> Mapping[Model, Usage]:
    """What each did in the time between.

    Args:
        before: the look before; none if this is the first one.
        now: the newest look.
        seconds: between the two, more than 0.
    """
    return {
        model: _usage(before.models.get(model) if before else None, told, seconds) for model, told in now.models.items()
    }


def _usage(before: Told | None, now: Told, seconds: float) -> Usage:
    did = _between(before, now) if before and now.did else None
    times = [quantile(did.latency, part) if did else None for part in (0.5, 0.95)]
    median, p95 = (each.value if each else None for each in times)
    return Usage(
        rate=did.requests / seconds if did else None,
        errors=did.failed / did.requests if did and did.requests else None,
        median_ms=median,
        p95_ms=p95,
        active=now.active,
        pending=now.pending,
        gpu=now.gpu,
        gpus=_held(before, now, seconds),
    )


def _between(before: Told, now: Told) -> Sample:
    """Of all revisions. Another operator that leads counts from nothing."""
    total = Sample()
    for revision, each in now.did.items():
        total = plus(total, minus(each, before.did.get(revision, Sample())))
    return total


def _held(before: Told | None, now: Told, seconds: float) -> float | None:
    """A GPU that is held for all of the time adds as many seconds."""
    if before is None or before.gpu_seconds is None or now.gpu_seconds is None or now.gpu_seconds < before.gpu_seconds:
        return None
    return round((now.gpu_seconds - before.gpu_seconds) / seconds, 1)
