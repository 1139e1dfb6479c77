"""Envoy's admin interface, on a unix socket that only this pod has."""

import json
import re
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import aiohttp

from tritium.gateway.counters import LOST, STATS

DEADLINE: Final = 5.0
"""Seconds for one answer."""

LIVE: Final = "LIVE"
DRAINING: Final = "DRAINING"
"""States of Envoy."""

_ACTIVE: Final = r"^http\.[^.]+\.downstream_(rq|cx)_active$"
_OWN: Final = "http.admin."
"""Statistics of the admin interface itself."""


class AdminUnavailable(Exception):
    """Envoy does not answer, or not as it should."""


class Active(NamedTuple):
    """What clients have open at Envoy."""

    requests: int
    connections: int


class Admin:
    """Asks one Envoy; an async context manager. Every method raises `AdminUnavailable`."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(self._socket)),
            timeout=aiohttp.ClientTimeout(total=DEADLINE),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def state(self) -> str:
        """PRE_INITIALIZING, INITIALIZING, LIVE or DRAINING."""
        status, body = await self._ask("GET", "/ready")
        if status not in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}:
            raise AdminUnavailable(f"/ready: {status}")
        return body.decode().strip()

    async def fail_health_checks(self) -> None:
        """From now on every connection is told to close with its next answer; new ones are still accepted."""
        await self._good("POST", "/healthcheck/fail")

    async def active(self) -> Active:
        """What is open now."""
        answer = await self._stats(_ACTIVE)
        found = {each["name"]: each["value"] for each in answer["stats"] if "name" in each}
        theirs = {name: value for name, value in found.items() if not name.startswith(_OWN)}
        return Active(
            requests=sum(value for name, value in theirs.items() if re.search("_rq_active$", name)),
            connections=sum(value for name, value in theirs.items() if re.search("_cx_active$", name)),
        )

    async def stats(self) -> dict[str, Any]:
        """The statistics that `counters` needs."""
        return await self._stats(STATS, histogram_buckets="detailed")

    async def lost(self) -> dict[str, Any]:
        """Those that `counters.lost` needs."""
        return await self._stats(LOST)

    async def _stats(self, wanted: str, **more: str) -> dict[str, Any]:
        query = {"format": "json", "usedonly": "", "filter": wanted, **more}
        parsed = json.loads(await self._good("GET", "/stats", query))
        if not isinstance(parsed, dict) or "stats" not in parsed:
            raise AdminUnavailable("/stats: no statistics")
        return parsed

    async def _good(self, method: str, path: str, query: dict[str, str] | None = None) -> bytes:
        status, body = await self._ask(method, path, query)
        if status != HTTPStatus.OK:
            raise AdminUnavailable(f"{path}: {status} {body[:200].decode(errors='replace').strip()}")
        return body

    async def _ask(self, method: str, path: str, query: dict[str, str] | None = None) -> tuple[int, bytes]:
        try:
            async with self._session.request(method, f"http://envoy{path}", params=query) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, OSError) as error:  # the latter: also its time is over
            raise AdminUnavailable(f"{path}: {str(error) or type(error).__name__}") from error
