"""What is taken away, or said, counts only against what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controlplane.operating.harness import Models
from tests.controlplane.operating.looking import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    SERVICES,
)
from tests.controlplane.operating.passes import Passes, serve
from tritium.api import names
from tritium.kube.errors import Conflict

if TYPE_CHECKING:
    from tests.controlplane.api import Object


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
