"""How far fetches are: who is asked when, and who is woken by an answer. What answers is a real server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from aiohttp import web

from tests.controlplane.waiting import wait_for
from tests.unit.probes.test_fetch_probe import FAR, pod
from tritium.core.seen import PodSeen
from tritium.kube.store import Key
from tritium.loop.fetches import EVERY, Fetches

KEY = Key("ml", "fraud")


@dataclass
class Asking:
    """Fetches with a clock of their own, and who was woken."""

    now: float = 100.0
    woken: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fetches = Fetches(wake=self.woken.append, clock=lambda: self.now)

    def after(self, seconds: float, *pods: PodSeen) -> float | None:
        self.now += seconds
        return self.fetches.ask(KEY, pods)


def fetching(ip: str, uid: str = "a") -> PodSeen:
    return PodSeen(uid, uid, "0a1b2c3d", datetime(2026, 1, 1, tzinfo=UTC), ip=ip, fetching=True)


async def test_only_who_fetches_for_long_is_asked_and_seldom() -> None:
    asking = Asking()
    async with pod(web.Response(text=FAR.model_dump_json())) as (ip, asked):
        assert asking.after(0, fetching(ip)) == EVERY
        assert asking.after(EVERY - 1, fetching(ip)) == 1
        assert asking.fetches.seen(KEY) is None
        assert asked == []
        assert asking.after(1, fetching(ip), fetching("127.0.0.1", "b")) == EVERY
        await wait_for(lambda: asking.woken, until=lambda woken: woken == [KEY])
        assert asking.fetches.seen(KEY) == {"a": FAR}, "the other does not say"
        assert asking.after(1, fetching(ip)) == EVERY - 1
        assert asking.after(EVERY, fetching(ip)) == EVERY
        await wait_for(lambda: asked, until=lambda paths: len(paths) == 2)
    assert asking.woken == [KEY], "the same again is no news"


async def test_who_has_fetched_is_forgotten() -> None:
    asking = Asking()
    async with pod(web.Response(text=FAR.model_dump_json())) as (ip, _):
        asking.after(0, fetching(ip))
        asking.after(EVERY, fetching(ip))
        await wait_for(lambda: asking.woken)
        assert asking.after(1) is None
        assert asking.fetches.seen(KEY) is None
        assert asking.after(1, fetching(ip)) == EVERY, "another fetch begins anew"


@pytest.mark.parametrize("end", ["forget", "stop"])
async def test_nobody_waits_for_an_answer_any_more(end: str) -> None:
    asking = Asking()
    asking.after(0, fetching("127.0.0.1"))
    before = asyncio.all_tasks()
    asking.after(EVERY, fetching("127.0.0.1"))
    (task,) = asyncio.all_tasks() - before
    if end == "forget":
        asking.fetches.forget(KEY)
    else:
        asking.fetches.stop()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
    assert asking.woken == []
