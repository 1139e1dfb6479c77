"""Small servers on addresses of loopback: one that sends elsewhere, one that must not be reached, a proxy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.listening import listening

ALLOWED = "127.0.0.1"
CLOSED = "127.0.0.2"
"""An address of this machine that the policies of these tests do not allow."""
JUST_ONE = ["127.0.0.1/32"]


@dataclass
class Site:
    """A running web server, and what it was asked."""

    address: str
    asked: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def site(host: str, redirect: str | None = None) -> AsyncIterator[Site]:
    """A server that answers everything: with weights, or by naming another place."""
    found = Site("")

    async def answer(request: web.Request) -> web.Response:
        found.asked.append(request.path)
        if redirect:
            raise web.HTTPFound(redirect + request.path_qs)
        return web.Response(body=b"weights", headers={"ETag": '"w"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(application, host=host)
    await server.start_server()
    found.address = f"http://{host}:{server.port}"
    try:
        yield found
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def proxy(host: str) -> AsyncIterator[Site]:
    """A proxy such as companies have: it hands on what it is asked for, TLS or not."""
    found = Site("")

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        found.asked.append(f"{method} {target}")
        assert b"proxy-authorization" not in head.lower(), "the word of the guard is for nobody else"
        host, _, port = target.removeprefix("http://").partition("/")[0].partition(":")
        onward, server = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            server.write(head)
        try:
            await asyncio.gather(copy(reader, server), copy(onward, writer))
        finally:
            server.transport.abort()
            writer.transport.abort()

    async with listening(serve, host) as port:
        found.address = f"http://{host}:{port}"
        yield found
