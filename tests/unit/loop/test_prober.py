"""Smoke tests beside the passes: what becomes of an answer, and of a pod that is gone."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tritium.api.tensors import SmokeTest
from tritium.core.seen import Answer, PodSeen, SmokeSeen
from tritium.core.wish import smoke_tests
from tritium.kube.store import Key
from tritium.loop.prober import Prober, _Asked

if TYPE_CHECKING:
    import pytest

KEY = Key("ml", "fraud")
TEST = {"inputs": [{"name": "x", "datatype": "INT32", "shape": [1], "data": [1]}]}
OBJECT = {"spec": {"model": {"source": {"uri": "s3://models/fraud/1"}, "smokeTest": [TEST]}}}
TESTS = [SmokeTest.model_validate(TEST)]


def pod(uid: str, ip: str) -> PodSeen:
    return PodSeen(uid, uid, "0a1b2c3d", datetime(2026, 1, 1, tzinfo=UTC), ip=ip)


def prober(woken: asyncio.Event) -> Prober:
    return Prober(wake=lambda _: woken.set(), clock=asyncio.get_running_loop().time)


class Lines(logging.Handler):
    """What is logged, kept from a report: no report can hold an address that is no text."""

    def __init__(self) -> None:
        super().__init__()
        self.with_traceback = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.with_traceback += record.exc_info is not None


async def test_what_goes_wrong_unexpectedly_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, log = Lines(), logging.getLogger("tritium.loop.prober")
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "handlers", [lines])
    woken = asyncio.Event()
    asking = prober(woken)
    asking.ask(KEY, OBJECT, "fraud", TESTS, [pod("a", "\ud800")])
    await asyncio.wait_for(woken.wait(), 20)
    (answer,) = asking.answers(KEY, OBJECT, {"a"}).values()
    assert answer.answer is Answer.UNREACHABLE
    assert answer.message.startswith("the smoke test could not be sent: ")
    assert lines.with_traceback == 1


async def test_who_is_gone_is_forgotten_and_not_waited_for() -> None:
    asking = prober(asyncio.Event())
    for end in (lambda: asking.answers(KEY, OBJECT, ()), lambda: asking.forget(KEY), asking.stop):
        before = asyncio.all_tasks()
        asking.ask(KEY, OBJECT, "fraud", TESTS, [pod("a", "127.0.0.1")])
        (task,) = asyncio.all_tasks() - before
        end()
        await asyncio.wait({task}, timeout=5)
        assert task.cancelled()
        assert asking.answers(KEY, OBJECT, {"a"}) == {}


async def test_what_passed_is_asked_again_after_a_minute_if_it_is_to_be() -> None:
    now = 100.0
    asking = Prober(wake=lambda _: None, clock=lambda: now)
    asking._known[KEY] = {("a", smoke_tests(OBJECT["spec"])): _Asked(SmokeSeen(Answer.PASSED), at=100.0)}
    before = asyncio.all_tasks()
    now = 159.0
    asking.ask(KEY, OBJECT, "fraud", TESTS, [pod("a", "127.0.0.1")])
    assert asyncio.all_tasks() == before
    now = 160.0
    asking.ask(KEY, OBJECT, "fraud", TESTS, [pod("a", "127.0.0.1")])
    assert len(asyncio.all_tasks() - before) == 1
    assert asking.answers(KEY, OBJECT, {"a"})["a"].answer is Answer.PASSED, "until it has answered again"
    asking.stop()
