"""Whose port is which: it never changes while a model lives, and nobody else gets it for a day after that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.controlplane.operating.harness import MDEP
from tests.controlplane.operating.looking import SERVICES
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.gateway import FIRST_PORT, LAST_PORT
from tritium.resources.gateway.anchor import read_ports

if TYPE_CHECKING:
    from tests.controlplane.operating.harness import Models, Operator

MANY = 50


async def ports(models: Models) -> dict[str, int]:
    """The port of each model that has one."""
    objects = await models.api.list(MDEP, models.namespace)
    found: dict[str, Any] = {
        each["metadata"]["name"]: ((each.get("status") or {}).get("traffic") or {}).get("port") for each in objects
    }
    return {name: int(port) for name, port in found.items() if port}


async def test_many_at_once_have_one_each_and_keep_it(operator: Operator, models: Models) -> None:
    await asyncio.gather(*(models.apply(f"m{number}", replicas=0) for number in range(MANY)))
    before = await wait_for(lambda: ports(models), 60, "all have a port", until=lambda found: len(found) == MANY)
    assert len(set(before.values())) == MANY
    assert all(FIRST_PORT <= port <= LAST_PORT for port in before.values())
    await operator.kill()
    await models.api.delete("coordination.k8s.io/v1/leases", "tritium-operator", models.namespace)
    await operator.start()
    await operator.ready()
    await asyncio.gather(*(models.apply(f"n{number}", replicas=0) for number in range(5)))
    after = await wait_for(lambda: ports(models), 60, "the new ones too", until=lambda found: len(found) == MANY + 5)
    assert len(set(after.values())) == MANY + 5
    assert before.items() <= after.items()


async def test_a_port_is_not_handed_out_again(operator: Operator, models: Models) -> None:
    """Not even to one of the same name, and neither after a restart: the anchor keeps it."""
    await models.apply("churn", replicas=0)
    await models.settled("churn", revision=1)
    seen: list[int] = []
    for restarts in (False, True):
        await models.apply(replicas=0)
        await models.settled(revision=1)
        seen.append((await ports(models))["fraud"])
        await models.api.delete(MDEP, "fraud", models.namespace)
        await wait_for(lambda: _released(models), 15, "it is noted", until=lambda found: set(seen) <= found)
        if restarts:
            await operator.stop()
            await operator.start()
            await operator.ready()
    await models.apply(replicas=0)
    await models.settled(revision=1)
    seen.append((await ports(models))["fraud"])
    assert len(set(seen)) == 3


async def test_a_status_that_was_lost_takes_no_port_with_it(operator: Operator, models: Models) -> None:
    """As in a cluster that was restored without its statuses; the Service tells, or else the anchor."""
    for name in ("fraud", "churn"):
        await models.apply(name)
        await models.settled(name, revision=1)
    before = await ports(models)
    await operator.stop()
    await models.api.delete(SERVICES, "churn", models.namespace)
    for name in ("fraud", "churn"):
        await models.api.patch(MDEP, name, models.namespace, {"status": None}, subresource="status")
    assert await ports(models) == {}
    await operator.start()
    await operator.ready()
    for name in ("fraud", "churn"):
        await models.settled(name, revision=1)
    assert await ports(models) == before


async def test_two_that_have_one_port(operator: Operator, models: Models) -> None:
    """As after a backup was restored beside what had been made since: the older one keeps it."""
    for name in ("zeta", "alpha"):
        await models.apply(name)
        await models.settled(name, revision=1)
        await asyncio.sleep(1)  # a server writes times in whole seconds
    before = await ports(models)
    await operator.stop()
    taken = {"status": {"traffic": {"port": before["zeta"]}}}
    await models.api.patch(MDEP, "alpha", models.namespace, taken, subresource="status")
    await operator.start()
    await operator.ready()
    after = await wait_for(
        lambda: ports(models), 15, "each has its own", until=lambda found: len(set(found.values())) == 2
    )
    assert after["zeta"] == before["zeta"]
    await models.settled("alpha", revision=1)
    service = await models.api.get(SERVICES, "alpha", models.namespace)
    assert service["spec"]["ports"][0]["targetPort"] == (await ports(models))["alpha"]


async def _released(models: Models) -> set[int]:
    """The ports that rest, as the anchor says."""
    anchor = await models.api.get("v1/configmaps", names.GATEWAY, models.namespace)
    return set(read_ports(anchor).released)
