"""Who waits for a model that sleeps is heard at once, whatever becomes of the gateway's pods."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from tests.controlplane.waiting import wait_for
from tests.unit.probes.test_gateway_probe import pod
from tritium.api.gateway import HELD_PATH, Held, HeldReport
from tritium.kube.store import Key
from tritium.loop import waits
from tritium.loop.polling import Target
from tritium.loop.waits import Waits
from tritium.probes.gateway import GatewayProbe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

FRAUD = Held(name="fraud", uid="1", since=7)


@dataclass
class Agent:
    """Answers as an agent does."""

    report: HeldReport = field(default_factory=lambda: HeldReport(tag="none", models=[]))
    asked: list[str] = field(default_factory=list)
    works: bool = True
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        assert request.path == HELD_PATH
        self.asked.append(request.query["known"])
        if not self.works:
            return web.Response(status=503)
        while request.query["known"] == self.report.tag:
            self.news.clear()
            await self.news.wait()
        return web.Response(body=self.report.model_dump_json(by_alias=True))

    def tells(self, *models: Held) -> None:
        self.report = HeldReport(tag=f"{len(models)}", models=list(models))
        self.news.set()


@dataclass
class World:
    agent: Agent
    ip: str
    sleeping: set[str] = field(default_factory=lambda: {"ml"})
    heard: list[tuple[Key, Held]] = field(default_factory=list)

    looks: int = 0

    def sleeps(self) -> set[str]:
        self.looks += 1
        return self.sleeping

    def pods(self, namespace: str) -> list[Target]:
        return [Target(namespace, "gw-a", "a", self.ip)]


@asynccontextmanager
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(waits, "EVERY", 0.02)
    monkeypatch.setattr(waits, "AGAIN", 0.05)
    agent = Agent()
    async with pod(agent.answer) as ip, GatewayProbe() as probe:
        it = World(agent, ip)
        running = Waits(probe, it.sleeps, it.pods, lambda key, held: it.heard.append((key, held)))
        task = asyncio.create_task(running.run())
        yield it
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_hears_when_somebody_comes_and_asks_for_what_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch) as it:
        await wait_for(lambda: it.agent.asked, 5, "it waits", until=lambda asked: asked == ["", "none"])
        it.agent.tells(FRAUD)
        await wait_for(lambda: it.heard, 5, "it hears", until=lambda heard: heard == [(Key("ml", "fraud"), FRAUD)])
        await wait_for(lambda: it.agent.asked[-1], 5, "it goes on", until=lambda known: known == "1")


async def test_where_nobody_sleeps_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as it:
        await wait_for(lambda: len(it.agent.asked), 5, "it waits", until=lambda number: number == 2)
        before = it.looks
        it.sleeping.clear()
        await wait_for(lambda: it.looks > before + 1, 5, "it has looked again")
        it.agent.tells(FRAUD)
        it.sleeping.add("ml")
        asked = await wait_for(lambda: it.agent.asked[2:], 5, "it asks again")
        assert asked[0] == "", "it begins from nothing, and nobody has asked meanwhile"


async def test_a_pod_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as it:
        it.agent.works = False
        await wait_for(lambda: len(it.agent.asked), 5, "it is asked", until=lambda number: number > 2)
        it.agent.works = True
        it.agent.tells(FRAUD)
        await wait_for(lambda: it.heard, 5, "it hears")
