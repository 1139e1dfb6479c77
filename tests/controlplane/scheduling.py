"""Which node a pod goes to: nodes have room for pods and for extended resources such as GPUs. Pure.

CPU and memory are not counted: no test of the control plane is about them, and a test machine is small.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """A fake node; `extended` is for example {"nvidia.com/gpu": 1}."""

    name: str
    extended: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def extended_requests(pod: Object) -> Counter[str]:
    """What a pod needs: its containers (with sidecars) together, or more if one init container needs more.

    >>> gpu = {"resources": {"requests": {"nvidia.com/gpu": "1", "cpu": "2"}}}
    >>> extended_requests({"spec": {"containers": [gpu, gpu], "initContainers": [gpu]}})
    Counter({'nvidia.com/gpu': 2})
    """
    spec = pod["spec"]
    init = spec.get("initContainers", [])
    lasting = [*spec["containers"], *(each for each in init if each.get("restartPolicy") == "Always")]
    needed = sum((_requests(each) for each in lasting), Counter[str]())
    for each in init:
        needed |= _requests(each)
    return needed


def place(pod: Object, nodes: Iterable[Node], others: Iterable[tuple[str, Counter[str]]]) -> tuple[str, str]:
    """(node's name, "") or ("", why there is none); `others` is what is taken already on which node.

    >>> pod = {"spec": {"containers": [{"resources": {"requests": {"nvidia.com/gpu": "1"}}}]}}
    >>> place(pod, [Node("a"), Node("b", {"nvidia.com/gpu": 1})], [])
    ('b', '')
    >>> place(pod, [Node("b", {"nvidia.com/gpu": 1})], [("b", extended_requests(pod))])
    ('', '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.')
    """
    used: dict[str, Counter[str]] = {}
    for name, taken in others:
        used.setdefault(name, Counter()).update(taken)
    refusals: Counter[str] = Counter()
    nodes, needed = list(nodes), extended_requests(pod)
    # The emptiest node first, so that pods spread.
    for node in sorted(nodes, key=lambda node: used.get(node.name, Counter()).total()):
        refusal = _refusal(pod, needed, node, used.get(node.name, Counter()))
        if not refusal:
            return node.name, ""
        refusals[refusal] += 1
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(refusals.items()))
    return "", f"0/{len(nodes)} nodes are available: {reasons or 'there are none'}."


def unbound(name: str, claim: Object | None, nodes: int) -> str:
    """Why a pod with that claim goes to no node; empty if the claim has its volume.

    >>> unbound("data", None, 3)
    '0/3 nodes are available: persistentvolumeclaim "data" not found.'
    >>> unbound("data", {"status": {"phase": "Pending"}}, 3)
    '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.'
    >>> unbound("data", {"status": {"phase": "Bound"}}, 3)
    ''
    """
    if claim is not None and claim.get("status", {}).get("phase") == "Bound":
        return ""
    why = "pod has unbound immediate PersistentVolumeClaims" if claim else f'persistentvolumeclaim "{name}" not found'
    return f"0/{nodes} nodes are available: {why}."


def _refusal(pod: Object, needed: Counter[str], node: Node, used: Counter[str]) -> str:
    selector = pod["spec"].get("nodeSelector", {})
    if not selector.items() <= {"kubernetes.io/hostname": node.name, **node.labels}.items():
        return "node(s) didn't match Pod's node affinity/selector"
    for resource, amount in needed.items():
        if used[resource] + amount > node.extended.get(resource, 0):
            return f"Insufficient {resource}"
    return ""


def _requests(container: Object) -> Counter[str]:
    requests = container.get("resources", {}).get("requests", {})
    return Counter({name: int(amount) for name, amount in requests.items() if "/" in name})
