"""What the pods of a model hold, and for how long: the seconds of pods and of GPUs that somebody pays for. Pure.

A pod holds a node's GPUs from the moment it is placed there until it has ended or is gone, whether it fetches its
model, loads it, serves or is being deleted: nobody else can have them meanwhile.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tritium.api import names

_GPU: Final = re.compile(r"gpu\.[^/]+/.+|[^/]+/(gpu(\.[^/]+)?|mig-[^/]+)")
"""Of extended resources, those that are GPUs or slices of one; memory of a GPU is another resource, in other units."""
_ENDED: Final = frozenset({"Succeeded", "Failed"})


class Hold(NamedTuple):
    """What one pod holds.

    Attributes:
        revision: its eight characters.
        gpus: how many, or how many slices.
    """

    revision: str
    gpus: int


class Used(NamedTuple):
    """Seconds for which pods, and GPUs, were held: two GPUs for a minute are 120."""

    pods: float = 0.0
    gpus: float = 0.0


@dataclass(frozen=True, slots=True)
class Account:
    """Of one model.

    Attributes:
        used: by revision, what was held by those that hold it no more, or hold something else now.
        held: by the pod's name, what it holds, and since when.
    """

    used: Mapping[str, Used] = field(default_factory=dict)
    held: Mapping[str, tuple[Hold, float]] = field(default_factory=dict)


def hold(pod: Mapping[str, Any]) -> Hold | None:
    """What a pod holds; none if it serves no model, has no node yet, or has ended.

    >>> gpu = {"resources": {"requests": {"cpu": "2", "nvidia.com/gpu": "2"}}}
    >>> labels = {"app.kubernetes.io/component": "model", "serving.tritium.dev/revision": "3f2a9c01"}
    >>> pod = {"metadata": {"labels": labels}, "spec": {"containers": [gpu]}, "status": {"phase": "Pending"}}
    >>> hold(pod)
    >>> hold(pod | {"spec": pod["spec"] | {"nodeName": "gpu-1"}})
    Hold(revision='3f2a9c01', gpus=2)
    >>> hold(pod | {"spec": pod["spec"] | {"nodeName": "gpu-1"}, "status": {"phase": "Failed"}})
    """
    labels, spec = pod["metadata"].get("labels") or {}, pod.get("spec") or {}
    ended = (pod.get("status") or {}).get("phase") in _ENDED
    if labels.get(names.COMPONENT) != names.Component.MODEL or ended or not spec.get("nodeName"):
        return None
    gpus = (_gpus((each.get("resources") or {}).get("requests") or {}) for each in spec.get("containers") or ())
    return Hold(str(labels.get(names.REVISION) or ""), sum(gpus))


def _gpus(requests: Mapping[str, Any]) -> int:
    """Kubernetes has whole ones only; what is written with a letter, such as 1k, nobody has.

    >>> _gpus({"nvidia.com/mig-1g.5gb": "2", "gpu.intel.com/i915": 1, "rdma/hca": "1", "aliyun.com/gpu-mem": "8"})
    3
    """
    return sum(int(count) for name, count in requests.items() if _GPU.fullmatch(name) and str(count).isdecimal())


def moved(account: Account, pod: str, now_holds: Hold | None, at: float) -> Account:
    """Take in what a pod holds from now on; the same account where that is the same.

    Args:
        account: what was known until now.
        pod: its name.
        now_holds: none if it holds nothing, or is gone.
        at: seconds of a clock that is never set.

    >>> account = moved(Account(), "a", Hold("r", 2), 100)
    >>> account = moved(moved(account, "b", Hold("r", 2), 130), "a", None, 160)
    >>> used(account, 190)
    {'r': Used(pods=120.0, gpus=240.0)}
    """
    known = account.held.get(pod)
    if (known[0] if known else None) == now_holds:
        return account
    total, held = dict(account.used), dict(account.held)
    if known:
        before, since = held.pop(pod)
        total[before.revision] = _more(total, before, since, at)
    if now_holds:
        held[pod] = now_holds, at
    return Account(total, held)


def used(account: Account, at: float) -> Mapping[str, Used]:
    """By revision, what was held until now. A pod that has just come counts with 0."""
    total = dict(account.used)
    for each, since in account.held.values():
        total[each.revision] = _more(total, each, since, at)
    return total


def anew(account: Account, at: float) -> Account:
    """From now on, with those pods that are there."""
    return Account(held={pod: (each, at) for pod, (each, _) in account.held.items()})


def _more(total: Mapping[str, Used], each: Hold, since: float, at: float) -> Used:
    known = total.get(each.revision, Used())
    return Used(known.pods + (at - since), known.gpus + each.gpus * (at - since))
