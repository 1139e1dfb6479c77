"""Watches that end, break, hang, lie behind or lose something: what is decided is right all the same."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.faults import Action, Answer, BlackHole, Cut, Delay, ErrorEvent, Fault, Match
from tests.controlplane.manifests import config_map, deployment
from tests.controlplane.operating.harness import MDEP, Operator
from tests.controlplane.operating.looking import CHILDREN, DEPLOYMENTS, SERVICES, in_each, uids
from tests.controlplane.operating.recording import Everything, brief, falls_silent, nothing_is_asked, writes
from tests.controlplane.operating.story import CHANGE, FIRST, LAST, Step, edit, fetches, live
from tests.controlplane.waiting import wait_for
from tritium.kube.kinds import OWNED, WATCHED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.request import Request

# httpx leaves a connection behind when it is cancelled while it sets up TLS, as the stub kubelet's tasks are.
WATCHES = Match(watch=True)
BREAKS: dict[str, Action] = {
    "ended": Cut(clean=True),
    "cut": Cut(),
    "too old": ErrorEvent(410),
    "gone": Answer(410),
    "busy": Answer(429, retry_after=1),
    "down": Answer(503),
    "unauthorized": Answer(401),
}


async def test_a_watch_that_breaks_is_taken_up_again(
    faulty_operator: Operator, faults: FaultProxy, models: Models
) -> None:
    """Each watch is broken once, while a version is rolled out."""
    everything = Everything(models)
    for number, (name, action) in enumerate(BREAKS.items(), 1):
        broken = faults.inject(Fault(WATCHES, action, times=len(WATCHED)))
        if isinstance(action, Answer):  # it is for new watches, so end those that are open
            faults.inject(Fault(WATCHES, Cut(clean=True), times=len(WATCHED)))
        await edit(models, "fraud", Step(number, number))
        await everything.serves(revision=number, timeout=30)
        await wait_for(lambda: broken.hits, 15, name, until=lambda hits: hits == len(WATCHED))  # noqa: B023
    assert faulty_operator.process
    assert faulty_operator.process.returncode is None


async def test_any_order_of_the_kinds_leads_to_the_same_end(
    faulty_operator: Operator, faults: FaultProxy, models: Models, kubelet: Kubelet
) -> None:
    """One kind after another lies behind all others for a while."""
    everything = Everything(models)
    fetches(kubelet)
    await live(everything, "undisturbed", (FIRST, CHANGE))
    wanted = await everything.outcome("undisturbed")

    async def disturb() -> None:
        while True:
            for kind in random.sample(WATCHED, len(WATCHED)):
                with faults.during(Fault(Match(watch=True, resource=kind.plural), BlackHole())):
                    await asyncio.sleep(0.4)

    async def check(name: str) -> None:
        await live(everything, name, (FIRST, CHANGE))
        await everything.comes_to(wanted, name)

    disturbing = asyncio.create_task(disturb())
    try:
        await in_each([f"late-{number}" for number in range(6)], check)
    finally:
        disturbing.cancel()
        await asyncio.gather(disturbing, return_exceptions=True)


async def test_lists_find_what_silent_watches_do_not_tell(
    faults: FaultProxy, models: Models, tmp_path: Path, namespace: str
) -> None:
    """The connections are open, and nothing comes: kopf notices after 70 s."""
    everything = Everything(models)
    sweeping = Operator(faults.credentials(), tmp_path, namespace, environment={"TRITIUM_SWEEP_EVERY": "1"})
    async with sweeping:
        await sweeping.ready()
        await live(everything, "fraud", (FIRST,))
        with faults.during(Fault(WATCHES, BlackHole())):
            await live(everything, "fraud", (CHANGE,))
            await models.api.delete(SERVICES, "fraud", namespace)
            await wait_for(lambda: _has_address(models), 10, "the Service is back")
            await falls_silent(faults, namespace)
            mark = len(faults.requests)
        # What was held back comes now. The lists were so frequent that the store knows no more of what was deleted.
        await falls_silent(faults, namespace)
        late = [each for each in writes(faults, since=mark) if each.namespace == namespace]
        assert [each for each in late if each.verb != "delete" or each.status != 404] == [], brief(late)


async def test_a_missed_deletion_makes_no_ghost(
    faulty_operator: Operator, faults: FaultProxy, models: Models, namespace: str
) -> None:
    """The model's own DELETED never comes, those of its children do."""
    everything = Everything(models)
    await live(everything, "fraud", (FIRST,))
    services = await models.children(SERVICES)
    with faults.during(Fault(Match(watch=True, resource="modeldeployments"), BlackHole())):
        mark = len(faults.requests)

        def looks() -> list[Request]:
            owner = Match(resource="modeldeployments", namespace=namespace, watch=False)
            return [each for each in faults.requests[mark:] if owner.fits(each)]

        await models.api.delete(MDEP, "fraud", namespace)
        await wait_for(looks, 20, "it asks for the owner, or writes its status")
        for resource in CHILDREN:
            await wait_for(lambda: models.children(resource), 30, resource, until=lambda left: not left)  # noqa: B023
        await falls_silent(faults, namespace)
        done = [each for each in writes(faults, since=mark) if each.namespace == namespace]
        assert [each for each in done if each.patch == "apply"] == [], brief(done)
        assert len(looks()) <= 5, brief(looks())
        # Another test's namespace may be going away at the same time.
        said = [line for line in faulty_operator.log.read_text().splitlines() if namespace in line]
        assert [line for line in said if "ERROR" in line] == []

        # Another one of the same name: the ghost must not stand in for it.
        await edit(models, "fraud", FIRST)
    await everything.at_rest(revision=1)
    assert not uids(await models.children(SERVICES)) & uids(services)


async def test_nothing_is_written_before_all_is_listed(
    faults: FaultProxy, models: Models, kubelet: Kubelet, tmp_path: Path, namespace: str
) -> None:
    """The store knows the model long before it knows its Deployments."""
    everything = Everything(models)
    fetches(kubelet)
    operator = Operator(faults.credentials(), tmp_path, namespace)
    async with operator:
        await operator.ready()
        await live(everything, "fraud", (FIRST, CHANGE))
    mark = len(faults.requests)
    delayed = faults.inject(Fault(Match(verb="list", resource="deployments"), Delay(3)))
    await edit(models, "fraud", LAST)  # so that there is something to write
    async with operator:
        await wait_for(lambda: delayed.hits, 15, "Deployments are listed")
        assert (await operator.get("/readyz")).status_code == 503
        await operator.ready()
        lists = [each for each in faults.requests[mark:] if (each.verb, each.resource) == ("list", "deployments")]
        ended = min(each.ended for each in lists if each.ended)
        await everything.at_rest(revision=3)
        mine = [each for each in writes(faults, since=mark) if each.namespace == namespace]
        assert min(each.started for each in mine) >= ended
        known = {each["metadata"]["name"] for each in await models.children(DEPLOYMENTS)}
        applied = [each for each in mine if each.patch == "apply" and each.resource == "controllerrevisions"]
        assert len(applied) == 1, brief(applied)
        assert applied[0].name in known


async def test_objects_of_others_cost_nothing(
    faulty_operator: Operator, faults: FaultProxy, models: Models, namespace: str
) -> None:
    """The server keeps them back; an object of ours that loses its label is made ours again."""
    everything = Everything(models)
    for kind in OWNED:
        watch = Match(watch=True, resource=kind.plural)
        seen = await wait_for(lambda: faults.seen(watch), 10, kind.plural)  # noqa: B023
        assert {each.query.get("labelSelector") for each in seen} == {"app.kubernetes.io/managed-by=tritium"}
    await live(everything, "fraud", (FIRST,))
    before = await everything.outcome()
    for number in range(10):
        await models.api.create(config_map(f"theirs-{number}"), namespace)
        await models.api.create(deployment(f"theirs-{number}", 0), namespace)
    await nothing_is_asked(faults, namespace, 1)

    (mine,) = await models.children(DEPLOYMENTS)
    labels = dict.fromkeys(("app.kubernetes.io/managed-by", "serving.tritium.dev/name"))
    patch = {"metadata": {"labels": labels}}
    await models.api.patch(DEPLOYMENTS, mine["metadata"]["name"], namespace, patch)
    await everything.comes_to(before)
    assert uids(await models.children(DEPLOYMENTS)) == uids([mine])
    await falls_silent(faults, namespace)


@pytest.mark.parametrize("status", [401, 403, 410, 429, 500])
async def test_lists_that_fail_at_the_start(
    faults: FaultProxy, models: Models, tmp_path: Path, namespace: str, status: int
) -> None:
    """One answer like that, of each list, and the operator is ready a moment later."""
    for kind in WATCHED:
        faults.inject(Fault(Match(verb="list", resource=kind.plural), Answer(status), times=1))
    async with Operator(faults.credentials(), tmp_path, namespace) as operator:
        await operator.ready()
        await models.apply()
        await models.settled(revision=1)


async def _has_address(models: Models) -> bool:
    return "fraud" in {each["metadata"]["name"] for each in await models.children(SERVICES)}
