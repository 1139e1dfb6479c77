"""What is read out of pods, with statuses as a kubelet writes them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.controlplane.behaviour import (
    Behaviour,
    CrashLoop,
    Evicted,
    ImagePullBackOff,
    InitFailure,
    NeverReady,
    OOMKilled,
    Ready,
)
from tests.controlplane.podstatus import unschedulable
from tests.unit.core.pods import FOUND, START, behaving, failed, model_pod
from tritium.api.fetch import FetchReason
from tritium.core.diagnosis import pod_seen
from tritium.core.reasons import Reason
from tritium.core.seen import Trouble

Object = dict[str, Any]


def waiting(reason: str, message: str) -> Object:
    pod = behaving(NeverReady())
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": reason, "message": message}}
    return pod


def loading() -> Object:
    pod = behaving(NeverReady())
    pod["status"]["containerStatuses"][0]["started"] = False
    return pod


def trouble(pod: Object) -> Trouble:
    found = pod_seen(pod).trouble
    assert found is not None
    assert found.pod == pod["metadata"]["name"]
    assert pod["metadata"]["name"] not in found.message
    return found


def test_a_ready_pod() -> None:
    pod = behaving(Ready())
    pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["message"] = FOUND.model_dump_json(by_alias=True)
    seen = pod_seen(pod)
    assert (seen.name, seen.uid, seen.revision, seen.ip) == (pod["metadata"]["name"], "pod-1", "0a1b2c3d", "10.0.0.7")
    assert (seen.ready, seen.terminating, seen.trouble, seen.created) == (True, False, None, START)
    assert seen.fetched == FOUND


def test_a_new_pod_has_no_status() -> None:
    seen = pod_seen(model_pod())
    assert (seen.ip, seen.ready, seen.fetched) == (None, False, None)
    assert trouble(model_pod()) == Trouble(
        "pod",
        Reason.STARTING,
        "The pod waits for a node. Wait. If it lasts, `kubectl describe pod` and the pod's log say what it waits for.",
        model_pod()["metadata"]["name"],
    )


@pytest.mark.parametrize("behaviour", [Ready(), CrashLoop(1, "Exit timeout expired"), OOMKilled(), NeverReady()])
def test_a_pod_on_its_way_out_has_no_trouble(behaviour: Behaviour) -> None:
    pod = behaving(behaviour)
    pod["metadata"] |= {"deletionTimestamp": "2026-01-01T00:01:00Z"}
    seen = pod_seen(pod)
    assert (seen.terminating, seen.ready, seen.trouble) == (True, False, None)
    assert (seen.node, seen.gone_by) == ("node-a", datetime(2026, 1, 1, 0, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("pod", "component", "says"),
    [
        (behaving(Ready(init=90, after=9)), "fetch", "The model is being fetched."),
        (loading(), "triton", "Triton is loading the model."),
        (behaving(NeverReady()), "triton", "The model is loaded, and does not report that it is ready."),
        (waiting("ContainerCreating", ""), "pod", "volumes and containers are being made"),
    ],
)
def test_a_pod_with_nothing_wrong_is_starting(pod: Object, component: str, says: str) -> None:
    found = trouble(pod)
    assert (found.component, found.reason, found.rejects) == (component, Reason.STARTING, False)
    assert says in found.message


def test_a_closed_readiness_gate_is_named() -> None:
    pod = model_pod()
    pod["spec"] |= {"readinessGates": [{"conditionType": "example.com/warm"}]}
    found = trouble(behaving(Ready(), pod))
    assert (found.component, found.reason) == ("pod", Reason.STARTING)
    assert "example.com/warm" in found.message


REGISTRY = 'failed to resolve reference "r.example/triton:1": r.example/triton:1: not found'


@pytest.mark.parametrize(
    "pod",
    [
        waiting("ErrImagePull", f"rpc error: code = NotFound desc = {REGISTRY}"),
        waiting("ImagePullBackOff", f'Back-off pulling image "triton:26.07": ErrImagePull: {REGISTRY}'),
        waiting(
            "ImagePullBackOff",
            f'Back-off pulling image "triton:26.07": ErrImagePull: rpc error: code = NotFound desc = {REGISTRY}',
        ),
    ],
)
def test_an_image_that_cannot_be_had_gives_one_text_between_and_during_tries(pod: Object) -> None:
    found = trouble(pod)
    assert (found.component, found.reason, found.rejects) == ("triton", Reason.IMAGE_PULL, False)
    assert found.message == (
        f"Container triton: the image triton:26.07 cannot be pulled: {REGISTRY}. "
        "Correct server.image, or give access to the registry with server.imagePullSecrets."
    )


def test_an_image_without_words() -> None:
    found = trouble(behaving(ImagePullBackOff('Back-off pulling image "triton:26.07"')))
    assert found.message.startswith("Container triton: the image triton:26.07 cannot be pulled. Correct")
    assert trouble(waiting("InvalidImageName", 'couldn\'t parse image name "A"')).reason == Reason.IMAGE_PULL


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        (waiting("CreateContainerConfigError", 'secret "keys" not found'), 'secret "keys" not found'),
        (
            waiting("CreateContainerError", f'container name "x" is reserved for "{"ab" * 32}"'),
            'container name "x" is reserved for "…"',
        ),
        (waiting("RunContainerError", 'exec: "tritonserver": not found'), 'exec: "tritonserver": not found'),
    ],
)
def test_a_container_that_cannot_be_started(pod: Object, says: str) -> None:
    found = trouble(pod)
    assert (found.component, found.reason) == ("triton", Reason.CONTAINER_CONFIG)
    assert found.message.startswith(f"Container triton cannot be started: {says}. Create")


def test_a_container_that_cannot_be_started_again_and_again() -> None:
    pod = behaving(CrashLoop(128, 'exec: "tritonserver": executable file not found in $PATH', restarts=3))
    pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["reason"] = "StartError"
    found = trouble(pod)
    assert found.reason == Reason.CONTAINER_CONFIG
    assert "executable file not found" in found.message


@pytest.mark.parametrize(
    ("message", "reason", "says"),
    [
        (
            (
                "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: "
                "3 No preemption victims found for incoming pod."
            ),
            Reason.NO_GPU,
            "No node has nvidia.com/gpu free: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu. Free",
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 2 Insufficient nvidia.com/mig-1g.5gb.",
            Reason.NO_GPU,
            "No node has nvidia.com/mig-1g.5gb free: ",
        ),
        (
            "0/1 nodes are available: 1 Insufficient memory.",
            Reason.UNSCHEDULABLE,
            "0/1 nodes are available: 1 Insufficient memory. Add a node",
        ),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {nvidia.com/gpu: present}.",
            Reason.UNSCHEDULABLE,
            "0/1 nodes are available: ",
        ),
        (
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            Reason.VOLUME_NOT_BOUND,
            "0/1 nodes are available: ",
        ),
        (
            "0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are …",
            Reason.UNSCHEDULABLE,
            "0/1 nodes are available: 1 Insufficient memory. Add a node",
        ),
        (
            '0/1 nodes are available: persistentvolumeclaim "models" not found. not found. no new claims to deallocate',
            Reason.VOLUME_NOT_BOUND,
            '0/1 nodes are available: persistentvolumeclaim "models" not found. Create',
        ),
        (
            '0/1 nodes are available: persistentvolumeclaim "models" not found.',
            Reason.VOLUME_NOT_BOUND,
            '0/1 nodes are available: persistentvolumeclaim "models" not found. Create',
        ),
    ],
)
def test_a_pod_without_a_node(message: str, reason: Reason, says: str) -> None:
    pod = model_pod()
    found = trouble(pod | {"status": unschedulable(pod, message, START)})
    assert (found.component, found.reason) == ("pod", reason)
    assert found.message.startswith(says)


@pytest.mark.parametrize("reason", list(FetchReason))
def test_what_fetch_says_is_handed_on(reason: FetchReason) -> None:
    found = trouble(behaving(InitFailure(1, failed(reason))))
    assert found == Trouble("fetch", reason, "it is so", found.pod, rejects=found.rejects)
    faults = {"DigestMismatch", "SourceChanged", "SignatureInvalid", "ModelInvalid", "ConfigInvalid"}
    assert found.rejects is (reason.value in faults)


def test_fetch_is_diagnosed_while_it_ends_and_while_it_runs_again() -> None:
    pod = behaving(InitFailure(1, failed(FetchReason.ACCESS_DENIED)))
    first = trouble(pod)
    status = pod["status"]["initContainerStatuses"][0]
    status["state"], status["lastState"] = status["lastState"], {}
    assert trouble(pod) == first
    status["lastState"] = status["state"]
    status["state"] = {"running": {"startedAt": "2026-01-01T00:02:00Z"}}
    assert trouble(pod) == first


def test_fetch_that_says_nothing_readable() -> None:
    found = trouble(behaving(InitFailure(2, "Traceback\nKeyError: 'uri'\n")))
    assert (found.component, found.reason, found.rejects) == ("fetch", FetchReason.FETCH_FAILED, False)
    assert found.message.startswith("It ended with exit code 2: Traceback KeyError: 'uri'. Look at the log")
    assert pod_seen(behaving(InitFailure(1, ""))).fetched is None


def test_a_fetch_that_failed_before_it_worked_is_no_trouble() -> None:
    pod = behaving(NeverReady())
    fetch = pod["status"]["initContainerStatuses"][0]
    fetch["lastState"] = {"terminated": {"exitCode": 1, "message": failed(FetchReason.SOURCE_UNREACHABLE)}}
    assert trouble(pod).reason == Reason.STARTING


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("triton", "used more memory than its limit of 2Gi and was killed. Raise server.resources.limits.memory"),
        ("proxy", "used more memory than there is on the node and was killed. Raise the memory limit of the"),
    ],
)
def test_a_container_without_enough_memory(name: str, says: str) -> None:
    pod = behaving(OOMKilled(), model_pod({"name": "proxy", "image": "p"}))
    pod["status"]["containerStatuses"] = [each for each in pod["status"]["containerStatuses"] if each["name"] == name]
    found = trouble(pod)
    assert (found.component, found.reason) == (name, Reason.OUT_OF_MEMORY)
    assert says in found.message


LOAD = (
    "2026-11-24T11:09:33Z E 1 model_lifecycle.cc:642] \"failed to load 'fraud' version 1: Internal: no weights\"\n"
    "error: creating server: Internal - failed to load all models\n"
)


@pytest.mark.parametrize(("restarts", "running", "rejects"), [(0, False, False), (1, True, False), (1, False, True)])
def test_a_model_that_fails_twice_to_load_is_rejected(restarts: int, running: bool, rejects: bool) -> None:  # noqa: FBT001
    pod = behaving(CrashLoop(1, LOAD, restarts))
    if running:
        pod["status"]["containerStatuses"][0]["state"] = {"running": {"startedAt": "2026-01-01T00:02:00Z"}}
    found = trouble(pod)
    assert (found.component, found.reason, found.rejects) == ("triton", Reason.MODEL_LOAD_FAILED, rejects)
    assert found.message.startswith(
        "Triton cannot load the model: failed to load 'fraud' version 1: Internal: no weights. Correct the model"
    )


@pytest.mark.parametrize(("restarts", "rejects"), [(0, False), (1, True)])
def test_a_model_whose_warm_up_fails_twice_is_rejected(restarts: int, *, rejects: bool) -> None:
    said = "failed to load 'fraud' version 1: Internal: failed to run warmup sample 'model.warmup[0]': no such category"
    found = trouble(
        behaving(CrashLoop(1, LOAD.replace("failed to load 'fraud' version 1: Internal: no weights", said), restarts))
    )
    assert (found.component, found.reason, found.rejects) == ("triton", Reason.WARMUP_FAILED, rejects)
    assert found.message.startswith("Triton cannot warm the model up: model.warmup[0]: no such category. ")


def test_a_crash_before_the_pod_was_ready_again_is_history() -> None:
    pod = behaving(CrashLoop(139, ""))
    assert trouble(pod).message.startswith("Triton ended with exit code 139 (SIGSEGV). Look at")
    pod["status"]["containerStatuses"][0]["state"] = {"running": {"startedAt": "2026-01-01T00:00:30Z"}}
    assert trouble(pod).reason == Reason.STARTING


def test_a_server_that_ends_is_no_server() -> None:
    found = trouble(behaving(CrashLoop(0, "")))
    assert (found.reason, found.rejects) == (Reason.SERVER_CRASHED, False)
    assert found.message.startswith("Triton ended with exit code 0.")


def test_a_container_of_the_pod_template_that_ends() -> None:
    pod = behaving(CrashLoop(3, "bad settings"), model_pod({"name": "proxy", "image": "p"}))
    pod["status"]["containerStatuses"] = pod["status"]["containerStatuses"][1:]
    found = trouble(pod)
    assert (found.component, found.reason) == ("proxy", Reason.CONTAINER_CRASHED)
    assert found.message.startswith("Container proxy ended with exit code 3: bad settings. Correct")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (("The node was low on resource: memory. Threshold quantity: 1Gi, available: 9Mi. Container triton was using "
         "2Gi, request is 1Gi, has larger consumption of memory. "), "The node was low on resource: memory."),
        ('Usage of EmptyDir volume "models" exceeds the limit "1Gi". ', 'Usage of EmptyDir volume "models" exceeds'),
        ("", "Nothing, if another pod becomes ready."),
    ],
)  # fmt: skip
def test_a_pod_that_the_node_gave_up(message: str, words: str) -> None:
    found = trouble(behaving(Evicted(message)))
    assert (found.component, found.reason) == ("pod", Reason.POD_LOST)
    assert found.message.startswith("The node ended the pod (Evicted)")
    assert words in found.message
    assert "9Mi" not in found.message


def test_a_node_that_does_not_answer() -> None:
    pod = behaving(Ready())
    next(each for each in pod["status"]["conditions"] if each["type"] == "Ready")["status"] = "False"
    found = trouble(pod)
    assert (found.reason, found.message.partition(". ")[0]) == (Reason.POD_LOST, "The node node-a does not answer")


def test_whether_its_fetch_runs() -> None:
    pod = behaving(NeverReady())
    assert not pod_seen(pod).fetching
    pod["status"]["initContainerStatuses"][0]["state"] = {"running": {}}
    assert pod_seen(pod).fetching
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not pod_seen(pod).fetching, "it goes, and what it fetches with it"
