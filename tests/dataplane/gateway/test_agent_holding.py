"""The agent as a process, and requests that wait in its Envoy: who is waited for, and an agent that starts again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.facts import facts, model, revision, slice_of
from tests.dataplane.gateway.holding import INFER, give_up, pods, took
from tests.dataplane.gateway.pod import GatewayPod
from tests.dataplane.gateway.requests import http, infer, stub_of
from tests.ports import HOST, free_ports
from tritium.api.gateway import HELD_PATH, Held, HeldReport
from tritium.gateway import disk
from tritium.gateway.facts import Facts
from tritium.gateway.table import Endpoint

FRAUD = [Held(name="fraud", uid="u1", since=3)]


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


def told(port: int, version: int, *endpoints: Endpoint) -> Facts:
    """`fraud`, which sleeps while it has no pods."""
    hold = {"asleep": not endpoints, "since": 3, "ms": 60_000}
    traffic: dict[str, Any] = {"port": port, "model": "adder", "revisions": [revision(1)], "hold": hold}
    return facts([model(version=version, **traffic)], [slice_of("fraud-1", *endpoints)])


@asynccontextmanager
async def asleep(folder: Path, port: int) -> AsyncIterator[GatewayPod]:
    """A pod that is ready, and nobody has asked."""
    async with GatewayPod(folder) as pod:
        disk.save(pod.snapshot, pod.namespace, told(port, 3))
        await pod.start()
        await pod.runs(3)
        yield pod


async def held(pod: GatewayPod, known: str = "") -> HeldReport:
    """Who is waited for."""
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{pod.port}", trust_env=False, timeout=30) as client:
        answer = await client.get(HELD_PATH, params={"known": known})
        return HeldReport.model_validate_json(answer.raise_for_status().text)


async def test_who_asks_hears_at_once_that_somebody_waits(tmp_path: Path, port: int) -> None:
    """Two who ask, and one who went away; afterwards there is no news until there is some."""
    async with asleep(tmp_path, port) as pod, http(port) as client:
        nobody = await held(pod)
        assert nobody.models == []
        assert (await client.get("/v2/models/adder/ready")).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        asking = [asyncio.create_task(took(held(pod, nobody.tag))) for _ in range(3)]
        await asyncio.sleep(0.3)
        await give_up([asking.pop()])
        assert not any(each.done() for each in asking)
        waiting = asyncio.create_task(client.post(INFER))
        news = [await asyncio.wait_for(each, 5) for each in asking]
        assert [each.models for _, each in news] == [FRAUD, FRAUD]
        assert (await held(pod)).models == FRAUD
        again = asyncio.create_task(held(pod, news[0][1].tag))
        await asyncio.sleep(0.5)
        assert not again.done()
        _, metrics = await pod.state("/metrics")
        assert "tritium_gateway_held_names 1.0" in metrics
        await give_up([waiting, again])


async def test_an_agent_that_ends_leaves_nobody_waiting_for_its_news(tmp_path: Path, port: int) -> None:
    async with asleep(tmp_path, port) as pod:
        nobody = await held(pod)
        asking = asyncio.create_task(held(pod, nobody.tag))
        await asyncio.sleep(0.3)
        await pod.terminate_agent()
        pod.kill_envoy()
        seconds, answer = await took(asking)
        assert answer == nobody
        assert seconds < 2
        assert pod.agent is not None
        assert await asyncio.wait_for(pod.agent.wait(), 5) == 0


async def test_what_waits_while_the_agent_is_away_is_answered_by_the_next_one(tmp_path: Path, port: int) -> None:
    """Also what came meanwhile."""
    async with pods() as one, asleep(tmp_path, port) as pod, http(port) as client, stub_of(port) as stub:
        web = [asyncio.create_task(client.post(INFER, content=b"x" * size)) for size in (1, 1_000_000)]
        await wait_for(lambda: held(pod), until=lambda seen: seen.models == FRAUD)
        await pod.kill_agent()
        web += [asyncio.create_task(client.post(INFER, content=b"x" * size)) for size in (1, 1_000_000)]
        call = stub.ModelInfer(infer("adder"))
        await asyncio.sleep(0.3)
        disk.save(pod.snapshot, pod.namespace, told(port, 4, one))
        await pod.start_agent()
        assert [(await each).text for each in web] == ["1", "1000000"] * 2
        assert await call.code() is grpc.StatusCode.OK
        await pod.runs(4, endpoints=1)


async def test_an_agent_that_starts_again_knows_that_somebody_waits(tmp_path: Path, port: int) -> None:
    """Nobody has to ask anew. And who asks anew waits on a name that Envoy never asked for."""
    async with pods() as one, asleep(tmp_path, port) as pod, http(port) as client:
        first = asyncio.create_task(client.post(INFER, content=b"x"))
        await wait_for(lambda: held(pod), until=lambda seen: seen.models == FRAUD)
        await pod.kill_agent()
        await pod.start_agent()
        await wait_for(lambda: pod.state(HELD_PATH), until=lambda seen: '"fraud"' in seen[1])
        second = asyncio.create_task(client.post(INFER, content=b"x"))
        await asyncio.sleep(0.3)
        await pod.kill_agent()
        disk.save(pod.snapshot, pod.namespace, told(port, 4, one))
        await pod.start_agent()
        assert [(await each).text for each in (first, second)] == ["1", "1"]
