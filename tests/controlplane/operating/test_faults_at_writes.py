"""Every way in which the API server, or the way to it, can fail, at every kind of request: the end is the same.

For each pair of a request and a fault there is a model whose first such request goes wrong; all live at the same time.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.faults import Action, Answer, Delay, Drop, Fault, Match
from tests.controlplane.operating.looking import in_each
from tests.controlplane.operating.recording import comes_to, outcome, writes
from tests.controlplane.operating.story import fetches, live

if TYPE_CHECKING:
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models, Operator
    from tests.controlplane.proxy import FaultProxy, Injected

FAULTS: dict[str, Action] = {
    "unauthorized": Answer(401),
    "forbidden": Answer(403),
    "conflict": Answer(409),
    "invalid": Answer(422),
    "busy": Answer(429, retry_after=1),
    "internal": Answer(500),
    "unavailable": Answer(503),
    "timeout": Answer(504, executed=True),
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
    "service": Match(patch="apply", resource="services"),
    "status": Match(patch="merge", resource="modeldeployments", subresource="status"),
    "unjob": Match(verb="delete", resource="jobs"),
    "unbudget": Match(verb="delete", resource="poddisruptionbudgets"),
    "undeploy": Match(verb="delete", resource="deployments"),
    "unfacts": Match(verb="delete", resource="configmaps"),
    "unrecord": Match(verb="delete", resource="controllerrevisions"),
}


def _of(name: str, match: Match) -> Match:
    return replace(match, path=rf"/{name}(-[0-9a-f]{{8}}|-src-.*)?(/status)?$")


@pytest.mark.parametrize("kind", ["a"])
async def test_the_end_is_the_same(
    faulty_operator: Operator, faults: FaultProxy, models: Models, kubelet: Kubelet, kind: str
) -> None:
    fetches(kubelet)
    began = time.monotonic()
    await live(models, "undisturbed")
    wanted = await outcome(models, "undisturbed")
    print("undisturbed", time.monotonic() - began, len(writes(faults)))
    pairs = {f"{request}-{fault}": (request, fault) for request in REQUESTS for fault in FAULTS}
    injected: dict[str, Injected] = {}

    async def check(name: str) -> None:
        request, fault = pairs[name]
        injected[name] = faults.inject(Fault(_of(name, REQUESTS[request]), FAULTS[fault], times=1))
        await live(models, name, timeout=90)
        await comes_to(models, wanted, name, timeout=60)
        assert injected[name].hits == 1
        print(name, time.monotonic() - began)

    await in_each(pairs, check)
    print("all", time.monotonic() - began, len(writes(faults)))
