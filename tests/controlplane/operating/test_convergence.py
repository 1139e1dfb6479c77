"""Where all edits lead, and that nothing is written once one is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.controlplane.operating.looking import (
    BUDGETS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    REVISIONS,
    SERVICES,
    in_each,
    uids,
)
from tests.controlplane.operating.recording import (
    at_rest,
    brief,
    comes_to,
    nothing_is_asked,
    outcome,
    writes,
)
from tests.controlplane.operating.story import DIGEST, edit, fetches, live
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator
    from tests.controlplane.proxy import FaultProxy


async def test_it_ends_as_the_spec_says_and_then_rests(
    faulty_operator: Operator, faults: FaultProxy, models: Models, kubelet: Kubelet
) -> None:
    fetches(kubelet)
    await live(models, "fraud")
    status = await models.status()
    assert [each["revision"] for each in status["revisions"]] == [2, 3]
    assert status["stable"] == {"revision": 3, "digest": DIGEST, "weight": 100, "replicas": 2, "readyReplicas": 2}
    assert len(await models.children(CONFIG_MAPS)) == len(await models.children(REVISIONS)) == 2
    (budget,) = await models.children(BUDGETS)
    (service,) = await models.children(SERVICES)
    assert budget["metadata"]["name"] == status["revisions"][1]["name"]
    assert service["spec"]["selector"]["serving.tritium.dev/revision"] == budget["metadata"]["name"][-8:]
    for each in (await models.get(), budget, service):
        assert "finalizers" not in each["metadata"]
        assert "kopf" not in str(each["metadata"].get("annotations"))
    await nothing_is_asked(faults, 2)

    await faulty_operator.stop()
    mark, began = len(faults.requests), time.monotonic()
    await faulty_operator.start()
    await faulty_operator.ready()
    assert time.monotonic() - began < 10
    await nothing_is_asked(faults, 2)
    assert not writes(faults, since=mark), brief(writes(faults, since=mark))
    assert any(each.resource == "leases" and each.is_write for each in faults.requests[mark:])


async def test_a_child_that_is_deleted_comes_back(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    """Also the Deployment that serves: nobody can keep a person from deleting it."""
    fetches(kubelet)
    kinds = {"service": SERVICES, "deployment": DEPLOYMENTS, "budget": BUDGETS, "facts": CONFIG_MAPS}

    async def check(name: str) -> None:
        await edit(models, name, 1)
        await at_rest(models, name, revision=1)
        before = await outcome(models, name)
        (child,) = await models.children(kinds[name], name)
        await models.api.delete(kinds[name], child["metadata"]["name"], models.namespace)

        async def others() -> set[str]:
            return uids(await models.children(kinds[name], name)) - {child["metadata"]["uid"]}

        await wait_for(others, 10, f"another {name}")
        await comes_to(models, before, name)

    await in_each(kinds, check)


async def test_what_others_wrote_stays_and_what_is_ours_comes_back(
    faulty_operator: Operator, faults: FaultProxy, models: Models
) -> None:
    await edit(models, "fraud", 1)
    await at_rest(models, revision=1)
    before = await outcome(models)
    (deployment,) = await models.children(DEPLOYMENTS)
    name = deployment["metadata"]["name"]
    foreign = {"metadata": {"annotations": {"backup.example/policy": "daily"}}, "spec": {"minReadySeconds": 1}}
    await models.api.patch(DEPLOYMENTS, name, models.namespace, foreign)
    live = before[DEPLOYMENTS][name.replace("fraud", "it")]
    live["metadata"]["annotations"] |= foreign["metadata"]["annotations"]
    live["spec"] |= foreign["spec"]
    ours = {"spec": {"replicas": 1, "template": {"spec": {"terminationGracePeriodSeconds": 1}}}}
    await models.api.patch(DEPLOYMENTS, name, models.namespace, ours)
    astray = {"spec": {"selector": {"serving.tritium.dev/revision": "00000000", "extra": "1"}}}
    await models.api.patch(SERVICES, "fraud", models.namespace, astray)
    await comes_to(models, before)
    await nothing_is_asked(faults, 2)
