"""The cluster, the operator on it, namespaces for tests, and what the cluster knew when a test failed."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from e2e import namespaces, operator
from e2e.cluster import bring_up, settings
from e2e.cluster.binaries import ensure
from e2e.kubectl import Kubectl


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """Kubectl against the running cluster, which is brought up if it is not there."""
    bring_up.up()
    return Kubectl(ensure("kubectl")["kubectl"], settings.kubeconfig())


@pytest.fixture(scope="module")
def operated(kubectl: Kubectl) -> Kubectl:
    """Kubectl in the namespace of the operator, which runs as the checkout has it.

    For each module anew, because one before it may have left another operator, or none.
    """
    return operator.install(kubectl)


@pytest.fixture
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """Kubectl in a fresh namespace under the Pod Security Standard `restricted`."""
    yield from namespaces.fresh(kubectl, request)


@pytest.fixture(scope="module")
def shared(operated: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """Kubectl in a namespace that the tests of a module share, with an operator that looks after it."""
    yield from namespaces.fresh(operated, request)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test what the cluster knows of its namespaces while they are there, and the operator's log."""
    report = yield
    inside = namespaces.of(item) if report.failed and report.when in {"setup", "call"} else []
    for each in inside:
        report.sections.append((f"what the cluster knew about namespace {each.namespace}", each.report()))
    if inside:
        report.sections.append(("the end of the operators' logs", operator.log(inside[0])))
    return report
