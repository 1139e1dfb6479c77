"""What a request to an API server is about: verb, resource, namespace, name. Pure.

The verbs are those of Kubernetes' own authorization, so that a recorded request can be laid beside an RBAC
rule.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PATCHES = {
    "application/apply-patch+yaml": "apply",
    "application/merge-patch+json": "merge",
    "application/json-patch+json": "json",
    "application/strategic-merge-patch+json": "strategic",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request and what became of it. `time` values are seconds of the monotonic clock."""

    verb: str
    """get, list, watch, create, update, patch, delete, deletecollection; else the method in lower case."""
    path: str
    group: str = ""
    version: str = ""
    resource: str = ""
    """Empty for what is not a resource: /version, discovery."""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = ""
    content_type: str = ""
    body: Any = None
    """Parsed if it is JSON."""
    upstream: int | None = None
    """What the server answered; None if it was not asked, or has not answered yet."""
    status: int | None = None
    """What the client was answered; None if nothing, or not yet."""
    started: float = 0.0
    ended: float | None = None

    @property
    def patch(self) -> str:
        """apply, merge, json or strategic; empty if it is no patch."""
        return PATCHES.get(self.content_type, "") if self.verb == "patch" else ""

    @property
    def is_write(self) -> bool:
        """Whether it may have changed something."""
        return self.verb in {"create", "update", "patch", "delete", "deletecollection"}


def parse(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Request:
    """Read a request as the API server does (its RequestInfoFactory).

    >>> seen = parse("GET", "/apis/apps/v1/namespaces/a/deployments", {"watch": "true"})
    >>> seen.verb, seen.group, seen.resource, seen.namespace, seen.name
    ('watch', 'apps', 'deployments', 'a', '')
    >>> seen = parse("PATCH", "/api/v1/namespaces/a/pods/b/status", {})
    >>> seen.verb, seen.resource, seen.subresource, seen.name
    ('patch', 'pods', 'status', 'b')
    >>> seen = parse("DELETE", "/api/v1/namespaces/a", {})
    >>> seen.verb, seen.resource, seen.namespace, seen.name
    ('delete', 'namespaces', 'a', 'a')
    >>> parse("GET", "/apis/apps/v1", {}).verb, parse("GET", "/apis/apps/v1", {}).resource
    ('get', '')
    """
    headers = headers or {}
    content_type = headers.get("Content-Type", "").partition(";")[0].strip()
    parts = [part for part in path.split("/") if part]
    group, version, rest = _group(parts)
    namespace, resource, name, subresource = _resource(rest)
    return Request(
        verb=_verb(method, query, named=bool(name)) if resource else method.lower(),
        path=path,
        group=group,
        version=version,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
        query=dict(query),
        user_agent=headers.get("User-Agent", ""),
        content_type=content_type,
        body=_parsed(body),
    )


def _group(parts: list[str]) -> tuple[str, str, list[str]]:
    match parts:
        case ["api", version, *rest]:
            return "", version, rest
        case ["apis", group, version, *rest]:
            return group, version, rest
    return "", "", []


def _resource(rest: list[str]) -> tuple[str, str, str, str]:
    """(namespace, resource, name, subresource); a namespace belongs to itself."""
    match rest:
        case []:
            return "", "", "", ""
        case ["namespaces", namespace, "status" | "finalize" as subresource]:
            return namespace, "namespaces", namespace, subresource
        case ["namespaces", namespace, resource, *more]:
            return namespace, resource, *_name(more)
        case ["namespaces", namespace]:
            return namespace, "namespaces", namespace, ""
        case [resource, *more]:
            return "", resource, *_name(more)
    raise AssertionError(rest)


def _name(more: list[str]) -> tuple[str, str]:
    return more[0] if more else "", more[1] if len(more) > 1 else ""


def _verb(method: str, query: Mapping[str, str], *, named: bool) -> str:
    match method:
        case "GET" | "HEAD" if query.get("watch") in {"true", "1"}:
            return "watch"
        case "GET" | "HEAD":
            return "get" if named else "list"
        case "POST":
            return "create"
        case "PUT":
            return "update"
        case "DELETE":
            return "delete" if named else "deletecollection"
    return method.lower()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body
