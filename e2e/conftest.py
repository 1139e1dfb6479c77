"""The cluster, a namespace for each test, and what the cluster knew when a test failed."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator

import pytest

from e2e.cluster import bring_up, settings
from e2e.cluster.binaries import ensure
from e2e.kubectl import Kubectl

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """Kubectl against the running cluster, which is brought up if it is not there."""
    bring_up.up()
    return Kubectl(ensure("kubectl")["kubectl"], settings.kubeconfig())


@pytest.fixture
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """Kubectl in a fresh namespace under the Pod Security Standard `restricted`."""
    name = f"e2e-{secrets.token_hex(4)}"
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    inside = kubectl.within(name)
    request.node.stash[INSIDE] = inside
    yield inside
    kubectl("delete", "namespace", name, "--wait=false")


INSIDE = pytest.StashKey[Kubectl]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test what the cluster knows about its namespace, while it is still there."""
    report = yield
    if report.failed and report.when in {"setup", "call"} and (inside := item.stash.get(INSIDE, None)):
        report.sections.append((f"what the cluster knew about namespace {inside.namespace}", inside.report()))
    return report
