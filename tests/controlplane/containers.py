"""The states a container can be in, as a kubelet reports them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    Span = tuple[datetime, datetime]
    """From when to when."""

Object = dict[str, Any]

MESSAGE_LIMIT = 4096
"""A kubelet reads that many bytes of /dev/termination-log."""


@dataclass(frozen=True, slots=True)
class End:
    """How a container ended."""

    code: int
    reason: str
    message: str = ""


WELL = End(0, "Completed")


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod at one moment."""

    spec: Object
    state: Object
    last: Object
    ready: bool = False
    started: bool = False
    restarts: int = 0

    @property
    def is_sidecar(self) -> bool:
        """An init container that keeps running."""
        return self.spec.get("restartPolicy") == "Always"

    def status(self, pod_uid: str) -> Object:
        """An entry of `containerStatuses`."""
        ever = "running" in self.state or "terminated" in self.state or bool(self.last)
        return {
            "name": self.spec["name"],
            "image": self.spec["image"],
            "imageID": f"stub://{self.spec['image']}" if ever else "",
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last,
        } | ({"containerID": f"stub://{pod_uid}/{self.spec['name']}"} if ever else {})


def timestamp(moment: datetime) -> str:
    """As Kubernetes writes it: in UTC, whole seconds.

    >>> from datetime import UTC, datetime
    >>> timestamp(datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC))
    '2026-01-02T03:04:05Z'
    """
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def termination_message(message: str) -> str:
    """What a kubelet keeps of it.

    >>> len(termination_message("x" * 5000))
    4096
    """
    return message.encode()[:MESSAGE_LIMIT].decode(errors="ignore")


def main_containers(pod: Object) -> list[Object]:
    """Specs of the containers that are the pod's purpose."""
    return list(pod["spec"]["containers"])


def start_containers(pod: Object, how: Callable[[Object], Container]) -> tuple[Container, ...]:
    """The init containers, each made by `how`."""
    return tuple(how(spec) for spec in pod["spec"].get("initContainers", []))


def not_yet(spec: Object) -> Container:
    """Waits for the init containers."""
    return Container(spec, {"waiting": {"reason": "PodInitializing"}}, {})


def running(spec: Object, since: datetime, *, ready: bool) -> Container:
    """Runs; `started` says that its startup probe, if any, is content."""
    return Container(spec, {"running": {"startedAt": timestamp(since)}}, {}, ready=ready, started=True)


def done(spec: Object, since: datetime, said: str = "") -> Container:
    """An init container after its work: ended well, with what it said last, or running on if it is a sidecar."""
    if spec.get("restartPolicy") == "Always":
        return running(spec, since, ready=True)
    return replace(stopped(spec, (since, since), replace(WELL, message=said)), ready=True)


def waiting(spec: Object, reason: str, message: str) -> Container:
    """Waits for what does not come, such as its image."""
    return Container(spec, {"waiting": {"reason": reason, "message": message}}, {})


def stopped(spec: Object, span: Span, end: End) -> Container:
    """Ended."""
    since, until = span
    ended = {
        "exitCode": end.code,
        "reason": end.reason,
        "startedAt": timestamp(since),
        "finishedAt": timestamp(until),
    } | ({"message": termination_message(end.message)} if end.message else {})
    return Container(spec, {"terminated": ended}, {})


def in_back_off(ended: Container, restarts: int) -> Container:
    """Waits to be started again after it ended like that."""
    message = f"back-off restarting failed container={ended.spec['name']}"
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    return replace(ended, state=state, last=ended.state, restarts=restarts)
