"""Asks a Triton server how much it has to do, and what it is made to do at once."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, Self

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from yarl import URL

from tritium.core.scaling.at_once import AtOnce
from tritium.probes.bounded import TooMuch, bounded

DEADLINE: Final = 1.0
"""Seconds for one answer: it comes from memory, and who waits for it waits for the others."""
METRICS_PORT: Final = 8002
HTTP_PORT: Final = 8000
PENDING: Final = "nv_inference_pending_request_count"
QUEUED: Final = "nv_inference_queue_duration_us"
REQUESTS: Final = "nv_inference_request_success"
GPU: Final = "nv_gpu_utilization"
_READ: Final = (PENDING, QUEUED, REQUESTS, GPU)

_LARGEST: Final = 4 * 2**20


class Unanswered(Exception):
    """A pod did not answer, or with something else than it should; the text says what."""


def host(ip: str) -> str:
    """Where a pod is reached."""
    return ip


@dataclass(frozen=True, slots=True)
class Load:
    """What a server has to do for a model.

    Attributes:
        pending: requests that wait in it.
        queued_us: microseconds for which the requests that it has answered have waited, all together,
        requests: and how many these are. Both count from the server's start.
        gpu: share of the time in which a GPU that it sees did anything, from 0 to 1, a mean of them; none without one.
    """

    pending: int
    queued_us: float = 0.0
    requests: float = 0.0
    gpu: float | None = None


@dataclass(slots=True)
class TritonProbe:
    """Asks pods over HTTP; an async context manager. Connections are kept.

    Attributes:
        metrics_port, http_port: of the pods.
    """

    metrics_port: int = METRICS_PORT
    http_port: int = HTTP_PORT
    _http: aiohttp.ClientSession = field(init=False)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=DEADLINE),
            trust_env=False,  # a proxy is for what is outside of the cluster
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def load(self, ip: str, model: str) -> Load:
        """What a server has to do for a model, all of its versions.

        Raises:
            Unanswered: nothing, too late, an error, or no such numbers.
        """
        return load_in(await self._ask(ip, self.metrics_port, "/metrics"), model)

    async def at_once(self, ip: str, model: str) -> AtOnce:
        """What a model does at the same time, by its configuration.

        Raises:
            Unanswered: nothing, too late, an error, or no configuration.
        """
        try:
            return at_once(json.loads(await self._ask(ip, self.http_port, f"/v2/models/{model}/config")))
        except (ValueError, TypeError, AttributeError) as odd:
            raise Unanswered(f"its answer is no configuration: {odd}") from odd

    async def _ask(self, ip: str, port: int, path: str) -> str:
        try:
            async with self._http.get(URL.build(scheme="http", host=host(ip), port=port, path=path)) as answer:
                if answer.status != 200:
                    raise Unanswered(f"{path} answers with status {answer.status}")
                return (await bounded(answer.content, _LARGEST)).decode()
        except TooMuch as much:
            raise Unanswered(str(much)) from much
        except TimeoutError as late:
            raise Unanswered(f"{path} does not answer within {DEADLINE:g} s") from late
        except (aiohttp.ClientError, OSError, ValueError) as broken:  # the last: an address that is none
            raise Unanswered(str(broken) or type(broken).__name__) from broken


def load_in(exposition: str, model: str) -> Load:
    r"""Read it off the text of the metrics; numbers of versions are added up.

    Raises:
        Unanswered: there are no such numbers, as before the model has loaded.

    >>> text = '# TYPE nv_inference_pending_request_count gauge\n'
    >>> text += 'nv_inference_pending_request_count{model="fraud",version="1"} 3\n'
    >>> text += 'nv_gpu_utilization{gpu_uuid="GPU-1"} 0.75\n'
    >>> load_in(text, "fraud")
    Load(pending=3, queued_us=0.0, requests=0.0, gpu=0.75)
    >>> load_in(text.replace("0.75", "NaN"), "fraud").gpu is None  # a GPU that cannot be read now
    True
    """
    found, gpus = defaultdict[str, float](float), list[float]()
    for sample in _samples(exposition):
        if sample.name == GPU:
            gpus.append(sample.value)
        elif sample.labels.get("model") == model:
            found[sample.name] += sample.value
    if PENDING not in found:
        raise Unanswered(f"its metrics have no {PENDING} of the model {model}")
    gpu = sum(gpus) / len(gpus) if gpus else None
    return Load(round(found[PENDING]), found[QUEUED], found[REQUESTS], gpu)


def at_once(config: Any) -> AtOnce:
    """Read it off a configuration, as Triton completes it.

    >>> at_once({"max_batch_size": 16, "instance_group": [{"count": 2, "gpus": [0, 1]}, {"count": 1}]})
    AtOnce(instances=5, batch=16)
    >>> at_once({})
    AtOnce(instances=1, batch=1)
    """
    groups = config.get("instance_group") or [{}]
    instances = sum(int(each.get("count") or 1) * max(1, len(each.get("gpus") or ())) for each in groups)
    return AtOnce(instances, max(1, int(config.get("max_batch_size") or 0)))


def _samples(exposition: str) -> Iterator[Sample]:
    # Only these lines: there are hundreds of others, and they are read every few seconds of every pod.
    lines = (line for line in exposition.splitlines() if line.startswith(_READ))
    for family in text_string_to_metric_families("\n".join(lines) + "\n"):
        yield from (each for each in family.samples if isfinite(each.value))
