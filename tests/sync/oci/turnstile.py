"""A front of a registry with tokens: the first blob that is read breaks off, and its token is worth nothing then."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.ports import HOST
from tests.sync.registry import Registry, ask

SENT = 3 << 20
"""Bytes of the blob that come before it breaks off."""


@dataclass
class Turnstile:
    """What happened at it.

    Attributes:
        given: tokens, in their order.
        worn: the token that was taken back.
        parts: ranges of blobs that were handed out.
    """

    port: int = 0
    given: list[str] = field(default_factory=list)
    worn: str | None = None
    parts: list[str] = field(default_factory=list)


@contextlib.contextmanager
def turnstile(behind: Registry) -> Iterator[Turnstile]:
    """The front of a registry that itself admits everybody."""
    state = Turnstile()
    handler = type("Handler", (_Handler,), {"state": state, "behind": behind})
    with ThreadingHTTPServer((HOST, 0), handler) as running:
        running.daemon_threads = True
        state.port = running.server_port
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield state
        running.shutdown()


class _Handler(BaseHTTPRequestHandler):
    state: Turnstile
    behind: Registry
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            self.state.given.append(f"token-{len(self.state.given)}")
            self._answer(200, {}, json.dumps({"token": self.state.given[-1]}).encode())
        elif self._token() not in set(self.state.given) - {self.state.worn}:
            where = f'Bearer realm="http://{HOST}:{self.state.port}/token",service="models"'
            self._answer(401, {"www-authenticate": where}, b"{}")
        else:
            self._hand_on()

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _hand_on(self) -> None:
        status, headers, body = ask(self.behind.port, "GET", self.path, headers=dict(self.headers))
        if status == 206:
            self.state.parts.append(self.headers["Range"])
        self._answer(status, headers, body)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in (headers | {"content-length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        if status == 206 and self.state.worn is None:
            self.state.worn, self.close_connection = self._token(), True
            body = body[:SENT]
        self.wfile.write(body)
