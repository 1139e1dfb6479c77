"""One line of the log: docs/request-log.md says what is in it."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tritium.requestlog.bodies import decode
from tritium.requestlog.exchange import Exchange, Side
from tritium.requestlog.jsontext import pieces
from tritium.requestlog.tensors import Undecodable
from tritium.sync.discretion import Discretion, names_secret

SCHEMA: Final = "tritium.dev/request-log/v1"
REVISION_HEADER: Final = "tritium-revision"

_UNSAID: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
"""Headers that prove who asks, whatever their values look like."""


@dataclass(frozen=True, slots=True)
class Model:
    """Whose requests are written."""

    namespace: str
    name: str


def line(exchange: Exchange, model: Model, duration: float, discretion: Discretion | None) -> Iterator[str]:
    """An exchange as a line of JSON, without its end, in pieces.

    Args:
        exchange: all that is known of it.
        model: that it was for.
        duration: seconds.
        discretion: takes secrets out of the headers; None: headers are not written at all.
    """
    request, response = exchange.request, exchange.response
    path = request.headers.get(":path", "").partition("?")[0]
    method = path if exchange.grpc else None
    asked, given_id = _side(request, method, discretion, request=True)
    answered, _ = _side(response, method, discretion, request=False)
    status = response.trailers.get("grpc-status") or response.headers.get("grpc-status")
    return pieces(
        {
            "schema": SCHEMA,
            "time": _time(exchange.began),
            "id": request.headers.get("x-request-id") or given_id or None,
            "namespace": model.namespace,
            "name": model.name,
            "revision": _number(response.headers.get(REVISION_HEADER)),
            "protocol": "grpc" if exchange.grpc else "http",
            "method": request.headers.get(":method"),
            "path": path,
            "http_status": _number(response.headers.get(":status")),
            "grpc_status": _number(status) if exchange.grpc else None,
            "duration_ms": round(duration * 1000, 3),
            "complete": exchange.ended,
            "request": asked,
            "response": answered,
        }
    )


def _side(
    side: Side, method: str | None, discretion: Discretion | None, *, request: bool
) -> tuple[dict[str, Any], str]:
    """The request or the response, and the id that its body has."""
    found: dict[str, Any] = {"bytes": side.length, "truncated": side.truncated}
    if discretion:
        found["headers"] = _headers(side, discretion)
    if not side.kept:
        return found, ""
    content = bytes(side.kept)
    try:
        decoded = None if side.truncated else decode(content, side.headers, method=method, request=request)
        because = "truncated"
    except Undecodable as error:
        decoded, because = None, str(error)
    if decoded is None:
        return found | {"raw": base64.b64encode(content).decode(), "raw_because": because}, ""
    return found | {"body": decoded.body}, decoded.id


def _headers(side: Side, discretion: Discretion) -> dict[str, str]:
    """Those that a client or the model has set, without what proves who asks."""
    return {
        name: discretion(value)
        for name, value in (side.headers | side.trailers).items()
        if not name.startswith(":") and name not in _UNSAID and not names_secret(name)
    }


def _time(seconds: float) -> str:
    """RFC 3339, to the millisecond.

    >>> _time(1767225599.9996)
    '2025-12-31T23:59:59.999Z'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(said: str | None) -> int | None:
    return int(said) if said and said.isascii() and said.isdecimal() and len(said) < 10 else None
