"""Kubernetes' own objects, read for what a decision needs: pods, Deployments, Jobs, the Service.

The objects are dicts as the API server stores them. Nothing here fails on a status that is not there yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from tritium.api import names
from tritium.api.fetch import FetchReason, FetchResult
from tritium.core.container_trouble import fetch_result
from tritium.core.pod_facts import (
    FETCH,
    LOG,
    RESOLVE,
    TRITON,
    Object,
    condition,
    init_statuses,
    is_at_work,
    is_fetching,
    is_terminating,
    is_true,
    main_statuses,
    moved,
    restarts,
    state,
)
from tritium.core.pod_trouble import pod_trouble
from tritium.core.reasons import Reason
from tritium.core.refusals import refusal
from tritium.core.remedies import REMEDIES
from tritium.core.revision import revision_of
from tritium.core.seen import DeploymentSeen, LoggerSeen, PodSeen, ResolutionSeen, ServiceSeen, Trouble

_FAULTS: Final = frozenset({FETCH, TRITON, RESOLVE, LOG})


class NotAResolution(ValueError):
    """A Job that does not say what it resolves, as Tritium's do."""


def pod_seen(pod: Object) -> PodSeen:
    """A pod of a revision."""
    metadata = pod["metadata"]
    terminating = is_terminating(pod)
    return PodSeen(
        name=metadata["name"],
        uid=metadata["uid"],
        revision=metadata["labels"][names.REVISION],
        created=_moment(metadata["creationTimestamp"]),
        ip=(pod.get("status") or {}).get("podIP"),
        ready=is_true(pod, "Ready") and not terminating,
        terminating=terminating,
        fetched=_fetched(pod),
        trouble=pod_trouble(pod),
        restarts=restarts(pod),
        moved=_moment(moved(pod)),
        placed=_placed(pod),
        at_work=is_at_work(pod),
        fetching=is_fetching(pod) and not terminating,
        node=(pod.get("spec") or {}).get("nodeName"),
        gone_by=_moment(metadata["deletionTimestamp"]) if terminating else None,
    )


def _placed(pod: Object) -> datetime | None:
    found = condition(pod, "PodScheduled")
    return _moment(found["lastTransitionTime"]) if found.get("status") == "True" else None


def deployment_seen(deployment: Object) -> DeploymentSeen:
    """The Deployment of a revision; its trouble is that it cannot make pods."""
    failure = condition(deployment, "ReplicaFailure")
    refused = failure.get("status") == "True"
    return DeploymentSeen(
        revision=revision_of(deployment["metadata"]["name"]),
        replicas=int(deployment["spec"].get("replicas", 1)),
        trouble=refusal("Deployment", failure.get("message") or "") if refused else None,
    )


def resolution_seen(job: Object, pods: Sequence[Object]) -> ResolutionSeen:
    """A Job that lists a source.

    Args:
        job: the Job.
        pods: of which those that it owns are looked at.

    Raises:
        NotAResolution: its annotations do not say what it resolves.
    """
    metadata = job["metadata"]
    written, attempt = _resolves(job)
    own = sorted((pod for pod in pods if _owns(job, pod)), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
    result = next((found for pod in reversed(own) if (found := _answer(pod))), None)
    # A watch may tell of the Job's end before it tells of the pod's, which has the answer.
    finished = None if any(_goes_on(pod) for pod in own) else _finished(job)
    return ResolutionSeen(
        name=metadata["name"],
        written=written,
        attempt=attempt,
        created=_moment(metadata["creationTimestamp"]),
        finished=finished,
        result=result,
        trouble=_resolution_trouble(job, own, result, finished),
        has_pod=bool(own),
    )


def job_refusal(job: Object, events: Iterable[Object]) -> Trouble | None:
    """Why a Job has no pod: the newest of its events that say so, judged as a Deployment's condition is.

    Args:
        job: the Job.
        events: core/v1 Events, of which those about this Job are looked at.
    """
    if any((job.get("status") or {}).get(count) for count in ("active", "succeeded", "failed")):
        return None
    uid = job["metadata"]["uid"]
    failed = [
        each for each in events if each["involvedObject"].get("uid") == uid and each.get("reason") == "FailedCreate"
    ]
    newest = max(failed, key=_event_time, default=None)
    return refusal("Job", newest.get("message") or "") if newest else None


def logger_seen(deployment: Object, pods: Iterable[Object]) -> LoggerSeen:
    """What writes the request log; it does while one of its pods is ready.

    Args:
        deployment: its Deployment.
        pods: of which those that it makes are looked at.
    """
    own = [each for each in pods if each["metadata"]["labels"].get(names.COMPONENT) == names.Component.LOG]
    if any(is_true(each, "Ready") and not is_terminating(each) for each in own):
        return LoggerSeen()
    behind = (_behind(each) for each in own)
    found = worst(each for each in (*behind, *map(pod_trouble, own), deployment_seen(deployment).trouble) if each)
    return LoggerSeen(found or Trouble(LOG, Reason.STARTING, "the logger has not written anything yet"))


def _behind(pod: Object) -> Trouble | None:
    """It runs, was ready since it began, and is not now: most often it cannot write any more."""
    runs = state(next((each for each in main_statuses(pod) if each["name"] == LOG), {}), "running")
    changed = condition(pod, "Ready").get("lastTransitionTime") or ""
    if not runs or is_terminating(pod) or changed <= runs.get("startedAt", ""):
        return None
    message = f"The logger was ready, and is not any more. {REMEDIES[Reason.LOG_BEHIND]}"
    return Trouble(LOG, Reason.LOG_BEHIND, message, pod=pod["metadata"]["name"])


def service_seen(service: Object) -> ServiceSeen:
    """The Service that clients use."""
    number = (service["metadata"].get("annotations") or {}).get(names.STABLE_REVISION, "")
    revision = (service["spec"].get("selector") or {}).get(names.REVISION)
    ports = {each.get("targetPort") for each in service["spec"].get("ports") or ()}
    port = next((each for each in ports if isinstance(each, int)), None)
    return ServiceSeen(
        number=int(number) if number.isdecimal() else None,
        port=None if revision else port,
        revision=revision,
    )


def worst(troubles: Iterable[Trouble]) -> Trouble | None:
    """The one to show, the same in whatever order they come.

    First what rejects the revision, then what a container did, then what keeps it from running, then a pod that was
    lost and is replaced, last what is only starting.

    >>> starting = Trouble("pod", Reason.STARTING, "The pod waits for a node.")
    >>> refused = Trouble("Deployment", Reason.QUOTA, "No pod can be made.")
    >>> worst([starting, refused]) is worst([refused, starting]) is refused
    True
    """
    return min(troubles, key=_order, default=None)


def _order(trouble: Trouble) -> tuple[bool, int, str, str, str]:
    rank = 1
    if trouble.reason == Reason.STARTING:
        rank = 3
    elif trouble.reason == Reason.POD_LOST:
        rank = 2
    elif trouble.component in _FAULTS:
        rank = 0
    return not trouble.rejects, rank, trouble.reason, trouble.message, trouble.pod or ""


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def _resolves(job: Object) -> tuple[str, int]:
    """What it resolves, and which try it is."""
    annotations = job["metadata"].get("annotations") or {}
    written, attempt = annotations.get(names.WRITTEN), annotations.get(names.ATTEMPT, "")
    if not written or not attempt.isdecimal():
        name = job["metadata"]["name"]
        raise NotAResolution(f"Job {name} does not say what it resolves: its annotations were edited")
    return written, int(attempt)


def _owns(job: Object, pod: Object) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner["uid"] == job["metadata"]["uid"] for owner in owners)


def _fetched(pod: Object) -> FetchResult | None:
    """What fetch wrote when it ended well."""
    fetch = next((each for each in init_statuses(pod) if each["name"] == FETCH), {})
    ended = state(fetch, "terminated")
    return fetch_result(ended.get("message")) if ended and ended.get("exitCode") == 0 else None


def _answer(pod: Object) -> FetchResult | None:
    resolve = next((each for each in main_statuses(pod) if each["name"] == RESOLVE), {})
    return fetch_result(state(resolve, "terminated").get("message"))


def _finished(job: Object) -> datetime | None:
    for kind in ("Complete", "Failed"):
        if is_true(job, kind):
            return _moment(condition(job, kind)["lastTransitionTime"])
    return None


def _goes_on(pod: Object) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase not in {"Succeeded", "Failed"} and "deletionTimestamp" not in pod["metadata"]


def _resolution_trouble(
    job: Object, pods: Sequence[Object], result: FetchResult | None, finished: datetime | None
) -> Trouble | None:
    """What keeps it from answering: what it answered, what is wrong with its newest pod, or how the Job ended."""
    if result and not result.failure:
        return None
    # A pod that is being deleted has no trouble of its own: the Job's end is what is left to tell.
    found = pod_trouble(pods[-1]) if pods else None
    if found and not (finished and found.reason == Reason.STARTING):
        return replace(found, component=RESOLVE)
    if result and (failure := result.failure):
        return Trouble(RESOLVE, failure.reason, failure.message)
    return _ended_without_answer(job) if finished else None


def _ended_without_answer(job: Object) -> Trouble:
    failed = condition(job, "Failed")
    if failed.get("reason") == "DeadlineExceeded":
        seconds = job["spec"].get("activeDeadlineSeconds")
        message = f"The source was not listed within {seconds}s. {REMEDIES[Reason.RESOLVE_TIMED_OUT]}"
        return Trouble(RESOLVE, Reason.RESOLVE_TIMED_OUT, message)
    message = f"The Job {job['metadata']['name']} ended without an answer. {REMEDIES[FetchReason.FETCH_FAILED]}"
    return Trouble(RESOLVE, FetchReason.FETCH_FAILED, message)


def _event_time(event: Object) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    return str(series or event.get("lastTimestamp") or event.get("eventTime") or "")
