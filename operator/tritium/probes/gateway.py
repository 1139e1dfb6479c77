"""Asking a pod of the gateway what it runs and what it has counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from tritium.api.gateway import AGENT_PORT
from tritium.probes.bounded import TooMuch, bounded

DEADLINE: Final = 1.0
"""Seconds for one answer. It comes from memory and over the cluster's own network."""

_LARGEST: Final = 8 * 2**20
"""Bytes of an answer; that of a thousand models has not a tenth of it."""

M = TypeVar("M", bound=BaseModel)


class Unanswered(Exception):
    """A pod did not answer, or with something else than it should; the text says what."""


@dataclass(slots=True)
class GatewayProbe:
    """Asks pods over HTTP; an async context manager. Connections are kept: each pod is asked every other second."""

    _http: aiohttp.ClientSession = field(init=False)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=False,  # a proxy is for what is outside of the cluster, and this is none
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def ask(
        self, ip: str, path: str, query: Mapping[str, str] | None = None, *, within: float | None = None
    ) -> bytes:
        """What a pod answers, as it stands.

        Args:
            ip: of the pod.
            path: of the agent.
            query: what is asked.
            within: seconds, where the answer may take longer than others.

        Raises:
            Unanswered: nothing, too late, too much, or an error.
        """
        limit = within or DEADLINE
        try:
            url = URL.build(scheme="http", host=ip, port=AGENT_PORT, path=path, query=query or {})
            async with self._http.get(url, timeout=aiohttp.ClientTimeout(total=limit)) as answer:
                if answer.status != 200:
                    raise Unanswered(f"it answers with status {answer.status}")
                return await bounded(answer.content, _LARGEST)
        except TooMuch as much:
            raise Unanswered(str(much)) from much
        except TimeoutError as late:
            raise Unanswered(f"it does not answer within {limit:g} s") from late
        except (aiohttp.ClientError, OSError, ValueError) as broken:  # the last: an address that is none
            raise Unanswered(str(broken) or type(broken).__name__) from broken


def read(model: type[M], answer: bytes) -> M:
    """An answer as what it should be.

    Raises:
        Unanswered: it is something else.
    """
    try:
        return model.model_validate_json(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise Unanswered(f"its answer is no {model.__name__}: {where}: {first['msg']}") from error
