"""Smoke tests beside the passes: what becomes of an answer, and of a pod that is gone."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tritium.api.tensors import SmokeTest
from tritium.core.seen import Answer, PodSeen, SignatureSeen, SmokeSeen
from tritium.core.signature import Signature
from tritium.kube.store import Key
from tritium.loop.prober import Prober
from tritium.probes import triton

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


async def test_what_passed_is_asked_again_after_a_minute_if_it_is_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async def passes(*_: object) -> SmokeSeen:
        return SmokeSeen(Answer.PASSED)

    monkeypatch.setattr(triton, "smoke", passes)
    now, woken = [100.0], asyncio.Event()
    asking = Prober(wake=lambda _: woken.set(), clock=lambda: now[0])
    asking.ask(KEY, OBJECT, "fraud", TESTS, [pod("a", "127.0.0.1")])
    await asyncio.wait_for(woken.wait(), 20)
    before = asyncio.all_tasks()
    now[0] = 159.0
    asking.ask(KEY, OBJECT, "fraud", TESTS, [pod("a", "127.0.0.1")])
    assert asyncio.all_tasks() == before
    now[0] = 160.0
    asking.ask(KEY, OBJECT, "fraud", TESTS, [pod("a", "127.0.0.1")])
    assert len(asyncio.all_tasks() - before) == 1
    assert asking.answers(KEY, OBJECT, {"a"})["a"].answer is Answer.PASSED, "until it has answered again"
    asking.stop()


async def test_who_has_told_its_tensors_is_never_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers = [SignatureSeen(message="Nobody there."), SignatureSeen(Signature())]

    async def told(address: str, _: str) -> SignatureSeen:
        asked.append(address)
        return answers[len(asked) - 1]

    monkeypatch.setattr(triton, "signature", told)
    now, woken = [100.0], asyncio.Event()
    asking = Prober(wake=lambda _: woken.set(), clock=lambda: now[0])
    for later, wanted in ((0.0, 1), (3.0, 1), (1.0, 2), (9_999.0, 2)):
        now[0] += later
        woken.clear()
        asking.describe(KEY, "fraud", [pod("a", "10.0.0.1")])
        if len(asked) < wanted:
            await asyncio.wait_for(woken.wait(), 20)
        assert asking.signatures(KEY, {"a"}) == {"a": answers[wanted - 1]}
    assert asked == ["10.0.0.1:8001"] * 2
    assert asking.signatures(KEY, ()) == {}


async def test_a_mistake_in_asking_for_tensors_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("tritium.loop.prober"), "propagate", False)
    woken = asyncio.Event()
    asking = prober(woken)
    asking.describe(KEY, "fraud", [pod("a", "\ud800")])
    await asyncio.wait_for(woken.wait(), 20)
    (answer,) = asking.signatures(KEY, {"a"}).values()
    assert answer.message.startswith("the question could not be sent: ")
