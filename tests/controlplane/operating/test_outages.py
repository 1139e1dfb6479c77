"""The API server goes and comes back, or changes under the operator: the process goes on and catches up."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.controlplane.api import Api, ApiError
from tests.controlplane.crd import CRDS, install_crd
from tests.controlplane.faults import Answer, Fault, Match
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.operating.harness import Models, Operator, resolves
from tests.controlplane.operating.recording import Everything, brief, falls_silent, nothing_is_asked, writes
from tests.controlplane.operating.story import CHANGE, FIRST, LAST, Step, edit, live
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.crd import custom_resource_definition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.controlplane.ring import ControlPlane

# A connection whose server dies while TLS is being set up is left by asyncio to the garbage collector, which says so.
NAMESPACE = "outages"
SOON = 15
"""Seconds on a busy machine; 5 on a quiet one."""


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What asyncio has left is found here, where it is expected, and not in some later test."""
    yield
    gc.collect()


class World:
    """A control plane of its own, with an operator behind a proxy and one model at rest."""

    def __init__(self, ring: ControlPlane, proxy: FaultProxy, operator: Operator, models: Models) -> None:
        self.ring = ring
        self.proxy = proxy
        self.operator = operator
        self.models = models
        self.everything = Everything(models)

    def pid(self) -> int:
        """Of the process, which must still run."""
        assert self.operator.process
        assert self.operator.process.returncode is None, self.operator.log.read_text()[-4000:]
        return self.operator.process.pid

    async def is_current(self) -> bool:
        """Whether the operator has seen the last edit."""
        obj = await self.models.get()
        return bool(obj["status"]["observedGeneration"] == obj["metadata"]["generation"])

    def written(self, since: int) -> list[str]:
        """What was written, and done, since so many requests."""
        return brief(each for each in writes(self.proxy, since=since) if each.upstream is not None)


@pytest_asyncio.fixture
async def world(own_control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[World]:
    """See `World`."""
    await install_crd(own_control_plane, custom_resource_definition(), collected=True)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(Api(own_control_plane.admin))
        await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        resolves(await stack.enter_async_context(Kubelet(api, [NAMESPACE])))
        proxy = await stack.enter_async_context(FaultProxy(own_control_plane.admin))
        operator = await stack.enter_async_context(Operator(proxy.credentials(), tmp_path, NAMESPACE))
        await operator.ready()
        world = World(own_control_plane, proxy, operator, Models(api, NAMESPACE))
        await live(world.everything, "fraud", (FIRST,))
        yield world


async def test_the_api_server_restarts(world: World) -> None:
    pid, before = world.pid(), await world.everything.outcome()
    for step, kill in ((CHANGE, False), (LAST, True)):
        mark = len(world.proxy.requests)
        await asyncio.to_thread(world.ring.restart_apiserver, kill=kill)
        await wait_for(world.operator.leads, SOON, "it leads again")
        await falls_silent(world.proxy, NAMESPACE, seconds=1)
        assert world.written(mark) == []
        await world.everything.comes_to(before)

        # And an edit that comes while the operator has no idea yet that the server is back.
        await asyncio.to_thread(world.ring.restart_apiserver, kill=kill)
        await wait_for(lambda: accepted(world.models, step), SOON, "the edit is taken")  # noqa: B023
        await wait_for(world.is_current, SOON, "the edit is seen")
        # The controllers wait half a minute before they try again; that is not what is tested.
        await asyncio.to_thread(world.ring.restart_controller_manager)
        await world.everything.at_rest(revision=step.revision, timeout=2 * SOON)
        before = await world.everything.outcome()
        assert world.pid() == pid


async def accepted(models: Models, step: Step) -> bool:
    """Try to edit: a server that has just started answers 429 for a moment."""
    try:
        await edit(models, "fraud", step)
    except ApiError as error:
        if error.status != 429:
            raise
        return False
    return True


async def test_everything_is_refused_for_a_while(world: World) -> None:
    """429 to all requests: no storm of requests in return."""
    pid, mark = world.pid(), len(world.proxy.requests)
    with world.proxy.during(Fault(Match(), Answer(429, retry_after=1))):
        await edit(world.models, "fraud", CHANGE)
        await asyncio.sleep(4)
        assert len(world.proxy.requests) - mark < 60
    await world.everything.at_rest(revision=2, timeout=SOON)
    assert world.pid() == pid


async def test_the_schema_changes_and_goes(world: World) -> None:
    changed = deepcopy(custom_resource_definition())
    (version,) = changed["spec"]["versions"]
    version["schema"]["openAPIV3Schema"]["description"] += " Changed."
    version["additionalPrinterColumns"].append({"name": "New", "type": "string", "jsonPath": ".status.phase"})
    pid = world.pid()
    await install_crd(world.ring, changed)
    await edit(world.models, "fraud", CHANGE)
    await world.everything.at_rest(revision=2, timeout=SOON)
    await nothing_is_asked(world.proxy, NAMESPACE, 1)
    assert world.pid() == pid

    await world.models.api.delete(CRDS, names.CRD_NAME)
    process = world.operator.process
    assert process
    async with asyncio.timeout(SOON):
        assert await process.wait() == 1
    told = world.operator.log.read_text().splitlines()[-1]
    assert "is not installed; run: tritium crd | kubectl apply" in told


@pytest.mark.parametrize("number", [None, "0"])
async def test_no_schema_or_an_old_one(own_control_plane: ControlPlane, tmp_path: Path, number: str | None) -> None:
    """It ends at once, and says what to do."""
    if number is not None:
        old = deepcopy(custom_resource_definition())
        old["metadata"]["annotations"][names.SCHEMA_ANNOTATION] = number
        await install_crd(own_control_plane, old)
    operator = Operator(own_control_plane.admin, tmp_path, "default")
    await operator.start()
    assert operator.process
    async with asyncio.timeout(10):
        assert await operator.process.wait() == 1
    told = operator.log.read_text()
    assert "run: tritium crd | kubectl apply" in told
    assert "Traceback" not in told
