"""The server and a real Envoy: what it is told, what it refuses, and what happens when either of them goes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.controlplane.waiting import wait_for
from tests.dataplane.gateway.xds_holdback import held_back
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
from tests.dataplane.gateway.xds_world import World, upstream
from tests.ports import free_ports
from tritium.gateway.snapshot.resource import Type


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as made:
        yield made


@pytest.fixture
async def one() -> AsyncIterator[int]:
    async with upstream("one") as port:
        yield port


@pytest.fixture
async def two() -> AsyncIterator[int]:
    async with upstream("two") as port:
        yield port


async def test_from_nothing_to_a_model_to_nothing(world: World, one: int, two: int) -> None:
    world.start_envoy()
    world.publish(snapshot())
    await world.whole()
    await world.live()

    world.publish(snapshot(*model("fraud", world.port, {"a": one})))
    state = await world.whole()
    assert state.envoy == "1.40.0"
    assert await world.get() == (200, "one")

    world.publish(snapshot(*model("fraud", world.port, {"a": one, "b": two}, {"b": 1})))
    await world.whole()
    await world.answers("two")

    world.publish(snapshot(*model("fraud", world.port, {"b": two}), endpoints("b", one)))
    await world.whole()
    await world.answers("one")
    await world.until(lambda state: (Type.CLUSTER, "a") not in state.acked, "a is gone")

    world.publish(snapshot())
    await world.until(lambda state: not state.acked, "Envoy has let go of the route")
    assert await world.clusters() == set()
    assert await world.get() == (0, "")
    assert sum(each.nacks for each in world.state.responses.values()) == 0


async def test_nothing_is_served_before_something_is_published(world: World) -> None:
    world.start_envoy()
    await world.until(lambda state: state.envoy, "Envoy is connected")
    assert not world.state.whole
    world.publish(snapshot())
    await world.whole()
    await world.live()


@pytest.mark.parametrize("bad", [refused_cluster, unreadable_cluster])
async def test_the_guilty_one_is_found_and_all_others_go_on(world: World, one: int, bad: type) -> None:
    good = model("fraud", world.port, {"a": one}) + [
        part for number in range(20) for part in (cluster(f"c{number}"), endpoints(f"c{number}", one))
    ]
    sick = model("sick", world.other_port, {"bad": one})
    world.publish(snapshot(*good, *sick, bad("bad")))
    world.start_envoy()
    await world.live()
    state = await world.whole()
    assert set(state.rejected) == {(Type.CLUSTER, "bad")}
    assert state.responses[Type.CLUSTER].nacks == 2
    assert state.resources[Type.CLUSTER, "bad"].nacks == 1
    assert await world.get() == (200, "one")
    assert await world.get(world.other_port) == (0, "")

    world.publish(snapshot(*good, *sick))
    assert (await world.whole()).rejected == {}
    await world.answers("one", world.other_port)


async def test_a_refused_route_leaves_the_old_one(world: World, one: int, two: int) -> None:
    fraud = model("fraud", world.port, {"a": one})
    other = model("churn", world.other_port, {"b": one})
    world.publish(snapshot(*fraud, *other))
    world.start_envoy()
    await world.live()
    before = await world.whole()

    changed = [*model("churn", world.other_port, {"b": one, "c": two}), routes("churn", {"c": 1})]
    world.publish(snapshot(*fraud, routes("fraud", {"a": 1}, regex="("), *changed))
    state = await world.whole()
    rejected = state.rejected[Type.ROUTES, "fraud"]
    assert "missing )" in rejected.message
    assert state.acked[Type.ROUTES, "fraud"] == before.acked[Type.ROUTES, "fraud"]
    assert await world.get() == (200, "one")
    await world.answers("two", world.other_port)
    nacks = state.responses[Type.ROUTES].nacks

    world.publish(snapshot(*fraud, routes("fraud", {"a": 1}, regex="("), *other))
    state = await world.whole()
    assert state.responses[Type.ROUTES].nacks == nacks == 1
    world.publish(snapshot(*fraud, *other))
    assert (await world.whole()).rejected == {}


async def test_a_port_that_is_taken(world: World, one: int) -> None:
    world.publish(snapshot(*model("fraud", world.port, {"a": one})))
    world.start_envoy()
    await world.live()
    await world.whole()
    world.publish(snapshot(*model("fraud", world.port, {"a": one}), *model("churn", world.port, {"b": one})))
    state = await world.whole()
    assert "duplicate address" in state.rejected[Type.LISTENER, "churn"].message
    assert await world.get() == (200, "one")
    world.publish(snapshot(*model("risk", world.port, {"b": one})))
    assert (await world.whole()).rejected == {}
    await world.answers("one")


async def test_endpoints_that_are_refused(world: World, one: int) -> None:
    fraud = model("fraud", world.port, {"a": one})
    world.publish(snapshot(*fraud))
    world.start_envoy()
    await world.live()
    await world.whole()
    world.publish(snapshot(*fraud, endpoints("a", 1, host="nonsense")))
    state = await world.whole()
    assert "malformed IP address" in state.rejected[Type.ENDPOINTS, "a"].message
    world.publish(snapshot(*fraud, cluster("a", connect_timeout="3s"), endpoints("a", 1, host="nonsense")))
    await world.whole()
    assert await world.stat("cluster_manager.warming_clusters") == 0
    assert await world.get() == (200, "one")


async def test_no_endpoints(world: World, one: int) -> None:
    world.publish(snapshot(*model("fraud", world.port, {"a": one}), endpoints("a")))
    world.start_envoy()
    await world.live()
    await world.whole()
    assert (await world.get())[0] == 503
    world.publish(snapshot(*model("fraud", world.port, {"a": one})))
    await world.whole()
    await world.answers("one")


async def test_a_changed_listener(world: World, one: int) -> None:
    fraud = model("fraud", world.port, {"a": one})
    world.publish(snapshot(*fraud))
    world.start_envoy()
    await world.live()
    await world.whole()
    world.publish(snapshot(*fraud, listener("fraud", world.port, per_connection_buffer_limit_bytes=4096)))
    await world.whole()
    assert await world.get() == (200, "one")
    world.publish(snapshot(*fraud, listener("fraud", world.other_port)))
    await world.whole()
    await world.answers("one", world.other_port)


class TestRestarts:
    async def test_a_new_server_sends_only_what_differs(self, world: World, one: int, two: int) -> None:
        world.publish(snapshot(*model("fraud", world.port, {"a": one, "b": two}, {"a": 1})))
        world.start_envoy()
        await world.live()
        before = await world.whole()
        await world.stop_server()
        assert await world.get() == (200, "one")

        await world.start_server()
        world.publish(snapshot(*model("fraud", world.port, {"b": two})))
        state = await world.whole()
        await world.answers("two")
        await world.until(lambda state: (Type.CLUSTER, "a") not in state.acked, "a is gone")
        assert await world.clusters() == {"b"}
        assert state.acked[Type.CLUSTER, "b"] == before.acked[Type.CLUSTER, "b"]
        # Of the listener nothing was sent, of the clusters only an empty answer, and that one is gone.
        assert {key for key in state.resources if key[0] is not Type.ENDPOINTS} == {(Type.ROUTES, "fraud")}

    async def test_a_server_that_has_nothing_to_say_yet(self, world: World, one: int) -> None:
        world.publish(snapshot(*model("fraud", world.port, {"a": one})))
        world.start_envoy()
        await world.live()
        await world.whole()
        await world.stop_server()
        await world.start_server()
        await world.until(lambda state: state.connected, "Envoy is back")
        assert await world.get() == (200, "one")
        world.publish(snapshot(*model("fraud", world.port, {"a": one})))
        await world.whole()

    async def test_a_new_envoy_gets_everything(self, world: World, one: int) -> None:
        world.publish(snapshot(*model("fraud", world.port, {"a": one})))
        envoy = world.start_envoy()
        await world.whole()
        envoy.kill()
        await world.until(lambda state: not state.connected, "Envoy is gone")
        assert not world.state.whole
        world.start_envoy()
        await world.live()
        await world.whole()
        assert await world.get() == (200, "one")

    async def test_the_newest_stream_counts(self, world: World, one: int) -> None:
        """An old one may not have noticed yet that its Envoy is gone."""
        world.publish(snapshot(*model("fraud", world.port, {"a": one})))
        envoy = world.start_envoy()
        await world.whole()
        envoy.freeze()
        old, world.envoy = envoy, None
        (world.folder / "admin.sock").unlink()
        try:
            world.publish(snapshot(*model("fraud", world.other_port, {"a": one})))
            world.start_envoy()
            await world.live()
            await world.whole()
            assert await world.get(world.other_port) == (200, "one")
        finally:
            old.kill()


async def test_pings_on_a_quiet_stream_do_not_end_it(world: World) -> None:
    async with held_back(world.socket, 0) as line:
        world.publish(snapshot())
        world.start_envoy(line.socket, ping="0.05s")
        await world.whole()
        quiet = line.pieces
        await wait_for(lambda: line.pieces, what="20 pings", until=lambda pieces: pieces > quiet + 20)
        assert line.connections == 1


async def test_the_socket_is_the_owners_alone(world: World) -> None:
    assert world.socket.stat().st_mode & 0o777 == 0o600


async def test_two_hundred_models(world: World, one: int) -> None:
    models, ports = [], free_ports(200)
    for number, port in enumerate(ports):
        name, kinds = f"m{number}", ("http", "grpc")
        models += model(name, port, {f"{name}/1/{kind}": one for kind in kinds}, {f"{name}/1/http": 1})
    world.publish(snapshot(*models, refused_cluster("m7/1/http")))
    world.start_envoy()
    await world.live()
    state = await world.whole(within=30)
    assert set(state.rejected) == {(Type.CLUSTER, "m7/1/http")}
    assert len(state.acked) == 1200 - 4
    assert await world.get(ports[-1]) == (200, "one")
    answers = {type_: each.acks for type_, each in state.responses.items()}

    world.publish(snapshot(*models, routes("m8", {"m8/1/grpc": 1})))
    state = await world.whole()
    assert state.rejected == {}
    sent = {type_: each.acks - answers[type_] for type_, each in state.responses.items()}
    assert sent == {Type.CLUSTER: 1, Type.ENDPOINTS: 1, Type.LISTENER: 1, Type.ROUTES: 2, Type.RUNTIME: 0}
