"""Asking a gateway pod: what comes of each way in which a pod can fail to answer. The servers are real."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tritium.api.gateway import AGENT_PORT, REPORT_PATH, GatewayReport
from tritium.probes import gateway
from tritium.probes.gateway import GatewayProbe, Unanswered, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def pod(handler: Handler) -> AsyncIterator[str]:
    """Something on the agent's port of an address of the loopback network."""
    app = web.Application()
    app.router.add_get("/{path}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        while True:
            ip = f"127.{251 + secrets.randbelow(4)}.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"
            try:
                await web.TCPSite(runner, ip, AGENT_PORT).start()
            except OSError:
                continue
            break
        yield ip
    finally:
        await runner.cleanup()


async def test_it_answers_whatever_the_proxy_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def answer(request: web.Request) -> web.Response:
        assert request.path == REPORT_PATH
        return web.json_response({"synced": True, "connected": True, "envoy": "1.40.0", "models": []})

    async with pod(answer) as ip, GatewayProbe() as probe:
        report = read(GatewayReport, await probe.ask(ip, REPORT_PATH))
    assert report == GatewayReport(synced=True, connected=True, envoy="1.40.0", models=[])


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "DEADLINE", 0.1)

    async def answer(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with pod(answer) as ip, GatewayProbe() as probe:
        with pytest.raises(Unanswered, match=r"does not answer within 0\.1 s"):
            await probe.ask(ip, REPORT_PATH)


async def test_an_error_is_no_answer() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503)

    async with pod(answer) as ip, GatewayProbe() as probe:
        with pytest.raises(Unanswered, match="status 503"):
            await probe.ask(ip, REPORT_PATH)


async def test_too_much_is_no_answer() -> None:
    """It is not kept in memory to the end either: the first byte too many ends it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with_end = asyncio.get_running_loop().time() + 5
        while asyncio.get_running_loop().time() < with_end:
            await response.write(b"x" * 2**20)
        return response

    async with pod(answer) as ip, GatewayProbe() as probe:
        with pytest.raises(Unanswered, match="more than 8388608 bytes"):
            await probe.ask(ip, REPORT_PATH)


@pytest.mark.parametrize("ip", ["127.255.0.1", "fe80::1", "no address"])
async def test_nobody_there_is_no_answer(ip: str) -> None:
    async with GatewayProbe() as probe:
        with pytest.raises(Unanswered):
            await probe.ask(ip, REPORT_PATH)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'{"synced": true}', b"\xff"])
def test_what_is_no_report_is_said(answer: bytes) -> None:
    with pytest.raises(Unanswered, match="its answer is no GatewayReport: "):
        read(GatewayReport, answer)
