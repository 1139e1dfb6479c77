"""Real servers for all tests of sync, and a pod for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import HOST, free_ports
from tests.sync.azurite import Azurite, azure_storage
from tests.sync.bucket import Bucket
from tests.sync.caching import Pods
from tests.sync.google import Google, google_storage
from tests.sync.pod import Pod
from tests.sync.s3 import S3, Server
from tests.sync.tracking import Mlflow, tracking_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    running = Server(tmp_path_factory.mktemp("s3"))
    yield running.s3
    running.stop()


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    with google_storage(tmp_path_factory.mktemp("google")) as running:
        yield running


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with azure_storage(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlflow]:
    """Everybody may ask it, and it keeps its artifacts on its disk."""
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, server: S3) -> Iterator[Mlflow]:
    """It wants a name and a password, and keeps its artifacts in a bucket that it alone can read.

    It knows itself by its address and by one name.
    """
    with tracking_server(tmp_path_factory.mktemp("guarded"), server, called="mlflow.example.com") as running:
        yield running


@pytest.fixture(params=["server", "google", "azurite"])
def bucket(request: pytest.FixtureRequest, pod: Pod) -> Bucket:
    """Each object store in turn, and its keys in the pod's Secret."""
    found: Bucket = request.getfixturevalue(request.param)
    pod.secret = found.keys
    return found


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
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "GCE_")):
            monkeypatch.delenv(name)
    nobody = f"{HOST}:{free_ports(1)[0]}"
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://{nobody}")
    monkeypatch.setenv("AZURE_MSI_ENDPOINT", f"http://{nobody}/metadata/identity/oauth2/token")
    monkeypatch.setenv("GCE_METADATA_HOST", nobody)
    monkeypatch.setenv("GCE_METADATA_IP", nobody)


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    folder = tmp_path / "claim"
    folder.mkdir()
    return folder


@pytest.fixture
def pods(tmp_path: Path, claim: Path) -> Pods:
    """New pods that mount the claim, by name."""
    return lambda name: Pod(tmp_path / name, claim=claim)


@pytest.fixture(autouse=True)
def quick_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tritium.sync.cache._LOOK", 0.01)
