"""How a pod behaves in a test, and the pod status a kubelet would write for it. Pure.

Each behaviour names one thing that happens to real pods. `pod_status` maps (pod, behaviour, time) to the
whole status; it keeps nothing, so the same pod at the same time always has the same status.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.controlplane.containers import (
    Container,
    End,
    done,
    in_back_off,
    main_containers,
    not_yet,
    running,
    start_containers,
    stopped,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.controlplane.containers import Span

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ready:
    """Init containers take `init` seconds, then the containers run and are ready after `after` more.

    The init containers leave `said` behind as their termination message.
    """

    after: float = 0.0
    init: float = 0.0
    said: str = ""


@dataclass(frozen=True, slots=True)
class NeverReady:
    """Runs, but its readiness probe fails for ever."""

    init: float = 0.0


@dataclass(frozen=True, slots=True)
class ImagePullBackOff:
    """The image of its containers cannot be had."""

    message: str = "Back-off pulling image: not found"


@dataclass(frozen=True, slots=True)
class CannotStart:
    """What its containers need, such as a Secret, is not there."""

    message: str = 'secret "none" not found'


@dataclass(frozen=True, slots=True)
class CrashLoop:
    """Its containers end with an error again and again; a pod that may not restart them fails."""

    exit_code: int = 1
    message: str = ""
    restarts: int = 1


@dataclass(frozen=True, slots=True)
class OOMKilled:
    """As `CrashLoop`, but the kernel killed it."""

    restarts: int = 1


@dataclass(frozen=True, slots=True)
class InitFailure:
    """Its first init container ends with an error and a termination message."""

    exit_code: int = 1
    message: str = ""
    restarts: int = 1


@dataclass(frozen=True, slots=True)
class Succeeded:
    """Runs `after` seconds and ends well; for pods of Jobs."""

    message: str = ""
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Failed:
    """Runs `after` seconds and ends badly for good; for pods of Jobs."""

    exit_code: int = 1
    message: str = ""
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Evicted:
    """Runs and is ready, until the node is short of something after `after` seconds."""

    message: str = "The node was low on resource: memory."
    after: float = 0.0


Behaviour = (
    Ready
    | NeverReady
    | ImagePullBackOff
    | CannotStart
    | CrashLoop
    | OOMKilled
    | InitFailure
    | Succeeded
    | Failed
    | Evicted
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a pod at one moment."""

    phase: str
    init: tuple[Container, ...]
    main: tuple[Container, ...]
    reason: str | None = None
    message: str | None = None
    disrupted: bool = False


def usual(pod: Object) -> Behaviour:
    """What a pod does for which a test said nothing: serve for ever, or end well if it is to end."""
    return Ready() if _restarts(pod) else Succeeded()


def next_change(behaviour: Behaviour, elapsed: float) -> float | None:
    """Seconds until the status changes by itself.

    >>> next_change(Ready(init=1, after=2), 0), next_change(Ready(init=1, after=2), 1.5)
    (1, 1.5)
    >>> next_change(Ready(init=1, after=2), 3) is None
    True
    """
    match behaviour:
        case Ready(after, init, _):
            moments = [init, init + after]
        case NeverReady(init):
            moments = [init]
        case Succeeded(after=after) | Failed(after=after) | Evicted(after=after):
            moments = [after]
        case _:
            moments = []
    return min((moment - elapsed for moment in moments if moment > elapsed), default=None)


def outcome(pod: Object, behaviour: Behaviour, span: Span) -> Outcome:  # noqa: C901, PLR0911  # an arm for each
    """What has become of a pod that has behaved like this from the first to the second moment of `span`."""
    elapsed = (span[1] - span[0]).total_seconds()
    # When it ended, not when one looked: the same pod looked at again later has the same status.
    span = (span[0], span[0] + timedelta(seconds=getattr(behaviour, "after", 0.0)))
    match behaviour:
        case Ready(after, init, said):
            return _serving(pod, span, init_over=elapsed >= init, ready=elapsed >= init + after, said=said)
        case NeverReady(init):
            return _serving(pod, span, init_over=elapsed >= init, ready=False)
        case ImagePullBackOff(message):
            return _all(pod, span, lambda spec: waiting(spec, "ImagePullBackOff", message), "Pending")
        case CannotStart(message):
            return _all(pod, span, lambda spec: waiting(spec, "CreateContainerConfigError", message), "Pending")
        case CrashLoop(code, message, restarts):
            return _crashing(pod, span, End(code, "Error", message), restarts)
        case OOMKilled(restarts):
            return _crashing(pod, span, End(137, "OOMKilled"), restarts)
        case InitFailure(code, message, restarts):
            return _init_failing(pod, span, End(code, "Error", message), restarts)
        case Succeeded(message, after) if elapsed >= after:
            return _all(pod, span, lambda spec: stopped(spec, span, End(0, "Completed", message)), "Succeeded")
        case Failed(code, message, after) if elapsed >= after:
            return _all(pod, span, lambda spec: stopped(spec, span, End(code, "Error", message)), "Failed")
        case Evicted(message, after) if elapsed >= after:
            over = _all(pod, span, lambda spec: stopped(spec, span, End(137, "Error")), "Failed")
            return replace(over, reason="Evicted", message=message, disrupted=True)
        case Succeeded() | Failed() | Evicted():
            return _serving(pod, span, init_over=True, ready=True)


def _restarts(pod: Object) -> bool:
    return str(pod["spec"].get("restartPolicy", "Always")) == "Always"


def _may_restart(pod: Object) -> bool:
    return str(pod["spec"].get("restartPolicy", "Always")) != "Never"


def _serving(pod: Object, span: Span, *, init_over: bool, ready: bool, said: str = "") -> Outcome:
    if init_over or not pod["spec"].get("initContainers"):
        return _all(pod, span, lambda spec: running(spec, span[0], ready=ready), "Running", said)
    init = start_containers(pod, lambda spec: running(spec, span[0], ready=False))
    return Outcome("Pending", init, tuple(not_yet(spec) for spec in main_containers(pod)))


def _all(pod: Object, span: Span, how: Callable[[Object], Container], phase: str, said: str = "") -> Outcome:
    """The init containers have done their work, and all others are like that."""
    init = start_containers(pod, lambda spec: done(spec, span[0], said))
    return Outcome(phase, init, tuple(how(spec) for spec in main_containers(pod)))


def _crashing(pod: Object, span: Span, end: End, restarts: int) -> Outcome:
    if _may_restart(pod):
        return _all(pod, span, lambda spec: in_back_off(stopped(spec, span, end), restarts), "Running")
    return _all(pod, span, lambda spec: stopped(spec, span, end), "Failed")


def _init_failing(pod: Object, span: Span, end: End, restarts: int) -> Outcome:
    main = tuple(not_yet(spec) for spec in main_containers(pod))

    def failing(spec: Object) -> Container:
        ended = stopped(spec, span, end)
        return in_back_off(ended, restarts) if _may_restart(pod) else ended

    first, *others = start_containers(pod, failing)
    init = (first, *(not_yet(each.spec) for each in others))
    return Outcome("Pending" if _may_restart(pod) else "Failed", init, main)
