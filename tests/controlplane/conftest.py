"""Fixtures of the control-plane ring: one real control plane for the whole run, a namespace for each test."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.controlplane.api import Api
from tests.controlplane.kube_clients import client_of
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.proxy import FaultProxy
from tests.controlplane.ring import ControlPlane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tritium.kube.client import Client

STARTED_IN = "started-in"


def shared_folder(base: Path) -> Path:
    """The folder that all processes of a run agree on: pytest-xdist gives each worker one inside it."""
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "controlplane"


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The ring all tests share. Do not stop or restart its API server: that is for `own_control_plane`."""
    with ControlPlane(shared_folder(tmp_path_factory.getbasetemp())) as ring:
        (ring.folder / STARTED_IN).write_text(f"control plane ready in {ring.seconds:.1f} s: {ring.folder}")
        yield ring


@pytest.fixture
def own_control_plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """A ring for one test, some seconds, for what would disturb others."""
    with ControlPlane(tmp_path / "controlplane") as ring:
        yield ring


@pytest_asyncio.fixture
async def api(control_plane: ControlPlane) -> AsyncIterator[Api]:
    """A client with all rights."""
    async with Api(control_plane.admin) as client:
        yield client


@pytest_asyncio.fixture
async def namespace(api: Api) -> AsyncIterator[str]:
    """The name of a fresh namespace. Its deletion is asked for, not waited for."""
    name = f"t-{secrets.token_hex(4)}"
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    await api.delete("v1/namespaces", name)


@pytest_asyncio.fixture
async def faults(control_plane: ControlPlane) -> AsyncIterator[FaultProxy]:
    """A proxy in front of the ring: nothing goes wrong until a test injects a fault."""
    async with FaultProxy(control_plane.admin) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def kubelet(api: Api, namespace: str) -> AsyncIterator[Kubelet]:
    """A stub kubelet for the test's namespace, with one node."""
    async with Kubelet(api, [namespace]) as stub:
        yield stub


@pytest.fixture
def observed() -> list[tuple[str, str]]:
    """(verb, code) of each request."""
    return []


@pytest_asyncio.fixture
async def client(
    faults: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, observed: list[tuple[str, str]]
) -> AsyncIterator[Client]:
    """The client, through the proxy, with a short deadline."""

    def observe(verb: str, code: str, seconds: float) -> None:
        assert seconds >= 0
        observed.append((verb, code))

    async with client_of(faults.credentials(), tmp_path, monkeypatch, deadline=2.0, observe=observe) as client:
        yield client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Httpx leaks a connection when it is cancelled in the middle of TLS, as a stub kubelet's tasks are at their end.

    The warning comes with the garbage collection, in some later test. The operator is another process: nothing of
    its own is hidden by this.
    """
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how long the ring took to start."""
    base: Path = config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    said = shared_folder(base) / STARTED_IN
    if said.exists():
        terminalreporter.write_line(said.read_text())
