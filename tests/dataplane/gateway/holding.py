"""What holds requests, for tests: pods that answer at once, clients that ask all the time, and a model that sleeps."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import aiohttp
from aiohttp import web

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.upstream import answering
from tests.ports import HOST
from tritium.api.gateway import ModelCounters
from tritium.gateway.counters import counters
from tritium.gateway.table import Endpoint, Model

INFER: Final = "/v2/models/adder/infer"


@asynccontextmanager
async def pods() -> AsyncIterator[Endpoint]:
    """A pod. Over HTTP it answers with the size of what it was sent, after `x-takes` seconds.

    Over gRPC it answers with nothing.
    """

    async def answer(request: web.Request) -> web.Response:
        size = 0
        async for part in request.content.iter_any():
            size += len(part)
        await asyncio.sleep(float(request.headers.get("x-takes", 0)))
        return web.Response(text=str(size))

    app = web.Application()
    app.router.add_post(INFER, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        with answering() as other:
            yield replace(other, http=runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def waited_on(gateway: Gateway, names: int) -> None:
    """Wait until Envoy has asked for so many names that have no answer yet."""
    await wait_for(gateway.waiting.open, 5, f"Envoy asks for {names}", until=lambda seen: seen == names)


async def counted(gateway: Gateway, given: Model) -> ModelCounters:
    """What the agent tells of a model."""
    stats = await asyncio.to_thread(gateway.envoy.admin.json, "/stats?format=json")
    return next(each for each in counters(stats, {given.name: given}).models)


async def took(call: Awaitable[Any]) -> tuple[float, Any]:
    """Seconds until an answer, and the answer."""
    began = time.monotonic()
    answer = await call
    return time.monotonic() - began, answer


@asynccontextmanager
async def asking(port: int, clients: int = 4, pause: float = 0.004) -> AsyncIterator[Counter[str]]:
    """Clients that ask for inference all the time: what they got, by status and body."""
    account: Counter[str] = Counter()
    stop = asyncio.Event()

    async def ask(session: aiohttp.ClientSession) -> None:
        while not stop.is_set():
            try:
                async with session.post(f"http://{HOST}:{port}{INFER}", data=b"x") as answer:
                    account[f"{answer.status} {await answer.text()}"] += 1
            except aiohttp.ClientError as error:
                account[repr(error)] += 1
            await asyncio.sleep(pause)

    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(ask(session))
        try:
            yield account
        finally:
            stop.set()


async def give_up(tasks: list[asyncio.Task[Any]]) -> None:
    """Clients that go away."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
