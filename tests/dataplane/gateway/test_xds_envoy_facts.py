"""What Envoy does on a delta stream.

The order in which the agent tells it things is built on this, and so is the model of Envoy in
tests/properties/xds_model.py. If one of these fails with a new Envoy, both have to be looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.xds_samples import (
    cluster,
    endpoints,
    listener,
    model,
    refused_cluster,
    routes,
    snapshot,
    unreadable_cluster,
)
from tests.dataplane.gateway.xds_scripted import Scripted
from tests.dataplane.gateway.xds_world import World, upstream
from tritium.gateway.snapshot.names import IN_FLIGHT
from tritium.gateway.snapshot.resource import Type

CDS, EDS, LDS, RDS = Type.CLUSTER, Type.ENDPOINTS, Type.LISTENER, Type.ROUTES


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        await made.stop_server()
        yield made


@pytest.fixture
async def one() -> AsyncIterator[int]:
    async with upstream("one") as port:
        yield port


@pytest.fixture
async def says(world: World) -> AsyncIterator[Scripted]:
    """A server to which Envoy has connected, and which has told it that there is nothing."""
    async with Scripted(world.socket) as server:
        world.start_envoy()
        await server.asks(Type.RUNTIME, IN_FLIGHT)
        await server.takes(Type.RUNTIME, removed=(IN_FLIGHT,))  # without an answer it asks for nothing else
        for type_ in (CDS, LDS):
            assert list((await server.asks(type_)).resource_names_subscribe) == []
            assert await server.takes(type_) == ""
        yield server


async def add(says: Scripted, name: str, port: int) -> None:
    """A cluster with an endpoint."""
    nonce = await says.send(CDS, cluster(name))
    await says.asks(EDS, name)
    assert await says.takes(EDS, endpoints(name, port)) == ""
    assert (await says.answer(nonce)).error_detail.message == ""


async def serve(says: Scripted, world: World, name: str) -> None:
    """A listener that leads to a cluster."""
    assert await says.takes(LDS, listener("fraud", world.port)) == ""
    await says.asks(RDS, "fraud")
    assert await says.takes(RDS, routes("fraud", {name: 1})) == ""


async def warming(world: World) -> int:
    return await world.stat("cluster_manager.warming_clusters")


class TestChangedCluster:
    async def test_it_waits_for_endpoints_for_which_envoy_does_not_ask(self, world: World, says: Scripted) -> None:
        await add(says, "a", 1)
        before = len(says.said)
        change = await says.send(CDS, cluster("a", connect_timeout="2s"))
        await wait_for(lambda: warming(world), what="a waits")
        another = await says.send(CDS, cluster("b"))
        await says.asks(EDS, "b")
        assert await says.takes(EDS, endpoints("b", 1)) == ""
        # No word of clusters while one of them waits, not even of another one.
        assert not says.answered(change)
        assert not says.answered(another)
        assert "a" not in {name for each in says.said[before:] for name in each.resource_names_subscribe}

        assert await says.takes(EDS, endpoints("a", 1)) == ""  # the same as before
        await says.answer(change)
        await says.answer(another)
        assert await warming(world) == 0

    async def test_endpoints_of_another_that_are_refused_leave_it_without_any(
        self, world: World, says: Scripted, one: int
    ) -> None:
        await add(says, "a", one)
        await add(says, "b", one)
        await serve(says, world, "a")
        assert await world.get() == (200, "one")
        await says.send(CDS, cluster("a", connect_timeout="2s"))
        assert "malformed" in await says.takes(EDS, endpoints("b", 1, host="nonsense"))
        assert await warming(world) == 0
        assert (await world.get())[0] == 503

    async def test_after_a_reconnect_envoy_has_its_endpoints_and_does_not_ask_for_clusters(
        self, world: World, says: Scripted, one: int
    ) -> None:
        await add(says, "a", one)
        await serve(says, world, "a")
        await says.send(CDS, cluster("a", connect_timeout="2s"))
        await wait_for(lambda: warming(world), what="a waits")
        await says.__aexit__()

        async with Scripted(world.socket) as another:
            request = await another.asks(EDS, "a")
            assert request.initial_resource_versions["a"] == endpoints("a", one).version
            await another.asks(RDS, "fraud")
            assert all(each.type_url != CDS for each in another.said)
            assert await warming(world) == 1

        # Ours sends them anew.
        await world.start_server()
        changed = [*model("fraud", world.port, {"a": one}), cluster("a", connect_timeout="2s")]
        world.publish(snapshot(*changed))
        await world.whole()
        assert await warming(world) == 0
        assert await world.get() == (200, "one")


class TestRefusals:
    async def test_the_good_clusters_of_a_response_are_taken_in(self, world: World, says: Scripted) -> None:
        nonce = await says.send(CDS, cluster("a"), refused_cluster("bad"), cluster("c"))
        await says.asks(EDS, "a", "c")
        await says.takes(EDS, endpoints("a", 1), endpoints("c", 1))
        message = (await says.answer(nonce)).error_detail.message
        assert message.startswith("Error adding/updating cluster(s) bad: ")
        assert await world.clusters() == {"a", "c"}

    async def test_unless_one_cannot_be_read_and_then_it_is_not_named(self, world: World, says: Scripted) -> None:
        message = await says.takes(CDS, cluster("a"), unreadable_cluster("bad"), cluster("c"))
        assert message
        assert "bad" not in message
        assert await world.clusters() == set()

    async def test_the_good_listeners_of_a_response_are_taken_in(self, world: World, says: Scripted) -> None:
        message = await says.takes(LDS, listener("x", world.port), listener("y", world.port))
        assert message.startswith("Error adding/updating listener(s) y: ")
        await says.asks(RDS, "x")

    async def test_a_route_is_refused_without_its_name(self, world: World, says: Scripted, one: int) -> None:
        await add(says, "a", one)
        await serve(says, world, "a")
        assert await says.takes(RDS, routes("fraud", {"a": 1}, regex="(")) == "missing ): ("
        assert await world.get() == (200, "one")

    async def test_a_refused_route_lets_all_listeners_go_on_that_wait_for_theirs(
        self, world: World, says: Scripted, one: int
    ) -> None:
        await add(says, "a", one)
        await serve(says, world, "a")
        assert await says.takes(LDS, listener("churn", world.other_port)) == ""
        await says.asks(RDS, "churn")
        assert await world.get(world.other_port) == (0, "")
        await says.takes(RDS, routes("fraud", {"a": 1}, regex="("))
        await wait_for(lambda: world.get(world.other_port), what="no route", until=lambda seen: seen[0] == 404)


class TestRemovals:
    async def test_a_route_goes_with_its_last_listener(self, world: World, says: Scripted, one: int) -> None:
        await add(says, "a", one)
        await serve(says, world, "a")
        assert await says.takes(RDS, removed=("fraud",)) == ""
        assert await world.get() == (200, "one")
        before = len(says.said)
        assert await says.takes(LDS, removed=("fraud",)) == ""
        assert len(says.said) == before + 1  # it drains
        await says.lets_go(RDS, "fraud")

    async def test_endpoints_stay_until_their_cluster_goes(self, world: World, says: Scripted, one: int) -> None:
        await add(says, "a", one)
        await serve(says, world, "a")
        assert await says.takes(EDS, removed=("a",)) == ""
        assert await world.get() == (200, "one")
        assert await says.takes(CDS, removed=("a",)) == ""
        await says.lets_go(EDS, "a")
        assert (await world.get())[0] == 503

    async def test_a_cluster_whose_endpoints_do_not_exist_waits_no_longer(self, world: World, says: Scripted) -> None:
        nonce = await says.send(CDS, cluster("a"))
        await says.asks(EDS, "a")
        assert await says.takes(EDS, removed=("a",)) == ""
        await says.answer(nonce)
        assert await warming(world) == 0


async def test_every_response_is_answered_for_itself(world: World, says: Scripted) -> None:
    await add(says, "a", 1)
    nonces = [await says.send(EDS, endpoints("a", port)) for port in range(1, 20)]
    for nonce in nonces:
        await says.answer(nonce)
    answers = [each.response_nonce for each in says.said if each.type_url == EDS and each.response_nonce]
    assert answers[-len(nonces) :] == nonces


async def test_what_envoy_comes_back_with(world: World, says: Scripted, one: int) -> None:
    await add(says, "a", one)
    await serve(says, world, "a")
    await says.__aexit__()
    async with Scripted(world.socket) as another:
        for type_, name in ((CDS, "a"), (EDS, "a"), (LDS, "fraud"), (RDS, "fraud")):
            request = await another.asks(type_)
            assert list(request.initial_resource_versions) == [name]
            assert list(request.resource_names_subscribe) == ([name] if type_ in {EDS, RDS} else [])
        # All of it at once, before any answer.
        assert not any(each.response_nonce for each in another.said)
