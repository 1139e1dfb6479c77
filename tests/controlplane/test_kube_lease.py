"""Leader election against a real API server: who leads, from when, until when at the latest, and never two."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.controlplane.faults import Action, Answer, BlackHole, Delay, Drop, Fault, Match
from tests.controlplane.kube_clients import client_of
from tests.controlplane.waiting import wait_for
from tritium.kube.lease import Elector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.controlplane.api import Api, Object
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.ring import ControlPlane
    from tritium.kube.client import Client

LEASES = "coordination.k8s.io/v1/leases"
LEASE = Match(resource="leases")
ROOT = Path(__file__).parents[2]
DURATION, RENEW, DEADLINE = 2, 0.2, 1.5
"""Shorter than usual, and as far apart as they can be then: other tests want the processors too."""


class Candidate:
    """An elector with a task that leads, and the times at which that began and ended."""

    def __init__(self, client: Client, namespace: str, identity: str, name: str) -> None:
        self.elector = Elector(client, namespace, name, identity, duration=DURATION, renew=RENEW, deadline=DEADLINE)
        self.began: list[float] = []
        self.ended: list[float] = []
        self.task: asyncio.Task[None] = asyncio.create_task(self.elector.run(self.lead))

    async def lead(self) -> None:
        self.began.append(time.monotonic())
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append(time.monotonic())

    async def leads(self, seconds: float, times: int = 1) -> None:
        await wait_for(lambda: len(self.began), seconds, "leading", until=lambda count: count >= times)

    async def ends(self, seconds: float) -> None:
        await wait_for(lambda: len(self.ended), seconds, "the end", until=lambda count: count == len(self.began))

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest_asyncio.fixture
async def client(faults: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """The client whose requests go wrong."""
    async with client_of(faults.credentials(), tmp_path, monkeypatch) as client:
        yield client


@pytest_asyncio.fixture
async def other(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A client for which all is well."""
    (tmp_path / "other").mkdir()
    async with client_of(control_plane.admin, tmp_path / "other", monkeypatch) as client:
        yield client


@asynccontextmanager
async def candidate(client: Client, namespace: str, identity: str, name: str = "test") -> AsyncIterator[Candidate]:
    """A candidate for a block."""
    one = Candidate(client, namespace, identity, name)
    try:
        yield one
    finally:
        await one.stop()


async def holder(api: Api, namespace: str) -> str:
    return str((await api.get(LEASES, "test", namespace))["spec"]["holderIdentity"])


async def test_the_first_leads_and_the_second_waits(client: Client, other: Client, api: Api, namespace: str) -> None:
    async with candidate(client, namespace, "one") as one:
        await one.leads(2)
        assert one.elector.leading
        assert one.elector.proven()
        async with candidate(other, namespace, "two") as two:
            await asyncio.sleep(DURATION + 2 * RENEW)
            assert not two.began
            assert not two.elector.leading
            assert not two.elector.proven()
        assert not one.ended
        lease: Object = (await api.get(LEASES, "test", namespace))["spec"]
    assert (lease["holderIdentity"], lease["leaseDurationSeconds"], lease["leaseTransitions"]) == ("one", 2, 0)
    assert lease["acquireTime"] < lease["renewTime"]
    assert await holder(api, namespace) == ""


async def test_a_clean_stop_hands_over_at_once(client: Client, other: Client, api: Api, namespace: str) -> None:
    async with candidate(client, namespace, "one") as one:
        await one.leads(2)
        async with candidate(other, namespace, "two") as two:
            await asyncio.sleep(0.3)
            stopped = time.monotonic()
            await one.stop()
            assert one.task.cancelled()
            assert not one.elector.proven()
            await two.leads(2)
            assert two.began[0] - stopped < DURATION - 0.5
            assert two.began[0] >= one.ended[0]
            assert await holder(api, namespace) == "two"
            assert (await api.get(LEASES, "test", namespace))["spec"]["leaseTransitions"] == 1


async def test_it_leads_until_what_it_leads_has_ended(client: Client, other: Client, namespace: str) -> None:
    elector = Elector(client, namespace, "test", "one", duration=DURATION, renew=RENEW, deadline=DEADLINE)
    began, proven = asyncio.Event(), []

    async def lead() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            for _ in range(22):  # more than a Lease that nobody renews would last
                await asyncio.sleep(0.1)
                proven.append(elector.proven())

    running = asyncio.create_task(elector.run(lead))
    await asyncio.wait_for(began.wait(), 2)
    async with candidate(other, namespace, "two") as two:
        running.cancel()
        await asyncio.sleep(0.2)
        running.cancel()  # somebody is impatient
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()
        assert proven == [True] * 22
        assert not two.began
        await two.leads(1)


@pytest.mark.parametrize("fails", [False, True])
async def test_what_ends_by_itself_ends_the_election(client: Client, api: Api, namespace: str, *, fails: bool) -> None:
    async def lead() -> None:
        await asyncio.sleep(0.3)
        if fails:
            raise RuntimeError("a bug")

    elector = Elector(client, namespace, "test", "one", duration=DURATION, renew=RENEW, deadline=DEADLINE)
    ended = await asyncio.wait_for(asyncio.gather(elector.run(lead), return_exceptions=True), 3)
    assert [str(each) for each in ended] == ["a bug" if fails else "None"]
    assert not elector.leading
    assert await holder(api, namespace) == ""


async def test_a_theft_is_noticed(client: Client, api: Api, namespace: str) -> None:
    async with candidate(client, namespace, "one") as one:
        await one.leads(2)
        await api.patch(LEASES, "test", namespace, {"spec": {"holderIdentity": "thief"}})
        stolen = time.monotonic()
        await one.ends(1)
        assert one.ended[0] - stolen < DEADLINE - 0.5  # not only because the proof grew old
        assert not one.elector.proven()
        await one.leads(DURATION + 2, times=2)  # the thief does not renew
        assert one.began[1] - stolen >= DURATION
        assert await holder(api, namespace) == "one"


async def test_what_others_write_on_it_is_no_theft(client: Client, api: Api, namespace: str) -> None:
    async with candidate(client, namespace, "one") as one:
        await one.leads(2)
        for number in range(3):
            await api.patch(LEASES, "test", namespace, {"metadata": {"annotations": {"n": str(number)}}})
            await asyncio.sleep(0.3)
        await api.delete(LEASES, "test", namespace)
        await asyncio.sleep(DEADLINE)
        assert not one.ended
        assert await holder(api, namespace) == "one"


@pytest.mark.parametrize("action", [Drop(executed=True), BlackHole()])
async def test_without_an_api_server_it_gives_up_in_time_and_comes_back(
    client: Client, faults: FaultProxy, namespace: str, action: Any
) -> None:
    async with candidate(client, namespace, "one") as one:
        await one.leads(2)
        await asyncio.sleep(0.3)
        with faults.during(Fault(LEASE, action)):
            began = time.monotonic()
            await one.ends(DEADLINE + 1)
            assert DEADLINE - RENEW - 0.2 < one.ended[0] - began < DURATION
            assert not one.elector.proven()
            assert not one.elector.leading
        await one.leads(2, times=2)


async def test_a_renewal_that_fails_now_and_then_is_no_loss(client: Client, faults: FaultProxy, namespace: str) -> None:
    async with candidate(client, namespace, "one") as one:
        await one.leads(2)
        for action in (Drop(executed=True), Answer(500, executed=True), Answer(429), BlackHole()):
            hole = faults.inject(Fault(Match(verb="update"), action, times=1))
            await wait_for(lambda hole=hole: hole.hits, 2, "a failure")  # type: ignore[misc]
            await asyncio.sleep(0.3)
            faults.remove(hole)
        assert not one.ended


class Process:
    """A candidate in a process of its own; `acts` holds the times at which it acted as leader."""

    def __init__(self, control_plane: ControlPlane, namespace: str, folder: Path) -> None:
        kubeconfig = control_plane.admin.kubeconfig(folder / "leader.kubeconfig")
        environment = {name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"}
        environment |= {"KUBECONFIG": str(kubeconfig), "PYTHONPATH": f"{ROOT / 'operator'}{os.pathsep}{ROOT}"}
        self._said = folder / "leader.out"
        command = [sys.executable, "-m", "tests.controlplane.kube_leader", namespace, "process"]
        with self._said.open("w") as said:
            self.popen = subprocess.Popen(
                [*command, str(DURATION), str(RENEW), str(DEADLINE)], cwd=ROOT, env=environment, stdout=said
            )

    @property
    def acts(self) -> list[float]:
        return [float(line.split()[1]) for line in self._said.read_text().splitlines() if line.count(" ") == 1]

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait()


@pytest_asyncio.fixture
async def process(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> AsyncIterator[Process]:
    """A leader in a process of its own."""
    one = Process(control_plane, namespace, tmp_path)
    try:
        await wait_for(lambda: one.acts, 10, "acts")
        yield one
    finally:
        one.end()


async def test_after_a_crash_the_next_takes_over(other: Client, namespace: str, process: Process) -> None:
    async with candidate(other, namespace, "two") as two:
        await asyncio.sleep(0.5)
        killed = time.monotonic()
        process.end()
        await two.leads(DURATION + 2)
        assert process.acts[-1] <= killed
        assert DURATION - RENEW - 0.2 < two.began[0] - killed < DURATION + 2 * RENEW + 1


async def test_a_leader_that_was_stopped_does_not_act_before_it_has_proven_itself(
    other: Client, namespace: str, process: Process
) -> None:
    async with candidate(other, namespace, "two") as two:
        await asyncio.sleep(0.5)
        process.popen.send_signal(signal.SIGSTOP)
        await two.leads(DURATION + 2)
        taken_over = two.began[0]
        process.popen.send_signal(signal.SIGCONT)
        await asyncio.sleep(1.5)
        released = time.monotonic()
        await two.stop()
        await wait_for(lambda: process.acts[-1], 5, "acts", until=lambda last: last > released)
    stopped_acting = max(when for when in process.acts if when < taken_over)
    assert taken_over - stopped_acting >= DURATION - DEADLINE - 0.1
    assert not [when for when in process.acts if taken_over <= when < released]


async def test_a_leader_that_was_stopped_alone_has_to_prove_itself_too(process: Process) -> None:
    process.popen.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    await asyncio.sleep(DEADLINE + 0.5)
    go_on = time.monotonic()
    process.popen.send_signal(signal.SIGCONT)
    await wait_for(lambda: process.acts[-1], 5, "acts", until=lambda last: last > go_on)
    assert not [when for when in process.acts if stopped + 0.1 < when < go_on]


async def test_a_proof_is_as_old_as_its_request(client: Client, faults: FaultProxy, namespace: str) -> None:
    ahead = 0.0
    began = asyncio.Event()

    async def lead() -> None:
        began.set()
        await asyncio.Event().wait()

    elector = Elector(
        client, namespace, "test", "one", duration=30, renew=5, deadline=10, clock=lambda: time.monotonic() + ahead
    )
    with faults.during(Fault(Match(verb="create", resource="leases"), Delay(0.6))):
        running = asyncio.create_task(elector.run(lead))
        await asyncio.wait_for(began.wait(), 5)
    assert elector.proven()
    ahead = 9.5
    assert not elector.proven()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_times_in_a_lease_mean_nothing(client: Client, api: Api, namespace: str) -> None:
    """It was renewed long ago, or will be in the future: it counts from when it is seen."""
    for year in ("1999", "2999"):
        spec = {
            "holderIdentity": "nobody",
            "leaseDurationSeconds": DURATION,
            "renewTime": f"{year}-01-01T00:00:00.000000Z",
        }
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": year}, "spec": spec}
        await api.create(lease, namespace)
    began = time.monotonic()
    async with candidate(client, namespace, "a", "1999") as old, candidate(client, namespace, "b", "2999") as new:
        await old.leads(DURATION + 2)
        await new.leads(DURATION + 2)
        assert old.began[0] - began >= DURATION
        assert new.began[0] - began >= DURATION


@pytest_asyncio.fixture
async def second(faults: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """Another client whose requests go wrong, by its name."""
    (tmp_path / "second").mkdir()
    async with client_of(faults.credentials(), tmp_path / "second", monkeypatch, "second") as client:
        yield client


async def test_there_are_never_two_whatever_goes_wrong(
    client: Client, second: Client, faults: FaultProxy, api: Api, namespace: str
) -> None:
    """Two candidates whose requests fail at random, each in its own way; both are asked every millisecond."""
    chance = random.Random(5)  # noqa: S311  # the same faults each time
    actions: list[Action] = [
        Drop(),
        Drop(executed=True),
        Answer(500),
        Answer(503, executed=True),
        Delay(0.5),
        BlackHole(),
    ]
    both, led = [], set[Candidate]()
    async with candidate(client, namespace, "one") as one, candidate(second, namespace, "two") as two:
        for _ in range(6):
            whose = chance.choice(["second", "tritium-test"])
            until = time.monotonic() + chance.uniform(0.3, 1.8)
            with faults.during(Fault(Match(resource="leases", user_agent=whose), chance.choice(actions))):
                while time.monotonic() < until:
                    proven = [each for each in (one, two) if each.elector.proven()]
                    led |= set(proven)
                    both += [time.monotonic()] if len(proven) == 2 else []
                    await asyncio.sleep(0.001)
    assert both == []
    assert led == {one, two}
    assert await holder(api, namespace) == ""
