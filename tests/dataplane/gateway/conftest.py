"""Fixtures of the gateway's tests."""

from collections.abc import Iterator

import pytest

from tests.dataplane.runtime import Runtime
from tests.dataplane.triton import Triton, repository


@pytest.fixture(scope="session")
def another_triton(triton_runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """A second server with the same models, as a model's second pod."""
    folder = tmp_path_factory.mktemp("triton")
    models = repository(folder / "models", "adder", "slow", "identity")
    with Triton(triton_runtime, models, folder / "log") as server:
        yield server
