"""Queries of a rollout's own: the operator asks a real Prometheus, and goes by what it says."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest_asyncio

from tests.controlplane.operating.harness import Operator, condition
from tests.controlplane.operating.requests import Requests
from tests.controlplane.waiting import wait_for
from tests.dataplane.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.ring import ControlPlane

NEXT = "s3://models/fraud/2"
DRIFT = 'max(drift{model="{{name}}",revision="{{ revision }}"})'
A_VERDICT = 120
"""Seconds in which one is there: answers have to agree for a minute."""


@pytest_asyncio.fixture
async def prometheus(tmp_path: Path) -> AsyncIterator[Prometheus]:
    async with Prometheus(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def asking(
    control_plane: ControlPlane, tmp_path: Path, namespace: str, prometheus: Prometheus
) -> AsyncIterator[Operator]:
    """The operator, leading, with a Prometheus to ask."""
    given = {"TRITIUM_PROMETHEUS_URL": prometheus.address}
    async with Operator(control_plane.admin, tmp_path, namespace, environment=given) as running:
        await running.ready()
        yield running


def rollout(query: str = DRIFT) -> dict[str, Any]:
    """One step, that a query has to pass."""
    analysis = {"prometheus": [{"name": "drift", "query": query, "max": 0.5}]}
    return {"steps": [{"weight": 50, "minDuration": "1s"}], "bakeTime": "1s", "analysis": analysis}


def gate(status: Object) -> Object:
    """What the status shows of the query."""
    gates = (status.get("candidate") or {}).get("gates") or []
    return next((dict(each) for each in gates if each["name"] == "drift"), {})


async def told(models: Models, name: str) -> list[str]:
    """Events about queries of a model."""
    events = await models.api.list("v1/events", models.namespace)
    about = (each for each in events if each["involvedObject"]["name"] == name)
    return [each["message"] for each in about if each["reason"] == "QueryFailed"]


async def test_a_query_lets_one_version_go_on_and_takes_the_traffic_from_another(
    asking: Operator, models: Models, gateways: Gateways, prometheus: Prometheus
) -> None:
    """All at once, for each takes a minute. What its mistakes are is told meanwhile."""
    prometheus.shown += [
        f'drift{{model="{name}",revision="2"}} {drift}' for name, drift in (("fraud", 0.1), ("bad", 0.9))
    ]
    queries = {"fraud": DRIFT, "bad": DRIFT, "mistaken": "drift", "without": "no_such_metric"}
    for name in (*queries, "late"):
        await models.apply(name)
    for name in (*queries, "late"):
        await models.settled(name, revision=1)
    async with Requests(gateways, models.namespace):
        for name, query in queries.items():
            await models.apply(name, uri=NEXT, rollout=rollout(query))

        status = await models.until("its mistake is told", "mistaken", phase="Progressing", reason="QueryFailed")
        said = condition(status, "Released")["message"]
        assert 'The query "drift" has no result: it gives several series, and has to give one number' in said
        once = [f"prometheus: {status['lastFailure']['message']}"]
        await wait_for(lambda: told(models, "mistaken"), 10, "it is told", until=lambda events: events == once)

        status = await models.until("it is out", "bad", timeout=A_VERDICT, phase="Aborted", reason="GateFailed")
        (rejected,) = status["rejectedRevisions"]
        assert rejected["message"] == 'The query "drift" gives 0.9; at most 0.5 is allowed.'
        assert status["stable"]["revision"] == 1
        await models.settled(revision=2, timeout=A_VERDICT)

    status = await models.status("without")
    assert gate(status)["verdict"] == "Inconclusive"
    assert gate(status)["message"] == 'The query "drift" has no result: it has no data.'
    assert (status["stable"]["revision"], status["candidate"]["step"]) == (1, 0)

    assert prometheus.process
    prometheus.process.send_signal(signal.SIGSTOP)  # it takes questions, and never answers
    await models.apply("late", uri=NEXT, rollout=rollout())
    await models.apply("other")
    await models.settled("other", revision=1, timeout=15)
    late = "Prometheus does not answer within"
    await wait_for(lambda: models.status("late"), 40, late, until=lambda it: late in gate(it).get("message", ""))
    prometheus.process.send_signal(signal.SIGCONT)
    assert await told(models, "mistaken") == once
    assert "Traceback" not in asking.log.read_text()


async def test_without_a_prometheus_a_rollout_with_queries_does_not_start(operator: Operator, models: Models) -> None:
    await models.apply()
    await models.settled(revision=1)
    await models.apply(uri=NEXT, rollout=rollout())
    status = await models.until("it says so", phase="Blocked", reason="NoPrometheus", Ready="True")
    assert "Set the chart's value prometheus.url" in condition(status, "Released")["message"]
    assert [each["revision"] for each in status["traffic"]["revisions"] if each["weight"]] == [1]
