"""What the operator asked of the API server, as a proxy in front of it saw it, and what came of it in the end."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from tests.controlplane.operating.harness import condition
from tests.controlplane.operating.looking import CHILDREN, DEPLOYMENTS, PODS
from tests.controlplane.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.controlplane.api import Object
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.request import Request

TIMES = re.compile(r"^(at|.*At|lastTransitionTime)$")
CHANGING = {"uid", "clusterIP", "clusterIPs", "deployment.kubernetes.io/revision"}
"""Given by the server, or by the controller manager."""


def writes(faults: FaultProxy, *, since: int = 0) -> list[Request]:
    """What may have changed something, the Lease apart; `since` is a number of requests seen before."""
    return [each for each in faults.requests[since:] if each.is_write and each.resource != "leases"]


def asked(faults: FaultProxy, *, since: int = 0) -> list[Request]:
    """All requests about objects: without the Lease, and without watches."""
    return [each for each in faults.requests[since:] if each.verb != "watch" and each.resource != "leases"]


def brief(requests: Iterable[Request]) -> list[str]:
    """Requests as a person tells them."""
    return [
        f"{each.verb} {each.resource}{'/' + each.subresource if each.subresource else ''} {each.name} -> {each.status}"
        for each in requests
    ]


async def nothing_is_asked(faults: FaultProxy, seconds: float) -> None:
    """For that long the operator does nothing but renew and watch."""
    mark = len(faults.requests)
    await asyncio.sleep(seconds)
    assert not asked(faults, since=mark), brief(asked(faults, since=mark))


async def at_rest(models: Models, name: str = "fraud", *, revision: int, timeout: float = 30) -> Object:  # noqa: ASYNC109
    """Wait until a revision serves alone, its predecessor's pods are gone, and the status knows it."""

    async def rests() -> Object | None:
        obj = await models.get(name)
        status = obj.get("status") or {}
        stable = status.get("stable") or {}
        deployments = await models.children(DEPLOYMENTS, name)
        wanted = sum(each["spec"]["replicas"] for each in deployments)
        pods = await models.api.list(
            PODS, models.namespace, labelSelector=f"serving.tritium.dev/name={name},app.kubernetes.io/component=model"
        )
        done = (
            status.get("observedGeneration") == obj["metadata"]["generation"]
            and stable.get("revision") == revision
            and status.get("phase") == "Idle"
            and condition(status, "Reconciling").get("status") == "False"
            and stable.get("readyReplicas") == stable.get("replicas") == status.get("replicas") == wanted == len(pods)
        )
        return dict(status) if done else None

    found = await wait_for(rests, timeout, f"{name} is at rest with revision {revision}")
    assert found is not None
    return found


async def outcome(models: Models, name: str = "fraud") -> Object:
    """All there is of a model, without what differs between two models or two runs: names, times, uids."""
    status = await models.status(name)
    status.pop("lastFailure", None)  # the last one is history, not what was wanted
    children = {
        resource: {each["metadata"]["name"]: _of_child(each) for each in await models.children(resource, name)}
        for resource in CHILDREN
    }
    text = json.dumps({"status": _timeless(status), **children})
    renamed: Object = json.loads(re.sub(rf"\b{name}\b", "it", text).replace(models.namespace, "here"))
    return renamed


async def comes_to(models: Models, wanted: Object, name: str = "fraud", *, timeout: float = 40) -> None:  # noqa: ASYNC109
    """Wait until a model's outcome is that one, and say where it differs if it never is."""
    seen: Object = {}

    async def difference() -> list[str]:
        nonlocal seen
        seen = await outcome(models, name)
        return list(differences(seen, wanted))

    await wait_for(difference, timeout, f"{name} is like the undisturbed one", until=lambda found: not found)


def differences(one: Any, other: Any, path: str = "") -> Iterable[str]:
    """Where two outcomes differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (each, its) in enumerate(zip(one, other, strict=True)):
            yield from differences(each, its, f"{path}[{index}]")
    elif one != other:
        yield f"{path}: {one!r:.200} instead of {other!r:.200}"


def _of_child(obj: Object) -> Object:
    metadata = {key: obj["metadata"].get(key) for key in ("labels", "annotations", "ownerReferences")}
    rest = {key: value for key, value in obj.items() if key not in {"metadata", "status"}}
    return dict(_timeless({"metadata": metadata, **rest}))


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if not TIMES.match(key) and key not in CHANGING}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
