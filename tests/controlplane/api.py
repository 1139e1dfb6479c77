"""A small client for tests: raw dicts, one method per thing an API server can be asked.

It adds nothing to what the server says: no retries, no caches of objects, no typed models. So a test sees
the same answers as the program under test.
"""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.controlplane.ring import Credentials

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class ApiError(Exception):
    """The server refused. `body` is its metav1.Status."""

    def __init__(self, status: int, body: Object) -> None:
        super().__init__(f"{status} {body.get('reason', '')}: {body.get('message', body)}")
        self.status = status
        self.body = body

    @property
    def message(self) -> str:
        """What kubectl would show."""
        return str(self.body.get("message", ""))

    @property
    def reason(self) -> str:
        """For example `Conflict`."""
        return str(self.body.get("reason", ""))


def url_path(resource: str, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
    """Where a resource lives; `resource` is `version/plural` or `group/version/plural`.

    >>> url_path("v1/pods", "a", "b", "status")
    '/api/v1/namespaces/a/pods/b/status'
    >>> url_path("apps/v1/deployments", None)
    '/apis/apps/v1/deployments'
    """
    prefix, _, plural = resource.rpartition("/")
    parts = ["apis" if "/" in prefix else "api", prefix]
    parts += ["namespaces", namespace] if namespace else []
    parts += [part for part in (plural, name, subresource) if part]
    return "/" + "/".join(parts)


class Api:
    """Speaks to an API server, or to a proxy in front of it, with somebody's credentials."""

    def __init__(self, credentials: Credentials, *, user_agent: str = "tests", timeout: float = 30) -> None:
        verify = ssl.create_default_context(cafile=str(credentials.ca)) if credentials.ca else False
        self.credentials = credentials
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self._http = httpx.AsyncClient(
            base_url=credentials.url,
            verify=verify,
            timeout=timeout,
            trust_env=False,
            headers={"Authorization": f"Bearer {credentials.token}", "User-Agent": user_agent},
            limits=httpx.Limits(max_connections=None),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, resource: str, name: str, namespace: str | None = None, **query: Any) -> Object:
        """Read one object."""
        return await self.request("GET", url_path(resource, namespace, name), query=query)

    async def find(self, resource: str, name: str, namespace: str | None = None) -> Object | None:
        """Read one object, None if there is none."""
        try:
            return await self.get(resource, name, namespace)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def list(self, resource: str, namespace: str | None = None, **query: Any) -> list[Object]:
        """Read all objects, for example with `labelSelector="app=a"`."""
        return list((await self.request("GET", url_path(resource, namespace), query=query))["items"])

    async def create(self, obj: Object, namespace: str | None = None, **query: Any) -> Object:
        """POST a whole object; its kind says where."""
        path, _ = await self._place(obj, namespace)
        return await self.request("POST", path, obj, query=query)

    async def update(self, obj: Object, subresource: str | None = None) -> Object:
        """PUT a whole object; a `resourceVersion` in it is a precondition."""
        path, name = await self._place(obj, None)
        return await self.request("PUT", "/".join(part for part in (path, name, subresource) if part), obj)

    async def apply(
        self,
        obj: Object,
        namespace: str | None = None,
        *,
        manager: str = "tests",
        force: bool = False,
        subresource: str | None = None,
    ) -> Object:
        """Server-side apply."""
        path, name = await self._place(obj, namespace)
        path = "/".join(part for part in (path, name, subresource) if part)
        query = {"fieldManager": manager, "force": str(force).lower()}
        return await self.request("PATCH", path, obj, query=query, content_type=APPLY)

    async def patch(
        self,
        resource: str,
        name: str,
        namespace: str | None,
        patch: Any,
        *,
        subresource: str | None = None,
        content_type: str = MERGE,
    ) -> Object:
        """A merge patch, or what `content_type` says; `subresource="status"` for status."""
        path = url_path(resource, namespace, name, subresource)
        return await self.request("PATCH", path, patch, content_type=content_type)

    async def delete(
        self,
        resource: str,
        name: str,
        namespace: str | None = None,
        *,
        preconditions: Mapping[str, str] | None = None,
        propagation: str = "Background",
        grace: int | None = None,
    ) -> Object:
        """Delete one object; `preconditions` are `uid` and `resourceVersion`."""
        options: Object = {"propagationPolicy": propagation}
        if preconditions:
            options["preconditions"] = dict(preconditions)
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        return await self.request("DELETE", url_path(resource, namespace, name), options)

    async def watch(
        self, resource: str, namespace: str | None = None, **query: Any
    ) -> AsyncGenerator[tuple[str, Object]]:
        """Yield (type, object) until the server ends the stream; an ERROR event is yielded like any other."""
        parameters = {"watch": "true", **query}
        path = url_path(resource, namespace)
        timeout = httpx.Timeout(30, read=None)
        async with self._http.stream("GET", path, params=parameters, timeout=timeout) as response:
            if response.status_code >= 400:
                await response.aread()
                raise ApiError(response.status_code, _body(response))
            async for line in response.aiter_lines():
                event = json.loads(line)
                yield event["type"], event["object"]

    async def token(self, namespace: str, account: str) -> Credentials:
        """Credentials of a ServiceAccount, as its pods have them."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = url_path("v1/serviceaccounts", namespace, account, "token")
        answer = await self.request("POST", path, request)
        return Credentials(self.credentials.url, self.credentials.ca, answer["status"]["token"])

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Any request; raises ApiError for an answer of 400 and above."""
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type} if content else {}
        response = await self._http.request(method, path, params=query, content=content, headers=headers)
        if response.status_code >= 400:
            raise ApiError(response.status_code, _body(response))
        return _body(response)

    async def _place(self, obj: Object, namespace: str | None) -> tuple[str, str]:
        """Path of the collection an object belongs to, and its name."""
        resource, namespaced = await self._resource(obj["apiVersion"], obj["kind"])
        metadata = obj.get("metadata", {})
        where = (metadata.get("namespace") or namespace) if namespaced else None
        return url_path(resource, where), metadata.get("name", "")

    async def _resource(self, api_version: str, kind: str) -> tuple[str, bool]:
        if (api_version, kind) not in self._kinds:
            prefix = "/apis/" if "/" in api_version else "/api/"
            for each in (await self.request("GET", prefix + api_version))["resources"]:
                if "/" not in each["name"]:
                    known = f"{api_version}/{each['name']}", bool(each["namespaced"])
                    self._kinds[api_version, each["kind"]] = known
        if (api_version, kind) not in self._kinds:
            raise LookupError(f"the server knows no {kind} in {api_version}")
        return self._kinds[api_version, kind]


def _body(response: httpx.Response) -> Object:
    try:
        return dict(response.json())
    except ValueError:
        return {"message": response.text}
