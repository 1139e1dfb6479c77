"""Fixtures of the data-plane ring: real servers as processes on loopback."""

from collections.abc import Iterator

import pytest

from tests.dataplane.runtime import Runtime, runtime
from tests.dataplane.triton import Triton, repository

# Triton runs these, in an environment of its own.
collect_ignore_glob = ["models/*.py"]


@pytest.fixture(scope="session")
def triton_runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    """What Triton is started with."""
    return runtime(tmp_path_factory.mktemp("triton-runtime"))


@pytest.fixture(scope="session")
def triton(triton_runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """A server with the models adder, slow and identity, for all tests of this process."""
    folder = tmp_path_factory.mktemp("triton")
    models = repository(folder / "models", "adder", "slow", "identity")
    with Triton(triton_runtime, models, folder / "log") as server:
        yield server
