"""The gateway of a namespace: it comes by itself, loses nothing while its pods go, and needs nobody to go on."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import numpy as np
import pytest
import tritonclient.grpc

from e2e import operator, serving, steady
from e2e.cluster import settings
from e2e.cluster.engine import docker
from e2e.kubectl import Kubectl, Refused
from tritium.api import names
from tritium.api.gateway import AGENT_PORT, HEALTH_PORT, SHARED_PORT, preview_port

Object = dict[str, Any]
NAME: Final = "adder"
HOST, PATH = "models.example.com", "/adder"
PODS: Final = f"{names.COMPONENT}={names.Component.GATEWAY}"
LISTENING = """
import pathlib
tables = [pathlib.Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6")]
lines = [line.split() for table in tables for line in table.splitlines()]
print(sorted({int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == "0A"}))
"""
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
ASIDE = "/etc/kubernetes/kube-apiserver.yaml"


@pytest.fixture(scope="module")
def served(shared: Kubectl) -> Kubectl:
    """A namespace with a model of two pods that is reached under a host name as well."""
    serving.start_store(shared)
    serving.put_model(shared, "adder", "adder/1")
    routing = {"host": HOST, "path": PATH}
    shared.apply(serving.small(shared, NAME, "adder/1", replicas=2, routing=routing))
    shared.wait("mdep", NAME, "condition=Released")
    return shared


@contextmanager
def asked_all_the_time(namespace: Kubectl) -> Iterator[None]:
    """Clients of each kind, none of which may be let down."""
    steady.start(namespace, NAME)
    yield
    told = steady.stop(namespace)
    print(told)
    assert told.failures == {}
    assert min(each.requests for each in (told.new_connections, told.keep_alive, told.grpc)) > 0
    namespace("delete", "pod", "client", "--now")


def gateways(namespace: Kubectl) -> dict[str, Object]:
    """The gateway's pods that are ready, by name."""
    return {
        pod["metadata"]["name"]: pod
        for pod in namespace.items("pods", PODS)
        if serving.is_ready(pod) and "deletionTimestamp" not in pod["metadata"]
    }


def until(what: str, holds: Callable[[], bool], seconds: float = 120) -> None:
    """Look again and again."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.3)


def test_the_status_shows_what_every_gateway_pod_runs(served: Kubectl) -> None:
    status = served.get("mdep", NAME)["status"]
    told, observed = status["traffic"], status["trafficObserved"]
    assert (observed["version"], observed["gateways"]) == (told["version"], 2)
    assert observed["envoy"] == settings.ENVOY
    assert observed["revisions"] == [{"revision": 1, "weight": 10_000, "endpoints": 2}]
    assert status["url"] == f"http://{NAME}.{served.namespace}.svc:8000"


def test_nothing_listens_in_a_gateway_pod_but_what_is_meant_to(served: Kubectl) -> None:
    port = served.get("mdep", NAME)["status"]["traffic"]["port"]
    for name in gateways(served):
        listening = json.loads(served("exec", name, "-c", "agent", "--", "python3", "-c", LISTENING))
        assert listening == sorted({port, preview_port(port), SHARED_PORT, AGENT_PORT, HEALTH_PORT})


def test_what_could_change_the_server_does_not_pass(served: Kubectl) -> None:
    with served.forward(f"service/{NAME}", 8000) as (address,):
        for path in (f"/v2/repository/models/{NAME}/load", "/v2/repository/index", "/v2/systemsharedmemory/status"):
            assert httpx.post(f"http://{address}{path}", json={}).status_code == 403
        assert httpx.get(f"http://{address}/v2/models/adder").json()["name"] == "adder"


def test_a_model_is_reached_under_its_host_and_path(served: Kubectl) -> None:
    with served.forward(f"service/{names.GATEWAY}", 80) as (address,):
        here = httpx.get(f"http://{address}{PATH}/v2/models/adder/ready", headers={"Host": HOST})
        elsewhere = httpx.get(f"http://{address}{PATH}/v2/models/adder/ready", headers={"Host": "other.example.com"})
        assert (here.status_code, elsewhere.status_code) == (200, 404)


def test_grpc_and_http_answer_alike(served: Kubectl) -> None:
    assert serving.answer(served, NAME) == [[4.0, 6.0]]
    inputs = [tritonclient.grpc.InferInput(each, [1, 2], "FP32") for each in ("A", "B")]
    for tensor, row in zip(inputs, ([1, 2], [3, 4]), strict=True):
        tensor.set_data_from_numpy(np.array([row], dtype=np.float32))
    with (
        served.forward(f"service/{NAME}", 8001) as (address,),
        tritonclient.grpc.InferenceServerClient(address) as client,
    ):
        assert client.infer("adder", inputs).as_numpy("SUM").tolist() == [[4.0, 6.0]]


def test_a_rolling_restart_of_the_gateway_loses_no_request(served: Kubectl) -> None:
    before = gateways(served)
    with asked_all_the_time(served):
        served("rollout", "restart", f"deployment/{names.GATEWAY}")
        served("rollout", "status", f"deployment/{names.GATEWAY}", "--timeout=170s")
        until("the old pods are gone", lambda: not before.keys() & _names(served, PODS))
    assert len(gateways(served)) == 2
    assert not before.keys() & gateways(served).keys()


def test_the_eviction_of_a_gateway_pod_loses_no_request(served: Kubectl) -> None:
    """As `kubectl drain` does it: it asks for each pod, and the disruption budget lets one go at a time."""
    first, second = sorted(gateways(served))
    with asked_all_the_time(served):
        evict(served, first)
        with pytest.raises(Refused, match="disruption budget"):
            evict(served, second)
        until("the pod is gone, and another ready", lambda: first not in _names(served, PODS) and is_whole(served))


def test_it_goes_on_without_operator_and_api_server_also_when_an_agent_begins_anew(
    operated: Kubectl, served: Kubectl
) -> None:
    agent = next(iter(gateways(served).values()))
    with asked_all_the_time(served):
        operator.kill(operated)
        with without_api_server(served):
            before = running_containers(agent, "agent")
            kill_container(agent, "agent")
            until("the agent runs again", lambda: bool(running_containers(agent, "agent") - before))
            steady.go_on(10)
        until("the gateway is whole", lambda: is_whole(served))
    served.wait("mdep", NAME, "condition=Ready")
    restarts = gateways(served)[agent["metadata"]["name"]]["status"]["initContainerStatuses"][0]["restartCount"]
    assert restarts == 1


def evict(namespace: Kubectl, name: str) -> None:
    """Ask for a pod to be moved away."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace.namespace},
    }
    path = f"/api/v1/namespaces/{namespace.namespace}/pods/{name}/eviction"
    namespace("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def is_whole(namespace: Kubectl) -> bool:
    """Two gateway pods are ready, and the API server is there to say so."""
    try:
        return len(gateways(namespace)) == 2
    except Refused:
        return False


def _names(namespace: Kubectl, selector: str) -> set[str]:
    return {pod["metadata"]["name"] for pod in namespace.items("pods", selector)}


@contextmanager
def without_api_server(namespace: Kubectl) -> Iterator[None]:
    """The kubelet ends the API server when its manifest is gone, and starts it when it is back."""
    on_node("mv", MANIFEST, ASIDE)
    try:
        until("the API server is gone", lambda: not _answers(namespace))
        yield
    finally:
        on_node("mv", ASIDE, MANIFEST)
        until("the API server is back", lambda: _answers(namespace))


def _answers(namespace: Kubectl) -> bool:
    try:
        namespace("get", "--raw", "/readyz", timeout=10)
    except (Refused, subprocess.TimeoutExpired):
        return False
    return True


def kill_container(pod: Object, name: str) -> None:
    """End a container the hard way."""
    (running,) = running_containers(pod, name)
    on_node("ctr", "-n", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", running)


def running_containers(pod: Object, name: str) -> set[str]:
    """The ids of a pod's containers of that name that run: the node's own word, without an API server."""
    uid = pod["metadata"]["uid"]
    labels = f'labels."io.kubernetes.pod.uid"=={uid},labels."io.kubernetes.container.name"=={name}'
    known = set(on_node("ctr", "-n", "k8s.io", "containers", "list", "--quiet", labels).split())
    tasks = (line.split() for line in on_node("ctr", "-n", "k8s.io", "tasks", "list").splitlines())
    return {task[0] for task in tasks if task[0] in known and task[-1] == "RUNNING"}


def on_node(*command: str) -> str:
    """Run a command on the node."""
    ended = subprocess.run(docker("exec", settings.NODE, *command), capture_output=True, text=True, check=True)
    return ended.stdout
