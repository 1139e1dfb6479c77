"""The life of an installation: it comes, is upgraded, goes and comes again, and the models do not notice."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from e2e import operator, serving
from e2e.cluster import bring_up, settings
from e2e.kubectl import Kubectl
from tritium.api import names
from tritium.app import LEASE

SUM = [[4.0, 6.0]]
AS_NOW, AS_NEXT = "--exit-timeout-secs=45", "--exit-timeout-secs=46"
"""How the two images of the operator have model pods started; see `next-operator.Dockerfile`."""


@pytest.fixture
def installed(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Kubectl in the operator's namespace; whatever the test does, the operator is there again afterwards."""
    yield operator.install(kubectl)
    operator.install(kubectl)


@pytest.fixture
def served(installed: Kubectl, namespace: Kubectl) -> Kubectl:
    """A namespace in which a ModelDeployment `first` serves."""
    assert installed.namespace == operator.NAMESPACE
    serving.start_store(namespace)
    serving.put_model(namespace, "adder", "adder/1")
    serve(namespace, "first")
    return namespace


def serve(namespace: Kubectl, name: str) -> None:
    """Apply a ModelDeployment, and wait until it serves."""
    namespace.apply(serving.model_deployment(namespace, name, "adder/1"))
    namespace.wait("mdep", name, "condition=Ready")


def arguments(namespace: Kubectl, name: str) -> list[str]:
    """The command line of the model's Triton."""
    (pod,) = serving.pods(namespace, name)
    (triton,) = pod["spec"]["containers"]
    return [*triton.get("command", []), *triton.get("args", [])]


def test_of_two_operators_one_acts_and_both_are_ready(installed: Kubectl) -> None:
    pods = {pod["metadata"]["name"] for pod in installed.items("pods", operator.SELECTOR)}
    lease = installed.get("lease", LEASE)
    assert len(pods) == 2
    assert lease["spec"]["holderIdentity"].rpartition("_")[0] in pods


def test_an_operator_tells_how_it_is(installed: Kubectl) -> None:
    with installed.forward("deployment/tritium", 8080) as (address,):
        for path in ("healthz", "readyz", "metrics"):
            with urllib.request.urlopen(f"http://{address}/{path}", timeout=10) as response:
                assert response.status == 200, path


def test_installing_again_changes_nothing(installed: Kubectl) -> None:
    before = installed.get("deployment", "tritium")["metadata"]["generation"]
    operator.install(installed)
    assert installed.get("deployment", "tritium")["metadata"]["generation"] == before


def test_an_upgrade_that_renders_pods_differently_restarts_no_model_pod(kubectl: Kubectl, served: Kubectl) -> None:
    before = serving.lives(served, "first")
    bring_up.load_next_operator()

    operator.install(kubectl, settings.NEXT_OPERATOR_IMAGE)
    serve(served, "second")  # by then the new operator has seen `first` as well: it lists before it works

    assert AS_NEXT in arguments(served, "second")
    assert AS_NOW in arguments(served, "first")
    assert serving.lives(served, "first") == before
    assert serving.answer(served, "first") == SUM


def test_models_serve_on_without_the_operator_and_it_takes_them_up_again(kubectl: Kubectl, served: Kubectl) -> None:
    before = serving.lives(served, "first")

    operator.uninstall(kubectl)
    assert serving.answer(served, "first") == SUM
    assert served.get("mdep", "first")["metadata"]["generation"] == 1

    operator.install(kubectl)
    serve(served, "second")
    assert serving.lives(served, "first") == before


def test_a_model_is_deleted_without_the_operator_and_stays_so(kubectl: Kubectl, served: Kubectl) -> None:
    operator.uninstall(kubectl)
    served("delete", "mdep", "first")
    # What it owned goes by garbage collection, in the background.
    for kind in ("deployments", "services", "pods", "jobs", "controllerrevisions", "configmaps"):
        served("wait", kind, f"--selector={names.OWNER}=first", "--for=delete", "--timeout=120s")

    operator.install(kubectl)
    serve(served, "second")
    assert served.items("deployments", f"{names.OWNER}=first") == []
