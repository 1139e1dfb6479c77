"""What is taken away, or said, counts only against what was seen."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.behaviour import NeverReady, Ready
from tests.controlplane.operating.harness import Models
from tests.controlplane.operating.looking import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    SERVICES,
    pods_of,
    reached,
)
from tests.controlplane.operating.passes import NEXT, Passes, serve
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.kube import kinds
from tritium.kube.errors import Conflict

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy


async def test_a_status_is_not_written_over_an_object_that_has_changed(passes: Passes, models: Models) -> None:
    await models.apply(replicas=0)
    await passes.look()
    edited = await models.apply(replicas=0, metadata={"annotations": {"example.com/note": "edited meanwhile"}})
    with pytest.raises(Conflict):
        await passes.run()
    assert await models.get() == edited


def surplus(child: Object) -> Object:
    """Facts of a revision that is not kept, of the same owner as a child."""
    metadata = {name: child["metadata"][name] for name in ("namespace", "labels", "ownerReferences")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata | {"name": "fraud-00000000"}}


async def test_clients_are_led_on_only_from_where_they_were_seen(passes: Passes, models: Models) -> None:
    """Who has the Service in hand by now may have a reason for where it leads."""
    await models.apply(replicas=0)
    await serve(passes, models)
    spec = {"spec": {"selector": {names.REVISION: "00000000"}}}
    await models.api.patch(SERVICES, "fraud", models.namespace, spec)
    await passes.look()
    led = await models.api.patch(SERVICES, "fraud", models.namespace, {"metadata": {"labels": {"seen": "no"}}})
    with pytest.raises(Conflict):
        await passes.run()
    assert await models.api.get(SERVICES, "fraud", models.namespace) == led
    await serve(passes, models)


async def test_requests_are_sent_elsewhere_only_from_what_was_seen(
    passes: Passes, models: Models, kubelet: Kubelet
) -> None:
    """All of the next revision is ready, and whoever edits at that very moment may want another one."""
    kubelet.rule(pods_of("fraud", NEXT), NeverReady())
    await models.apply()
    await serve(passes, models)
    before = await reached(models)
    await models.apply(uri=NEXT)

    async def is_known() -> bool:
        await passes.run_both()
        return len((await models.status())["traffic"]["revisions"]) == 2

    await wait_for(is_known, 30, "the gateway is told of the next")
    kubelet.rule(pods_of("fraud", NEXT), Ready())

    async def would_promote() -> bool:
        await passes.look()
        gateways = passes.gateways.seen(passes.key, (await models.get())["metadata"]["uid"])
        return [(each.answer and dict(each.answer.endpoints)) for each in gateways] == [{1: 1, 2: 1}] * 2

    await wait_for(would_promote, 30, "each gateway pod knows its pod")
    told = (await models.status())["traffic"]
    await models.apply()
    with pytest.raises(Conflict):
        await passes.run()
    assert (await models.status())["traffic"] == told
    assert await reached(models) == before
    await serve(passes, models)
    assert await reached(models) == before


async def test_what_was_changed_meanwhile_is_not_deleted(passes: Passes, models: Models) -> None:
    await models.apply(replicas=0)
    await serve(passes, models)
    (mine,) = await models.children(DEPLOYMENTS)
    await models.api.create(surplus(mine))
    await passes.look()
    note = {"metadata": {"annotations": {"example.com/note": "changed meanwhile"}}}
    await models.api.patch(CONFIG_MAPS, "fraud-00000000", models.namespace, note)
    with pytest.raises(Conflict):
        await passes.run()
    assert len(await models.children(CONFIG_MAPS)) == 1
    await passes.go_on()
    assert await models.children(CONFIG_MAPS) == []


async def test_pods_are_taken_only_from_what_was_seen(passes: Passes, models: Models) -> None:
    """Whoever else has a hand on a Deployment may have a reason for the pods that it has by now."""
    await models.apply(replicas=1)
    await serve(passes, models)
    await models.apply(replicas=0)
    await passes.look()
    (child,) = await models.children(DEPLOYMENTS)
    note = {"metadata": {"annotations": {"example.com/note": "changed meanwhile"}}}
    await models.api.patch(DEPLOYMENTS, child["metadata"]["name"], models.namespace, note)
    with pytest.raises(Conflict):
        await passes.run()
    assert [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)] == [1]
    await passes.go_on()
    assert [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)] == [0]


async def test_pods_of_what_was_not_seen_are_not_taken(passes: Passes, models: Models, faults: FaultProxy) -> None:
    """A Deployment that a picture does not have may serve: nobody says how many pods it has before a look at it."""
    await models.apply(replicas=3)
    await serve(passes, models)
    await models.apply(replicas=2)
    await passes.look()
    (child,) = await models.children(DEPLOYMENTS)
    metadata = child["metadata"]
    passes.store.drop(kinds.DEPLOYMENTS, models.namespace, metadata["name"], metadata["uid"])
    note = {"metadata": {"annotations": {"example.com/note": "changed meanwhile"}}}
    await models.api.patch(DEPLOYMENTS, metadata["name"], models.namespace, note)
    before = len(faults.requests)
    with suppress(Conflict):  # its status may have changed since it was looked at
        await passes.run()
    writes = [each.body for each in faults.requests[before:] if each.resource == "deployments" and each.is_write]
    assert writes, "fewer pods were asked for"
    for each in writes:
        assert "resourceVersion" in each["metadata"], "what takes pods counts only against what was looked at"
    await passes.go_on()
    assert [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)] == [2]
