"""A registry's API: who may read a repository, and its manifests.

What a registry answers to a stranger says how to be admitted: with a password, or with a token that another server
gives for it, to strangers too. A token lasts minutes and a download hours, so a new one is asked for whenever one is
refused.
"""

import asyncio
import base64
import hashlib
import json
import os
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import aiohttp
from yarl import URL

from tritium.api.fetch import FetchReason
from tritium.sync import credentials as identity
from tritium.sync.errors import Failed
from tritium.sync.explain import Place, stopped, unreachable

MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)

_LARGEST: Final = 4 << 20
"""Bytes of an answer; registries take no larger manifest."""

_TIMES: Final = aiohttp.ClientTimeout(total=12, connect=3)
_MEMBER: Final = re.compile(r'(\w+)="([^"]*)"')
_CODE: Final = re.compile(r"[A-Z_]{1,64}")


@dataclass(frozen=True, slots=True)
class Login:
    """A user of the registry."""

    user: str
    password: str

    @property
    def header(self) -> str:
        """As `Authorization` has it."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class Registry:
    """One repository of a registry.

    Args:
        place: for messages; its server is the registry's address.
        repository: its name there.
        options: of the source.
        login: who reads; absent: a stranger.
    """

    def __init__(self, place: Place, repository: str, options: Mapping[str, str], login: Login | None) -> None:
        self.place = place
        self.repository = repository
        self._proxy = options.get("proxyUrl")
        self._plain = options.get("allowHttp") == "true"
        self._login = login
        self._trusted = ssl.create_default_context()
        if authority := identity.authority(place.credentials):
            self._trusted.load_verify_locations(cadata=authority)
        self._admitting = asyncio.Lock()
        self.authorization: str | None = None
        """What proves that the repository may be read, since somebody asked; absent: nothing is needed."""

    async def manifest(self, reference: str) -> tuple[str, dict[str, Any]]:
        """A manifest by its tag or digest: its digest, computed from what came, and what it says.

        Raises:
            Failed: it is not there, is another than the digest says, or may not be read.
        """
        url = f"{self.place.server}/v2/{self.repository}/manifests/{reference}"
        async with self._session() as session:
            status, headers, body = await self._get(session, url, self.authorization)
            if status == 401:
                await self._admit(session, headers.get("WWW-Authenticate", ""))
                status, headers, body = await self._get(session, url, self.authorization)
        if status != 200:
            raise self._refused(status, body, reference)
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        if reference.startswith("sha256:") and reference != digest:
            raise Failed(
                FetchReason.DIGEST_MISMATCH,
                f"{self.place}: the manifest that arrived has the digest {digest}, not {reference}. Something on the "
                "way changes it, or the registry is damaged: push the model again, and check proxies and mirrors",
            )
        return digest, self._object(body)

    async def admit_again(self, refused: str | None) -> None:
        """Ask for a new proof, unless somebody did since this one was refused.

        Raises:
            Failed: the registry refuses.
        """
        async with self._admitting:
            if self.authorization == refused:
                async with self._session() as session:
                    _, headers, _ = await self._get(
                        session, f"{self.place.server}/v2/{self.repository}/tags/list", None
                    )
                    await self._admit(session, headers.get("WWW-Authenticate", ""))

    async def _admit(self, session: aiohttp.ClientSession, challenge: str) -> None:
        kind, _, rest = challenge.partition(" ")
        asked = dict(_MEMBER.findall(rest))
        if kind.lower() == "basic" and self._login:
            self.authorization = self._login.header
        elif kind.lower() == "bearer" and "realm" in asked:
            self.authorization = f"Bearer {await self._token(session, asked)}"
        else:
            raise self._refused(401, b"", "")

    async def _token(self, session: aiohttp.ClientSession, asked: Mapping[str, str]) -> str:
        realm = URL(asked["realm"])
        if realm.scheme != "https" and not (realm.scheme == "http" and self._plain):
            raise unreachable(self.place, "its address is http://")
        scope = asked.get("scope") or f"repository:{self.repository}:pull"
        query = {"service": asked["service"], "scope": scope} if "service" in asked else {"scope": scope}
        header = self._login.header if self._login else None
        status, _, body = await self._get(session, str(realm.update_query(query)), header)
        if status != 200:
            raise self._refused(status, body, "")
        said = self._object(body)
        token = said.get("token") or said.get("access_token")
        if not isinstance(token, str):
            raise self._strange("gives no token")
        return token

    async def _get(
        self, session: aiohttp.ClientSession, url: str, authorization: str | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Accept": ", ".join((*MANIFESTS, *INDEXES, "application/json"))}
        if authorization:
            headers["Authorization"] = authorization
        place = replace(self.place, server=str(URL(url).origin()))  # tokens may come from another server
        try:
            async with session.get(URL(url, encoded=True), headers=headers, proxy=self._proxy) as answer:
                body = await answer.content.read(_LARGEST + 1)
                while len(body) <= _LARGEST and (more := await answer.content.read(_LARGEST + 1 - len(body))):
                    body += more
        except TimeoutError as error:
            raise stopped(place) or unreachable(place, "no answer within the time allowed") from error
        except (aiohttp.ClientError, ValueError) as error:
            system = os.strerror(error.os_error.errno or 0) if isinstance(error, aiohttp.ClientConnectorError) else ""
            raise stopped(place) or unreachable(place, f"{error} {system}") from error
        if len(body) > _LARGEST:
            raise self._strange(f"answers with more than {_LARGEST >> 20} MiB")
        return answer.status, answer.headers, body

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A client for a few questions."""
        if self.place.server.startswith("http://") and not self._plain:
            raise unreachable(self.place, "its address is http://")
        connector = self.place.guard.connector(ssl=self._trusted)
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMES) as session:
            yield session

    def _object(self, body: bytes) -> dict[str, Any]:
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise self._strange("does not answer in JSON")
        return said

    def _strange(self, what: str) -> Failed:
        return Failed(
            FetchReason.SOURCE_UNREACHABLE,
            f"{self.place}: the server {what}, as a registry would. Check the registry's name in model.source.uri",
        )

    def _refused(self, status: int, body: bytes, reference: str) -> Failed:
        code = _code(body)
        answer = f" ({status} {code})" if code else f" ({status})"
        if status in {401, 403}:
            remedy = self.place.credentials.remedy
            return Failed(FetchReason.ACCESS_DENIED, f"{self.place}: access was refused{answer}. {remedy}")
        if status == 404:
            what = f"there is no repository {self.repository}" if code == "NAME_UNKNOWN" else f"there is no {reference}"
            return Failed(FetchReason.SOURCE_NOT_FOUND, f"{self.place}: {what}{answer}. Check model.source.uri")
        return Failed(
            FetchReason.SOURCE_UNREACHABLE,
            f"{self.place}: the server cannot be read from{answer}. Check it, and model.source.options",
            transient=status >= 500 or status == 429,
        )


def _code(body: bytes) -> str:
    """The registry's own word for what is wrong."""
    try:
        code = json.loads(body)["errors"][0]["code"]
    except (ValueError, LookupError, TypeError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
