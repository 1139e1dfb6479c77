"""Looks things up in a pod as Kubernetes stores it: conditions, containers, how a container ended."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Object = Mapping[str, Any]

FETCH: Final = "fetch"
"""The init container that fetches the model."""

TRITON: Final = "triton"
"""The container that serves it."""

RESOLVE: Final = "resolve"
"""The container that lists a source."""


LOG: Final = "log"
"""The container that writes a request log."""


def is_terminating(thing: Object) -> bool:
    """Whether it is being deleted."""
    return bool(thing["metadata"].get("deletionTimestamp"))


def condition(thing: Object, kind: str) -> Object:
    """A condition of a pod, a Deployment or a Job; empty if it has none of that type."""
    conditions: list[Object] = (thing.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == kind), {})


def is_true(thing: Object, kind: str) -> bool:
    """Whether a condition holds."""
    return bool(condition(thing, kind).get("status") == "True")


def init_statuses(pod: Object) -> list[Object]:
    """The states of the init containers."""
    return (pod.get("status") or {}).get("initContainerStatuses") or []


def main_statuses(pod: Object) -> list[Object]:
    """The states of the containers that are the pod's purpose."""
    return (pod.get("status") or {}).get("containerStatuses") or []


def statuses(pod: Object) -> Iterator[Object]:
    """The states of all containers, in the order in which they start."""
    yield from init_statuses(pod)
    yield from main_statuses(pod)


def state(status: Object, kind: str) -> Object:
    """`waiting`, `running` or `terminated` of a container; empty if it is not that."""
    return (status.get("state") or {}).get(kind) or {}


def last_end(pod: Object, status: Object) -> Object:
    """How a container ended when it last did, unless that is history: the pod has been ready since.

    A container that runs again after a failure may be about to fail in the same way, so its last end still tells
    what is wrong. Once it made the pod ready, it does not: a pod's condition Ready changes when a container ends, and
    after the container's next start only if that was a success.
    """
    if ended := state(status, "terminated"):
        return ended
    began = state(status, "running").get("startedAt", "")
    changed = condition(pod, "Ready").get("lastTransitionTime") or ""
    return {} if began and changed > began else (status.get("lastState") or {}).get("terminated") or {}


def failed_twice(status: Object) -> bool:
    """Whether a container failed at least two times: once may be a hiccup.

    >>> failed_twice({"restartCount": 1, "state": {"running": {}}})
    False
    >>> failed_twice({"restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}})
    True
    """
    runs = "running" in (status.get("state") or {})
    return int(status.get("restartCount", 0)) >= (2 if runs else 1)


def restarts(pod: Object) -> int:
    """How often the pod's main containers were started again.

    >>> restarts({"status": {"containerStatuses": [{"restartCount": 2}, {}]}})
    2
    """
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(int(each.get("restartCount", 0)) for each in statuses)


def moved(pod: Object) -> str:
    """When a pod last came further: it was made, an init container has done its work, it became ready.

    What ends badly and begins again does not come further.

    >>> init = {"name": "fetch", "state": {"terminated": {"exitCode": 0, "finishedAt": "2026-01-01T12:05:00Z"}}}
    >>> moved({"metadata": {"creationTimestamp": "2026-01-01T12:00:00Z"}, "status": {"initContainerStatuses": [init]}})
    '2026-01-01T12:05:00Z'
    """
    ends = [state(each, "terminated") for each in init_statuses(pod)]
    well = [each.get("finishedAt") for each in ends if each.get("exitCode") == 0]
    ready = condition(pod, "Ready").get("lastTransitionTime") if is_true(pod, "Ready") else None
    return max(str(each) for each in (pod["metadata"]["creationTimestamp"], *well, ready) if each)


def is_fetching(pod: Object) -> bool:
    """Whether its fetch runs.

    >>> is_fetching({"status": {"initContainerStatuses": [{"name": "fetch", "state": {"running": {}}}]}})
    True
    """
    return any(each.get("name") == FETCH and "running" in (each.get("state") or {}) for each in init_statuses(pod))


def is_at_work(pod: Object) -> bool:
    """Whether it fetches the model, or loads it, for the first time: both are given up by themselves if they hang.

    >>> is_at_work({"status": {"initContainerStatuses": [{"name": "fetch", "state": {"running": {}}}]}})
    True
    >>> is_at_work({"status": {"containerStatuses": [{"name": "triton", "state": {"running": {}}, "started": True}]}})
    False
    """
    return any(
        each.get("name") in {FETCH, TRITON}
        and "running" in (each.get("state") or {})
        and not each.get("restartCount")
        and not each.get("started")
        for each in statuses(pod)
    )


def memory_limit(pod: Object, container: str) -> str | None:
    """The memory limit of a container, as written."""
    spec = pod.get("spec") or {}
    for each in (*(spec.get("initContainers") or []), *(spec.get("containers") or [])):
        if each["name"] == container:
            limit = ((each.get("resources") or {}).get("limits") or {}).get("memory")
            return None if limit is None else str(limit)
    return None
