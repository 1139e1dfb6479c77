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
from tests.controlplane.operating.harness import Operator, condition
from tests.controlplane.operating.looking import PODS, SERVICES
from tests.controlplane.operating.recording import Everything, falls_silent, writes
from tests.controlplane.operating.story import BACK, CHANGE, FIRST, LAST, Step, edit, fetches, live
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.waiting import wait_for
from tritium.api import names

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Self

    from aiohttp import web

    from tests.controlplane.api import Object
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


class Served:
    """Looks all the time whether clients of each model reach a pod that is ready."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._enough = asyncio.Event()
        self.looks = 0
        self.selected: dict[str, list[str]] = {}
        """By model, the revisions that its Service selected, in order."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._look_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._enough.set()  # no cancellation: httpx would leave a connection behind that it is about to set up
        await self._task
        assert self.looks > 5, f"it looked {self.looks} times only"

    async def _look_on(self) -> None:
        while not self._enough.is_set():
            before = await self._selectors()
            pods = await self._models.api.list(PODS, self._models.namespace)
            ready = {_place(pod["metadata"]["labels"]) for pod in pods if _is_ready(pod)}
            after = await self._selectors()
            for name, selector in before.items():
                if after.get(name) == selector:  # otherwise the pods may be older than what they are held against
                    assert (name, selector) in ready, f"clients of {name} reach nobody: {selector}"
                    seen = self.selected.setdefault(name, [])
                    if seen[-1:] != [selector]:
                        seen.append(selector)
            self.looks += 1
            await asyncio.sleep(0.25)

    async def _selectors(self) -> dict[str, str]:
        services = await self._models.api.list(SERVICES, self._models.namespace)
        return {each["metadata"]["name"]: each["spec"]["selector"][names.REVISION] for each in services}


def _place(labels: dict[str, str]) -> tuple[str, str]:
    return labels.get(names.OWNER, ""), labels.get(names.REVISION, "")


def _is_ready(pod: Object) -> bool:
    return (
        condition(pod.get("status", {}), "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]
    )


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
    async with first, Served(models) as served:
        await first.ready()
        await live(everything, "m0", before)
        mark = len(counting.requests)
        await live(everything, "m0", (step,))
        number = len([each for each in writes(counting, since=mark) if model_of(each) == "m0"])
        assert number > 3
        wanted = await everything.outcome("m0")

        disturbed = [f"m{each}" for each in range(1, number + 1)]
        await asyncio.gather(*(live(everything, name, before) for name in disturbed))
        counting.left = {name: each for each, name in enumerate(disturbed, 1)}
        for name in disturbed:
            await edit(models, name, step)

        async def stuck() -> bool:
            over = [name for name in disturbed if name not in counting.stopped and counting.left[name] > 0]
            return not over or all([await everything.rests(name, step.revision) for name in over])

        await wait_for(stuck, 30, "each has done its writes", until=bool)
        await first.kill()
        counting.left = {}
        await models.api.delete(LEASES, "tritium-operator", models.namespace)  # instead of waiting until it is over
        await second.start()
        await second.ready()
        await asyncio.gather(*(everything.comes_to(wanted, name) for name in disturbed))
        await falls_silent(counting, models.namespace)
        await second.stop()
    for name in disturbed:
        assert served.selected[name] == served.selected["m0"], name
