"""A rollout in steps by the operator itself: what it tells the gateway, what it judges, and what people can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.operating.harness import MDEP, SERVES, condition
from tests.controlplane.operating.looking import PODS
from tests.controlplane.operating.requests import Requests
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.operating.harness import Models, Operator

NEXT = "s3://models/fraud/2"
STEPS = [{"weight": 20, "minDuration": "1s"}, {"weight": 50, "minDuration": "1s"}]


def rollout(*steps: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"steps": list(steps) or STEPS, "bakeTime": "1s", **others}


def share(status: Object, revision: int = 2) -> int:
    """Percent of the traffic that the gateway is told to send to a revision."""
    told: list[dict[str, int]] = status["traffic"]["revisions"]
    return sum(each["weight"] for each in told if each["revision"] == revision) // 100


async def act(models: Models, action: str) -> None:
    await models.api.patch(MDEP, "fraud", models.namespace, {"metadata": {"annotations": {names.ACTION: action}}})


async def has_part(models: Models, percent: int) -> Object:
    return await wait_for(models.status, 30, f"it has {percent} %", until=lambda status: share(status) == percent)


async def test_a_good_version_gets_there_step_by_step(operator: Operator, models: Models, gateways: Gateways) -> None:
    await models.apply(rollout=rollout())
    await models.settled(revision=1)
    parts = [0]

    async def looked_at() -> Object:
        status = await models.status()
        if share(status) != parts[-1]:
            parts.append(share(status))
        return status

    async with Requests(gateways, models.namespace):
        await models.apply(uri=NEXT, rollout=rollout())
        await wait_for(looked_at, 60, "it has all", until=lambda status: share(status) == 100)
        assert parts == [0, 20, 50, 100]
        await models.settled(revision=2)
    events = await models.api.list("v1/events", models.namespace)
    told = [each["message"] for each in events if each["reason"] == "RolloutStep"]
    assert "revision 2 has 20 % of the traffic, step 1" in told
    assert "revision 2 has 50 % of the traffic, step 2" in told


async def test_a_bad_version_is_out_and_says_why(operator: Operator, models: Models, gateways: Gateways) -> None:
    await models.apply(rollout=rollout())
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace, fails={2: 4}) as requests:
        await models.apply(uri=NEXT, rollout=rollout({"weight": 20, "minDuration": "60s"}))
        await has_part(models, 20)
        status = await models.until("it is turned down", phase="Aborted", reason="GateFailed", Ready="True")
    assert status["stable"]["revision"] == 1
    assert (status["lastRollback"]["fromRevision"], status["lastRollback"]["toRevision"]) == (2, 1)
    (rejected,) = status["rejectedRevisions"]
    assert "requests failed: " in rejected["message"]
    assert requests.of(2) < 400, "it was out after some seconds"
    assert rejected["message"] in condition(status, "Released")["message"]


async def test_another_operator_goes_on_where_the_first_was_killed(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply(rollout=rollout())
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        await models.apply(uri=NEXT, rollout=rollout({"weight": 20, "minDuration": "3s"}, STEPS[1]))
        await has_part(models, 20)
        await operator.kill()
        assert share(await models.status()) == 20
        await operator.start()
        await operator.ready()
        await has_part(models, 50)
        await models.settled(revision=2, timeout=60)


async def test_a_step_that_waits_for_a_person_and_what_they_can_do(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply(rollout=rollout())
    await models.settled(revision=1)
    waits = rollout(STEPS[0], {"pause": {}}, STEPS[1], autoPromote=False)
    async with Requests(gateways, models.namespace):
        await models.apply(uri=NEXT, rollout=waits)
        status = await models.until("it waits", phase="Paused", reason="PauseStep")
        assert share(status) == 20
        await act(models, "resume@first")
        status = await models.until("it waits again", phase="Paused", reason="AwaitsPromotion")
        assert (share(status), status["lastAction"]["token"]) == (50, "first")
        await act(models, "promote@second")
        status = await models.settled(revision=2)
        assert (status["lastAction"]["verb"], status["lastAction"]["token"]) == ("promote", "second")


@pytest.mark.parametrize("back", ["abort", "edit", "pin"])
async def test_back_at_once_and_the_pods_go_when_nobody_is_led_there(
    operator: Operator, models: Models, gateways: Gateways, back: str
) -> None:
    await models.apply(rollout=rollout())
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        await models.apply(uri=NEXT, rollout=rollout({"weight": 20, "minDuration": "60s"}))
        await has_part(models, 20)
        match back:
            case "abort":
                await act(models, "abort@1")
            case "edit":
                await models.apply(rollout=rollout())
            case "pin":
                await models.apply(uri=NEXT, rollout=rollout(), pinRevision=1)
        await wait_for(models.status, 5, "it has none", until=lambda status: share(status) == 0)

        async def alive() -> int:
            pods = await models.api.list(PODS, models.namespace, labelSelector=_selector(SERVES))
            return sum("deletionTimestamp" not in each["metadata"] for each in pods)

        await wait_for(alive, 30, "only those of the stable revision", until=lambda number: number == 1)
    status = await models.status()
    assert (status["stable"]["revision"], condition(status, "Ready")["status"]) == (1, "True")


async def test_a_quiet_step_writes_its_numbers_every_half_minute_at_most(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply(rollout=rollout())
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        await models.apply(uri=NEXT, rollout=rollout({"weight": 20, "minDuration": "60s"}))
        await has_part(models, 20)

        def has_passed(status: Object) -> bool:
            gates = (status.get("candidate") or {}).get("gates") or []
            return bool(gates) and all(each["verdict"] == "Pass" for each in gates)

        await wait_for(models.status, 20, "the gates pass", until=has_passed)
        before = (await models.get())["metadata"]["resourceVersion"]
        counted = await _passes(operator)
        await wait_for(lambda: _passes(operator), 20, "it is looked at", until=lambda number: number >= counted + 5)
        assert (await models.get())["metadata"]["resourceVersion"] == before


async def _passes(operator: Operator) -> float:
    lines = (await operator.get("/metrics")).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("tritium_reconcile_total"))


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items())
