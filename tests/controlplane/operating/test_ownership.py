"""Whose the objects are: what others delete or change comes back, what others add stays."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.controlplane.behaviour import Ready
from tests.controlplane.operating.harness import MDEP, Models, Operator
from tests.controlplane.operating.looking import (
    BUDGETS,
    CHILDREN,
    CONFIG_MAPS,
    DEPLOYMENTS,
    PODS,
    REVISIONS,
    SERVICES,
    is_told,
    pods_of,
    reached,
)
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.gateway import MAX_WEIGHT

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet

DIGEST = "sha256:" + "12" * 32
KEPT = {
    "address": SERVICES,
    "preview": SERVICES,
    "endpoints": SERVICES,
    "budget": BUDGETS,
    "facts": CONFIG_MAPS,
    "deployment": DEPLOYMENTS,
}
"""What there is one of for a model of one revision; a ControllerRevision is a matter of its own."""


async def test_what_is_deleted_by_hand_comes_back(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    await _serve(models, kubelet)
    assert (await models.status())["revisions"][0]["digest"] == DIGEST
    for part, resource in KEPT.items():
        child = await _only(models, part)
        await models.api.delete(resource, child["metadata"]["name"], models.namespace)

        async def is_back(part: str = part, uid: str = child["metadata"]["uid"]) -> bool:
            return [each["metadata"]["uid"] == uid for each in await _all(models, part)] == [False]

        await wait_for(is_back, 30, f"the {part} is back")
    await models.settled(revision=1)


async def test_what_is_edited_by_hand_is_repaired(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    await _serve(models, kubelet)
    edits: dict[str, Object] = {
        "deployment": {"spec": {"replicas": 5}},
        "address": {"spec": {"selector": {names.REVISION: "00000000"}}},
        "preview": {"spec": {"selector": {names.REVISION: "00000000"}}},
        "endpoints": {"spec": {"selector": {names.REVISION: "00000000"}}},
        "budget": {"spec": {"maxUnavailable": 0}},
        "facts": {"metadata": {"labels": {names.REVISION: "00000000"}}},
    }
    for part, resource in KEPT.items():
        before = await _meaning(models, resource)
        for edit in (edits[part], {"metadata": {"labels": {names.MANAGED_BY: None}}}):
            child = await _only(models, part)
            await models.api.patch(resource, child["metadata"]["name"], models.namespace, edit)

            async def repaired(resource: str = resource, before: object = before) -> bool:
                return await _meaning(models, resource) == before

            await wait_for(repaired, 30, f"the {part} is repaired")
            assert (await _only(models, part))["metadata"]["uid"] == child["metadata"]["uid"]
    await models.settled(revision=1)


async def test_a_fight_is_told_and_not_fought(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    await _serve(models, kubelet)
    (deployment,) = await models.children(DEPLOYMENTS)
    name = deployment["metadata"]["name"]
    for _ in range(20):
        await models.api.patch(DEPLOYMENTS, name, models.namespace, {"spec": {"replicas": 3}})

        async def settled() -> str:
            failure = (await models.status()).get("lastFailure", {})
            (deployment,) = await models.children(DEPLOYMENTS)
            return str(failure.get("reason") or ("repaired" if deployment["spec"]["replicas"] == 2 else ""))

        if await wait_for(settled, 30, "it is repaired, or told") != "repaired":
            break
    failure = (await models.status())["lastFailure"]
    assert (failure["component"], failure["reason"]) == ("Deployment", "FieldContested")
    assert f"Deployment {name}: somebody else keeps changing it back" in failure["message"]
    await is_told(models, "FieldContested")
    assert (await models.children(DEPLOYMENTS))[0]["spec"]["replicas"] == 3


async def test_what_others_add_stays(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    await _serve(models, kubelet)
    mine = {"labels": {"team": "fraud"}, "annotations": {"example.com/note": "kept"}}
    fields: dict[str, Any] = {
        "deployment": {"spec": {"minReadySeconds": 1}},
        "address": {"spec": {"sessionAffinity": "ClientIP"}},
        "preview": {"spec": {"sessionAffinity": "ClientIP"}},
        "endpoints": {"spec": {"sessionAffinity": "ClientIP"}},
    }
    for part, resource in {**KEPT, "record": REVISIONS}.items():
        child = await _only(models, part)
        addition = {"metadata": mine, **fields.get(part, {})}
        await models.api.patch(resource, child["metadata"]["name"], models.namespace, addition)
    await models.apply(replicas=3)
    await wait_for(lambda: _replicas(models), 30, "there are three pods", until=lambda found: found == [3])
    await models.apply(uri="s3://models/fraud/2", replicas=3)
    await models.settled(revision=2)
    await models.apply(replicas=3)
    await models.settled(revision=1)
    for part in (*KEPT, "record"):
        (child,) = (each for each in await _all(models, part) if "team" in each["metadata"]["labels"])
        assert mine["labels"].items() <= child["metadata"]["labels"].items()
        assert mine["annotations"].items() <= child["metadata"]["annotations"].items()
        for field, value in fields.get(part, {}).get("spec", {}).items():
            assert child["spec"][field] == value


async def test_a_record_that_is_deleted_by_hand(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    """The revision is made once more from the source, under a number of its own; its pods go on."""
    await _serve(models, kubelet)
    before = await reached(models)
    (record,) = await models.children(REVISIONS)
    await models.api.delete(REVISIONS, record["metadata"]["name"], models.namespace)
    status = await models.settled(revision=2)
    assert [each["name"] for each in status["revisions"]] == [record["metadata"]["name"]]
    assert await reached(models) == replace(before, told={2: MAX_WEIGHT}, runs={2: MAX_WEIGHT})


async def test_nothing_carries_a_finalizer(operator: Operator, models: Models, kubelet: Kubelet) -> None:
    await _serve(models, kubelet)
    await models.apply(uri="s3://models/fraud/2", replicas=2)
    await models.until("both are there", stable=2)
    everything = [each for resource in (*CHILDREN, PODS) for each in await models.children(resource)]
    assert len(everything) >= 8
    for each in [*everything, await models.api.get(MDEP, "fraud", models.namespace)]:
        found = set(each["metadata"].get("finalizers", ()))
        assert found <= {"batch.kubernetes.io/job-tracking"}, each["metadata"]["name"]


async def _serve(models: Models, kubelet: Kubelet) -> None:
    kubelet.rule(pods_of("fraud"), Ready(said=json.dumps({"files": 3, "bytes": 4096, "digest": DIGEST})))
    await models.apply(replicas=2)
    await models.settled(revision=1)

    async def complete() -> bool:
        return all([await _all(models, part) for part in KEPT])

    await wait_for(complete, 30, "all objects are there")


async def _all(models: Models, part: str) -> list[Object]:
    """The addresses are called as the model is, all else as its revision."""
    children = await models.children({**KEPT, "record": REVISIONS}[part])
    own = {"fraud": "address", "fraud-preview": "preview"}
    wanted = part if part in own.values() else None
    return [each for each in children if own.get(each["metadata"]["name"]) == wanted]


async def _only(models: Models, part: str) -> Object:
    (child,) = await _all(models, part)
    return child


async def _meaning(models: Models, resource: str) -> object:
    """What the operator decides of an object, once it is labelled as its own."""
    found = await models.api.list(resource, models.namespace, labelSelector=f"{names.MANAGED_BY}=tritium")
    return [
        (each["metadata"]["labels"], {name: value for name, value in each.items() if name in {"spec", "data"}})
        for each in found
        if each["metadata"]["name"].startswith("fraud")
    ]


async def _replicas(models: Models) -> list[int]:
    return [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)]
