"""Single passes against a real API server, at moments that a running operator meets once in a thousand times.

The passes run in this process, and the watches are the test's: what it does not look at is an old picture.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.controlplane.behaviour import Ready, Succeeded
from tests.controlplane.faults import Answer, Delay, Fault, Match
from tests.controlplane.kube_clients import client_of
from tests.controlplane.operating.harness import MDEP, RESOLVES, SERVES, Models, Operator
from tests.controlplane.operating.looking import (
    CHILDREN,
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    REVISIONS,
    SERVICES,
    told,
    unmanaged,
)
from tests.controlplane.operating.recording import brief, falls_silent, writes
from tests.controlplane.operating.story import DIGEST
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.errors import Conflict, Unavailable
from tritium.kube.events import Recorder
from tritium.kube.store import Key, Store
from tritium.kube.sweep import sweep
from tritium.loop.inquiry import Inquiry
from tritium.loop.prober import Prober
from tritium.loop.reconcile import Reconciler
from tritium.loop.writer import NotLeading
from tritium.resources.rendering import Rendering

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy

RENDERING = Rendering(fetch_image="tritium.dev/operator:1", triton_image="tritium.dev/triton:26.07")
NEXT = "s3://models/fraud/2"


@dataclass
class Passes:
    """An operator without watches and without a Lease of its own.

    Attributes:
        leads: whether it can prove its Lease.
    """

    client: Client
    key: Key
    store: Store = field(default_factory=Store)
    leads: bool = True
    rendering: Rendering = RENDERING

    def __post_init__(self) -> None:
        self._reconcile = self._started()

    async def look(self) -> None:
        """See all there is."""
        await sweep(self.client, self.store, kinds.WATCHED)

    async def run(self) -> None:
        """One pass for the model."""
        await self._reconcile(self.key)

    async def go_on(self) -> None:
        """A pass that sees all there is."""
        await self.look()
        await self.run()

    def restart(self, rendering: Rendering) -> None:
        """Another version of the operator, with nothing in mind."""
        self.store, self.rendering = Store(), rendering
        self._reconcile = self._started()

    def remembered(self) -> list[Key]:
        """Of whom something is kept in mind; a leak shows nowhere else."""
        return list(self._reconcile._memories)

    def _started(self) -> Reconciler:
        return Reconciler(
            client=self.client,
            store=self.store,
            recorder=Recorder(self.client),
            prober=Prober(wake=lambda _: None, clock=asyncio.get_running_loop().time),
            inquiry=Inquiry(self.client, self.store),
            rendering=self.rendering,
            proven=lambda: self.leads,
            now=lambda: datetime.now(UTC).replace(microsecond=0),
        )


@pytest_asyncio.fixture
async def passes(
    faults: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, namespace: str
) -> AsyncIterator[Passes]:
    """Passes for the model `fraud` of the test's namespace, behind the fault proxy."""
    async with client_of(faults.credentials(), tmp_path, monkeypatch) as client:
        yield Passes(client, Key(namespace, "fraud"))


async def serve(passes: Passes, models: Models, revision: int = 1) -> None:
    """Go on until a revision serves."""

    async def served() -> object:
        await passes.go_on()
        return ((await models.status()).get("stable") or {}).get("revision")

    await wait_for(served, 30, f"revision {revision} serves", until=lambda seen: seen == revision)
    await passes.go_on()


def service(namespace: str) -> Object:
    """Somebody else's Service that has the model's name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "fraud", "namespace": namespace},
        "spec": {"selector": {"app": "other"}, "ports": [{"name": "http", "port": 8000, "protocol": "TCP"}]},
    }


def surplus(child: Object) -> Object:
    """Facts of a revision that is not kept, of the same owner as a child."""
    metadata = {name: child["metadata"][name] for name in ("namespace", "labels", "ownerReferences")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata | {"name": "fraud-00000000"}}


async def refuse_pods(models: Models) -> None:
    """From now on the namespace has no room for any pod."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": models.namespace},
        "spec": {"hard": {"pods": "0"}},
    }
    await models.api.create(quota)


async def test_a_status_is_not_written_over_an_object_that_has_changed(passes: Passes, models: Models) -> None:
    await models.apply(replicas=0)
    await passes.look()
    edited = await models.apply(replicas=0, metadata={"annotations": {"example.com/note": "edited meanwhile"}})
    with pytest.raises(Conflict):
        await passes.run()
    assert await models.get() == edited


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


async def test_nothing_is_written_without_the_lease(passes: Passes, models: Models, faults: FaultProxy) -> None:
    await models.apply(replicas=0)
    await serve(passes, models)
    edits: dict[str, Object] = {
        "a new object": {"uri": NEXT},
        "another state of one": {"replicas": 1},
        "the status alone": {"replicas": 0, "revisionHistoryLimit": 3},
    }
    for edit, spec in edits.items():
        await models.apply(**{"replicas": 0, **spec})
        await passes.look()
        mark = len(faults.requests)
        passes.leads = False
        with pytest.raises(NotLeading):
            await passes.run()
        assert brief(writes(faults, since=mark)) == [], edit
        passes.leads = True
    await serve(passes, models)


@pytest.mark.parametrize("unseen", [False, True], ids=["seen", "unseen"])
async def test_what_has_the_name_keeps_its_owner(
    passes: Passes, models: Models, faults: FaultProxy, *, unseen: bool
) -> None:
    foreign = await models.api.create(service(models.namespace))
    await models.apply(replicas=0)

    async def told() -> object:
        await passes.go_on()
        return (await models.status()).get("lastFailure", {}).get("reason")

    with faults.during(Fault(Match(verb="get", resource="services"), Answer(404), times=None if unseen else 0)):
        await wait_for(told, 10, "it says so", until=lambda reason: reason == "NameTaken")
    assert unmanaged(await models.api.get(SERVICES, "fraud", models.namespace)) == unmanaged(foreign)


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


async def test_events_that_cannot_be_read_hold_nothing_up(
    passes: Passes, models: Models, kubelet: Kubelet, faults: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    await refuse_pods(models)
    await models.apply(replicas=0)
    with faults.during(Fault(Match(verb="list", resource="events"), Answer(403))) as refused:
        for _ in range(3):
            await passes.go_on()
    assert refused.hits
    assert "has no pod is not known" in caplog.text


async def test_news_are_told_once(passes: Passes, models: Models, caplog: pytest.LogCaptureFixture) -> None:
    """Also where they are written down ahead, and the pass that did so has nothing else to do."""
    caplog.set_level(logging.INFO, "tritium")
    await models.apply(replicas=0)
    await serve(passes, models)
    await models.apply(uri=NEXT, replicas=0)
    await serve(passes, models, revision=2)
    await models.apply(uri=NEXT, replicas=0, pinRevision=1)
    await serve(passes, models, revision=1)
    logged = [each.getMessage() for each in caplog.records if each.getMessage().startswith(("Promoted", "RolledBack"))]
    assert len(logged) == len(set(logged)), logged
    events = [why for _, why, _ in await told(models)]
    assert events.count("Promoted") == 3


async def test_who_is_gone_leaves_nothing_in_mind(passes: Passes, models: Models) -> None:
    await models.apply(replicas=0)
    await serve(passes, models)
    await models.api.delete(MDEP, "fraud", models.namespace)
    await passes.go_on()
    assert passes.remembered() == []


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


async def test_a_generation_is_observed_when_all_is_done(passes: Passes, models: Models, faults: FaultProxy) -> None:
    """`helm --wait` and others take it for the end; what is written ahead must not say so."""
    await models.apply(replicas=0)
    await serve(passes, models)
    await models.apply(uri=NEXT, replicas=0)
    await serve(passes, models, revision=2)
    generation = (await models.apply(replicas=0))["metadata"]["generation"]
    mark = len(faults.requests)
    await serve(passes, models)
    done = [each for each in writes(faults, since=mark) if each.resource != "events"]
    said = [each for each in done if (each.body or {}).get("status", {}).get("observedGeneration") == generation]
    assert {each.resource for each in done} >= {"services", names.PLURAL}
    assert [done.index(each) for each in said] == [len(done) - 1], brief(done)


async def test_clients_are_not_led_before_that_is_written_down(
    passes: Passes, models: Models, faults: FaultProxy
) -> None:
    await models.apply(replicas=0)
    await serve(passes, models)
    before = await models.children(SERVICES)
    await models.apply(uri=NEXT, replicas=0)
    with faults.during(Fault(Match(resource=names.PLURAL, subresource="status"), Answer(500))):

        async def two() -> int:
            with suppress(Unavailable):
                await passes.go_on()
            return len(await models.children(DEPLOYMENTS))

        await wait_for(two, 30, "the next revision is ready", until=lambda seen: seen == 2)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await passes.go_on()
        assert await models.children(SERVICES) == before
    await serve(passes, models, revision=2)
    assert await models.children(SERVICES) != before


async def test_another_version_of_the_operator_changes_nothing(
    passes: Passes, models: Models, faults: FaultProxy
) -> None:
    await models.apply(replicas=0)
    await serve(passes, models)
    mark = len(faults.requests)
    passes.restart(replace(RENDERING, fetch_image="tritium.dev/operator:2", image_pull_policy="Always"))
    await passes.go_on()
    await passes.go_on()
    assert brief(writes(faults, since=mark)) == []


async def test_what_is_made_is_applied(passes: Passes, models: Models, kubelet: Kubelet) -> None:
    """A field that came with a POST could not be taken away by any later apply."""
    await models.apply(replicas=2)
    await serve(passes, models)
    children = [each for resource in CHILDREN for each in await models.children(resource)]
    assert len(children) >= 4
    for child in children:
        ways = {each["operation"] for each in child["metadata"]["managedFields"] if each["manager"] == "tritium"}
        assert ways == {"Apply"}, child["metadata"]


async def test_nothing_is_done_before_everything_is_known(
    faulty_operator: Operator, models: Models, faults: FaultProxy
) -> None:
    """Who does not know the revisions yet would take a model that serves for a new one."""
    await models.apply(replicas=0)
    await models.settled(revision=1)
    await falls_silent(faults, models.namespace)
    await faulty_operator.stop()
    mark = len(faults.requests)
    with faults.during(Fault(Match(verb="list", resource="controllerrevisions"), Delay(3))) as late:
        await faulty_operator.start()
        await faulty_operator.ready()
        await asyncio.sleep(1)
    assert late.hits
    # Models of tests before this one may still be there.
    assert brief(each for each in writes(faults, since=mark) if each.namespace == models.namespace) == []


async def test_only_what_is_ours_is_listed_and_watched(
    faulty_operator: Operator, models: Models, faults: FaultProxy
) -> None:
    """A cluster has a hundred times more pods than models."""
    await models.apply(replicas=0)
    await models.settled(revision=1)
    ours = {kind.plural: kinds.selector(kind) for kind in kinds.OWNED}
    asked = [each for each in faults.requests if each.verb in {"list", "watch"} and each.resource in ours]
    assert {(each.verb, each.resource) for each in asked} == {
        (verb, kind) for verb in ("list", "watch") for kind in ours
    }
    assert {each.query.get("labelSelector") for each in asked} == set(ours.values())
