"""A ring of its own with the CRD, and the command as people start it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.controlplane.cli.command import Command
from tests.controlplane.crd import install_crd
from tests.controlplane.operating.harness import Models, Operator, resolves
from tests.controlplane.ring import ControlPlane
from tritium.api.crd import custom_resource_definition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.controlplane.api import Api
    from tests.controlplane.kubelet import Kubelet


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A ring that only the tests of this process use: the operator acts on the whole cluster."""
    with ControlPlane(tmp_path_factory.mktemp("cli")) as ring:
        asyncio.run(install_crd(ring, custom_resource_definition()))
        yield ring


@pytest.fixture
def models(api: Api, namespace: str) -> Models:
    """ModelDeployments in the test's namespace."""
    return Models(api, namespace)


@pytest_asyncio.fixture
async def operator(
    control_plane: ControlPlane, tmp_path: Path, namespace: str, kubelet: Kubelet
) -> AsyncIterator[Operator]:
    """The operator, leading; every source is found, every pod becomes ready."""
    resolves(kubelet)
    async with Operator(control_plane.admin, tmp_path, namespace) as running:
        await running.ready()
        yield running


@pytest.fixture
def tritium(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Command:
    """The command, with all rights; its context names the test's namespace."""
    return Command(control_plane.admin.kubeconfig(tmp_path / "kubeconfig", namespace))
