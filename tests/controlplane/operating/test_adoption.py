"""What a life brings: a status that is lost, an owner that goes while nobody looks, or comes back at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.controlplane.api import ApiError
from tests.controlplane.behaviour import Ready
from tests.controlplane.faults import Match
from tests.controlplane.operating.harness import MDEP, Models, Operator, condition, resolves
from tests.controlplane.operating.looking import CHILDREN, PODS, pods_of, reached, uids
from tests.controlplane.operating.recording import falls_silent
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.request import Request


async def test_a_lost_status_is_found_again(
    faulty_operator: Operator, models: Models, kubelet: Kubelet, faults: FaultProxy
) -> None:
    """As after a restore: nothing is listed, made or started again."""
    await models.apply()
    await models.settled(revision=1)
    resolves(kubelet, "sha256:" + "cd" * 32)
    await models.apply(uri="s3://models/fraud/2")
    known = (await models.settled(revision=2))["revisions"]
    before = await reached(models)
    made = {resource: uids(await models.children(resource)) for resource in CHILDREN}

    await _lose_status(models)
    status = await models.settled(revision=2)
    assert [each["name"] for each in status["revisions"]] == [each["name"] for each in known]
    await faulty_operator.stop()
    await _lose_status(models)
    mark = len(faults.requests)
    await faulty_operator.start()
    status = await models.settled(revision=2)

    assert condition(status, "Ready")["status"] == "True"
    assert await reached(models) == before
    assert {resource: uids(await models.children(resource)) for resource in CHILDREN} == made
    written = {(each.resource, each.subresource) for each in _writes(faults, models, mark)}
    assert written <= {("modeldeployments", "status"), ("events", "")}


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_an_owner_that_is_made_anew(
    operator: Operator, models: Models, kubelet: Kubelet, propagation: str
) -> None:
    """Its successor has the same name and spec, so that all its objects have the names of the old ones."""
    kubelet.rule(pods_of("fraud"), Ready(), stops_after=1)
    old = await models.apply(replicas=2)
    await models.settled(revision=1)
    left = set[str]().union(*[uids(await models.children(resource)) for resource in (*CHILDREN, PODS)])
    await models.api.delete(MDEP, "fraud", models.namespace, propagation=propagation)

    async def made_anew() -> Object:
        try:
            return await models.api.create({**old, "metadata": {"name": "fraud", "namespace": models.namespace}})
        except ApiError as error:
            if error.reason == "AlreadyExists":  # in the foreground the old one goes last
                return {}
            raise

    new = await wait_for(made_anew, 60, "the old one is gone")
    await models.settled(revision=1, timeout=60)

    async def all_are_new() -> bool:
        children = [each for resource in CHILDREN for each in await models.children(resource)]
        owners = {each["metadata"]["ownerReferences"][0]["uid"] for each in children}
        pods = await models.children(PODS)
        return owners == {new["metadata"]["uid"]} and uids([*children, *pods]).isdisjoint(left)

    await wait_for(all_are_new, 60, "all objects are the new one's")
    assert (await models.settled(revision=1))["stable"]["readyReplicas"] == 2


async def test_deleted_while_the_operator_is_down(
    faulty_operator: Operator, models: Models, faults: FaultProxy
) -> None:
    """It comes back when the garbage collector is at work, and makes nothing of what it still sees."""
    await models.apply(replicas=2)
    await models.settled(revision=1)
    await faulty_operator.stop()
    mark = len(faults.requests)
    await models.api.delete(MDEP, "fraud", models.namespace)
    await faulty_operator.start()
    await faulty_operator.ready()

    async def left() -> list[str]:
        return [each["metadata"]["name"] for kind in (*CHILDREN, PODS) for each in await models.children(kind)]

    await wait_for(left, 60, "the children are collected", until=lambda names: not names)
    await falls_silent(faults, models.namespace)
    assert _writes(faults, models, mark) == []
    assert await left() == []


async def _lose_status(models: Models) -> None:
    empty = dict.fromkeys(await models.status())
    await models.api.patch(MDEP, "fraud", models.namespace, {"status": empty}, subresource="status")


def _writes(faults: FaultProxy, models: Models, since: int) -> list[Request]:
    """What the operator wrote in the test's namespace; its Lease apart."""
    match = Match(write=True, namespace=models.namespace)
    return [each for each in faults.requests[since:] if match.fits(each) and each.resource != "leases"]
