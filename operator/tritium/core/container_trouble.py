"""What is wrong with one container of a pod: its image, its settings, or how it ended."""

import re
import signal
from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from tritium.api.fetch import FetchReason, FetchResult
from tritium.core.pod_facts import FETCH, LOG, RESOLVE, TRITON, Object, failed_twice, last_end, memory_limit, state
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import Trouble
from tritium.core.triton_output import ending
from tritium.core.wording import sentence, steady

REJECTING: Final = frozenset(
    {FetchReason.DIGEST_MISMATCH, FetchReason.SOURCE_CHANGED, FetchReason.SIGNATURE_INVALID}
    | {FetchReason.MODEL_INVALID, FetchReason.CONFIG_INVALID}
)
"""The model itself is at fault, so that trying again gives the same."""

_IMAGE: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_CONFIG: Final = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreStartHookError",
        "PostStartHookError",
    }
)
_NEVER_STARTED: Final = frozenset({"StartError", "ContainerCannotRun"})
"""How a container ends that could be made and not run."""

_BACK_OFF: Final = re.compile(r'^Back-off pulling image "[^"]*"(?:: (?:Err\w+|\w+Error): )?')
"""A kubelet says this and the error, and between its waits the error alone: one trouble, so one text."""

_LOADING: Final[Mapping[Reason, str]] = {
    Reason.MODEL_LOAD_FAILED: "Triton cannot load the model",
    Reason.WARMUP_FAILED: "Triton cannot warm the model up",
}
"""How Triton ends where the model is at fault."""

_MORE_MEMORY: Final[Mapping[str, str]] = {
    TRITON: "Raise server.resources.limits.memory; what lies in /dev/shm counts, too (server.shmSize).",
    LOG: "Lower logging.maxBytes or logging.sampleRate.",
    RESOLVE: "The source has more files than it can list in that: name a folder with the model alone.",
}


def fetch_result(text: str | None) -> FetchResult | None:
    """What fetch wrote as its termination message; nothing if that is no such thing.

    >>> fetch_result('{"files": 3}').files, fetch_result("Killed"), fetch_result(None)
    (3, None, None)
    """
    try:
        return FetchResult.model_validate_json(text or "")
    except ValidationError:
        return None


def container_trouble(pod: Object, status: Object) -> Trouble | None:
    """What is wrong with a container, if anything.

    Args:
        pod: the pod as Kubernetes stores it.
        status: of one of its containers.
    """
    waiting = state(status, "waiting")
    if waiting.get("reason") in _IMAGE:
        return _image(status, waiting)
    end = last_end(pod, status)
    if waiting.get("reason") in _CONFIG:
        return _config(status, waiting.get("message"))
    if not end or _ended_well(pod, status, end):
        return None
    if end.get("reason") == "OOMKilled":
        return _memory(pod, status)
    if end.get("reason") in _NEVER_STARTED:
        return _config(status, end.get("message"))
    return _ended(status, end)


def _image(status: Object, waiting: Object) -> Trouble:
    words = _BACK_OFF.sub("", waiting.get("message") or "")
    said = f": {steady(words)}" if words else ""
    message = sentence(f"Container {status['name']}: the image {status['image']} cannot be pulled{said}")
    return Trouble(status["name"], Reason.IMAGE_PULL, f"{message} {REMEDIES[Reason.IMAGE_PULL]}")


def _config(status: Object, said: str | None) -> Trouble:
    message = sentence(f"Container {status['name']} cannot be started: {steady(said or 'no reason is given')}")
    return Trouble(status["name"], Reason.CONTAINER_CONFIG, f"{message} {REMEDIES[Reason.CONTAINER_CONFIG]}")


def _ended_well(pod: Object, status: Object, end: Object) -> bool:
    """Exit code 0 is the end of an init container's or a Job's work. Triton has no such end."""
    serves = (pod.get("spec") or {}).get("restartPolicy", "Always") == "Always"
    names = {each["name"] for each in (pod.get("spec") or {}).get("containers") or []}
    return bool(end.get("exitCode") == 0) and not (serves and status["name"] in names)


def _memory(pod: Object, status: Object) -> Trouble:
    name = status["name"]
    limit = memory_limit(pod, name)
    much = f"its limit of {limit}" if limit else "there is on the node"
    remedy = _MORE_MEMORY.get(name, f"Raise the memory limit of the container {name} in server.podTemplate.")
    return Trouble(
        name, Reason.OUT_OF_MEMORY, f"Container {name} used more memory than {much} and was killed. {remedy}"
    )


def _ended(status: Object, end: Object) -> Trouble:
    name = status["name"]
    if name in {FETCH, RESOLVE, LOG}:
        return _fetch(status, end)
    if name == TRITON:
        return _triton(status, end)
    message = sentence(f"Container {name} ended with {how(end)}{_last_words(end)}")
    return Trouble(name, Reason.CONTAINER_CRASHED, f"{message} {REMEDIES[Reason.CONTAINER_CRASHED]}")


def _fetch(status: Object, end: Object) -> Trouble:
    result = fetch_result(end.get("message"))
    if result and (failure := result.failure):
        return Trouble(status["name"], failure.reason, failure.message, rejects=failure.reason in REJECTING)
    message = sentence(f"It ended with {how(end)}{_last_words(end)}")
    return Trouble(status["name"], FetchReason.FETCH_FAILED, f"{message} {REMEDIES[FetchReason.FETCH_FAILED]}")


def _triton(status: Object, end: Object) -> Trouble:
    found = ending(end.get("message") or "")
    if found.reason in _LOADING:
        words = found.words or "its log says why: `kubectl logs POD -c triton --previous`"
        message = sentence(f"{_LOADING[found.reason]}: {words}")
        rejects = failed_twice(status)
        return Trouble(TRITON, found.reason, f"{message} {REMEDIES[found.reason]}", rejects=rejects)
    words = f": {found.words}" if found.words else ""
    message = sentence(f"Triton ended with {how(end)}{words}")
    return Trouble(TRITON, found.reason, f"{message} {REMEDIES[found.reason]}")


def _last_words(end: Object) -> str:
    """The end of what a container said, which is where errors stand."""
    lines = [line for line in (end.get("message") or "").splitlines() if line.strip()]
    return f": {steady(' '.join(lines[-3:]))}" if lines else ""


def how(end: Object) -> str:
    """The exit code, and the signal that it stands for.

    >>> how({"exitCode": 1}), how({"exitCode": 139}), how({"exitCode": 250})
    ('exit code 1', 'exit code 139 (SIGSEGV)', 'exit code 250')
    """
    code = int(end.get("exitCode", 0))
    try:
        return f"exit code {code} ({signal.Signals(code - 128).name})"
    except ValueError:
        return f"exit code {code}"
