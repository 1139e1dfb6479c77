"""The API server's REST interface: raw dicts in and out, typed errors, one deadline for each request.

Nothing is repeated here that the server refused or could not do: the queue does that, for the whole pass. Only
aiohttp asks once more, for all but create, apply and patch, when the connection it had kept turns out to be closed.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException

from tritium.api import names
from tritium.kube import access, stream
from tritium.kube.errors import ApiError, Asked, NotFound, Unavailable, error
from tritium.kube.kinds import SERVICES, Kind

Object = dict[str, Any]
Objects = list[Object]
Load = Callable[[Configuration], Awaitable[None]]
"""Fills in where the API server is and who asks."""
Observe = Callable[[str, str, float], None]
"""(verb, HTTP status or "0", seconds) of every request."""

_JSON: Final = "application/json"
_APPLY: Final = "application/apply-patch+yaml"  # with a JSON body: the type that ends with +json is not served
_MERGE: Final = "application/merge-patch+json"
_METHODS: Final = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "apply": "PATCH",
    "patch": "PATCH",
    "delete": "DELETE",
    "create": "POST",
    "update": "PUT",
}


class Client:
    """Speaks to one API server; an async context manager.

    Args:
        load: see `Load`; called once, on entering.
        concurrency: requests under way at a time; the others wait for their turn.
        deadline: seconds of one request from its turn on, with connecting and reading the answer.
        observe: see `Observe`.

    Every method raises `ApiError`, as one of its four subclasses, and nothing else for what the server says or the
    network does.
    """

    def __init__(
        self,
        load: Load,
        *,
        user_agent: str,
        concurrency: int = 16,
        deadline: float = 15.0,
        observe: Observe | None = None,
    ) -> None:
        self._load = load
        self._user_agent = user_agent
        self._turns = asyncio.Semaphore(concurrency)
        self._deadline = deadline
        self._observe = observe or _ignore

    @classmethod
    def from_environment(
        cls, *, user_agent: str, concurrency: int = 16, deadline: float = 15.0, observe: Observe | None = None
    ) -> Self:
        """As the pod's ServiceAccount inside a cluster, else as KUBECONFIG (or ~/.kube/config) says.

        A ServiceAccount's token is read again from its file once a minute: the kubelet replaces it.
        """
        return cls(
            access.from_environment, user_agent=user_agent, concurrency=concurrency, deadline=deadline, observe=observe
        )

    async def __aenter__(self) -> Self:
        configuration = Configuration()
        await self._load(configuration)
        # Otherwise aiohttp looks for a proxy and a netrc file in other threads, at every request: an eighth of all CPU.
        # A proxy to the API server is named in the kubeconfig.
        configuration.client_session_kwargs = {"trust_env": False}
        self._api = ApiClient(configuration)
        self._api.user_agent = self._user_agent
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.close()  # type: ignore[no-untyped-call]

    async def get(self, kind: Kind, namespace: str | None, name: str, *, cached: bool = False) -> Object | None:
        """One object, None if there is none; `cached` will do with what the server has in memory, moments old.

        Raises:
            NotFound: the server does not know the kind. That says nothing about the object.
        """
        query = {"resourceVersion": "0"} if cached else {}
        try:
            return await self._read(Asked("get", kind, namespace, name), query)
        except NotFound as missing:
            if _names_an_object(missing):
                return None
            raise

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
    ) -> tuple[Objects, str]:
        """All objects, and the version of the list. Use `pages` for kinds of which there are many."""
        items: Objects = []
        version = ""
        selectors = {"label_selector": label_selector, "field_selector": field_selector}
        async with aclosing(self.pages(kind, namespace, **selectors, limit=limit)) as pages:
            async for page, first, version in pages:  # noqa: B007  # the last one's is the list's
                items = page if first else items + page
        return items, version

    async def pages(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
    ) -> AsyncGenerator[tuple[Objects, bool, str]]:
        """All objects, page by page: (objects, whether this is the first page, version of the list).

        The list is consistent: what exists when it is asked for is in it. `resourceVersion=0` would be cheaper for
        the server, but it ignores `limit`, and it may answer with an older state than one already seen; whoever
        takes what is not listed for deleted must not be told so by a server that lags behind.

        The server keeps a list for some minutes. If it has dropped it meanwhile, all starts over, with a first
        page again, which then is the only one.
        """
        asked = Asked("list", kind, namespace, None)
        query = {"labelSelector": label_selector, "fieldSelector": field_selector, "limit": str(limit)}
        query = {name: value for name, value in query.items() if value}
        while True:
            try:
                answer = await self._read(asked, query)
            except Unavailable as gone:
                if gone.status != HTTPStatus.GONE or "continue" not in query:
                    raise
                query = {name: value for name, value in query.items() if name not in {"continue", "limit"}}
                continue
            metadata = answer.get("metadata") or {}
            # The items of a list do not say what they are.
            typed = {"apiVersion": kind.api_version, "kind": kind.kind}
            items = [typed | each for each in answer.get("items") or ()]
            yield items, "continue" not in query, str(metadata.get("resourceVersion", ""))
            if not metadata.get("continue"):
                return
            query = query | {"continue": metadata["continue"]}

    async def watch(  # noqa: PLR0913  # what a watch can be asked for
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        version: str,
        label_selector: str = "",
        seconds: int = 60,
        silence: float = 75.0,
    ) -> AsyncGenerator[tuple[str, Object]]:
        """What happens after a version: (ADDED, MODIFIED, DELETED or BOOKMARK, object). It takes no turn.

        The server ends it after `seconds`, without an error. So when nothing comes for `silence` seconds, nothing can
        come any more. Bookmarks tell of newer versions, so that going on from the last one seldom comes too late; the
        server sends none of a kind of which nothing has changed since it started.

        Raises:
            Unavailable: with status 410 if the version is too old, and all has to be listed again.
        """
        asked = Asked("watch", kind, namespace, None)
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(seconds)}
        query |= {"allowWatchBookmarks": "true"} | ({"labelSelector": label_selector} if label_selector else {})
        limit = aiohttp.ClientTimeout(total=None, sock_connect=self._deadline, sock_read=silence)
        with _network(asked, "the API server has fallen silent"):
            began = time.monotonic()
            status = 0
            try:
                async with asyncio.timeout(self._deadline):
                    answer = await self._send("watch", kind.path(namespace), query, None, _JSON, limit)
                status = answer.status
            finally:
                self._observe("watch", str(status), time.monotonic() - began)
            async with answer:
                if status >= HTTPStatus.BAD_REQUEST:
                    raise _refusal(asked, status, await answer.read(), answer.headers.get("Retry-After"))
                stream.keep_alive(answer)
                async with aclosing(stream.lines(answer.content)) as lines:
                    async for line in lines:
                        yield stream.event(asked, line)

    async def apply(self, kind: Kind, obj: Object, *, force: bool) -> Object:
        """Server-side apply; returns what is stored now. With `force` fields are taken over that belong to others.

        `metadata.uid` in the object, if there, says that this very one is meant, `metadata.resourceVersion` that it
        must not have changed.

        Raises:
            Conflict: another manager has one of the fields (see `causes`), or `obj` is another object or version.
        """
        metadata = obj["metadata"]
        asked = Asked("apply", kind, metadata.get("namespace"), metadata["name"])
        query = {"fieldManager": names.FIELD_MANAGER, "force": str(force).lower()}
        return await self._write(asked, obj, query=query, content_type=_APPLY)

    async def merge_status(self, kind: Kind, namespace: str, name: str, patch: Object) -> Object:
        """A merge patch of `/status`: `{"metadata": {"resourceVersion": …}, "status": {…}}`; returns what is stored.

        With a resourceVersion in it the patch is refused with `Conflict` once the object has changed.
        """
        asked = Asked("patch", kind, namespace, name)
        query = {"fieldManager": names.FIELD_MANAGER}
        return await self._write(asked, patch, query=query, content_type=_MERGE, subresource="status")

    async def merge(self, kind: Kind, namespace: str, name: str, patch: Object, *, manager: str) -> Object:
        """A merge patch of the object itself, as a person who edits it; returns what is stored."""
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        return await self._write(Asked("patch", kind, namespace, name), patch, query=query, content_type=_MERGE)

    async def delete(
        self, kind: Kind, namespace: str | None, name: str, *, uid: str, resource_version: str | None = None
    ) -> bool:
        """Delete this very object, and in the background what it owns; False if there is none of that name.

        Raises:
            Conflict: the object of that name has another uid, or is not at that version any more.
        """
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        options = {"propagationPolicy": "Background", "preconditions": preconditions}
        try:
            await self._write(Asked("delete", kind, namespace, name), options)
        except NotFound as missing:
            if _names_an_object(missing):
                return False
            raise
        return True

    async def create(self, kind: Kind, namespace: str | None, obj: Object) -> Object:
        """POST; for what is not applied, since a later apply could not take a field of it away.

        Raises:
            Conflict: it exists already.
        """
        metadata = obj["metadata"]
        asked = Asked("create", kind, namespace, metadata.get("name") or metadata.get("generateName"))
        return await self._write(asked, obj, query={"fieldManager": names.FIELD_MANAGER})

    async def replace(self, kind: Kind, namespace: str | None, obj: Object) -> Object:
        """PUT; a resourceVersion in it is a precondition.

        Raises:
            Conflict: it has another version.
            NotFound: it is gone.
        """
        asked = Asked("update", kind, namespace, obj["metadata"]["name"])
        return await self._write(asked, obj, query={"fieldManager": names.FIELD_MANAGER})

    async def ask_service(
        self, namespace: str, service: str, port: int, path: str, body: Object | None = None
    ) -> tuple[int, Mapping[str, str], Object]:
        """Ask what is behind a Service, through the API server: (HTTP status, headers, answer); GET without a body."""
        asked = Asked("get" if body is None else "create", SERVICES, namespace, service)
        answer, content = await self._behind(asked, port, path, body)
        parsed = _parsed(content)
        if answer.status < HTTPStatus.BAD_REQUEST and parsed is None:
            raise Unavailable.because(asked, "NotJson", "the answer is no JSON object: is this Triton?")
        if parsed is None or parsed.get("kind") == "Status":  # the API server's own words
            raise _refusal(asked, answer.status, content, answer.headers.get("Retry-After"))
        return answer.status, answer.headers, parsed

    async def read_service(self, namespace: str, service: str, port: int, path: str) -> str:
        """The text that one of the pods behind a Service has there, through the API server."""
        asked = Asked("get", SERVICES, namespace, service)
        answer, content = await self._behind(asked, port, path, None)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(asked, answer.status, content, answer.headers.get("Retry-After"))
        return content.decode(errors="replace")

    async def _behind(self, asked: Asked, port: int, path: str, body: Object | None) -> tuple[Any, bytes]:
        where = SERVICES.path(asked.namespace, f"{asked.name}:{port}", "proxy") + path
        with _network(asked, f"there is no answer within {self._deadline:g} s"):
            async with self._turns, asyncio.timeout(self._deadline):
                answer = await self._send(asked.verb, where, {}, body, _JSON, aiohttp.ClientTimeout(self._deadline))
                return answer, await answer.read()

    async def _read(self, asked: Asked, query: dict[str, str]) -> Object:
        return await self._request(asked, asked.kind.path(asked.namespace, asked.name), query)

    async def _write(
        self,
        asked: Asked,
        body: Object,
        *,
        query: dict[str, str] | None = None,
        content_type: str = _JSON,
        subresource: str | None = None,
    ) -> Object:
        name = None if asked.verb == "create" else asked.name
        path = asked.kind.path(asked.namespace, name, subresource)
        return await self._request(asked, path, query or {}, body, content_type)

    async def _request(
        self, asked: Asked, path: str, query: dict[str, str], body: Object | None = None, content_type: str = _JSON
    ) -> Object:
        async with self._turns:
            began = time.monotonic()
            status = 0
            try:
                with _network(asked, f"the API server did not answer within {self._deadline:g} s"):
                    async with asyncio.timeout(self._deadline):
                        status, retry_after, answer = await self._exchange(asked.verb, path, query, body, content_type)
            finally:
                self._observe(asked.verb, str(status), time.monotonic() - began)
        if status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(asked, status, answer, retry_after)
        parsed = _parsed(answer)
        if parsed is None:
            raise Unavailable.because(asked, "NotJson", "the answer is no JSON object: is this the API server?")
        return parsed

    async def _exchange(
        self, verb: str, path: str, query: dict[str, str], body: Object | None, content_type: str
    ) -> tuple[int, str | None, bytes]:
        """One request as it stands: (status, Retry-After, body)."""
        # A timeout must be given, or it is five minutes; the deadline is the caller's.
        limit = aiohttp.ClientTimeout(total=self._deadline)
        answer = await self._send(verb, path, query, body, content_type, limit)
        return answer.status, answer.headers.get("Retry-After"), await answer.read()

    async def _send(  # noqa: PLR0913, PLR0917  # a request
        self,
        verb: str,
        path: str,
        query: dict[str, str],
        body: Object | None,
        content_type: str,
        limit: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        """Ask, and return when the head of the answer is there."""
        method = _METHODS[verb]
        headers = {"User-Agent": self._user_agent, "Accept": _JSON, "Content-Type": content_type}
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = self._api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        answer = await self._api.rest_client.request(  # type: ignore[no-untyped-call]
            method, url, headers=headers, body=body, _request_timeout=limit
        )
        response: aiohttp.ClientResponse = answer.response
        return response


def _ignore(verb: str, code: str, seconds: float) -> None:
    """Nobody counts."""


@contextmanager
def _network(asked: Asked, late: str) -> Iterator[None]:
    """Say in our terms what the network does; `late` is what to say when the time is over."""
    try:
        yield
    except TimeoutError as over:
        raise Unavailable.because(asked, "Timeout", late) from over
    except (aiohttp.ClientError, OSError, ConfigException) as broken:  # the last: a token file that is empty
        message = f"the API server cannot be reached: {str(broken) or type(broken).__name__}"
        raise Unavailable.because(asked, "Unreachable", message) from broken


def _refusal(asked: Asked, status: int, answer: bytes, retry_after: str | None) -> ApiError:
    return error(asked, status, _parsed(answer) or {"message": answer.decode(errors="replace").strip()}, retry_after)


def _parsed(answer: bytes) -> Object | None:
    """The answer's JSON object; None for text, as proxies and the server's own router send it."""
    try:
        parsed = json.loads(answer)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _names_an_object(missing: NotFound) -> bool:
    """Whether the server looked for the object; of a kind it does not serve it says 404 in plain text."""
    return missing.reason == "NotFound"
