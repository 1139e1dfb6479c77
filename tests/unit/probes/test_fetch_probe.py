"""Asking a pod how far its fetch is: whose image it is, is not known. The servers are real."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tritium.api.fetch import PROGRESS_PORT, FetchProgress
from tritium.probes import fetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FAR = FetchProgress(there=2, total=5, rate=1)


@asynccontextmanager
async def pod(answer: web.Response) -> AsyncIterator[tuple[str, list[str]]]:
    """Something on the port of an address of the loopback network; the address, and the paths that it was asked for."""
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return answer

    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        while True:
            ip = f"127.{247 + secrets.randbelow(4)}.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"
            try:
                await web.TCPSite(runner, ip, PROGRESS_PORT).start()
            except OSError:
                continue
            break
        yield ip, asked
    finally:
        await runner.cleanup()


async def test_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with pod(web.Response(text=FAR.model_dump_json())) as (ip, asked):
        assert await fetch.ask(ip) == FAR
    assert asked == ["/"]
    assert await fetch.ask(ip) is None, "nobody is there any more"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"there": 1, "total": 2}',
        '{"there": -1, "total": 2, "rate": 1}',
        '{"there": 1, "total": 1e400, "rate": 1}',
        f'{{"there": 1, "total": {10**400}, "rate": 1}}',
        f'{{"there": 1, "total": 2, "rate": 1, "more": "{"x" * 2000}"}}',
    ],
)
async def test_what_is_no_answer(text: str) -> None:
    async with pod(web.Response(text=text)) as (ip, _):
        assert await fetch.ask(ip) is None


async def test_it_goes_nowhere_else() -> None:
    """A pod of a tenant that leads elsewhere would have the operator ask in its place."""
    async with pod(web.Response(text=FAR.model_dump_json())) as (other, asked):
        there = f"http://{other}:{PROGRESS_PORT}/elsewhere"
        async with pod(web.Response(status=307, headers={"Location": there})) as (ip, _):
            assert await fetch.ask(ip) is None
    assert asked == []


@pytest.mark.parametrize("ip", ["", "nobody.invalid", "127.0.0.1/../x", "\ud800"])
async def test_an_address_that_is_none(ip: str) -> None:
    assert await fetch.ask(ip) is None
