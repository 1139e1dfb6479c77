"""Asks a Triton server how much it has to do, and what it is made to do at once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from tritium.probes.bounded import TooMuch, bounded

DEADLINE: Final = 1.0
"""Seconds for one answer: it comes from memory, and who waits for it waits for the others."""
METRICS_PORT: Final = 8002
HTTP_PORT: Final = 8000
PENDING: Final = "nv_inference_pending_request_count"

_LARGEST: Final = 4 * 2**20


class Unanswered(Exception):
    """A pod did not answer, or with something else than it should; the text says what."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """What a model does at the same time.

    Attributes:
        instances: of the model, in one server.
        batch: requests that one instance takes together; 1 where it takes no batches.
    """

    instances: int
    batch: int


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

    async def pending(self, ip: str, model: str) -> int:
        """Requests that wait in the server for a model, all of its versions.

        Raises:
            Unanswered: nothing, too late, an error, or no such number.
        """
        return pending_in(await self._ask(ip, self.metrics_port, "/metrics"), model)

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
            async with self._http.get(URL.build(scheme="http", host=ip, port=port, path=path)) as answer:
                if answer.status != 200:
                    raise Unanswered(f"{path} answers with status {answer.status}")
                return (await bounded(answer.content, _LARGEST)).decode()
        except TooMuch as much:
            raise Unanswered(str(much)) from much
        except TimeoutError as late:
            raise Unanswered(f"{path} does not answer within {DEADLINE:g} s") from late
        except (aiohttp.ClientError, OSError, ValueError) as broken:  # the last: an address that is none
            raise Unanswered(str(broken) or type(broken).__name__) from broken


def pending_in(exposition: str, model: str) -> int:
    r"""The sum over a model's versions.

    Raises:
        Unanswered: there is no such number, as before the model has loaded.

    >>> text = '# TYPE nv_inference_pending_request_count gauge\n'
    >>> text += 'nv_inference_pending_request_count{model="fraud",version="1"} 3\n'
    >>> pending_in(text, "fraud")
    3
    """
    found = [value for name, value in _samples(exposition) if name == model]
    if not found:
        raise Unanswered(f"its metrics have no {PENDING} of the model {model}")
    return round(sum(found))


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


def _samples(exposition: str) -> Iterator[tuple[str, float]]:
    # Only these lines: there are hundreds of others, and they are read every few seconds of every pod.
    lines = "\n".join(line for line in exposition.splitlines() if line.startswith(PENDING))
    for family in text_string_to_metric_families(lines + "\n"):
        yield from ((each.labels.get("model", ""), each.value) for each in family.samples)
