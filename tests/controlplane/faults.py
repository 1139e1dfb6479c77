"""What can go wrong between a client and the API server, as values; proxy.py makes it happen.

A `Fault` says which requests (`Match`), what happens to them (an action) and how often. Rules are tried in
the order they were added; a `Delay` lets the request go on to the next rule, any other action decides it.

    with faults.during(Fault(Match(verb="patch", resource="deployments"), Answer(409), times=2)):
        ...
"""

from __future__ import annotations

import http
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.controlplane.request import Request

REASONS = {
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests; what is None does not matter. `path` is a regular expression, found anywhere.

    >>> from tests.controlplane.request import parse
    >>> seen = parse("GET", "/api/v1/namespaces/a/pods", {})
    >>> Match(verb="list", resource="pods").fits(seen), Match(watch=True).fits(seen)
    (True, False)
    """

    verb: str | None = None
    resource: str | None = None
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None
    group: str | None = None
    path: str | None = None
    watch: bool | None = None
    write: bool | None = None
    patch: str | None = None
    user_agent: str | None = None
    """A regular expression as well."""
    body: str | None = None
    """A regular expression, found anywhere in the body as JSON."""

    def fits(self, request: Request) -> bool:
        """Whether the request is one of those."""
        pairs = (
            (self.verb, request.verb),
            (self.resource, request.resource),
            (self.namespace, request.namespace),
            (self.name, request.name),
            (self.subresource, request.subresource),
            (self.group, request.group),
            (self.watch, request.verb == "watch"),
            (self.write, request.is_write),
            (self.patch, request.patch),
        )
        body = json.dumps(request.body) if self.body else ""
        patterns = ((self.path, request.path), (self.user_agent, request.user_agent), (self.body, body))
        return all(wanted is None or wanted == is_ for wanted, is_ in pairs) and all(
            wanted is None or re.search(wanted, is_) is not None for wanted, is_ in patterns
        )


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer; `executed`: after the server has done what was asked."""

    executed: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait before the request is passed on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with an error instead of the server's answer; `executed`: although it was done."""

    status: int
    message: str = "injected by the test"
    retry_after: int | None = None
    executed: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, if asked for."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


@dataclass(frozen=True, slots=True)
class Cut:
    """End a watch once it has brought `after` events; one that is past that is ended at once.

    `clean` ends the response as the server does when the watch's time is over, otherwise the connection is
    reset in the middle.
    """

    after: int = 0
    clean: bool = False


@dataclass(frozen=True, slots=True)
class BlackHole:
    """Keep the connection open and let nothing through, once `after` events have passed.

    A new watch still gets its 200 (`headers`) or not even that; a request that is no watch does not reach
    the server. When the fault is removed everything held back comes through, as after a healed network.
    """

    after: int = 0
    headers: bool = True


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """An ERROR event inside a watch (an HTTP 200), once it has brought `after` events, and then its end."""

    status: int = 410
    message: str = "too old resource version: 1 (2)"
    after: int = 0


Stream = Cut | BlackHole | ErrorEvent
Action = Drop | Delay | Answer | Stream


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to which requests, for the first `times` of them or until it is removed."""

    match: Match
    action: Action
    times: int | None = None


def status_body(status: int, message: str, retry_after: int | None = None) -> dict[str, Any]:
    """A metav1.Status, as the API server would put it.

    >>> status_body(409, "no")["reason"]
    'Conflict'
    """
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": REASONS.get(status, http.HTTPStatus(status).phrase.replace(" ", "")),
        "code": status,
    } | ({"details": {"retryAfterSeconds": retry_after}} if retry_after is not None else {})
