"""Requests to an MLflow tracking server, and what its refusals mean to a person."""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from tritium.api.fetch import FetchReason
from tritium.api.source import Source
from tritium.sync import credentials as identity
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.guard import Guard

API: Final = "/api/2.0/mlflow/"

_CONNECT: Final = 3.0
_READ: Final = 10.0
"""Seconds without a byte."""
_ENOUGH: Final = 12.0
"""Seconds for a question with all its tries: a server that cannot be reached is reported within 15."""
_PAUSES: Final = (0.2, 1.0)
"""Seconds before a question is asked again."""
_LARGEST: Final = 16 << 20
"""Bytes of an answer that is no file."""
_KINDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "no answer within the time allowed"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not from a known authority, or not valid"),
    (aiohttp.ClientConnectorDNSError, "its name cannot be resolved"),
    (aiohttp.ClientConnectorSSLError, "it does not speak TLS on this port"),
    (aiohttp.ClientPayloadError, "the connection broke off"),
    (aiohttp.ServerDisconnectedError, "the connection broke off"),
    (ConnectionResetError, "the connection broke off"),
)
_BUSY: Final = frozenset({408, 429, 502, 503, 504})
_NAMELESS: Final = b"Invalid Host header"
"""What MLflow 3.5 and newer answer, with 403, to requests for a name that they were not told is theirs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a question.

    Attributes:
        status: of HTTP.
        members: of the JSON object; none where it is not one.
    """

    status: int
    members: Mapping[str, Any]

    @property
    def code(self) -> str:
        """MLflow's own word for an error; empty where it is none of MLflow's."""
        return str(self.members.get("error_code", ""))

    @property
    def said(self) -> str:
        """Its sentence."""
        return str(self.members.get("message", "")).partition("\n")[0][:300].rstrip(".")


class Tracking:
    """A tracking server. Each request has a connection of its own, so there is nothing to be closed."""

    def __init__(self, source: Source, credentials: Credentials, guard: Guard) -> None:
        if source.mlflow is None:
            raise ValueError("not of MLflow")
        self.address = source.mlflow.tracking_uri.rstrip("/")
        self.shown = source.address
        self.credentials = credentials
        self._guard = guard
        self._proxy = (source.options or {}).get("proxyUrl")
        self._headers = {"User-Agent": "tritium", "Accept-Encoding": "identity", **_authorization(credentials)}
        authority = identity.authority(credentials)
        self._tls = ssl.create_default_context(cadata=authority) if authority else True

    async def ask(self, path: str, query: Mapping[str, str]) -> Answer:
        """Ask a question; an answer that is MLflow's own refusal is left to the caller.

        Raises:
            Failed: the server cannot be reached, does not let us in, or is no MLflow.
        """
        try:
            async with asyncio.timeout(_ENOUGH):
                for pause in _PAUSES:
                    try:
                        return await self._ask(path, query)
                    except Failed as failure:
                        if not failure.transient:
                            raise
                        await asyncio.sleep(pause)
                return await self._ask(path, query)
        except TimeoutError as error:
            raise self.unreachable(error) from error

    @asynccontextmanager
    async def open(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience: float = _READ,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer whose body is still to come.

        Args:
            path: below the server's address, already escaped.
            query: its values as they are.
            headers: besides those that every request has.
            patience: seconds without a byte.

        Raises:
            Failed: the server cannot be reached or breaks off, does not let us in, or leads elsewhere.
        """
        url = URL(self.address + path, encoded=True).with_query(query or {})
        times = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=patience)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=self._guard.connector(ssl=self._tls), headers=self._headers, timeout=times
                ) as session,
                # Where another address is named, the user has to say so: this one gets the credentials.
                session.get(url, headers=headers, proxy=self._proxy, allow_redirects=False) as answer,
            ):
                await self._check(answer)
                yield answer
        except (aiohttp.ClientError, OSError) as error:
            raise self.unreachable(error) from error

    async def version(self) -> str | None:
        """Which MLflow it is, if it says so."""
        with suppress(Failed):
            async with self.open("/version") as answer:
                text = (await answer.content.read(32)).decode("ascii", "replace").strip()
                return text if answer.status == 200 and text[:1].isdigit() else None
        return None

    def unreachable(self, error: Exception) -> Failed:
        """No answer, or one that broke off."""
        if isinstance(error, aiohttp.ClientConnectorError) and (refusal := self._guard.refusal(self.shown)):
            return refusal
        remedy = "Check model.source.mlflow.trackingUri, and that pods of this namespace can reach the server"
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            secret = self.credentials.secret
            to = f"Secret {secret}" if secret else "a Secret, and name it in model.source.credentials"
            remedy = f"Add the authority's certificate as ca.crt to {to}"
        what = f"{self.shown}: the server cannot be reached: {_why(error)}. {remedy}"
        return Failed(FetchReason.SOURCE_UNREACHABLE, what, transient=True)

    async def _ask(self, path: str, query: Mapping[str, str]) -> Answer:
        async with self.open(path, query) as answer:
            body = bytearray()
            async for piece in answer.content.iter_chunked(1 << 16):
                body += piece
                if len(body) > _LARGEST:
                    raise Failed(FetchReason.FETCH_FAILED, f"{self.shown}: the server's answer to {path} has no end")
            found = Answer(answer.status, _members(bytes(body)))
        if found.status == 200 and not found.members and body.strip() != b"{}":
            raise Failed(
                FetchReason.SOURCE_UNREACHABLE,
                f"{self.shown}: what answers there is not MLflow's REST API. Check model.source.mlflow.trackingUri; a "
                "page to log in at may stand before the server",
            )
        return found

    async def _check(self, answer: aiohttp.ClientResponse) -> None:
        """Refuse what no request can go on with."""
        if answer.status in {401, 403}:
            nameless = (await answer.content.read(1 << 10)).startswith(_NAMELESS)
            remedy = self._allowing_its_name() if nameless else self._identity()
            raise Failed(FetchReason.ACCESS_DENIED, f"{self.shown}: access was refused ({answer.status}). {remedy}")
        if 300 <= answer.status < 400:
            there = urlsplit(answer.headers.get("Location", ""))
            to = f"{there.scheme}://{there.netloc}" if there.netloc else "another address"
            raise Failed(
                FetchReason.SOURCE_UNREACHABLE,
                f"{self.shown}: the server leads to {to} ({answer.status}). Set model.source.mlflow.trackingUri to the "
                "address that answers itself",
            )
        if answer.status >= 500 or answer.status in _BUSY:
            said = Answer(answer.status, _members(await answer.content.read(1 << 16))).said
            raise Failed(
                FetchReason.SOURCE_UNREACHABLE,
                f"{self.shown}: the server cannot answer ({answer.status}{': ' if said else ''}{said}). Check its log",
                transient=True,
            )

    def _allowing_its_name(self) -> str:
        """What to do where the server takes a name of its own for an attack."""
        name = urlsplit(self.address).netloc.rpartition("@")[2]
        return (
            f"MLflow was not told that its name is {name}: start it with --allowed-hosts, or "
            f"MLFLOW_SERVER_ALLOWED_HOSTS, and {name} among the names"
        )

    def _identity(self) -> str:
        """What to check when the server does not let us in."""
        if not self.credentials.secret:
            return (
                f"Name a Secret with {identity.TRACKING_USERNAME} and {identity.TRACKING_PASSWORD}, or "
                f"{identity.TRACKING_TOKEN}, in model.source.credentials"
            )
        if "Authorization" not in self._headers:
            return (
                f"Add {identity.TRACKING_USERNAME} and {identity.TRACKING_PASSWORD}, or {identity.TRACKING_TOKEN}, to "
                f"Secret {self.credentials.secret}"
            )
        return (
            f"Check the tracking server's keys in Secret {self.credentials.secret}, and that they may read the "
            "registered model and its artifacts"
        )


def _authorization(credentials: Credentials) -> dict[str, str]:
    """What proves who asks; a name and a password go before a token, as in MLflow's own client."""
    values = credentials.values
    if identity.TRACKING_USERNAME in values or identity.TRACKING_PASSWORD in values:
        for key in (identity.TRACKING_USERNAME, identity.TRACKING_PASSWORD):
            if key not in values:
                raise Failed(
                    FetchReason.CREDENTIALS_MISSING,
                    f"Secret {credentials.secret} has no key {key}. Add it, with the value for the tracking server",
                )
        name, password = values[identity.TRACKING_USERNAME], values[identity.TRACKING_PASSWORD]
        return {"Authorization": aiohttp.encode_basic_auth(name, password, encoding="utf-8")}
    if token := values.get(identity.TRACKING_TOKEN):
        return {"Authorization": f"Bearer {token}"}
    return {}


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _why(error: Exception) -> str:
    """What of an error stays the same while the fault lasts."""
    if known := next((said for kind, said in _KINDS if isinstance(error, kind)), None):
        return known
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return type(error).__name__
