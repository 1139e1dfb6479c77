"""The ModelDeployment's CRD, installed once in the ring."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.crd import install_crd
from tests.controlplane.waiting import wait_for
from tritium.api.crd import custom_resource_definition

if TYPE_CHECKING:
    from tests.controlplane.ring import ControlPlane


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The ring, with the CRD, when kubectl knows it too: what the server publishes for `explain` comes later."""
    asyncio.run(install_crd(control_plane, custom_resource_definition()))
    asyncio.run(wait_for(lambda: _is_explained(control_plane), 30, "kubectl explain knows the kind"))
    return control_plane


def _is_explained(control_plane: ControlPlane) -> bool:
    return control_plane.kubectl("explain", "modeldeployments", check=False).returncode == 0
