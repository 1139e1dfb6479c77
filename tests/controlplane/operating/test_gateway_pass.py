"""Single passes for a gateway: whom it is made for, whose its objects are, and what is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.faults import Answer, Fault, Match
from tests.controlplane.operating.harness import MDEP, Models
from tests.controlplane.operating.looking import CONFIG_MAPS, REVISIONS, SERVICES, unmanaged
from tests.controlplane.operating.recording import asked, brief, writes
from tests.controlplane.operating.test_gateway import PARTS, POLICIES, counted, owners, parts
from tritium.api import names
from tritium.api.fetch import KEPT_KEY
from tritium.loop.gateway_pass import LEGACY_EVERY
from tritium.loop.writer import NotLeading
from tritium.resources.controller_revision import controller_revision
from tritium.resources.owner import Owner

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.operating.passes import Passes
    from tests.controlplane.proxy import FaultProxy


async def made(passes: Passes, models: Models, *others: str) -> None:
    """There is a model, others beside, and the gateway."""
    for name in ("fraud", *others):
        await models.apply(name, replicas=0)
    await passes.look()
    await passes.run_gateway()
    assert await counted(models) == PARTS


async def test_it_is_not_made_for_models_that_are_gone(passes: Passes, models: Models, faults: FaultProxy) -> None:
    """Watches may not have told yet, or never will."""
    await models.apply(replicas=0)
    await models.apply("churn", replicas=0)
    await passes.look()
    for name in ("fraud", "churn"):
        await models.api.delete(MDEP, name, models.namespace)
    outcome = await passes.run_gateway()
    assert brief(writes(faults)) == []
    assert (outcome.again, outcome.refused) == (None, False)
    assert [each for each in passes.store.owners() if each.namespace == models.namespace] == []


async def test_it_is_made_for_those_that_are_left(passes: Passes, models: Models) -> None:
    for name in ("fraud", "churn", "alpha"):
        await models.apply(name, replicas=0)
    await passes.look()
    await models.api.delete(MDEP, "fraud", models.namespace)
    await passes.run_gateway()
    assert await counted(models) == PARTS
    await passes.look()
    await passes.run_gateway()
    assert await owners(models) == ["alpha", "churn"]


async def test_one_of_the_name_that_was_made_anew_is_another_owner(passes: Passes, models: Models) -> None:
    await made(passes, models, "churn")
    await models.api.delete(MDEP, "fraud", models.namespace)
    anew = await models.apply(replicas=0)
    await passes.look()
    await passes.run_gateway()
    (anchor,) = await parts(models, CONFIG_MAPS)
    uids = {each["uid"] for each in anchor["metadata"]["ownerReferences"]}
    assert anew["metadata"]["uid"] in uids
    assert len(uids) == 2


async def test_the_anchor_lists_the_revisions_that_use_a_cache(passes: Passes, models: Models) -> None:
    owner = Owner.of(await models.apply(replicas=0))
    for key, volumes in (("0000000a", [{"name": "cache"}]), ("0000000b", [{"name": "models"}])):
        kept = controller_revision(
            owner,
            hash=key,
            number=int(key, 16),
            written=f"sha256:{key}",
            fingerprint="sha256:ff",
            model="fraud",
            files=1,
            size=1,
            template={"spec": {"volumes": volumes}},
        )
        await models.api.apply(kept, manager=names.FIELD_MANAGER)
    await passes.look()
    await passes.run_gateway()
    (anchor,) = await parts(models, CONFIG_MAPS)
    assert anchor["data"][KEPT_KEY] == "fraud-0000000a\n"
    await models.api.delete(REVISIONS, "fraud-0000000a", models.namespace)
    await passes.look()
    await passes.run_gateway()
    (anchor,) = await parts(models, CONFIG_MAPS)
    assert KEPT_KEY not in anchor["data"]


async def test_what_is_as_wanted_costs_nothing(passes: Passes, models: Models, faults: FaultProxy) -> None:
    await made(passes, models)
    for restarted in (False, True):
        if restarted:
            passes.restart(passes.rendering)
        await passes.look()
        mark = len(faults.requests)
        outcome = await passes.run_gateway()
        assert brief(asked(faults, since=mark)) == []
        assert (outcome.again, outcome.refused) == (None, False)


async def test_nothing_is_written_without_the_lease(passes: Passes, models: Models, faults: FaultProxy) -> None:
    await models.apply(replicas=0)
    await passes.look()
    passes.leads = False
    with pytest.raises(NotLeading):
        await passes.run_gateway()
    assert brief(writes(faults)) == []


async def test_all_of_it_is_applied(passes: Passes, models: Models) -> None:
    await made(passes, models)
    for resource in PARTS:
        for each in await parts(models, resource):
            ways = {its["operation"] for its in each["metadata"]["managedFields"] if its["manager"] == "tritium"}
            assert ways == {"Apply"}, each["metadata"]


@pytest.mark.parametrize("unseen", [False, True], ids=["seen", "unseen"])
@pytest.mark.parametrize("labelled", [False, True], ids=["other", "with our labels"])
async def test_what_has_its_name_keeps_its_owner(
    passes: Passes, models: Models, faults: FaultProxy, *, unseen: bool, labelled: bool
) -> None:
    """Labels alone make nothing ours: whoever controls it does not look like a ModelDeployment."""
    other = await models.api.create(_config_map(models.namespace, "other"))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": other["metadata"]["uid"]}
    foreign = _config_map(models.namespace, names.GATEWAY)
    foreign["metadata"]["ownerReferences"] = [reference | {"controller": True}]
    if labelled:
        labels = {names.MANAGED_BY: names.FIELD_MANAGER, names.COMPONENT: "gateway", names.GATEWAY_LABEL: "true"}
        foreign["metadata"]["labels"] = labels
    foreign = await models.api.create(foreign)
    await models.apply(replicas=0)
    await passes.look()
    with faults.during(Fault(Match(verb="get", resource="configmaps"), Answer(404), times=None if unseen else 0)):
        outcome = await passes.run_gateway()
    assert outcome.refused
    trouble = passes.gateways.trouble(models.namespace)
    assert trouble
    assert (trouble.component, trouble.reason) == ("gateway", "NameTaken")
    assert unmanaged(await models.api.get(CONFIG_MAPS, names.GATEWAY, models.namespace)) == unmanaged(foreign)
    await models.api.delete(CONFIG_MAPS, names.GATEWAY, models.namespace)
    await passes.look()
    await passes.run_gateway()
    assert await counted(models) == PARTS
    assert passes.gateways.trouble(models.namespace) is None


async def test_an_anchor_without_owners_is_taken_up_again(passes: Passes, models: Models) -> None:
    """Somebody has removed its references: nothing would ever collect it."""
    await made(passes, models)
    bare = {"metadata": {"ownerReferences": None}}
    await models.api.patch(CONFIG_MAPS, names.GATEWAY, models.namespace, bare)
    await passes.look()
    await passes.run_gateway()
    assert await owners(models) == ["fraud"]


async def test_what_an_earlier_gateway_has_left_is_waited_for(passes: Passes, models: Models) -> None:
    await made(passes, models)
    held = {"metadata": {"finalizers": ["example.com/held"]}}
    await models.api.patch(CONFIG_MAPS, names.GATEWAY, models.namespace, held)
    await models.api.delete(CONFIG_MAPS, names.GATEWAY, models.namespace)
    try:
        await passes.look()
        outcome = await passes.run_gateway()
        trouble = passes.gateways.trouble(models.namespace)
        assert outcome.refused
        assert trouble
        assert trouble.reason == "WaitingForCleanup"
    finally:
        await models.api.patch(CONFIG_MAPS, names.GATEWAY, models.namespace, {"metadata": {"finalizers": None}})


async def test_models_are_closed_to_others_once_no_address_leads_to_them(passes: Passes, models: Models) -> None:
    """Before there was a gateway the Service selected the pods of a revision."""
    obj = await models.apply(replicas=0)
    await models.api.create(_legacy(obj))
    await passes.look()
    outcome = await passes.run_gateway()
    assert outcome.again == LEGACY_EVERY
    assert [each["metadata"]["name"] for each in await parts(models, POLICIES)] == ["tritium-gateway"]
    selector = {"spec": {"selector": {names.REVISION: None, names.GATEWAY_LABEL: "true"}}}
    await models.api.patch(SERVICES, "fraud", models.namespace, selector)
    await passes.look()
    outcome = await passes.run_gateway()
    assert outcome.again is None
    assert len(await parts(models, POLICIES)) == 2
    await models.api.patch(SERVICES, "fraud", models.namespace, {"spec": {"selector": {names.REVISION: "00000000"}}})
    await passes.look()
    await passes.run_gateway()
    assert len(await parts(models, POLICIES)) == 2, "what is closed stays closed"


def _config_map(namespace: str, name: str) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ports.json": "theirs"}}


def _legacy(obj: Object) -> Object:
    metadata = obj["metadata"]
    owner: dict[str, Any] = {key: metadata[key] for key in ("name", "uid")}
    owner |= {"apiVersion": names.API_VERSION, "kind": names.KIND, "controller": True}
    labels = {names.MANAGED_BY: names.FIELD_MANAGER, names.OWNER: metadata["name"]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [owner],
        },
        "spec": {"selector": {names.REVISION: "0a1b2c3d"}, "ports": [{"name": "http", "port": 8000}]},
    }
