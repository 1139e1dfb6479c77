"""Each behaviour of the stub kubelet as the server and its controllers see it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.api import Api, Object
from tests.controlplane.behaviour import (
    Behaviour,
    CrashLoop,
    Evicted,
    Failed,
    ImagePullBackOff,
    InitFailure,
    NeverReady,
    OOMKilled,
    Ready,
    Succeeded,
)
from tests.controlplane.faults import Answer, Cut, Drop, Fault, Match
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.manifests import deployment, job, pod, pod_spec, service
from tests.controlplane.scheduling import Node
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.controlplane.proxy import FaultProxy

PODS = "v1/pods"
INIT = [{"name": "fetch", "image": "example.invalid/fetch:1"}]
GPU = {"limits": {"nvidia.com/gpu": "1"}}


def condition(obj: Object, kind: str) -> Object:
    """One condition of an object, empty if it has none such."""
    conditions = obj.get("status", {}).get("conditions", [])
    return next((each for each in conditions if each["type"] == kind), {})


def is_ready(pod: Object) -> bool:
    return bool(condition(pod, "Ready").get("status") == "True")


def container(pod: Object, *path: str, statuses: str = "containerStatuses") -> Any:
    """A value from the status of a pod's first container, None if there is none yet."""
    value: Any = (pod["status"].get(statuses) or [{}])[0]
    for key in path:
        value = (value or {}).get(key)
    return value


async def until(api: Api, namespace: str, what: str, holds: Callable[[Object], object]) -> Object:
    """Wait for pod `p`."""
    seen = await wait_for(lambda: api.get(PODS, "p", namespace), 5, what, until=holds)
    assert isinstance(seen, dict)
    return seen


CASES: list[tuple[Behaviour, str, Callable[[Object], object]]] = [
    (Ready(), "ready", is_ready),
    (Ready(after=0.4, init=0.4), "ready after a while", is_ready),
    (
        NeverReady(),
        "runs unready",
        lambda pod: pod["status"]["phase"] == "Running" and not is_ready(pod),
    ),
    (
        ImagePullBackOff("no such image"),
        "no image",
        lambda pod: container(pod, "state", "waiting") == {"reason": "ImagePullBackOff", "message": "no such image"},
    ),
    (
        CrashLoop(3, "broken", 7),
        "crashes",
        lambda pod: (
            container(pod, "state", "waiting", "reason") == "CrashLoopBackOff"
            and container(pod, "restartCount") == 7
            and container(pod, "lastState", "terminated", "exitCode") == 3
            and container(pod, "lastState", "terminated", "message") == "broken"
        ),
    ),
    (
        OOMKilled(),
        "out of memory",
        lambda pod: container(pod, "lastState", "terminated", "reason") == "OOMKilled",
    ),
    (
        InitFailure(5, "digest differs: " + "x" * 5000),
        "init container fails",
        lambda pod: (
            container(pod, "lastState", "terminated", "exitCode", statuses="initContainerStatuses") == 5
            and len(container(pod, "lastState", "terminated", "message", statuses="initContainerStatuses")) == 4096
            and condition(pod, "Initialized")["status"] == "False"
        ),
    ),
    (
        Succeeded("all well"),
        "ends well",
        lambda pod: (
            pod["status"]["phase"] == "Succeeded" and container(pod, "state", "terminated", "message") == "all well"
        ),
    ),
    (Evicted(after=0.2), "evicted", lambda pod: pod["status"].get("reason") == "Evicted"),
]


@pytest.mark.parametrize(("behaviour", "what", "holds"), CASES, ids=[what for _, what, _ in CASES])
async def test_a_pod_behaves_as_it_is_told(
    api: Api,
    namespace: str,
    kubelet: Kubelet,
    *,
    behaviour: Behaviour,
    what: str,
    holds: Callable[[Object], object],
) -> None:
    kubelet.rule({"app": "p"}, behaviour)
    await api.create(pod("p", pod_spec(initContainers=INIT)), namespace)
    seen = await until(api, namespace, what, holds)
    assert seen["spec"]["nodeName"] == f"{namespace}-node"
    assert seen["status"]["podIP"].startswith("10.244.")


async def test_it_becomes_ready_step_by_step(api: Api, namespace: str, kubelet: Kubelet) -> None:
    kubelet.rule(lambda pod: pod["metadata"]["name"] == "p", Ready(init=0.3, after=0.3))
    path = f"/api/v1/namespaces/{namespace}/pods"
    version = (await api.request("GET", path))["metadata"]["resourceVersion"]
    steps: list[tuple[str, bool]] = []

    async def follow() -> None:
        async for _, seen in api.watch(PODS, namespace, resourceVersion=version):
            step = (seen["status"]["phase"], is_ready(seen))
            if step not in steps:
                steps.append(step)
            if is_ready(seen):
                return

    watching = asyncio.create_task(follow())
    await api.create(pod("p", pod_spec(initContainers=INIT)), namespace)
    await asyncio.wait_for(watching, 10)
    assert steps == [("Pending", False), ("Running", False), ("Running", True)]


async def test_a_pod_changes_its_behaviour_while_it_runs(api: Api, namespace: str, kubelet: Kubelet) -> None:
    await api.create(pod("p"), namespace)
    await until(api, namespace, "ready", is_ready)
    kubelet.rule({"app": "p"}, CrashLoop())
    await until(api, namespace, "unready", lambda seen: not is_ready(seen))
    kubelet.rule({"app": "p"}, Ready(after=0.3))  # counted from now
    await until(api, namespace, "ready again", is_ready)


async def test_it_writes_nothing_when_nothing_changes(api: Api, namespace: str, faults: FaultProxy) -> None:
    async with Api(faults.credentials()) as client, Kubelet(client, [namespace]) as kubelet:
        await api.create(pod("p"), namespace)
        await until(api, namespace, "ready", is_ready)
        kubelet.rule({"app": "other"}, NeverReady())  # wakes every pod's worker
        await api.create(pod("q"), namespace)
        await wait_for(lambda: api.get(PODS, "q", namespace), 5, "another pod ready", until=is_ready)
        writes = faults.seen(Match(name="p", write=True))
        assert [(each.verb, each.subresource) for each in writes] == [("create", "binding"), ("patch", "status")]


async def test_it_goes_on_when_the_server_does_not_answer(api: Api, namespace: str, faults: FaultProxy) -> None:
    async with Api(faults.credentials()) as client, Kubelet(client, [namespace]):
        await api.create(pod("p"), namespace)
        await until(api, namespace, "ready", is_ready)
        faults.inject(Fault(Match(watch=True), Cut(), times=1))
        faults.inject(Fault(Match(verb="list"), Answer(503), times=2))
        faults.inject(Fault(Match(subresource="binding"), Drop(), times=1))
        faults.inject(Fault(Match(subresource="status"), Answer(500), times=1))
        await api.create(pod("q"), namespace)
        await wait_for(lambda: api.get(PODS, "q", namespace), 5, "another pod ready", until=is_ready)
        await api.delete(PODS, "p", namespace)
        await wait_for(lambda: api.find(PODS, "p", namespace), 5, "the pod gone", until=lambda seen: seen is None)


async def test_a_failed_job_says_why(api: Api, namespace: str, kubelet: Kubelet) -> None:
    kubelet.rule({"app": "warm"}, Failed(3, "no such model"))
    await api.create(job("warm"), namespace)
    failed = await wait_for(
        lambda: api.get("batch/v1/jobs", "warm", namespace),
        10,
        "Job failed",
        until=lambda seen: condition(seen, "Failed").get("status") == "True",
    )
    assert condition(failed, "Failed")["reason"] == "BackoffLimitExceeded"
    (only,) = await api.list(PODS, namespace)
    assert container(only, "state", "terminated", "message") == "no such model"


async def test_a_deleted_pod_leaves_its_service_first_and_then_goes(api: Api, namespace: str, kubelet: Kubelet) -> None:
    kubelet.rule({"app": "web"}, Ready(), stops_after=1.0)
    await api.create(service("web"), namespace)
    await api.create(deployment("web", 1), namespace)

    async def endpoints() -> list[Object]:
        slices = await api.list("discovery.k8s.io/v1/endpointslices", namespace)
        return [each for one in slices for each in one["endpoints"] or []]

    (first,) = await wait_for(
        endpoints, 10, "an endpoint", until=lambda seen: [each["conditions"]["ready"] for each in seen] == [True]
    )
    name = first["targetRef"]["name"]
    await api.delete(PODS, name, namespace)
    leaving = await wait_for(
        endpoints,
        5,
        "a terminating endpoint beside a new one",
        until=lambda seen: sorted(each["conditions"]["ready"] for each in seen) == [False, True],
    )
    (old,) = [each for each in leaving if each["targetRef"]["name"] == name]
    assert old["conditions"] == {"ready": False, "serving": True, "terminating": True}
    assert await api.get(PODS, name, namespace)
    await wait_for(lambda: api.find(PODS, name, namespace), 5, "the pod gone", until=lambda seen: seen is None)
    await wait_for(endpoints, 5, "one endpoint", until=lambda seen: len(seen) == 1)


async def test_its_grace_period_bounds_how_long_a_pod_takes_to_stop(api: Api, namespace: str, kubelet: Kubelet) -> None:
    kubelet.rule({"app": "p"}, Ready(), stops_after=3600)
    await api.create(pod("p"), namespace)
    await until(api, namespace, "ready", is_ready)
    await api.delete(PODS, "p", namespace, grace=1)
    await wait_for(lambda: api.find(PODS, "p", namespace), 5, "the pod gone", until=lambda seen: seen is None)


async def test_the_second_pod_finds_no_gpu_until_there_is_one(api: Api, namespace: str) -> None:
    gpu = pod_spec(resources=GPU)
    async with Kubelet(api, [namespace], [Node("gpu", {"nvidia.com/gpu": 1}), Node("cpu")]) as kubelet:
        await api.create(pod("first", gpu), namespace)
        await wait_for(lambda: api.get(PODS, "first", namespace), 5, "first pod ready", until=is_ready)
        await api.create(pod("p", gpu), namespace)
        stuck = await until(
            api,
            namespace,
            "unschedulable",
            lambda seen: condition(seen, "PodScheduled").get("reason") == "Unschedulable",
        )
        message = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
        assert condition(stuck, "PodScheduled")["message"] == message
        assert "nodeName" not in stuck["spec"]
        await api.create(pod("free"), namespace)
        await wait_for(lambda: api.get(PODS, "free", namespace), 5, "a pod without GPU ready", until=is_ready)

        await api.delete(PODS, "first", namespace)
        freed = await until(api, namespace, "ready once there is room", is_ready)
        assert freed["spec"]["nodeName"] == f"{namespace}-gpu"
        assert not condition(freed, "PodScheduled").get("reason")

        await api.create(pod("third", gpu), namespace)
        name = await kubelet.add_node(Node("more", {"nvidia.com/gpu": 1}))
        third = await wait_for(lambda: api.get(PODS, "third", namespace), 5, "ready on a new node", until=is_ready)
        assert third["spec"]["nodeName"] == name
    assert await api.find("v1/nodes", name) is None


async def test_it_serves_only_its_own_namespaces(api: Api, namespace: str, kubelet: Kubelet) -> None:
    await api.create(pod("p"), "default")
    try:
        await api.create(pod("p"), namespace)
        await until(api, namespace, "ready", is_ready)
        assert "nodeName" not in (await api.get(PODS, "p", "default"))["spec"]
        await kubelet.serve("default")
        await until(api, "default", "ready", is_ready)
    finally:
        await api.delete(PODS, "p", "default", grace=0)
