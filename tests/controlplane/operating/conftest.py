"""A ring of its own for each test process: the operator acts on the whole cluster, so two tests must not share one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.controlplane.addresses import stand_in
from tests.controlplane.crd import install_crd
from tests.controlplane.kube_clients import client_of
from tests.controlplane.operating.harness import Models, Operator, resolves
from tests.controlplane.operating.passes import Passes
from tests.controlplane.ring import ControlPlane
from tritium.api.crd import custom_resource_definition
from tritium.kube.store import Key
from tritium.loop import prober
from tritium.probes.gateway import GatewayProbe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.controlplane.api import Api
    from tests.controlplane.gateways import Gateways
    from tests.controlplane.kubelet import Kubelet
    from tests.controlplane.proxy import FaultProxy


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A ring that only the tests of this process use, with the CRD. Do not stop its API server."""
    with ControlPlane(tmp_path_factory.mktemp("operating")) as ring:
        asyncio.run(install_crd(ring, custom_resource_definition(), collected=True))
        yield ring


@pytest.fixture(autouse=True)
def ways_to_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the operator's process, for passes in this one."""
    monkeypatch.setattr(prober, "address", stand_in)


@pytest.fixture
def models(api: Api, namespace: str, kubelet: Kubelet) -> Models:
    """ModelDeployments in the test's namespace; every source is found, every pod becomes ready."""
    resolves(kubelet)
    return Models(api, namespace)


@pytest.fixture
def gateways(kubelet: Kubelet) -> Gateways:
    """What answers in the place of the gateway's pods."""
    return kubelet.gateways


@pytest_asyncio.fixture
async def operator(control_plane: ControlPlane, tmp_path: Path, namespace: str) -> AsyncIterator[Operator]:
    """The operator, leading."""
    async with Operator(control_plane.admin, tmp_path, namespace) as running:
        await running.ready()
        yield running


@pytest_asyncio.fixture
async def faulty_operator(faults: FaultProxy, tmp_path: Path, namespace: str) -> AsyncIterator[Operator]:
    """The operator behind the fault proxy, leading."""
    async with Operator(faults.credentials(), tmp_path, namespace) as running:
        await running.ready()
        yield running


@pytest_asyncio.fixture
async def passes(
    faults: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, namespace: str
) -> AsyncIterator[Passes]:
    """Passes for the model `fraud` of the test's namespace, behind the fault proxy."""
    async with client_of(faults.credentials(), tmp_path, monkeypatch) as client, GatewayProbe() as probe:
        running = Passes(client, probe, Key(namespace, "fraud"))
        yield running
        running.stop()
