"""A model that nobody asks anything loses its pods, and has one again for whoever waits at a gateway pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.operating.harness import Operator, condition
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.gateways import Agent, Gateways
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.ring import ControlPlane

SCALING = {"min": 0, "max": 4, "idleAfter": "10s", "holdFor": "2m"}
NEXT = "s3://models/fraud/2"


async def pods(models: Models) -> list[int]:
    """What the Deployments are asked for, of those that have pods."""
    return [
        each["spec"]["replicas"] for each in await models.children("apps/v1/deployments") if each["spec"]["replicas"]
    ]


async def sleeps(models: Models) -> dict[str, Any]:
    await wait_for(lambda: pods(models), 60, "it has no pods", until=lambda seen: not seen)
    status: dict[str, Any] = await models.until("it sleeps", Ready="Asleep")
    assert status["traffic"]["hold"]["asleep"]
    assert condition(status, "ScalingActive")["reason"] == "Asleep"
    return status


async def wakes(models: Models) -> dict[str, Any]:
    await wait_for(lambda: pods(models), 10, "it has a pod", until=lambda seen: seen == [1])
    status: dict[str, Any] = await models.until("it serves", Ready="Serving")
    assert not status["traffic"]["hold"]["asleep"]
    return status


def one_of(gateways: Gateways, models: Models, number: int) -> Agent:
    """A gateway pod that runs what the model's status says."""
    return gateways.of(models.namespace)[number]


async def test_it_sleeps_and_wakes_again_and_again(operator: Operator, models: Models, gateways: Gateways) -> None:
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    numbers = []
    for turn in range(2):
        status = await sleeps(models)
        numbers.append(status["traffic"]["hold"]["since"])
        assert one_of(gateways, models, turn % 2).request("fraud"), "it waits"
        await wakes(models)
    assert numbers == sorted(set(numbers))
    events = [each["message"] for each in await models.api.list("v1/events", models.namespace)]
    assert any(each.startswith("1 -> 0 pods") for each in events)
    assert any(each.startswith("0 -> 1 pods") for each in events)


async def test_who_came_while_no_operator_was_there_is_not_forgotten(
    operator: Operator, models: Models, gateways: Gateways, control_plane: ControlPlane, tmp_path: Path
) -> None:
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    await sleeps(models)
    await operator.kill()
    assert one_of(gateways, models, 0).request("fraud")
    async with Operator(control_plane.admin, tmp_path, models.namespace, name="operator-1") as heir:
        await heir.ready()
        await wakes(models)


async def test_a_gateway_pod_that_does_not_answer_keeps_it_awake(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply(scaling=SCALING | {"idleAfter": "1h"})
    await models.settled(revision=1)
    agent = one_of(gateways, models, 0)
    agent.stays_behind()
    await models.apply(scaling=SCALING)
    await models.until("it is told", timeout=40, phase="Idle")
    told = await wait_for(models.status, 40, "it is to sleep", until=lambda found: found["scaling"]["desired"] == 0)
    assert told["traffic"]["hold"]["asleep"]
    assert await pods(models) == [1], "one gateway pod sends requests there"
    agent.follows()
    await sleeps(models)


async def test_a_gateway_pod_that_cannot_hold_keeps_it_awake(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply(scaling=SCALING | {"idleAfter": "1h"})
    await models.settled(revision=1)
    agent = one_of(gateways, models, 0)
    agent.knows_holding = False
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    other = one_of(gateways, models, 1)
    before = other.asked
    await wait_for(lambda: other.asked, 60, "it was long idle", until=lambda asked: asked > before + 30)
    assert await pods(models) == [1]
    agent.knows_holding = True
    await sleeps(models)


async def test_one_whose_spec_cannot_be_followed_serves_who_waits(
    operator: Operator, models: Models, gateways: Gateways, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """Nothing of it runs that could be left as it is. Another operator has to hear of who waits, too."""
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    await sleeps(models)
    await models.apply(scaling=SCALING | {"metric": "concurrency", "target": 2, "capacityRps": 5})
    await models.until("it cannot be followed", Released="SpecInvalid")
    assert await pods(models) == []
    await operator.kill()
    async with Operator(control_plane.admin, tmp_path, models.namespace, name="operator-1") as heir:
        await heir.ready()
        assert one_of(gateways, models, 0).request("fraud")
        await wait_for(lambda: pods(models), 20, "it has a pod", until=lambda seen: seen == [1])
        status = await models.status()
        assert not status["traffic"]["hold"]["asleep"]
        assert condition(status, "Released")["reason"] == "SpecInvalid"
        await models.apply(scaling=SCALING)
        await models.settled(revision=1)


@pytest.mark.parametrize("change", ["version", "bound"])
async def test_what_needs_pods_wakes_it(operator: Operator, models: Models, change: str) -> None:
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    await sleeps(models)
    if change == "version":
        await models.apply(uri=NEXT, scaling=SCALING)
        await models.settled(revision=2, timeout=60)
    else:
        await models.apply(scaling={"min": 2, "max": 4})
        await wait_for(lambda: pods(models), 20, "it has as many", until=lambda seen: seen == [2])
