"""Going back, and trying again: by pinRevision, by the old spec, by the action retry."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.controlplane.behaviour import CrashLoop, NeverReady, Ready
from tests.controlplane.faults import Match
from tests.controlplane.operating.harness import MDEP, Models, Operator, condition, resolves
from tests.controlplane.operating.looking import DEPLOYMENTS, is_told, pods_of, reached
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy

ONE, TWO, THREE = (f"s3://models/fraud/{number}" for number in (1, 2, 3))
NO_MODEL = "error: creating server: Internal - failed to load all models"


async def test_a_pin_goes_back_at_once(faulty_operator: Operator, models: Models, faults: FaultProxy) -> None:
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    first = await reached(models)
    await models.apply(uri=TWO)
    await models.settled(revision=2)
    second = await reached(models)
    listed = _listings(faults)

    await models.apply(uri=TWO, pinRevision=1)
    status = await models.settled(revision=1, timeout=10)
    assert condition(status, "Released")["reason"] == "Pinned"
    assert await reached(models) == first
    back = status["lastRollback"]
    assert (back["fromRevision"], back["toRevision"], back["reason"]) == (2, 1, "Pinned")
    assert [(each["revision"], each["reason"]) for each in status["rejectedRevisions"]] == [(2, "RolledBack")]
    await is_told(models, "RolledBack")

    await models.apply(uri=TWO)  # nobody asks for revision 2 by taking the pin away
    status = await models.until("the pin is gone", phase="Aborted", Released="Aborted", Stalled="True")
    assert status["stable"]["revision"] == 1
    assert await reached(models) == first

    await models.apply(uri=TWO, pinRevision=2)
    status = await models.settled(revision=2, timeout=10)
    assert condition(status, "Released")["reason"] == "Pinned"
    assert "rejectedRevisions" not in status
    await models.apply(uri=TWO)
    status = await models.until("the spec decides again", Released="Released", Stalled="False")
    assert await reached(models) == second

    await models.apply(uri=ONE)
    await models.settled(revision=1, timeout=10)
    assert await reached(models) == first
    assert _listings(faults) == listed


async def test_a_pin_waits_for_pods_that_were_given_up(
    faulty_operator: Operator, models: Models, kubelet: Kubelet, faults: FaultProxy
) -> None:
    quick: dict[str, Any] = {"rollout": {"bakeTime": "1s"}}
    await models.apply(uri=ONE, **quick)
    await models.settled(revision=1)
    await models.apply(uri=TWO, **quick)
    await models.until("revision 1 is scaled down", phase="Idle", stable=2)
    await wait_for(lambda: _replicas(models), 30, until=lambda found: sorted(found) == [0, 1])
    before = await wait_for(lambda: reached(models), 30, until=lambda found: set(found.runs) == {2})
    listed = _listings(faults)
    kubelet.rule(pods_of("fraud", ONE), NeverReady())
    await models.apply(uri=TWO, pinRevision=1, **quick)
    status = await models.until("its pods start", phase="Preparing", ModelLoaded="Starting")
    assert status["candidate"]["revision"] == 1
    assert await reached(models) == before
    kubelet.rule(pods_of("fraud", ONE), Ready())
    await models.settled(revision=1)
    assert _listings(faults) == listed


async def test_a_pin_that_is_not_kept_changes_nothing(operator: Operator, models: Models) -> None:
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    before = await reached(models)
    await models.apply(uri=TWO, pinRevision=9)
    status = await models.until("it says so", Released="PinNotFound", Stalled="PinNotFound")
    assert "spec.pinRevision: 9 is not kept (kept: 1)" in condition(status, "Released")["message"]
    assert condition(status, "Ready")["status"] == "True"
    await is_told(models, "PinNotFound")
    assert await reached(models) == before
    assert len(await models.children(DEPLOYMENTS)) == 1
    await models.apply(uri=TWO)
    await models.settled(revision=2)


async def test_retry_gives_a_rejected_revision_another_chance(
    faulty_operator: Operator, models: Models, kubelet: Kubelet, faults: FaultProxy
) -> None:
    """Somebody has mended what was outside of the spec, such as the image's registry or the files."""
    kubelet.rule(pods_of("fraud", TWO), CrashLoop(message=NO_MODEL))
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    before = await reached(models)
    await models.apply(uri=TWO)
    await models.until("it is turned down", phase="Aborted")
    kubelet.rule(pods_of("fraud", TWO), Ready())
    listed = _listings(faults)
    await asyncio.sleep(1)
    assert (await models.status())["stable"]["revision"] == 1
    assert await reached(models) == before

    await _act(models, "retry@1")
    status = await models.settled(revision=2)
    assert "rejectedRevisions" not in status
    assert (status["lastAction"]["verb"], status["lastAction"]["token"]) == ("retry", "1")
    assert _listings(faults) == listed + 1


async def test_retry_finds_what_has_changed_at_the_source(
    faulty_operator: Operator, models: Models, kubelet: Kubelet, faults: FaultProxy
) -> None:
    await models.apply(uri=ONE)
    await models.settled(revision=1)
    listed = _listings(faults)
    await _act(models, "retry@1")
    status = await models.until("it was listed again", lastAction=_Done("1"))
    assert _listings(faults) == listed + 1
    assert status["stable"]["revision"] == 1
    resolves(kubelet, "sha256:" + "cd" * 32)
    await _act(models, "retry@2")
    await models.settled(revision=2)
    assert _listings(faults) == listed + 2
    await models.apply(uri=ONE, replicas=2)  # the annotation is still there, and was carried out
    await models.until("there are two pods", stable=2, replicas=2)
    assert _listings(faults) == listed + 2


class _Done:
    """Equal to an action that has been carried out."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and other["token"] == self._token

    def __hash__(self) -> int:
        return hash(self._token)


async def _act(models: Models, action: str) -> Object:
    annotation = {"metadata": {"annotations": {names.ACTION: action}}}
    return await models.api.patch(MDEP, "fraud", models.namespace, annotation)


async def _replicas(models: Models) -> list[int]:
    return [each["spec"]["replicas"] for each in await models.children(DEPLOYMENTS)]


def _listings(faults: FaultProxy) -> int:
    """How many Jobs were made so far."""
    return len({each.name for each in faults.seen(Match(verb="patch", resource="jobs"))})
