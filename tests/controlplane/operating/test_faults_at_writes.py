"""Every way in which the API server, or the way to it, can fail, at every kind of request: the end is the same.

Each fault has a model of its own, whose first request of every kind goes wrong like that; all live at the same time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.controlplane.faults import Action, Answer, Delay, Drop, Fault, Match
from tests.controlplane.operating.looking import in_each
from tests.controlplane.operating.recording import Everything, falls_silent
from tests.controlplane.operating.story import fetches, live

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator
    from tests.controlplane.proxy import FaultProxy

# httpx leaves a connection behind when it is cancelled while it sets up TLS, as the stub kubelet's tasks are.
FAULTS: dict[str, Action] = {
    "unauthorized": Answer(401),
    "forbidden": Answer(403),
    "conflict": Answer(409),
    "invalid": Answer(422),
    "busy": Answer(429, retry_after=1),
    "internal": Answer(500),
    "unavailable": Answer(503),
    "too-late": Answer(504, executed=True),
    "cut": Drop(),
    "cut-after": Drop(executed=True),
    "lost-after": Answer(500, executed=True),
    "slow": Delay(1),
}
REQUESTS = {
    "owner": Match(verb="get", resource="modeldeployments"),
    "look": Match(verb="get", resource="deployments"),
    "job": Match(patch="apply", resource="jobs"),
    "record": Match(patch="apply", resource="controllerrevisions"),
    "deploy": Match(patch="apply", resource="deployments"),
    "facts": Match(patch="apply", resource="configmaps"),
    "budget": Match(patch="apply", resource="poddisruptionbudgets"),
    "endpoints": Match(patch="apply", resource="services", path=r"-[0-9a-f]{8}$"),
    "service": Match(patch="apply", resource="services", path="$"),
    "preview": Match(patch="apply", resource="services", path="-preview$"),
    "status": Match(patch="merge", resource="modeldeployments", subresource="status"),
    "weight": Match(patch="merge", resource="modeldeployments", subresource="status", body='"weight": 10000'),
    "unjob": Match(verb="delete", resource="jobs"),
    "unbudget": Match(verb="delete", resource="poddisruptionbudgets"),
    "unendpoints": Match(verb="delete", resource="services"),
    "undeploy": Match(verb="delete", resource="deployments"),
    "unfacts": Match(verb="delete", resource="configmaps"),
    "unrecord": Match(verb="delete", resource="controllerrevisions"),
}


PATIENCE = 120
"""Seconds: after so many faults in a row a model is tried again every minute."""
ANY = r"(-[0-9a-f]{8}|-src-.*)?(/status)?$"
"""What may come after a model's name."""


def _of(name: str, match: Match) -> Match:
    return replace(match, path=rf"/{name}{match.path or ANY}")


async def test_the_end_is_the_same(
    faulty_operator: Operator, faults: FaultProxy, models: Models, kubelet: Kubelet
) -> None:
    everything = Everything(models)
    fetches(kubelet)
    await live(everything, "undisturbed")
    wanted = await everything.outcome("undisturbed")
    events = Match(verb="create", resource="events", namespace=models.namespace)
    told = {fault: faults.inject(Fault(events, action, times=1)) for fault, action in FAULTS.items()}

    async def check(fault: str) -> None:
        injected = {
            request: faults.inject(Fault(_of(fault, match), FAULTS[fault], times=1))
            for request, match in REQUESTS.items()
        }
        await live(everything, fault, timeout=PATIENCE)
        await everything.comes_to(wanted, fault)
        assert {request for request, each in injected.items() if not each.hits} == set()

    await in_each(FAULTS, check)
    assert {fault for fault, each in told.items() if not each.hits} == set()
    await falls_silent(faults, models.namespace)
