"""The operator's own client, as tests use it: through the environment, as the operator does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tritium.kube.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from tests.controlplane.ring import Credentials


@asynccontextmanager
async def client_of(
    credentials: Credentials,
    folder: Path,
    patch: pytest.MonkeyPatch,
    user_agent: str = "tritium-test/1",
    **options: Any,
) -> AsyncIterator[Client]:
    """A client of somebody, by a kubeconfig in the environment."""
    patch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    patch.setenv("KUBECONFIG", str(credentials.kubeconfig(folder / "kubeconfig")))
    async with Client.from_environment(user_agent=user_agent, **options) as client:
        yield client
