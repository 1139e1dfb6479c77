"""The ground that all other tests stand on: the cluster runs the project's images as users will run them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import obstore
import pytest
import tritonclient.grpc
import tritonclient.http
import yaml

from e2e import objects, serving
from e2e.kubectl import Kubectl, Refused
from tritium.api import names
from tritium.api.crd import custom_resource_definition

FIRST, SECOND = (np.array([row], dtype=np.float32) for row in ([1, 2], [3, 4]))


ASK = """
import time, urllib.request
while True:
    try:
        print(urllib.request.urlopen("http://adder:8000/v2/models/adder/ready", timeout=10).status)
        break
    except OSError:  # the pod is ready, and kube-proxy may have to learn of it
        time.sleep(0.5)
"""


@pytest.fixture
def adder(namespace: Kubectl) -> Kubectl:
    """A namespace in which Triton serves a python-backend model."""
    namespace.apply(objects.model_repository("adder"), objects.triton("adder"))
    namespace.apply(objects.service("adder", http=8000, grpc=8001))
    namespace.wait("pod", "adder", "condition=Ready")
    return namespace


@pytest.mark.parametrize(
    ("protocol", "port"), [(tritonclient.http, 8000), (tritonclient.grpc, 8001)], ids=["http", "grpc"]
)
def test_triton_answers_a_client(adder: Kubectl, protocol: Any, port: int) -> None:
    with adder.forward("service/adder", port) as (address,):
        client = protocol.InferenceServerClient(address)
        inputs = [protocol.InferInput(name, [1, 2], "FP32") for name in ("A", "B")]
        for tensor, value in zip(inputs, (FIRST, SECOND), strict=True):
            tensor.set_data_from_numpy(value)
        answer = client.infer("adder", inputs)
        client.close()
    assert answer.as_numpy("SUM").tolist() == [[4, 6]]


def test_triton_answers_by_its_name_inside_the_cluster(adder: Kubectl) -> None:
    adder.apply(objects.operator("client", ASK, command=("python3", "-c")))
    adder.wait("pod", "client", "jsonpath={.status.phase}=Succeeded")
    assert adder("logs", "client").strip() == "200"


def test_the_s3_server_keeps_and_gives_back(namespace: Kubectl) -> None:
    namespace.apply(objects.s3(), objects.service("s3", s3=7070))
    namespace.wait("pod", "s3", "condition=Ready")
    with serving.bucket(namespace) as store:
        model = bytes(range(256)) * 4096
        obstore.put(store, "adder/1/weights.bin", model)
        assert bytes(obstore.get(store, "adder/1/weights.bin").bytes()) == model
        assert bytes(obstore.get_range(store, "adder/1/weights.bin", start=1000, length=24)) == model[1000:1024]
        listed = [entry["path"] for batch in obstore.list(store) for entry in batch]
        assert listed == ["adder/1/weights.bin"]


def test_pod_security_refuses_what_is_not_restricted(namespace: Kubectl) -> None:
    """The pods above were admitted because they are restricted, not because nobody looks."""
    careless = objects.operator("careless")
    del careless["spec"]["containers"][0]["securityContext"]
    with pytest.raises(Refused, match='violates PodSecurity "restricted'):
        namespace.apply(careless)


def test_a_gpu_is_scheduled_while_there_is_one(
    kubectl: Kubectl, namespace: Kubectl, request: pytest.FixtureRequest
) -> None:
    """Advertised as an extended resource: scheduling and quota see no difference to a real one."""
    node = kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
    resource = f"tests.tritium.dev/{namespace.namespace}"  # a kind of GPU of this test's own

    def advertise(amount: str | None) -> None:
        status = {"status": {"capacity": {resource: amount}}}
        kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", json.dumps(status))

    advertise("1")
    request.addfinalizer(lambda: advertise(None))
    namespace.apply(objects.model_repository("adder"))
    first, second = objects.triton("adder", limits={resource: 1}), objects.triton("adder", limits={resource: 1})
    second["metadata"]["name"] = "second"

    namespace.apply(first)
    namespace.wait("pod", "adder", "condition=Ready")
    namespace.apply(second)
    namespace.wait("pod", "second", "jsonpath={.status.conditions[?(@.type=='PodScheduled')].reason}=Unschedulable")
    assert f"Insufficient {resource}" in namespace(
        "get", "pod", "second", "-o", "jsonpath={.status.conditions[*].message}"
    )

    namespace("delete", "pod", "adder")
    namespace.wait("pod", "second", "condition=Ready")


def test_the_operators_image_holds_the_crd_of_this_version(kubectl: Kubectl, namespace: Kubectl) -> None:
    namespace.apply(objects.operator("crd", "crd"))
    namespace.wait("pod", "crd", "jsonpath={.status.phase}=Succeeded")
    printed = namespace("logs", "crd")
    # Only asked, because a demo may have the chart own it.
    answer = kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-", stdin=printed)
    assert (
        answer
        == f"customresourcedefinition.apiextensions.k8s.io/{names.CRD_NAME} serverside-applied (server dry run)\n"
    )
    assert yaml.safe_load(printed) == custom_resource_definition()


def test_the_operators_image_has_no_build_tools_and_is_not_root(namespace: Kubectl) -> None:
    look = (
        "import importlib.util, os, shutil;"
        "print(os.getuid(), importlib.util.find_spec('pip'), [shutil.which(each) for each in ('pip', 'gcc', 'make')])"
    )
    namespace.apply(objects.operator("look", look, command=("python3", "-c")))
    namespace.wait("pod", "look", "jsonpath={.status.phase}=Succeeded")
    assert namespace("logs", "look").strip() == "65532 None [None, None, None]"
