"""What one pass writes, in which order, and what it leaves alone."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.faults import Answer, Fault, Match
from tests.controlplane.operating.harness import MDEP, Models
from tests.controlplane.operating.looking import (
    CHILDREN,
    DEPLOYMENTS,
    SERVICES,
    told,
)
from tests.controlplane.operating.passes import NEXT, RENDERING, Passes, serve
from tests.controlplane.operating.recording import brief, writes
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.kube.errors import Unavailable
from tritium.loop.writer import NotLeading

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy


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
