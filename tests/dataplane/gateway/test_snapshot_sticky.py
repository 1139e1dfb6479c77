"""A user stays on one side while the weight grows: 500 users, over all weights from 0 to 100 %.

An Envoy answers the 50,500 requests of that; Triton those by which HTTP and gRPC are compared.
"""

from dataclasses import replace
from itertools import pairwise

from tritonclient.grpc import service_pb2

from tests.dataplane.gateway.raw import get, revisions
from tests.dataplane.gateway.requests import stub_of
from tests.dataplane.gateway.serving import Gateway
from tests.dataplane.gateway.tables import model, pod, shares, table
from tests.dataplane.gateway.test_snapshot_split import is_near
from tests.dataplane.gateway.upstream import answering
from tests.dataplane.triton import Triton
from tests.ports import free_ports
from tritium.gateway.table import Table

USERS = [f"user-{number}" for number in range(500)]
REQUESTS = [get("/v2/health/live", x_user=user) for user in USERS]


async def on_the_new_side(port: int) -> set[str]:
    """Users whose requests revision 2 answers."""
    found = await revisions(port, REQUESTS)
    return {user for user, revision in zip(USERS, found, strict=True) if revision == 2}


async def test_nobody_leaves_the_new_side_while_its_weight_grows() -> None:
    [port] = free_ports(1)
    with answering() as everybody:
        pods = {"one": everybody, "two": everybody}
        first = table(model(port, *shares(0, 10_000), sticky="x-user"), **pods)
        async with Gateway(first) as gateway:
            seen = [await on_the_new_side(port)]
            for percent in range(1, 101):
                split = shares(100 * percent, 10_000 - 100 * percent)
                await gateway.publish(table(model(port, *split, sticky="x-user"), **pods))
                seen.append(await on_the_new_side(port))
    assert seen[0] == set()
    assert seen[100] == set(USERS)
    for before, after in pairwise(seen):
        assert before <= after
    for percent, there in enumerate(seen):
        assert is_near(len(there), len(USERS), percent / 100), percent


async def test_no_user_of_another_arm_moves_while_one_loses_its_pods() -> None:
    """Three lacks nothing, half, and all of its 20 %; two has its 30 % all the time."""
    [port] = free_ports(1)
    seen: list[dict[str, int]] = []
    with answering() as everybody:
        pods = {"one": everybody, "two": everybody, "three": everybody}

        def split(lacks: int) -> Table:
            first, second, stable = shares(2_000 - lacks, 3_000, 5_000 + lacks)
            return table(model(port, replace(first, lacks=lacks), second, stable, sticky="x-user"), **pods)

        async with Gateway(split(0)) as gateway:
            for lacks in (0, 1_000, 2_000, 0):
                await gateway.publish(split(lacks))
                seen.append(dict(zip(USERS, await revisions(port, REQUESTS), strict=True)))
    whole, half, none, again = ({arm: sides(each, arm) for arm in (1, 2, 3)} for each in seen)
    assert whole == again
    assert whole[2] == half[2] == none[2]
    assert whole[3] > half[3] > none[3] == set()
    assert whole[1] < half[1] < none[1]
    assert is_near(len(whole[2]), len(USERS), 0.3)


def sides(seen: dict[str, int], arm: int) -> set[str]:
    return {user for user, revision in seen.items() if revision == arm}


async def test_the_side_is_the_same_by_grpc_and_after_envoy_was_restarted(triton: Triton) -> None:
    [port] = free_ports(1)
    pods = {"one": pod(triton), "two": pod(triton)}
    async with Gateway(table(model(port, *shares(3_700, 6_300), sticky="x-user"), **pods)) as gateway:
        by_http = await on_the_new_side(port)
        by_grpc = set()
        async with stub_of(port) as stub:
            for user in USERS:
                call = stub.ServerLive(service_pb2.ServerLiveRequest(), metadata=(("x-user", user),))
                if dict(await call.initial_metadata())["tritium-revision"] == "2":
                    by_grpc.add(user)
        assert 0 < len(by_http) < len(USERS)
        assert by_grpc == by_http
        await gateway.restart()
        assert await on_the_new_side(port) == by_http


async def test_without_the_header_chance_decides() -> None:
    [port] = free_ports(1)
    with answering() as everybody:
        split = model(port, *shares(2_000, 8_000), sticky="x-user")
        async with Gateway(table(split, one=everybody, two=everybody)):
            found = await revisions(port, [get("/v2/health/live")] * 2_000)
    assert is_near(found.count(2), 2_000, 0.2)
