"""Where all edits lead, and that nothing is written once one is there."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

from tests.controlplane.operating.looking import (
    BUDGETS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    REVISIONS,
    SERVICES,
    in_each,
    uids,
)
from tests.controlplane.operating.recording import (
    Everything,
    brief,
    falls_silent,
    nothing_is_asked,
    writes,
)
from tests.controlplane.operating.story import DIGEST, FIRST, edit, fetches, live
from tests.controlplane.waiting import wait_for
from tritium.api.gateway import MAX_WEIGHT

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator
    from tests.controlplane.proxy import FaultProxy


# httpx leaves a connection behind when it is cancelled while it sets up TLS, as the stub kubelet's tasks are.
async def test_it_ends_as_the_spec_says_and_then_rests(
    faulty_operator: Operator, faults: FaultProxy, models: Models, kubelet: Kubelet
) -> None:
    everything = Everything(models)
    fetches(kubelet)
    await live(everything, "fraud")
    status = await models.status()
    kept = [each["name"] for each in status["revisions"]]
    assert [each["revision"] for each in status["revisions"]] == [2, 3]
    assert status["stable"] == {"revision": 3, "digest": DIGEST, "weight": 100, "replicas": 2, "readyReplicas": 2}
    for resource in (REVISIONS, DEPLOYMENTS, CONFIG_MAPS):
        assert {each["metadata"]["name"] for each in await models.children(resource)} == set(kept)
    assert [each["metadata"]["name"] for each in await models.children(BUDGETS)] == kept[1:]
    assert await models.children(JOBS) == []
    services = {each["metadata"]["name"]: each for each in await models.children(SERVICES)}
    assert services.keys() == {"fraud", "fraud-preview", *kept}
    assert services["fraud"]["spec"]["ports"][0]["targetPort"] == status["traffic"]["port"]
    assert status["traffic"]["preview"] == 3
    assert status["traffic"]["revisions"] == [{"revision": 3, "service": kept[1], "weight": MAX_WEIGHT}]
    assert status["trafficObserved"]["version"] == status["traffic"]["version"]
    for each in (await models.get(), *services.values()):
        assert "finalizers" not in each["metadata"]
        assert "kopf" not in str(each["metadata"].get("annotations"))
    await nothing_is_asked(faults, models.namespace, 2)

    await faulty_operator.stop()
    mark, began = len(faults.requests), time.monotonic()
    await faulty_operator.start()
    await faulty_operator.ready()
    assert time.monotonic() - began < 10
    await nothing_is_asked(faults, models.namespace, 2)
    found = [each for each in writes(faults, since=mark) if each.namespace == models.namespace]
    assert not found, brief(found)
    told = [json.loads(line) for line in faulty_operator.log.read_text().splitlines()]
    assert told
    troubles = [each["message"] for each in told if each["level"] not in {"INFO", "DEBUG"}]
    # It looks after the namespaces of other tests as well, while they are being removed.
    assert [each for each in troubles if set(re.findall(r"\bt-[0-9a-f]{8}\b", each)) <= {models.namespace}] == []
    assert [
        each["message"] for each in told if each["message"].startswith("Handler")
    ] == []  # kopf's word on each event
    assert any(each.resource == "leases" and each.is_write for each in faults.requests[mark:])


async def test_a_child_that_is_deleted_comes_back(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    """Also the Deployment that serves: nobody can keep a person from deleting it."""
    everything = Everything(models)
    fetches(kubelet)
    kinds = {
        "service": SERVICES,
        "preview": SERVICES,
        "endpoints": SERVICES,
        "deployment": DEPLOYMENTS,
        "budget": BUDGETS,
        "facts": CONFIG_MAPS,
    }

    async def check(name: str) -> None:
        await edit(models, name, FIRST)
        await everything.at_rest(name, revision=1)
        before = await everything.outcome(name)
        children = await models.children(kinds[name], name)
        own = {name: "service", f"{name}-preview": "preview"}
        wanted = name if name in own.values() else None
        child = next(each for each in children if own.get(each["metadata"]["name"]) == wanted)
        await models.api.delete(kinds[name], child["metadata"]["name"], models.namespace)

        async def others() -> set[str]:
            return uids(await models.children(kinds[name], name)) - uids(children)

        await wait_for(others, 10, f"another {name}")
        await everything.comes_to(before, name)

    await in_each(kinds, check)


async def test_what_others_wrote_stays_and_what_is_ours_comes_back(
    faulty_operator: Operator, faults: FaultProxy, models: Models
) -> None:
    everything = Everything(models)
    await edit(models, "fraud", FIRST)
    await everything.at_rest(revision=1)
    before = await everything.outcome()
    (deployment,) = await models.children(DEPLOYMENTS)
    name = deployment["metadata"]["name"]
    foreign: Object = {"metadata": {"annotations": {"backup.example/policy": "daily"}}, "spec": {"minReadySeconds": 1}}
    await models.api.patch(DEPLOYMENTS, name, models.namespace, foreign)
    there = before[DEPLOYMENTS][name.replace("fraud", "it")]
    there["metadata"]["annotations"] |= foreign["metadata"]["annotations"]
    there["spec"] |= foreign["spec"]
    ours = {"spec": {"replicas": 1, "template": {"spec": {"terminationGracePeriodSeconds": 30}}}}
    await models.api.patch(DEPLOYMENTS, name, models.namespace, ours)
    astray = {"spec": {"selector": {"serving.tritium.dev/revision": "00000000", "extra": "1"}}}
    await models.api.patch(SERVICES, "fraud", models.namespace, astray)
    await everything.comes_to(before)
    await falls_silent(faults, models.namespace)
    await everything.comes_to(before)
