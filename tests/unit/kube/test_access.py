"""Where the API server is, as a person's command finds it out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import incluster_config

from tests.controlplane.processes import kubeconfig
from tritium.kube import access
from tritium.kube.access import of_a_person
from tritium.kube.errors import NoAccess

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a kubeconfig nor a pod."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A pod, with the files of its ServiceAccount."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    for name, file in (("SERVICE_TOKEN_FILENAME", "token"), ("SERVICE_CERT_FILENAME", "ca.crt")):
        monkeypatch.setattr(incluster_config, name, str(tmp_path / file))
        (tmp_path / file).write_text(file)
    monkeypatch.setattr(access, "_NAMESPACE_FILE", tmp_path / "namespace")
    return tmp_path


def written(path: Path, namespace: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(kubeconfig("http://127.0.0.1:1", None, "token", namespace))


async def test_the_kubeconfig_at_home_says_server_and_namespace(tmp_path: Path) -> None:
    written(tmp_path / ".kube" / "config", "ml")
    configuration = Configuration()
    assert await of_a_person(configuration, None) == "ml"
    assert configuration.host == "http://127.0.0.1:1"


async def test_a_kubeconfig_comes_before_the_pod(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(pod / "config", "ml")
    (pod / "namespace").write_text("of-the-pod")
    monkeypatch.setenv("KUBECONFIG", f"{pod}/missing:{pod}/config")
    assert await of_a_person(Configuration(), None) == "ml"


async def test_a_pod_is_itself(pod: Path) -> None:
    configuration = Configuration()
    assert await of_a_person(configuration, None) == "default"
    (pod / "namespace").write_text("of-the-pod\n")
    assert await of_a_person(configuration, None) == "of-the-pod"
    assert configuration.host == "https://192.0.2.1:443"


async def test_a_pod_without_a_token_says_so(pod: Path) -> None:
    (pod / "token").unlink()
    with pytest.raises(NoAccess, match="the pod's ServiceAccount cannot be used: Service token file does not exist"):
        await of_a_person(Configuration(), None)


async def test_neither(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match=r"there is no kubeconfig at .*/.kube/config; name one with KUBECONFIG"):
        await of_a_person(Configuration(), None)


@pytest.mark.parametrize("text", ["{", "- a list", "just words", "", json.dumps({"contexts": []})])
async def test_a_file_that_is_no_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(NoAccess, match=r"cannot be used: .*see `kubectl config view`"):
        await of_a_person(Configuration(), None)


async def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    written(tmp_path / ".kube" / "config", "ml")
    with pytest.raises(NoAccess, match=r"nowhere.*`kubectl config get-contexts` lists what there is"):
        await of_a_person(Configuration(), "nowhere")
