"""A gateway's pod as processes against the ring, which all tests share."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import yaml

from tests.controlplane.crd import install_crd
from tests.controlplane.gateway.relay import relayed
from tests.controlplane.gateway.serving import Serving
from tests.controlplane.processes import kubeconfig
from tests.dataplane.gateway.pod import GatewayPod
from tests.dataplane.runtime import runtime
from tests.dataplane.triton import Triton, repository
from tests.ports import free_ports
from tritium.api import names
from tritium.api.crd import custom_resource_definition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.controlplane.api import Api
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.ring import ControlPlane

INSTALL = Path(__file__).parents[3] / "manifests" / "install.yaml"
RBAC = "rbac.authorization.k8s.io/v1"
USER = "carol"


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The ring with the CRD."""
    asyncio.run(install_crd(control_plane, custom_resource_definition()))
    return control_plane


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """A server with the model adder."""
    folder = tmp_path_factory.mktemp("triton")
    (folder / "runtime").mkdir()
    with Triton(runtime(folder / "runtime"), repository(folder / "models", "adder"), folder / "log") as server:
        yield server


@pytest_asyncio.fixture
async def pods_ports(triton: Triton) -> AsyncIterator[tuple[int, int]]:
    """Where Triton can be reached at `relay.address()`, by HTTP and gRPC."""
    async with relayed(triton._http, triton._grpc) as (http, grpc):
        yield http, grpc


@pytest.fixture
def port() -> int:
    """For a listener."""
    return free_ports(1)[0]


@pytest.fixture
def serving(installed: ControlPlane, api: Api, namespace: str) -> Serving:
    """What the test's namespace is told."""
    return Serving(api, namespace)


@pytest_asyncio.fixture
async def agents_rights(api: Api, namespace: str) -> str:
    """A user with the rights that the chart gives to agents, in the test's namespace, and no others."""
    (role,) = (
        each
        for each in yaml.safe_load_all(INSTALL.read_text())
        if each and (each["kind"], each["metadata"]["name"]) == ("ClusterRole", names.GATEWAY)
    )
    metadata = {"name": names.GATEWAY, "namespace": namespace}
    await api.create({"apiVersion": RBAC, "kind": "Role", "metadata": metadata, "rules": role["rules"]})
    group = RBAC.partition("/")[0]
    await api.create(
        {
            "apiVersion": RBAC,
            "kind": "RoleBinding",
            "metadata": metadata,
            "subjects": [{"kind": "User", "name": USER, "apiGroup": group}],
            "roleRef": {"apiGroup": group, "kind": "Role", "name": names.GATEWAY},
        }
    )
    return USER


@pytest_asyncio.fixture
async def pod(
    installed: ControlPlane, faults: FaultProxy, agents_rights: str, namespace: str, tmp_path: Path
) -> AsyncIterator[GatewayPod]:
    """A pod that is ready, behind the fault proxy."""
    given = faults.credentials(installed.user(agents_rights))
    async with GatewayPod(tmp_path, namespace, kubeconfig(given.url, given.ca, given.token)) as running:
        await running.start()
        yield running
