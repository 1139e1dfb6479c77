"""An experiment by the operator itself: what the gateway is told, what is counted, who waits, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.operating.harness import MDEP, condition
from tests.controlplane.operating.looking import PODS
from tests.controlplane.operating.requests import Requests
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.operating.harness import Models, Operator

FIRST, SECOND, THIRD = (f"s3://models/fraud/{number}" for number in (1, 2, 3))
BAKE = {"bakeTime": "1s"}
ARM = {"name": "b", "revision": 1, "weight": 20, "match": {"headers": [{"name": "X-Arm", "value": "b"}]}}


def experiment(*arms: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"arms": list(arms) or [ARM], **others}


def shares(status: Object) -> dict[int, int]:
    """Percent by revision, of those that have any."""
    told = (status.get("traffic") or {}).get("revisions") or []
    return {each["revision"]: each["weight"] // 100 for each in told if each["weight"]}


def arm(status: Object, name: str = "b") -> dict[str, Any]:
    return next((each for each in status.get("arms") or () if each["name"] == name), {})


async def two_revisions(models: Models) -> None:
    """The second serves, and the first is kept without pods."""
    await models.apply(uri=FIRST, rollout=BAKE)
    await models.settled(revision=1)
    await models.apply(uri=SECOND, rollout=BAKE)
    await models.settled(revision=2)
    await wait_for(lambda: pods(models, 1), 30, "the first has no pods", until=lambda number: number == 0)


async def pods(models: Models, revision: int) -> int:
    status = await models.status()
    name = next(each["name"] for each in status["revisions"] if each["revision"] == revision)
    selector = f"{names.OWNER}=fraud,{names.REVISION}={name[-8:]}"
    found = await models.api.list(PODS, models.namespace, labelSelector=selector)
    return sum("deletionTimestamp" not in each["metadata"] for each in found)


async def has(models: Models, **parts: int) -> Object:
    wanted = {int(name[1:]): part for name, part in parts.items()}
    return await wait_for(models.status, 30, f"shares {wanted}", until=lambda status: shares(status) == wanted)


async def test_arms_have_their_part_and_their_numbers_and_a_rollout_waits(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await two_revisions(models)
    async with Requests(gateways, models.namespace, fails={1: 4}):
        await models.apply(uri=SECOND, rollout=BAKE, experiment=experiment())
        status = await has(models, r1=20, r2=80)
        (led,) = [each for each in status["traffic"]["revisions"] if each.get("matches")]
        assert (led["revision"], led["matches"]) == (1, [{"header": "x-arm", "value": "b"}])
        status = await models.settled(revision=2)
        assert (arm(status)["weight"], arm(status)["readyReplicas"]) == (20, 1)

        await models.apply(uri=THIRD, rollout=BAKE, experiment=experiment())
        status = await models.until("the rollout waits", phase="Blocked", reason="ExperimentRunning")
        assert condition(status, "Released")["reason"] == "ExperimentRunning"
        assert "revision 3 waits for the experiment" in condition(status, "Released")["message"]
        assert shares(status) == {1: 20, 2: 80}
        assert await pods(models, 3) == 0

        def counted(status: Object) -> bool:
            return all(arm(status, name).get("requests", 0) > 100 for name in ("b", "stable"))

        status = await wait_for(models.status, 60, "the numbers are written", until=counted)
        b = arm(status)
        assert b["lower"] < 0.25 < b["upper"]
        assert abs(b["errors"] / b["requests"] - 0.25) < 0.02
        assert [each["quantile"] for each in b["latency"]] == [0.5, 0.95]
        assert arm(status, "stable")["errors"] == 0

        await models.apply(uri=THIRD, rollout=BAKE)
        status = await models.settled(revision=3)
        assert "arms" not in status
        await wait_for(lambda: pods(models, 1), 30, "the arm's pods go", until=lambda number: number == 0)
    events = await models.api.list("v1/events", models.namespace)
    told = {each["reason"]: each["message"] for each in events}
    assert told["ExperimentRunning"] == "an experiment runs with the arms b; rollouts wait"
    assert told["ExperimentEnded"] == "all requests go to revision 2: it was removed"


@pytest.mark.parametrize("ends", ["abort", "pin", "endsAt"])
async def test_it_ends_at_once_and_keeps_its_numbers(
    operator: Operator, models: Models, gateways: Gateways, ends: str
) -> None:
    await two_revisions(models)
    async with Requests(gateways, models.namespace):
        await models.apply(uri=SECOND, rollout=BAKE, experiment=experiment())
        await has(models, r1=20, r2=80)
        await wait_for(models.status, 60, "it is counted", until=lambda status: arm(status).get("requests", 0) > 0)
        match ends:
            case "abort":
                action = {"metadata": {"annotations": {names.ACTION: "abort@1"}}}
                await models.api.patch(MDEP, "fraud", models.namespace, action)
            case "pin":
                await models.apply(uri=SECOND, rollout=BAKE, experiment=experiment(), pinRevision=2)
            case "endsAt":
                soon = (datetime.now(UTC) + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
                await models.apply(uri=SECOND, rollout=BAKE, experiment=experiment(endsAt=soon))
        status = await has(models, r2=100)
        reason = {"abort": "AbortedByHand", "pin": "Pinned", "endsAt": "EndsAt"}[ends]
        assert status["experimentEnded"]["reason"] == reason
        assert arm(status)["requests"] > 0
        await wait_for(lambda: pods(models, 1), 30, "the arm's pods go", until=lambda number: number == 0)
        if ends == "abort":
            await models.apply(uri=SECOND, rollout=BAKE, experiment=experiment(ARM | {"weight": 30}))
            status = await has(models, r1=30, r2=70)
            assert "experimentEnded" not in status


async def test_copies_go_to_a_kept_revision_that_has_pods_for_them(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await two_revisions(models)
    mirror = {"mirror": {"revision": 1, "percent": 50}}
    await models.apply(uri=SECOND, rollout=BAKE, traffic=mirror)

    def has_copies(status: Object) -> bool:
        return bool(status["traffic"].get("mirror") == {"revision": 1, "percent": 50})

    status = await wait_for(models.status, 30, "it gets copies", until=has_copies)
    assert shares(status) == {2: 100}
    assert await pods(models, 1) == 1
    await models.settled(revision=2)
    await models.apply(uri=SECOND, rollout=BAKE)
    status = await wait_for(models.status, 30, "no more", until=lambda status: "mirror" not in status["traffic"])
    await wait_for(lambda: pods(models, 1), 30, "its pods go", until=lambda number: number == 0)


async def test_another_operator_goes_on_and_an_arm_without_pods_gives_its_part_back(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await two_revisions(models)
    async with Requests(gateways, models.namespace):
        await models.apply(uri=SECOND, rollout=BAKE, experiment=experiment())
        await has(models, r1=20, r2=80)
        counted = await wait_for(
            models.status, 60, "numbers are written", until=lambda status: arm(status).get("requests", 0) > 0
        )
        await operator.kill()
        await operator.start()
        await operator.ready()
        status = await wait_for(
            models.status,
            60,
            "they go on",
            until=lambda status: arm(status)["countedAt"] > arm(counted)["countedAt"],
        )
        assert shares(status) == {1: 20, 2: 80}
        assert arm(status)["requests"] > arm(counted)["requests"]

        await models.apply(uri=SECOND, rollout=BAKE, experiment=experiment(), replicas=0)
        status = await wait_for(models.status, 30, "no part", until=lambda status: arm(status).get("weight") == 0)
        assert "spec.replicas is 0" in arm(status)["message"]
