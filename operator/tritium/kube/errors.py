"""What the API server, or the way to it, has against a request: by what there is to do about it.

A caller has four cases to tell apart, so there are four classes. `NotFound` and `Conflict` mean that the facts are
old: look again and decide anew. `Refused` means that the same request will be refused again: tell the user.
`Unavailable` means that nothing was decided, or that nobody knows: try again later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses
from typing import Any, Final, Self

from tritium.kube.kinds import Kind

Cause = tuple[str, str]
"""(field, message): one of the reasons the server gives."""

_NOT_AS_THE_SCHEMA: Final = ("field not declared in schema", "failed to create typed patch object")
"""What server-side apply says, as an HTTP 500, of a field it does not know, or one of another type: the object is
wrong, not the server."""

_LATER: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GONE, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Below 500, and yet worth another try. 401: the token was rotated, and the next request reads the new one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the API server, for messages and metrics."""

    verb: str
    kind: Kind
    namespace: str | None
    name: str | None

    def __str__(self) -> str:
        where = "/".join(part for part in (self.namespace, self.name) if part)
        return f"{self.verb} {self.kind.kind} {where}".rstrip()


class ApiError(Exception):
    """A request did not do what it should.

    Attributes:
        status: the HTTP status; 0 if there was no answer.
        reason: one word, the server's (`Invalid`, `AlreadyExists`) or the network's (`Timeout`, `Unreachable`).
        message: the server's words.
        causes: (field, message) of each thing it found wrong, if it said.
        verb: get, list, apply, patch, delete, create or update.
        kind: such as `Deployment`.
        retry_after: seconds the server asks to wait, if it does.
    """

    def __init__(  # noqa: PLR0913  # what a metav1.Status holds
        self,
        asked: Asked,
        *,
        status: int,
        reason: str,
        message: str,
        causes: tuple[Cause, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"cannot {asked}: {message} ({status} {reason})" if status else f"cannot {asked}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retry_after = retry_after
        self.verb = asked.verb
        self.kind = asked.kind.kind
        self.namespace = asked.namespace
        self.name = asked.name


class NotFound(ApiError):
    """There is no such object, no such namespace, or the server does not know the kind."""


class Conflict(ApiError):
    """Somebody else was first: another manager, another version, another object of that name."""


class Refused(ApiError):
    """The request itself is at fault, and would be refused again."""

    @property
    def forbidden(self) -> bool:
        """Rights, a quota, a policy or a webhook say no, not the object's form."""
        return self.status == HTTPStatus.FORBIDDEN


class Unavailable(ApiError):
    """No answer, or none that decides: whether a write was done is not known."""

    @classmethod
    def because(cls, asked: Asked, reason: str, message: str) -> Self:
        """Without any answer."""
        return cls(asked, status=0, reason=reason, message=message)


def error(asked: Asked, status: int, body: Mapping[str, Any], retry_after: str | None = None) -> ApiError:
    """What an answer of 400 and above means.

    Args:
        asked: what was asked.
        status: of the answer.
        body: the answer's metav1.Status; of a proxy's answer, or of text, whatever there is under `message`.
        retry_after: the header of that name.

    >>> from tritium.kube.kinds import PODS
    >>> error(Asked("create", PODS, "a", "b"), 422, {"reason": "Invalid", "message": "spec: Required"})
    Refused('cannot create Pod a/b: spec: Required (422 Invalid)')
    >>> type(error(Asked("apply", PODS, "a", "b"), 500, {"message": ".spec.x: field not declared in schema"})).__name__
    'Refused'
    """
    details = body.get("details") or {}
    message = str(body.get("message") or _phrase(status))
    causes = tuple((str(each.get("field", "")), str(each.get("message", ""))) for each in details.get("causes") or ())
    return _class(status, message, causes)(
        asked,
        status=status,
        # What is no metav1.Status has no reason. The phrase (`Not Found`) cannot be taken for one (`NotFound`).
        reason=str(body.get("reason") or _phrase(status)),
        message=message,
        causes=causes,
        retry_after=_seconds(retry_after) or _seconds(details.get("retryAfterSeconds")),
    )


def _class(status: int, message: str, causes: tuple[Cause, ...]) -> type[ApiError]:
    if status == HTTPStatus.NOT_FOUND:
        return NotFound
    # An apply that carries the uid of an object which has been replaced is answered as if the object were not valid.
    if status == HTTPStatus.CONFLICT or any(field == "metadata.uid" for field, _ in causes):
        return Conflict
    if any(each in message for each in _NOT_AS_THE_SCHEMA):
        return Refused
    return Unavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER else Refused


def _phrase(status: int) -> str:
    return responses.get(status, "Unknown")


def _seconds(value: Any) -> float | None:
    """A number of seconds; a date, which the header may hold too, the API server never sends."""
    try:
        return float(value) or None
    except (TypeError, ValueError):
        return None


class NoAccess(Exception):
    """Nothing says where the API server is; the message says what to do."""
