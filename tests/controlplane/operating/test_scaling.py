"""Replicas that follow what the gateway's pods count, on a real API server; and replicas that somebody else writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.controlplane.operating.harness import MDEP, Operator, condition
from tests.controlplane.operating.requests import EACH, EVERY, Requests
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.controlplane.gateways import Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.ring import ControlPlane

RATE = 2 * EACH / EVERY
"""Requests a second, at most, through both pods of the gateway."""
A_POD = RATE / 6
SCALING = {"min": 1, "max": 20, "capacityRps": A_POD}
"""So that about eight pods are needed; on a busy machine requests are late, and it is fewer, but no less than four."""


async def pods(models: Models) -> list[int]:
    """What the Deployments are asked for."""
    return sorted(each["spec"]["replicas"] for each in await models.children("apps/v1/deployments"))


async def scaled(models: Models, fits: Callable[[int], bool]) -> dict[str, Any]:
    """Wait until it is asked for pods enough, or few enough, and they are there."""

    def is_there(found: dict[str, Any]) -> bool:
        desired = found["scaling"]["desired"]
        return fits(desired) and found["stable"].get("readyReplicas") == desired

    found: dict[str, Any] = await wait_for(models.status, 60, "the pods are there", until=is_there)
    await wait_for(lambda: pods(models), 30, "they are asked for", until=lambda seen: len(seen) == 1 and fits(seen[0]))
    return found


async def test_a_step_of_the_load_brings_pods_and_another_operator_leaves_them(
    operator: Operator, models: Models, gateways: Gateways, control_plane: ControlPlane, tmp_path: Path
) -> None:
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    assert await pods(models) == [1]
    async with Requests(gateways, models.namespace):
        status = await scaled(models, lambda count: count > 3)
        assert status["scaling"]["signal"] == "demand"
        assert "requests a second need" in status["scaling"]["message"]
        assert condition(status, "ScalingActive")["reason"] == "Scaling"
        events = [each["message"] for each in await models.api.list("v1/events", models.namespace)]
        assert any(each.startswith("1 -> ") for each in events)
        told = await metrics(operator, models)
        assert told["desired_replicas"] > 3
        assert told["max_replicas"] == SCALING["max"]
        assert told["pod_requests_per_second"] == pytest.approx(A_POD)
        assert told["needed_replicas"] > 3

        [before] = await pods(models)
        async with Operator(control_plane.admin, tmp_path, models.namespace, name="operator-1") as heir:
            await operator.kill()
            await heir.ready()
            await wait_for(
                lambda: metrics(heir, models), 20, "it knows the work", until=lambda it: "needed_replicas" in it
            )
            [after] = await pods(models)
            assert after >= before
            # Other bounds count at once, whatever the work needs.
            await models.apply(scaling=SCALING | {"max": 2})
            await scaled(models, lambda count: count == 2)
            await models.until("it has all that it may have", ScalingActive="AtMax")
            mine = f'name="fraud",namespace="{models.namespace}",reason="AtMax",status="True",type="ScalingActive"'
            await wait_for(
                lambda: heir.get("/metrics"),
                what="what the alert asks for",
                until=lambda told: f"tritium_condition{{{mine}}} 1.0" in told.text,
            )
            assert (await metrics(heir, models))["max_replicas"] == 2


async def test_a_quota_says_so_and_takes_nothing_from_what_serves(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    there = len(await models.api.list("v1/pods", models.namespace))
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "pods"},
        "spec": {"hard": {"pods": str(there + 1)}},
    }
    await models.api.create(quota, models.namespace)
    async with Requests(gateways, models.namespace):
        status = await models.until("it is at its quota", timeout=60, Reconciling="QuotaExceeded")
        desired = status["scaling"]["desired"]
        status = await models.until("no more are asked for", timeout=60, ScalingActive="NoRoom")
        assert status["scaling"]["desired"] == desired
        assert condition(status, "Ready")["status"] == "True"
        await models.api.delete("v1/resourcequotas", "pods", models.namespace)
        await scaled(models, lambda count: count > 3)


async def test_a_server_whose_metrics_hang_holds_up_nothing(
    operator: Operator, models: Models, gateways: Gateways, kubelet: Kubelet
) -> None:
    kubelet.tritons.hang.add("s3://models/fraud/1")
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        status = await scaled(models, lambda count: count > 3)
    assert status["scaling"]["signal"] == "demand"


async def test_a_pod_that_is_killed_at_the_peak_is_replaced_and_no_other_goes(
    operator: Operator, models: Models, gateways: Gateways
) -> None:
    await models.apply(scaling=SCALING)
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        before = (await scaled(models, lambda count: count > 3))["scaling"]["desired"]
        [victim, *_] = await models.children("v1/pods")
        await models.api.delete("v1/pods", victim["metadata"]["name"], models.namespace, grace=0)
        fewest = before

        async def replaced() -> bool:
            nonlocal fewest
            status = await models.status()
            fewest = min(fewest, status["scaling"]["desired"])
            pods = [each["metadata"]["uid"] for each in await models.children("v1/pods")]
            return victim["metadata"]["uid"] not in pods and status["stable"].get("readyReplicas", 0) >= before

        await wait_for(replaced, 60, "there are as many again")
        assert fewest == before


async def test_recommend_touches_nothing(operator: Operator, models: Models, gateways: Gateways) -> None:
    await models.apply(replicas=2, scaling=SCALING | {"mode": "Recommend"})
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        await models.until("it recommends", ScalingActive="Recommending")
        status = await wait_for(
            models.status, 30, "more would do", until=lambda found: found["scaling"].get("recommended", 0) > 3
        )
    assert status["scaling"]["desired"] == 2
    assert await pods(models) == [2]


async def test_an_autoscaler_writes_the_replicas_and_nobody_else(operator: Operator, models: Models) -> None:
    """The real HPA controller. Below minReplicas it acts without any metric."""
    await models.apply(replicas=1, scaling={"mode": "External"})
    status = await models.settled(revision=1)
    assert condition(status, "ScalingActive")["reason"] == "FixedReplicas"
    target = {"apiVersion": names.API_VERSION, "kind": names.KIND, "name": "fraud"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "fraud"},
        "spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 5},
    }
    await models.api.create(scaler, models.namespace)
    await wait_for(lambda: pods(models), 40, "the pods that it wants", until=lambda seen: seen == [3])
    assert (await models.get())["spec"]["replicas"] == 3
    patch = {"spec": {"replicas": 4}}
    await models.api.patch(MDEP, "fraud", models.namespace, patch, subresource="scale")
    await wait_for(lambda: pods(models), 30, "as by kubectl scale", until=lambda seen: seen == [4])


async def metrics(operator: Operator, models: Models) -> dict[str, float]:
    """By the end of its name, what is told of the model."""
    text = (await operator.get("/metrics")).text
    return {
        each.name.removeprefix("tritium_scaling_"): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name.startswith("tritium_scaling_") and each.labels["namespace"] == models.namespace
    }


async def test_what_a_pod_can_do_is_learned_and_kept(
    operator: Operator, models: Models, gateways: Gateways, kubelet: Kubelet
) -> None:
    """The one pod answers all that comes, and has requests waiting all the time: that is what it can do."""
    await models.apply(scaling={"max": 8})
    await models.settled(revision=1)
    async with Requests(gateways, models.namespace):
        kubelet.tritons.pending["s3://models/fraud/1"] = 6
        status = await wait_for(
            models.status, 60, "it is learned", until=lambda found: "capacity" in found.get("scaling", {})
        )
        learned = status["scaling"]["capacity"]
        assert learned["revision"] == 1
        assert RATE * 0.7 < learned["rps"] <= RATE
        kubelet.tritons.pending.clear()
        await wait_for(lambda: pods(models), 30, "a third more than one", until=lambda seen: seen == [2])
