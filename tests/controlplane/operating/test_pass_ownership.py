"""Whose an object is: of an owner that is gone, of a predecessor, of somebody else, and without its marks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.behaviour import Ready, Succeeded
from tests.controlplane.faults import Answer, Fault, Match
from tests.controlplane.operating.harness import MDEP, RESOLVES, SERVES, Models
from tests.controlplane.operating.looking import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    REVISIONS,
    SERVICES,
    unmanaged,
)
from tests.controlplane.operating.passes import NEXT, Passes, serve
from tests.controlplane.operating.recording import brief, writes
from tests.controlplane.operating.story import DIGEST
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy


def service(namespace: str) -> Object:
    """Somebody else's Service that has the model's name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "fraud", "namespace": namespace},
        "spec": {"selector": {"app": "other"}, "ports": [{"name": "http", "port": 8000, "protocol": "TCP"}]},
    }


@pytest.mark.parametrize("comes_back", [False, True])
async def test_nothing_is_made_for_an_owner_that_is_gone(
    passes: Passes, models: Models, faults: FaultProxy, *, comes_back: bool
) -> None:
    await models.apply(replicas=0)
    await passes.look()
    await models.api.delete(MDEP, "fraud", models.namespace)
    if comes_back:
        await models.apply(replicas=0)
    await passes.run()
    assert brief(writes(faults)) == []
    await passes.run()
    assert bool(writes(faults)) is comes_back, "it has seen that there is another of the name"


async def test_what_a_predecessor_left_is_not_the_successors(passes: Passes, models: Models) -> None:
    """Also where it takes long to go: here somebody else holds the record of its revision."""
    await models.apply(replicas=0)
    await serve(passes, models)
    (record,) = await models.children(REVISIONS)
    name = record["metadata"]["name"]
    held = {"metadata": {"finalizers": ["example.com/held"]}}
    await models.api.patch(REVISIONS, name, models.namespace, held)
    await models.api.delete(MDEP, "fraud", models.namespace)
    successor = await models.apply(replicas=0)
    try:
        await wait_for(lambda: models.children(SERVICES), 30, "the rest is collected", until=lambda left: not left)
        await passes.go_on()
        assert "revisions" not in await models.status()
        jobs = await models.children(JOBS)
        owners = [each["metadata"]["ownerReferences"][0]["uid"] for each in jobs]
        assert owners == [successor["metadata"]["uid"]], "it lists the source for itself"
    finally:
        await models.api.patch(REVISIONS, name, models.namespace, {"metadata": {"finalizers": None}})
    await serve(passes, models)
    (found,) = await models.children(REVISIONS)
    assert found["metadata"]["uid"] != record["metadata"]["uid"]


@pytest.mark.parametrize("unseen", [False, True], ids=["seen", "unseen"])
async def test_what_has_the_name_keeps_its_owner(
    passes: Passes, models: Models, faults: FaultProxy, *, unseen: bool
) -> None:
    foreign = await models.api.create(service(models.namespace))
    await models.apply(replicas=0)

    async def told() -> object:
        await passes.run_both()
        return (await models.status()).get("lastFailure", {}).get("reason")

    with faults.during(Fault(Match(verb="get", resource="services"), Answer(404), times=None if unseen else 0)):
        await wait_for(told, 10, "it says so", until=lambda reason: reason == "NameTaken")
    assert unmanaged(await models.api.get(SERVICES, "fraud", models.namespace)) == unmanaged(foreign)


async def test_what_has_taken_the_name_of_an_address_keeps_it(passes: Passes, models: Models) -> None:
    """A person has put a Service of their own in the place of the model's."""
    await models.apply(replicas=0)
    await serve(passes, models)
    await models.api.delete(SERVICES, "fraud", models.namespace)
    foreign = await models.api.create(service(models.namespace))
    await passes.go_on()
    status = await models.status()
    assert (status["lastFailure"]["component"], status["lastFailure"]["reason"]) == ("Service", "NameTaken")
    assert unmanaged(await models.api.get(SERVICES, "fraud", models.namespace)) == unmanaged(foreign)
    await models.api.delete(SERVICES, "fraud", models.namespace)
    await serve(passes, models)


async def test_a_name_that_is_taken_is_told_before_anything_is_made(
    passes: Passes, models: Models, faults: FaultProxy
) -> None:
    foreign = service(models.namespace)
    await models.api.create(foreign)
    await models.apply(replicas=0)
    await passes.look()
    await passes.run()
    assert (await models.status())["lastFailure"]["reason"] == "NameTaken"
    assert {each.resource for each in writes(faults)} == {names.PLURAL, "events"}
    await models.api.delete(SERVICES, "fraud", models.namespace)
    await serve(passes, models)


@pytest.mark.parametrize("resource", [DEPLOYMENTS, CONFIG_MAPS, REVISIONS])
async def test_a_label_that_was_removed_comes_back(
    passes: Passes, models: Models, kubelet: Kubelet, resource: str
) -> None:
    """But for a revision's record: its name tells which it is, and it is written only once."""
    kubelet.rule(SERVES, Ready(said=json.dumps({"files": 3, "bytes": 4096, "digest": DIGEST})))
    await models.apply(replicas=1)
    await serve(passes, models)
    (before,) = await models.children(resource)
    unlabelled = {"metadata": {"labels": {names.REVISION: None}}}
    await models.api.patch(resource, before["metadata"]["name"], models.namespace, unlabelled)
    await passes.go_on()
    (after,) = await models.children(resource)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    if resource != REVISIONS:
        assert after["metadata"]["labels"] == before["metadata"]["labels"]
    await models.apply(uri=NEXT, replicas=1)
    await serve(passes, models, revision=2)


async def test_a_job_that_does_not_say_what_it_resolves_is_mended(
    passes: Passes, models: Models, kubelet: Kubelet
) -> None:
    kubelet.rule(RESOLVES, Succeeded(after=600))
    await models.apply(replicas=0)
    await passes.go_on()
    (before,) = await models.children(JOBS)
    unmarked = {"metadata": {"annotations": {names.WRITTEN: None, names.ATTEMPT: "first"}}}
    await models.api.patch(JOBS, before["metadata"]["name"], models.namespace, unmarked)
    await passes.go_on()
    (after,) = await models.children(JOBS)
    for mark in (names.WRITTEN, names.ATTEMPT):
        assert after["metadata"]["annotations"][mark] == before["metadata"]["annotations"][mark]
