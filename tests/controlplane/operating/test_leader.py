"""Two operators, one Lease: whatever happens to the one that leads, the other takes over, and never do both write."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest_asyncio

from tests.controlplane.faults import BlackHole, Fault, Match
from tests.controlplane.operating.harness import Operator
from tests.controlplane.operating.recording import brief, writes
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.controlplane.operating.harness import Models
    from tests.controlplane.request import Request
    from tests.controlplane.ring import ControlPlane

# httpx leaves a connection behind when it is cancelled while it sets up TLS, as the stub kubelet's tasks are.
SOON = 15
"""Seconds for a take-over on a busy machine: 8 by the Lease, and some for the first lists."""

ENDS = 10
"""Seconds for an end on a busy machine, where it takes 2 and the kubelet gives 30."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An operator behind a proxy of its own, so that its requests are known from the other's."""

    operator: Operator
    proxy: FaultProxy

    def done(self) -> list[Request]:
        """Its writes that the server was asked for, in order."""
        return [each for each in writes(self.proxy) if each.upstream is not None]

    async def says(self, state: str, seconds: float) -> None:
        """Wait until its readiness endpoint says so."""

        async def said() -> str:
            try:
                return (await self.operator.get("/readyz")).text.strip()
            except httpx.TransportError as error:  # it starts, or is frozen
                return repr(error)

        await wait_for(said, seconds, f"{self.operator.name} is {state}", until=lambda seen: seen == state)

    async def stops(self) -> None:
        """SIGTERM ends it well, and long before the kubelet would kill it."""
        began = time.monotonic()
        await self.operator.stop()
        assert time.monotonic() - began < ENDS
        assert self.operator.process
        assert self.operator.process.returncode == 0, self.operator.log.read_text()[-2000:]


@pytest_asyncio.fixture
async def pair(
    control_plane: ControlPlane, tmp_path: Path, namespace: str
) -> AsyncIterator[tuple[Candidate, Candidate]]:
    """One that leads and one that stands by."""
    async with FaultProxy(control_plane.admin) as one, FaultProxy(control_plane.admin) as other:
        leader = Candidate(Operator(one.credentials(), tmp_path, namespace, "leader"), one)
        heir = Candidate(Operator(other.credentials(), tmp_path, namespace, "heir"), other)
        async with leader.operator:
            await leader.operator.ready()
            async with heir.operator:
                await wait_for(lambda: heir.proxy.seen(Match(resource="leases")), 20, "the heir looks at the Lease")
                yield leader, heir


@asynccontextmanager
async def edits(models: Models) -> AsyncIterator[None]:
    """For a block, somebody changes something all the time, so that there is always something to write."""
    enough = asyncio.Event()

    async def edit() -> None:
        number = 0
        while not enough.is_set():
            number += 1
            await models.apply(replicas=1, revisionHistoryLimit=1 + number % 9)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(edit())
    try:
        yield
    finally:
        enough.set()  # no cancellation: httpx would leave a connection behind that it is about to set up
        await task


async def follows(models: Models, after: Candidate, *, beside: Candidate) -> None:
    """One has taken over: it writes, the other has not written since, and what is asked for last is done."""
    first = await wait_for(after.done, SOON, f"{after.operator.name} writes")
    async with asyncio.timeout(10):
        await models.settled()
    late = [each for each in beside.done() if each.started > first[0].started]
    assert not late, brief(late)


async def test_only_one_writes_and_the_other_follows_a_crash(pair: tuple[Candidate, Candidate], models: Models) -> None:
    leader, heir = pair
    await heir.says("standing by", 2)
    async with edits(models):
        await wait_for(leader.done, 10, "the leader writes", until=lambda seen: len(seen) > 20)
        assert heir.done() == []
        assert "tritium_leader 0.0" in (await heir.operator.get("/metrics")).text
        assert "tritium_leader 1.0" in (await leader.operator.get("/metrics")).text
        await leader.operator.kill()
        await heir.says("leading", SOON)
    await follows(models, heir, beside=leader)


async def test_a_clean_end_hands_over(pair: tuple[Candidate, Candidate], models: Models) -> None:
    leader, heir = pair
    async with edits(models):
        await wait_for(leader.done, 10, "the leader writes")
        await leader.stops()
        await heir.says("leading", 4)
    await follows(models, heir, beside=leader)
    await leader.operator.start()
    await leader.says("standing by", 10)
    await leader.stops()  # also one that only stands by
    assert await heir.operator.leads()


async def test_one_that_was_frozen_writes_nothing_when_it_wakes(
    pair: tuple[Candidate, Candidate], models: Models
) -> None:
    leader, heir = pair
    async with edits(models):
        await wait_for(leader.done, 10, "the leader writes")
        leader.operator.signal(signal.SIGSTOP)
        try:
            await heir.says("leading", SOON)
            await wait_for(heir.done, 5, "the heir writes")
        finally:
            leader.operator.signal(signal.SIGCONT)
        await leader.says("standing by", 5)
    await follows(models, heir, beside=leader)
    await heir.stops()
    await leader.says("leading", 4)
    await models.apply(revisionHistoryLimit=10, replicas=1)
    await models.settled()


async def test_one_that_is_cut_off_gives_up_before_the_other_begins(
    pair: tuple[Candidate, Candidate], models: Models
) -> None:
    leader, heir = pair
    async with edits(models):
        await wait_for(leader.done, 10, "the leader writes")
        hole = leader.proxy.inject(Fault(Match(), BlackHole(headers=False)))
        await leader.says("standing by", 8)
        assert not heir.done()
        await heir.says("leading", SOON)
        await wait_for(heir.done, 5, "the heir writes")
        leader.proxy.remove(hole)  # what was held back arrives now
        await follows(models, heir, beside=leader)
    await leader.says("standing by", 5)
    assert await heir.operator.leads()
