"""A reverse proxy between a client and the API server, where faults happen and every request is written down.

Clients speak plain HTTP to it: kopf, kubernetes.aio and kubectl take an http:// address. It passes on the
client's bearer token; for a client that sends none (kubectl does not over plain HTTP) it uses its own.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
import weakref
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.controlplane.faults import (
    Answer,
    BlackHole,
    Cut,
    Delay,
    Drop,
    ErrorEvent,
    Fault,
    Match,
    Stream,
    status_body,
)
from tests.controlplane.request import Request, parse
from tests.controlplane.ring import Credentials

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade", "host"}


@dataclass(eq=False)
class Injected:
    """A fault in force; `hits` counts the requests it happened to."""

    fault: Fault
    hits: int = 0
    removed: bool = False

    @property
    def spent(self) -> bool:
        """Whether it happens to nobody any more."""
        return self.removed or (self.fault.times is not None and self.hits >= self.fault.times)


class FaultProxy:
    """Listens on a port of its own on 127.0.0.1, in the event loop it is entered in."""

    def __init__(self, upstream: Credentials) -> None:
        self._upstream = upstream
        self._injected: list[Injected] = []
        self._changed = asyncio.Event()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self.requests: list[Request] = []
        """Every request so far, in the order of arrival."""

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=str(self._upstream.ca))
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=0, socket_factory=self._socket),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            auto_decompress=False,
        )
        # A client that goes away must end its watch at the server too, hence handler_cancellation.
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None, handler_cancellation=True), shutdown_timeout=0
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._client.close()
        # A torn connection lingers in TLS's polite good-bye, longer than the event loop of a test lives.
        for upstream in self._sockets:
            with suppress(OSError):
                upstream.shutdown(socket.SHUT_RDWR)
        async with asyncio.timeout(5):
            while any(upstream.fileno() != -1 for upstream in self._sockets):  # noqa: ASYNC110  # they tell nobody
                await asyncio.sleep(0.001)

    @property
    def url(self) -> str:
        """Where clients connect to."""
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    def credentials(self, of: Credentials | None = None) -> Credentials:
        """The admin's, or somebody else's, through this proxy."""
        return Credentials(self.url, None, (of or self._upstream).token)

    def inject(self, fault: Fault) -> Injected:
        """Put a fault in force, also for watches that are open already."""
        injected = Injected(fault)
        self._injected.append(injected)
        self._announce()
        return injected

    def remove(self, injected: Injected) -> None:
        """End a fault; what a black hole held back comes through."""
        injected.removed = True
        self._announce()

    @contextmanager
    def during(self, fault: Fault) -> Iterator[Injected]:
        """Keep a fault in force for a block."""
        injected = self.inject(fault)
        try:
            yield injected
        finally:
            self.remove(injected)

    def seen(self, match: Match | None = None) -> list[Request]:
        """The requests so far that fit."""
        return [request for request in self.requests if match is None or match.fits(request)]

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = address
        upstream = socket.socket(family, kind, protocol)
        self._sockets.add(upstream)
        return upstream

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _note(self, index: int, **changes: float | None) -> None:
        self.requests[index] = replace(self.requests[index], **changes)  # type: ignore[arg-type]

    async def _handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        body = await incoming.read()
        request = parse(incoming.method, incoming.path, incoming.query, incoming.headers, body)
        index = len(self.requests)
        self.requests.append(replace(request, started=time.monotonic()))
        try:
            return await self._decide(index, request, incoming, body)
        finally:
            self._note(index, ended=time.monotonic())

    async def _decide(self, index: int, request: Request, incoming: web.BaseRequest, body: bytes) -> web.StreamResponse:
        """Go through the rules, then ask the server."""
        for injected in list(self._injected):
            action = injected.fault.action
            if injected.spent or not injected.fault.match.fits(request) or _waits(action, request):
                continue
            injected.hits += 1
            match action:
                case Delay(seconds):
                    await asyncio.sleep(seconds)
                case BlackHole():
                    while not injected.removed:
                        await self._changed.wait()
                case Drop(executed=True) | Answer(executed=True):
                    return await self._forward(index, request, incoming, body, action)
                case Drop() | Answer():
                    return self._refuse(index, incoming, action)
        return await self._forward(index, request, incoming, body)

    def _refuse(self, index: int, incoming: web.BaseRequest, action: Drop | Answer) -> web.Response:
        return _aborted(incoming) if isinstance(action, Drop) else self._answered(index, action)

    def _answered(self, index: int, answer: Answer) -> web.Response:
        self._note(index, status=answer.status)
        body = status_body(answer.status, answer.message, answer.retry_after)
        return web.json_response(body, status=answer.status, headers=answer.headers)

    async def _forward(
        self,
        index: int,
        request: Request,
        incoming: web.BaseRequest,
        body: bytes,
        afterwards: Drop | Answer | None = None,
    ) -> web.StreamResponse:
        headers = CIMultiDict((key, value) for key, value in incoming.headers.items() if key.lower() not in HOP_BY_HOP)
        headers.setdefault("Authorization", f"Bearer {self._upstream.token}")
        headers["Accept-Encoding"] = "identity"  # events are counted and held one by one
        url = self._upstream.url + incoming.raw_path
        try:
            async with self._client.request(
                incoming.method, URL(url, encoded=True), headers=headers, data=body or None
            ) as upstream:
                self._note(index, upstream=upstream.status)
                if afterwards:
                    await upstream.read()
                    return self._refuse(index, incoming, afterwards)
                answer = web.StreamResponse(status=upstream.status, headers=_passed_on(upstream))
                self._note(index, status=upstream.status)
                await answer.prepare(incoming)
                if request.verb == "watch" and upstream.status == 200:
                    await self._stream(request, upstream, incoming, answer)
                else:
                    async for chunk in upstream.content.iter_any():
                        await answer.write(chunk)
                    await answer.write_eof()
                return answer
        except aiohttp.ClientError:  # the API server is down: the client loses its connection too
            return _aborted(incoming)

    async def _stream(
        self,
        request: Request,
        upstream: aiohttp.ClientResponse,
        incoming: web.BaseRequest,
        answer: web.StreamResponse,
    ) -> None:
        """Pass on a watch event by event, looking at the rules before each and whenever they change."""
        events = _lines(upstream)
        passed, hole = 0, None
        following: asyncio.Task[bytes | None] = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                changed = asyncio.ensure_future(self._changed.wait())
                hole = hole if hole and not hole.removed else self._on_stream(request, passed)
                action = hole.fault.action if hole else None
                if isinstance(action, Cut | ErrorEvent):
                    await _finish(action, incoming, answer)
                    return
                waited = {changed} if action else {changed, following}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if action is None and following.done():
                    event = following.result()
                    if event is None:
                        await answer.write_eof()
                        return
                    await answer.write(event)
                    passed += 1
                    following = asyncio.ensure_future(anext(events, None))
        finally:
            changed.cancel()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await events.aclose()

    def _on_stream(self, request: Request, passed: int) -> Injected | None:
        """The first rule that has something to say about a watch after that many events."""
        for injected in self._injected:
            action = injected.fault.action
            if (
                isinstance(action, Stream)
                and not injected.spent
                and passed >= action.after
                and injected.fault.match.fits(request)
            ):
                injected.hits += 1
                return injected
        return None


def _waits(action: object, request: Request) -> bool:
    """Whether an action is for the stream of a watch rather than for the request."""
    if isinstance(action, BlackHole):
        return request.verb == "watch" and (action.headers or action.after > 0)
    return isinstance(action, Cut | ErrorEvent)


def _aborted(incoming: web.BaseRequest) -> web.Response:
    if incoming.transport:
        incoming.transport.abort()
    return web.Response()


def _passed_on(upstream: aiohttp.ClientResponse) -> CIMultiDict[str]:
    return CIMultiDict((key, value) for key, value in upstream.headers.items() if key.lower() not in HOP_BY_HOP)


async def _finish(action: Cut | ErrorEvent, incoming: web.BaseRequest, answer: web.StreamResponse) -> None:
    if isinstance(action, ErrorEvent):
        event = {"type": "ERROR", "object": status_body(action.status, action.message)}
        await answer.write(json.dumps(event).encode() + b"\n")
        await answer.write_eof()
    elif action.clean:
        await answer.write_eof()
    else:
        _aborted(incoming)


async def _lines(upstream: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    """Watch events, one a line; other encodings (protobuf) come as they arrive."""
    if "json" not in upstream.content_type:
        async for chunk in upstream.content.iter_any():
            yield chunk
        return
    buffer = b""
    async for chunk in upstream.content.iter_any():
        buffer += chunk
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            yield line + b"\n"
