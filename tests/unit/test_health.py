"""The endpoints as a kubelet and Prometheus ask them, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from tests.ports import free_ports
from tritium.health import STUCK, Health, serve
from tritium.telemetry import Telemetry


async def answers(health: Health, path: str) -> tuple[int, str]:
    """Status and text of one endpoint."""
    port = free_ports(1)[0]
    async with serve(health, Telemetry(), port), httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{port}{path}")
    return answer.status_code, answer.text.strip()


@pytest.mark.parametrize(
    ("health", "wanted"),
    [
        (Health(), (503, "the API server has not answered yet")),
        (Health(reachable=True), (200, "standing by")),
        (Health(reachable=True, leading=True), (503, "listing")),
        (Health(reachable=True, leading=True, synced=True), (200, "leading")),
    ],
    ids=["before the first answer", "standby", "a new leader", "a leader"],
)
async def test_ready(health: Health, wanted: tuple[int, str]) -> None:
    assert await answers(health, "/readyz") == wanted


async def test_alive_while_passes_end_and_the_age_of_the_watch_is_told() -> None:
    health = Health(heard_ago=lambda: 7.4, stuck_for=lambda: STUCK - 1)
    assert await answers(health, "/healthz") == (200, "ok; the API server was last heard of 7 s ago")


async def test_not_alive_when_no_pass_ends_any_more() -> None:
    status, text = await answers(Health(stuck_for=lambda: STUCK + 1), "/healthz")
    assert (status, text) == (503, "no pass has ended for 121 s")


async def test_an_api_server_that_is_away_makes_nobody_restart() -> None:
    status, _ = await answers(Health(heard_ago=lambda: 3600.0), "/healthz")
    assert status == 200


async def test_metrics_have_what_was_counted() -> None:
    telemetry = Telemetry()
    telemetry.request("apply", "200", 0.01)
    telemetry.passes.labels("ok").inc()
    telemetry.follow(telemetry.leader, lambda: 1.0)
    port = free_ports(1)[0]
    async with serve(Health(), telemetry, port), httpx.AsyncClient(trust_env=False) as http:
        lines = (await http.get(f"http://127.0.0.1:{port}/metrics")).text.splitlines()
    assert 'tritium_api_requests_total{code="200",verb="apply"} 1.0' in lines
    assert 'tritium_reconcile_total{result="ok"} 1.0' in lines
    assert "tritium_leader 1.0" in lines
