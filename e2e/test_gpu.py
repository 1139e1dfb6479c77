"""GPUs, as far as a cluster without one can show: what a node advertises is asked for, given, and told when it is out.

Nothing looks behind the number that a node advertises, and Triton without a GPU runs on the CPU.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from e2e import adders, serving
from e2e.kubectl import Kubectl
from tritium.core.reasons import Reason

Object = dict[str, Any]
GPU: Final = "nvidia.com/gpu"


def patch_node(kubectl: Kubectl, action: str, **value: str) -> None:
    """Change how many GPUs the node says it has."""
    node = kubectl("get", "nodes", "-o", "name").strip()
    paths = [f"/status/{part}/{GPU.replace('/', '~1')}" for part in ("capacity", "allocatable")]
    patch = [{"op": action, "path": path, **value} for path in paths]
    kubectl("patch", node, "--subresource=status", "--type=json", "--patch", json.dumps(patch))


@pytest.fixture
def with_two(shared: Kubectl) -> Iterator[Kubectl]:
    """A namespace with a bucket, on a node with two GPUs."""
    serving.start_store(shared)
    serving.put(shared, {**adders.files("adder/1"), **adders.files("adder/2", offset=2)})
    patch_node(shared, "add", value="2")
    yield shared
    patch_node(shared, "remove")


def ask_for(namespace: Kubectl, name: str, version: int) -> None:
    """Apply a version on one GPU."""
    namespace.apply(serving.small(namespace, name, f"adder/{version}", server={"gpu": {"count": 1}}))


def gpus(pod: Object) -> list[tuple[str, str]]:
    """What its Triton asks for and may use."""
    resources = [each["resources"] for each in pod["spec"]["containers"]]
    return [(each["requests"][GPU], each["limits"][GPU]) for each in resources]


def test_gpus_are_given_to_a_version_and_its_successor_and_then_are_out(with_two: Kubectl) -> None:
    ask_for(with_two, "first", 1)
    with_two.wait("mdep", "first", "condition=Released")
    (pod,) = serving.pods(with_two, "first")
    assert gpus(pod) == [("1", "1")]

    ask_for(with_two, "first", 2)
    with_two.wait("mdep", "first", "condition=Released")
    assert [gpus(pod) for pod in serving.pods(with_two, "first")] == [[("1", "1")]] * 2

    ask_for(with_two, "second", 1)
    with_two.wait("mdep", "second", f"jsonpath={{.status.lastFailure.reason}}={Reason.NO_GPU.value}")
    assert f"No node has {GPU} free" in with_two.get("mdep", "second")["status"]["lastFailure"]["message"]
    assert serving.answer(with_two, "first") == [[6.0, 8.0]]
