"""What is read out of Deployments, Jobs and Services; `test_pod_seen.py` has the pods."""

from datetime import timedelta
from typing import Any

import pytest

from tests.controlplane.behaviour import Behaviour, Evicted, Failed, ImagePullBackOff, Succeeded
from tests.unit.core.pods import FOUND, START, behaving, failed, resolve_pod
from tritium.api.fetch import FetchReason
from tritium.core.diagnosis import deployment_seen, job_refusal, resolution_seen, service_seen, worst
from tritium.core.reasons import Reason
from tritium.core.seen import ServiceSeen, Trouble

Object = dict[str, Any]


def deployment(*conditions: Object) -> Object:
    return {
        "metadata": {"name": "fraud-0a1b2c3d", "labels": {"serving.tritium.dev/revision": "0a1b2c3d"}},
        "spec": {"replicas": 3},
        "status": {"conditions": list(conditions)},
    }


def refused(message: str) -> Object:
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    return deployment({"type": "Available", "status": "False"}, failure)


POD = 'pods "fraud-0a1b2c3d-7f8b9c-xk2lp" is forbidden: '
REFUSALS = [
    (
        f"{POD}exceeded quota: team, requested: cpu=1,memory=2Gi, used: cpu=4,memory=7Gi, limited: cpu=4,memory=8Gi",
        Reason.QUOTA,
        "exceeded quota: team, requested: cpu=1,memory=2Gi, limited: cpu=4,memory=8Gi. Raise the ResourceQuota",
    ),
    (
        f"{POD}failed quota: team: must specify limits.cpu for: triton",
        Reason.QUOTA,
        "failed quota: team: must specify limits.cpu for: triton. Set that in server.resources.",
    ),
    (
        f"{POD}maximum memory usage per Container is 1Gi, but limit is 2Gi",
        Reason.POD_REFUSED,
        "maximum memory usage per Container is 1Gi, but limit is 2Gi. Change",
    ),
    (
        f'{POD}violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "proxy" …)',
        Reason.POD_REFUSED,
        'violates PodSecurity "restricted:latest": ',
    ),
    (
        'Pod "fraud-0a1b2c3d-7f8b9c-xk2lp" is invalid: spec.containers[0].env[0].name: Invalid value: "a=b": no',
        Reason.POD_REFUSED,
        'spec.containers[0].env[0].name: Invalid value: "a=b": no. Change',
    ),
    (
        'admission webhook "policy.example.com" denied the request: no latest tag',
        Reason.POD_REFUSED,
        'admission webhook "policy.example.com" denied the request: no latest tag. Change',
    ),
]


@pytest.mark.parametrize(("message", "reason", "says"), REFUSALS)
def test_a_deployment_that_cannot_make_pods(message: str, reason: Reason, says: str) -> None:
    seen = deployment_seen(refused(message))
    assert (seen.revision, seen.replicas) == ("0a1b2c3d", 3)
    assert seen.trouble is not None
    assert (seen.trouble.component, seen.trouble.reason, seen.trouble.rejects) == ("Deployment", reason, False)
    assert seen.trouble.message.startswith(f"No pod can be made: {says}")


def test_a_deployment_that_is_well() -> None:
    fine = {"type": "ReplicaFailure", "status": "False", "message": "old"}
    assert deployment_seen(deployment(fine)).trouble is None
    assert deployment_seen(deployment() | {"status": {}}).trouble is None


def job(*conditions: Object, **status: Any) -> Object:
    return {
        "metadata": {
            "name": "fraud-src-01234567",
            "uid": "job-1",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"serving.tritium.dev/written": "sha256:cc", "serving.tritium.dev/attempt": "2"},
        },
        "spec": {"activeDeadlineSeconds": 300},
        "status": {"conditions": list(conditions), **status},
    }


def ended(kind: str, reason: str = "") -> Object:
    return {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": "2026-01-01T00:01:00Z"}


def test_a_resolution_that_answers() -> None:
    pod = behaving(Succeeded(FOUND.model_dump_json(by_alias=True)), resolve_pod())
    seen = resolution_seen(job(ended("Complete")), [pod])
    assert (seen.name, seen.written, seen.attempt, seen.created) == ("fraud-src-01234567", "sha256:cc", 2, START)
    assert (seen.finished, seen.result, seen.trouble) == (START + timedelta(minutes=1), FOUND, None)


def test_a_resolution_that_fails_says_why() -> None:
    pod = behaving(Failed(1, failed(FetchReason.SECRET_MISSING)), resolve_pod())
    seen = resolution_seen(job(ended("Failed", "BackoffLimitExceeded")), [pod])
    assert seen.result is not None
    assert seen.result.failure is not None
    assert seen.trouble == Trouble("resolve", FetchReason.SECRET_MISSING, "it is so", pod["metadata"]["name"])
    # The pod may be gone before the Job is: being deleted, it still has its message.
    pod["metadata"] |= {"deletionTimestamp": "2026-01-01T00:02:00Z"}
    assert resolution_seen(job(), [pod]).trouble == Trouble("resolve", FetchReason.SECRET_MISSING, "it is so")


def test_the_end_of_a_job_is_told_of_before_that_of_its_pod() -> None:
    """They come by two watches. Until the pod's answer is there, the Job has not ended badly."""
    running = behaving(Succeeded(after=600), resolve_pod())
    seen = resolution_seen(job(ended("Failed", "BackoffLimitExceeded")), [running])
    assert (seen.finished, seen.result, seen.trouble) == (None, None, None)


def test_a_resolution_without_a_pod() -> None:
    seen = resolution_seen(job() | {"status": {}}, [])
    assert (seen.finished, seen.result, seen.trouble) == (None, None, None)


def test_a_resolution_looks_at_its_own_pods_only() -> None:
    other = behaving(Succeeded(FOUND.model_dump_json(by_alias=True)), resolve_pod())
    other["metadata"] |= {"ownerReferences": [{"uid": "job-2"}]}
    assert resolution_seen(job(), [other]).result is None


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (ImagePullBackOff("not found"), Reason.IMAGE_PULL),
        (Failed(137, ""), FetchReason.FETCH_FAILED),
        (Evicted(), Reason.POD_LOST),
    ],
)
def test_a_resolution_with_a_pod_in_trouble(behaviour: Behaviour, reason: str) -> None:
    seen = resolution_seen(job(), [behaving(behaviour, resolve_pod())])
    assert seen.trouble is not None
    assert (seen.trouble.component, seen.trouble.reason) == ("resolve", reason)


def test_a_resolution_without_enough_memory() -> None:
    pod = behaving(Failed(137, ""), resolve_pod())
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] = "OOMKilled"
    seen = resolution_seen(job(), [pod])
    assert seen.trouble is not None
    assert seen.trouble.reason == Reason.OUT_OF_MEMORY
    assert "more files" in seen.trouble.message


def test_a_running_resolution_has_no_trouble() -> None:
    assert resolution_seen(job(), [behaving(Succeeded(after=600), resolve_pod())]).trouble is None


@pytest.mark.parametrize(
    ("condition", "pods", "reason", "says"),
    [
        (ended("Failed", "DeadlineExceeded"), [], Reason.RESOLVE_TIMED_OUT, "was not listed within 300s"),
        (ended("Failed", "BackoffLimitExceeded"), [], FetchReason.FETCH_FAILED, "ended without an answer"),
        (ended("Complete"), [behaving(Succeeded("?"), resolve_pod())], FetchReason.FETCH_FAILED, "without an answer"),
    ],
)
def test_a_resolution_that_ends_without_an_answer(
    condition: Object, pods: list[Object], reason: str, says: str
) -> None:
    seen = resolution_seen(job(condition), pods)
    assert seen.finished is not None
    assert seen.trouble is not None
    assert (seen.trouble.component, seen.trouble.reason) == ("resolve", reason)
    assert says in seen.trouble.message


def event(message: str, minute: int, uid: str = "job-1", reason: str = "FailedCreate") -> Object:
    seen = {"lastTimestamp": f"2026-01-01T00:{minute:02}:00Z", "type": "Warning", "reason": reason, "message": message}
    return {"involvedObject": {"kind": "Job", "uid": uid}, **seen}


@pytest.mark.parametrize(("message", "reason", "says"), REFUSALS)
def test_a_job_that_cannot_make_its_pod(message: str, reason: Reason, says: str) -> None:
    newest = event(f"Error creating: {message}", 9)
    older = event(f"Error creating: {POD}an old reason", 3)
    others = [event("x", 10, uid="job-2"), event("x", 11, reason="SuccessfulCreate")]
    found = job_refusal(job(), [older, newest, *others])
    assert found is not None
    assert (found.component, found.reason) == ("Job", reason)
    assert found.message.startswith(f"No pod can be made: {says}")


def test_a_refusal_is_over_when_there_is_a_pod() -> None:
    events = [event("Error creating: no", 1)]
    assert job_refusal(job(active=1), events) is None
    assert job_refusal(job(), []) is None
    recent = {**events[0], "lastTimestamp": None, "series": {"lastObservedTime": "2026-01-01T00:05:00.5Z"}}
    found = job_refusal(job(), [recent | {"message": "later"}, *events])
    assert found is not None
    assert "later" in found.message


GATEWAY_PORTS = [{"port": 8000, "targetPort": 10374}, {"port": 8001, "targetPort": 10374}]
POD_PORTS = [{"port": 8000, "targetPort": "http"}, {"port": 8001, "targetPort": "grpc"}]


@pytest.mark.parametrize(
    ("annotations", "number"), [({"serving.tritium.dev/stable-revision": "7"}, 7), ({}, None), (None, None)]
)
def test_a_service_that_leads_to_the_gateway(annotations: Object | None, number: int | None) -> None:
    selector = {"app.kubernetes.io/component": "gateway"}
    service = {"metadata": {"annotations": annotations}, "spec": {"selector": selector, "ports": GATEWAY_PORTS}}
    assert service_seen(service) == ServiceSeen(number, 10374)


@pytest.mark.parametrize("ports", [POD_PORTS, GATEWAY_PORTS])
def test_a_service_from_before_there_was_a_gateway(ports: list[Object]) -> None:
    metadata = {"annotations": {"serving.tritium.dev/stable-revision": "7"}}
    selector = {"serving.tritium.dev/name": "fraud", "serving.tritium.dev/revision": "0a1b2c3d"}
    seen = service_seen({"metadata": metadata, "spec": {"selector": selector, "ports": ports}})
    assert seen == ServiceSeen(7, None, "0a1b2c3d")


@pytest.mark.parametrize("number", ["", "-1", "7.0", "seven"])
def test_a_service_that_somebody_edited(number: str) -> None:
    metadata = {"annotations": {"serving.tritium.dev/stable-revision": number}}
    assert service_seen({"metadata": metadata, "spec": {"ports": POD_PORTS}}) == ServiceSeen()
    assert service_seen({"metadata": {}, "spec": {}}) == ServiceSeen()


def test_the_worst_is_the_same_in_any_order() -> None:
    ranked = [
        Trouble("triton", Reason.MODEL_LOAD_FAILED, "a", "p", rejects=True),
        Trouble("triton", Reason.MODEL_LOAD_FAILED, "a", "o"),
        Trouble("triton", Reason.MODEL_LOAD_FAILED, "a", "p"),
        Trouble("pod", Reason.NO_GPU, "a", "a"),
        Trouble("pod", Reason.POD_LOST, "a", "a"),
        Trouble("fetch", Reason.STARTING, "a", "a"),
    ]
    for best, _ in enumerate(ranked):
        assert worst(ranked[best:]) == worst(reversed(ranked[best:])) == ranked[best]
    assert worst([]) is None
