"""The ModelDeployment's CRD, installed once in the ring."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.controlplane.crd import install_crd
from tritium.api.crd import custom_resource_definition

if TYPE_CHECKING:
    from tests.controlplane.ring import ControlPlane


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The ring, with the CRD."""
    asyncio.run(install_crd(control_plane, custom_resource_definition()))
    return control_plane
