"""A real S3 server for all tests of sync, and a pod for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.processes import HOST, free_ports
from tests.sync.pod import Pod
from tests.sync.s3 import S3, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    running = Server(tmp_path_factory.mktemp("s3"))
    yield running.s3
    running.stop()


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path / "pod")


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A folder of the bucket that is the test's own."""
    return "".join(each if each.isalnum() else "-" for each in request.node.nodeid)[-120:].strip("-")


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """No identity of this machine's, and a metadata service that is not there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://{HOST}:{free_ports(1)[0]}")
