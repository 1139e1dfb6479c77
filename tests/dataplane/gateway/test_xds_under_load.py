"""Steady clients while everything changes, and Envoy's answers come late: not one request fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.dataplane.gateway.xds_client import steady
from tests.dataplane.gateway.xds_holdback import held_back
from tests.dataplane.gateway.xds_samples import cluster, endpoints, listener, model, routes, snapshot
from tests.dataplane.gateway.xds_world import World, upstream
from tritium.gateway.snapshot.resource import Resource, Snapshot, Type

STEPS = 50


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made


def revisions(port: int, step: int, ports: tuple[int, int]) -> Snapshot:
    """A rollout: two revisions, whose numbers go up every fifth step; weights, settings and pods change with each."""
    number, part = divmod(step, 5)
    old, new = f"fraud/{number}/http", f"fraud/{number + 1}/http"
    resources: list[Resource] = [listener("fraud", port), routes("fraud", {new: part or 1, old: 5 - part})]
    for place, name in enumerate((old, new)):
        resources.append(cluster(name, connect_timeout=f"{1 + step % 3}s"))
        resources.append(endpoints(name, ports[(step + place) % 2]))
    return snapshot(*resources)


@pytest.mark.parametrize("late", [0.0, 0.15])
async def test_nobody_notices_fifty_changes(world: World, late: float) -> None:
    async with upstream("one") as one, upstream("two") as two, held_back(world.socket, late) as line:
        world.publish(revisions(world.port, 0, (one, two)))
        world.start_envoy(line.socket)
        await world.live()
        await world.whole()
        async with steady(world.port) as account:
            for step in range(1, STEPS):
                world.publish(revisions(world.port, step, (one, two)))
                if step % 7 == 0:
                    await world.whole()
                else:
                    await asyncio.sleep(0.03)  # the next change comes while this one is under way
            await world.whole()
        assert set(account) == {"one", "two"}, account
        assert min(account.values()) > 10
        await world.until(lambda state: _clusters(state.acked) == 2, "the old revisions are gone")


async def test_nobody_notices_that_the_server_restarts_in_the_middle(world: World) -> None:
    async with upstream("one") as one, upstream("two") as two:
        world.publish(revisions(world.port, 0, (one, two)))
        world.start_envoy()
        await world.live()
        await world.whole()
        async with steady(world.port) as account:
            for step in range(1, 25):
                world.publish(revisions(world.port, step, (one, two)))
                if step % 6 == 0:
                    await world.stop_server()
                    await world.start_server()
                    world.publish(revisions(world.port, step, (one, two)))
                    await world.whole()
            await world.whole()
        assert set(account) == {"one", "two"}, account


async def test_one_models_late_answers_are_not_anothers(world: World) -> None:
    """A pod that ends is out at once, while a route still waits for the word that its cluster is there."""
    async with upstream("one") as one, upstream("two") as two, held_back(world.socket, 0.7) as line:
        fraud = model("fraud", world.port, {"a": one})
        churn = model("churn", world.other_port, {"b": one})
        world.publish(snapshot(*fraud, *churn))
        world.start_envoy(line.socket)
        await world.live()
        await world.whole()
        slow = [*model("fraud", world.port, {"a": one, "c": two}), routes("fraud", {"c": 1})]
        world.publish(snapshot(*slow, *churn))
        world.publish(snapshot(*slow, *churn, endpoints("b", two)))
        began = asyncio.get_running_loop().time()
        await world.answers("two", world.other_port)
        world.publish(snapshot(*slow, *churn))
        await world.answers("one", world.other_port)
        assert asyncio.get_running_loop().time() - began < 0.6, "the endpoints waited for an answer"
        assert await world.get() == (200, "one")
        await world.answers("two")


def _clusters(keys: object) -> int:
    assert isinstance(keys, dict)
    return sum(type_ is Type.CLUSTER for type_, _ in keys)
