"""What it tells, and that it tells nothing twice: Events, status writes, health, metrics."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.controlplane.behaviour import CrashLoop, ImagePullBackOff
from tests.controlplane.faults import Match
from tests.controlplane.operating.harness import Models, Operator
from tests.controlplane.operating.looking import is_told, pods_of, told
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.ring import ControlPlane


async def test_what_goes_on_failing_is_told_once(
    faulty_operator: Operator, models: Models, kubelet: Kubelet, faults: FaultProxy
) -> None:
    """Ten seconds in which a container fails again and again, and an image does not come."""
    kubelet.rule(pods_of("image", "bad"), ImagePullBackOff())
    kubelet.rule(pods_of("crash"), CrashLoop(message="Killed", restarts=1))
    await models.apply("image")
    await models.settled("image", revision=1)
    await models.apply("image", "s3://models/bad/2")
    await models.apply("crash")
    await models.until("it says why", "image", ModelLoaded="ImagePullFailed")
    await models.until("it says why", "crash", ModelLoaded="ServerCrashed")
    await is_told(models, "ImagePullFailed", "image")
    await is_told(models, "ServerCrashed", "crash")
    await asyncio.sleep(1)
    events = [await told(models, name) for name in ("image", "crash")]
    mark = len(faults.requests)
    for restarts in range(2, 7):
        kubelet.rule(pods_of("crash"), CrashLoop(message="Killed", restarts=restarts))
        await asyncio.sleep(2)
    here = Match(namespace=models.namespace)
    asked = [each for each in faults.requests[mark:] if here.fits(each) and each.resource != "leases"]
    assert asked == []
    assert [await told(models, name) for name in ("image", "crash")] == events
    twice = [event for event, times in Counter(event for each in events for event in each).items() if times > 1]
    assert twice == []


async def test_health_and_metrics(
    operator: Operator, models: Models, control_plane: ControlPlane, tmp_path: Path, namespace: str
) -> None:
    await models.apply()
    await models.settled(revision=1)
    code, text = await _answer(operator, "/healthz")
    assert (code, text.partition(";")[0]) == (200, "ok")
    assert await _answer(operator, "/readyz") == (200, "leading")
    metrics = await _metrics(operator)
    assert metrics["tritium_leader", ""] == 1
    assert metrics["tritium_modeldeployments", ""] >= 1  # those of tests before this one may be on their way out
    assert metrics["tritium_queue_depth", ""] == 0
    assert 0 <= metrics["tritium_queue_oldest_age_seconds", ""] < 5
    assert 0 <= metrics["tritium_watch_age_seconds", ""] < 30
    passes = sum(value for (name, _), value in metrics.items() if name == "tritium_reconcile_total")
    assert passes == metrics["tritium_reconcile_duration_seconds_count", ""] > 3
    assert metrics["tritium_reconcile_total", "ok"] > 3
    assert metrics["tritium_api_requests_total", "apply 201"] >= 3
    assert metrics["tritium_api_requests_total", "patch 200"] >= 2
    assert metrics["tritium_api_request_duration_seconds_count", "apply"] >= 3

    async with Operator(control_plane.admin, tmp_path, namespace, name="operator-1") as other:
        await wait_for(lambda: _state(other), 30, until=lambda found: found == (200, "standing by"))
        assert (await _answer(other, "/healthz"))[0] == 200
        metrics = await _metrics(other)
        assert metrics["tritium_leader", ""] == 0
        assert ("tritium_reconcile_total", "ok") not in metrics


async def _state(operator: Operator) -> tuple[int, str]:
    """Of /readyz, also while nobody listens yet."""
    try:
        return await _answer(operator, "/readyz")
    except httpx.TransportError:
        return 0, ""


async def _answer(operator: Operator, path: str) -> tuple[int, str]:
    answer = await operator.get(path)
    return answer.status_code, answer.text.strip()


async def _metrics(operator: Operator) -> dict[tuple[str, str], float]:
    """By name and the values of its labels."""
    answer = await operator.get("/metrics")
    samples = (each for family in text_string_to_metric_families(answer.text) for each in family.samples)
    return {(each.name, " ".join(_values(each.labels))): each.value for each in samples}


def _values(labels: dict[str, str]) -> list[str]:
    return [labels[name] for name in ("result", "verb", "code", "le") if name in labels]
