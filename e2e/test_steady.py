"""A client that connects anew for each request loses none, whatever version is served: the promise of a rollout."""

from __future__ import annotations

import pytest

from e2e import adders, serving, steady
from e2e.kubectl import Kubectl
from tritium.api import names

NAME = "adder"
VERSIONS = range(1, 7)
BAKE = "2s"


@pytest.fixture(scope="module")
def stored(shared: Kubectl) -> Kubectl:
    """A namespace with a bucket of six versions; version n adds n."""
    serving.start_store(shared)
    serving.put(
        shared,
        {key: text for each in VERSIONS for key, text in adders.files(f"adder/{each}", offset=each).items()},
    )
    return shared


def serve(namespace: Kubectl, version: int) -> None:
    """Have a version served, and wait until clients are led to it."""
    namespace.apply(serving.model_deployment(namespace, NAME, f"adder/{version}", rollout={"bakeTime": BAKE}))
    namespace.wait("mdep", NAME, "condition=Released")


def await_scaled_down(namespace: Kubectl) -> None:
    """Wait until only one revision has pods that are not on their way out."""
    for deployment in namespace.items("deployments", f"{names.OWNER}={NAME}"):
        if deployment["metadata"]["labels"][names.REVISION] != selected(namespace):
            namespace.wait("deployment", deployment["metadata"]["name"], "jsonpath={.spec.replicas}=0")


def selected(namespace: Kubectl) -> str:
    """The revision that serves."""
    return serving.leading(namespace, NAME)


def test_no_request_fails_through_five_versions_and_five_ways_back(stored: Kubectl) -> None:
    """Three times back at once, to pods that are still there, and twice after they were given up."""
    serve(stored, 1)
    steady.start(stored, NAME)
    for version in VERSIONS[1:]:
        serve(stored, version)
        if version % 2:
            await_scaled_down(stored)
        serve(stored, 1)
    told = steady.stop(stored)

    print(told)
    assert told.failures == {}
    # Every version has answered, and nothing else has.
    assert sorted(told.new_connections.answers) == [4.0 + version for version in VERSIONS]
    assert told.new_connections.requests > 45 * told.lasted
    assert [each["revision"] for each in stored.get("mdep", NAME)["status"]["revisions"]] == list(VERSIONS)
