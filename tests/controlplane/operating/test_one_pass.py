"""What one pass writes, in which order, and what it leaves alone."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.behaviour import NeverReady, Ready
from tests.controlplane.faults import Answer, Fault, Match
from tests.controlplane.operating.harness import MDEP, Models, condition
from tests.controlplane.operating.looking import (
    CHILDREN,
    DEPLOYMENTS,
    SERVICES,
    pods_of,
    reached,
    told,
)
from tests.controlplane.operating.passes import NEXT, RENDERING, Passes, serve
from tests.controlplane.operating.recording import brief, writes
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.gateway import MAX_WEIGHT
from tritium.kube.errors import Unavailable
from tritium.loop.writer import NotLeading

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.request import Request


async def refuse_pods(models: Models) -> None:
    """From now on the namespace has no room for any pod."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none", "namespace": models.namespace},
        "spec": {"hard": {"pods": "0"}},
    }
    await models.api.create(quota)


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
    assert len(said) == 1, brief(said)
    after = done[done.index(said[0]) + 1 :]
    assert {each.resource for each in after} <= {names.PLURAL}, brief(done)
    # The gateway may take longer than the pass: that it is waited for is said with the generation.
    assert _reconciling(done[: done.index(said[0]) + 1]) == ("True" if after else "False"), brief(done)
    assert _reconciling(done) == "False", brief(done)


async def test_clients_are_not_led_before_that_is_written_down(
    passes: Passes, models: Models, kubelet: Kubelet, faults: FaultProxy
) -> None:
    """The next revision is known to the gateway, and as soon as its pod is ready nothing can be written down."""
    kubelet.rule(pods_of("fraud", NEXT), NeverReady())
    await models.apply()
    await serve(passes, models)
    before, services = await reached(models), await models.children(SERVICES)
    await models.apply(uri=NEXT)

    async def waits() -> str:
        await passes.run_both()
        return str(condition(await models.status(), "ModelLoaded").get("message"))

    await wait_for(waits, 30, "the next revision waits for its pod", until=lambda said: "does not report" in said)
    version = (await models.status())["traffic"]["version"]
    with faults.during(Fault(Match(resource=names.PLURAL, subresource="status"), Answer(500))) as refused:
        kubelet.rule(pods_of("fraud", NEXT), Ready())
        await wait_for(lambda: _endpoints(models), 30, "its pod is ready", until=lambda found: found == [1, 1])

        async def tried() -> int:
            with suppress(Unavailable):
                await passes.go_on()
            return refused.hits

        await wait_for(tried, 30, "it wants to send requests there", until=lambda hits: hits >= 3)
        status = await models.status()
        assert (status["stable"]["revision"], status["traffic"]["version"]) == (1, version)
        assert await reached(models) == before
        assert [each for each in await models.children(SERVICES) if each in services] == services
        assert [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)] == [1, 1]
    await serve(passes, models, revision=2)
    assert (await reached(models)).runs == {2: MAX_WEIGHT}
    assert [each for each in await models.children(SERVICES) if each in services] != services


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


def _reconciling(requests: list[Request]) -> str:
    """What these writes have last said of it."""
    found = (condition((each.body or {}).get("status", {}), "Reconciling").get("status") for each in requests)
    return [str(each) for each in found if each][-1]


async def _endpoints(models: Models) -> list[int]:
    """How many pods of each revision the gateway can send requests to."""
    slices = await models.children("discovery.k8s.io/v1/endpointslices")
    gateway = {"fraud", "fraud-preview"}  # theirs are the gateway's pods
    headless = (each for each in slices if each["metadata"]["labels"]["kubernetes.io/service-name"] not in gateway)
    return [sum(bool(each["conditions"].get("ready")) for each in found.get("endpoints") or ()) for found in headless]
