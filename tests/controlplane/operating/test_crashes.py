"""The operator is killed after any single write of a change: what serves goes on, and the end is the same.

One kill is enough for all of them: each model's writes stop after a number of its own, and when all have stopped the
process is killed.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.controlplane.faults import Drop
from tests.controlplane.operating.harness import Operator
from tests.controlplane.operating.recording import Everything, falls_silent, writes
from tests.controlplane.operating.served import Served
from tests.controlplane.operating.story import BACK, CHANGE, FIRST, LAST, Step, edit, fetches, live
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web

    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.request import Request
    from tests.controlplane.ring import ControlPlane, Credentials

# httpx leaves a connection behind when it is cancelled while it sets up TLS, as the stub kubelet's tasks are.
LEASES = "coordination.k8s.io/v1/leases"


class Counting(FaultProxy):
    """Lets through only so many more writes about a model; the connection of the next one is cut.

    Attributes:
        left: writes that a model still has; one that is not in here has as many as it likes.
        stopped: models of which a write was cut.
    """

    def __init__(self, upstream: Credentials) -> None:
        super().__init__(upstream)
        self.left: dict[str, int] = {}
        self.stopped: set[str] = set()

    async def _decide(self, index: int, request: Request, incoming: web.BaseRequest, body: bytes) -> web.StreamResponse:
        model = model_of(request)
        if request.is_write and model in self.left:
            self.left[model] -= 1
            if self.left[model] < 0:
                self.stopped.add(model)
                return self._refuse(index, incoming, Drop())
        return await super()._decide(index, request, incoming, body)


def model_of(request: Request) -> str:
    """Which model a request is about; empty for the Lease."""
    if request.resource == "events" and request.body:
        return str(request.body["involvedObject"]["name"])
    found = re.match(r"m\d+", request.name)
    return found[0] if found else ""


@pytest_asyncio.fixture
async def counting(control_plane: ControlPlane) -> AsyncIterator[Counting]:
    """The proxy that counts."""
    async with Counting(control_plane.admin) as proxy:
        yield proxy


CASES: dict[str, tuple[tuple[Step, ...], Step]] = {
    "first": ((), FIRST),
    "change": ((FIRST, CHANGE), LAST),
    "back": ((FIRST, CHANGE), BACK),
}
"""What was before, and the edit that is disturbed."""


@pytest.mark.parametrize("case", CASES)
async def test_killed_after_each_write(
    counting: Counting, tmp_path: Path, models: Models, kubelet: Kubelet, case: str
) -> None:
    everything = Everything(models)
    fetches(kubelet)
    before, step = CASES[case]
    patient = {"TRITIUM_WORKERS": "32"}
    first = Operator(counting.credentials(), tmp_path, models.namespace, "first", patient)
    second = Operator(counting.credentials(), tmp_path, models.namespace, "second", patient)
    async with first, Served(models, kubelet.gateways) as served:
        await first.ready()
        await live(everything, "m0", before)
        mark = len(counting.requests)
        await live(everything, "m0", (step,))
        number = len([each for each in writes(counting, since=mark) if model_of(each) == "m0"])
        assert number > 3
        wanted = await everything.outcome("m0")

        disturbed = [f"m{each}" for each in range(1, number + 1)]
        await asyncio.gather(*(live(everything, name, before, timeout=120) for name in disturbed))  # all at once
        counting.left = {name: each for each, name in enumerate(disturbed, 1)}
        for name in disturbed:
            await edit(models, name, step)

        async def under_way() -> list[str]:
            """Those that have writes left, and something to write."""
            left = [name for name in disturbed if name not in counting.stopped and counting.left[name] > 0]
            return [name for name in left if not await everything.rests(name, step.revision)]

        await wait_for(under_way, 120, "each has done its writes", until=lambda found: not found)
        await first.kill()
        counting.left = {}
        await models.api.delete(LEASES, "tritium-operator", models.namespace)  # instead of waiting until it is over
        await second.start()
        await second.ready()
        await asyncio.gather(*(everything.comes_to(wanted, name) for name in disturbed))
        await falls_silent(counting, models.namespace)
        await second.stop()
    for name in disturbed:
        assert served.told[name] == served.told["m0"], name
    assert served.behind or case == "first", "no gateway pod was ever late"
