"""Where all edits lead, and that nothing is written once one is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.operating.looking import BUDGETS, CONFIG_MAPS, DEPLOYMENTS, REVISIONS, SERVICES, uids
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
    for each in (budget, service):  # without status and owner nothing of kopf's is on an object
        assert not {"finalizers"} & each["metadata"].keys()
    await nothing_is_asked(faults, 2)

    await faulty_operator.stop()
    mark, began = len(faults.requests), time.monotonic()
    await faulty_operator.start()
    await faulty_operator.ready()
    assert time.monotonic() - began < 10
    await nothing_is_asked(faults, 2)
    assert not writes(faults, since=mark), brief(writes(faults, since=mark))
    assert any(each.resource == "leases" and each.is_write for each in faults.requests[mark:])


@pytest.mark.parametrize("resource", [SERVICES, DEPLOYMENTS, BUDGETS, CONFIG_MAPS])
async def test_a_child_that_is_deleted_comes_back(
    operator: Operator, models: Models, kubelet: Kubelet, resource: str
) -> None:
    fetches(kubelet)
    await edit(models, "fraud", 1)
    await at_rest(models, revision=1)
    before = await outcome(models)
    (child,) = await models.children(resource)
    await models.api.delete(resource, child["metadata"]["name"], models.namespace)
    await wait_for(lambda: models.children(resource), 10, "it is back", until=lambda all_: all_ and not uids(all_) & {child["metadata"]["uid"]})
    await comes_to(models, before)


async def test_what_others_wrote_stays_and_what_is_ours_comes_back(
    faulty_operator: Operator, faults: FaultProxy, models: Models, kubelet: Kubelet
) -> None:
    await edit(models, "fraud", 1)
    await at_rest(models, revision=1)
    before = await outcome(models)
    (deployment,) = await models.children(DEPLOYMENTS)
    name, pods = deployment["metadata"]["name"], deployment["spec"]["template"]["spec"]
    foreign = {"metadata": {"annotations": {"backup.example/policy": "daily"}}, "spec": {"minReadySeconds": 1}}
    ours = {"spec": {"replicas": 1, "progressDeadlineSeconds": 7}}
    await models.api.patch(DEPLOYMENTS, name, models.namespace, foreign)
    await models.api.patch(DEPLOYMENTS, name, models.namespace, ours)
    service_ours = {"spec": {"selector": {"serving.tritium.dev/revision": "00000000", "extra": "1"}}}
    await models.api.patch(SERVICES, "fraud", models.namespace, service_ours)
    expected = before
    print(pods)
    await comes_to(models, expected)
    await nothing_is_asked(faults, 2)
