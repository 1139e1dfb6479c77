"""What the operator asked of the API server, as a proxy in front of it saw it, and what came of it in the end."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING, Any

from tests.controlplane.operating.harness import MDEP, SERVES, condition
from tests.controlplane.operating.looking import CHILDREN, DEPLOYMENTS, PODS
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.gateway import preview_port

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.controlplane.api import Object
    from tests.controlplane.operating.harness import Models
    from tests.controlplane.proxy import FaultProxy
    from tests.controlplane.request import Request

TIMES = re.compile(r"^(at|.*At|since|lastTransitionTime)$")
CHANGING = {"uid", "clusterIP", "clusterIPs", "deployment.kubernetes.io/revision", names.APPLIED}
"""Given by the server or by the controller manager, or made from the name."""


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


async def nothing_is_asked(faults: FaultProxy, namespace: str, seconds: float) -> None:
    """For that long the operator does nothing in a namespace; it may list everything, renew and watch."""
    mark = len(faults.requests)
    await asyncio.sleep(seconds)
    found = [each for each in asked(faults, since=mark) if each.namespace == namespace]
    assert not found, brief(found)


async def falls_silent(faults: FaultProxy, namespace: str, *, within: float = 15, seconds: float = 1.5) -> None:
    """Wait until nothing has been asked in a namespace for a while."""

    def silence() -> float:
        times = (each.started for each in asked(faults) if each.namespace == namespace)
        return time.monotonic() - max(times, default=0.0)

    await wait_for(silence, within, "nothing more is asked", until=lambda seen: seen > seconds)


class Everything:
    """All objects of the test's namespace, listed at most every so often however many look at them."""

    def __init__(self, models: Models, *, every: float = 0.4) -> None:
        self.models = models
        self._every = every
        self._turn = asyncio.Lock()
        self._listed = 0.0
        self._lists: dict[str, list[Object]] = {}

    async def at_rest(self, name: str = "fraud", *, revision: int, timeout: float = 30) -> Object:  # noqa: ASYNC109
        """Wait until a revision serves alone, its predecessor's pods are gone, and the status says so; returns it."""

        async def rests() -> Object | None:
            await self._look()
            return self._at_rest(name, revision)

        found = await wait_for(rests, timeout, f"{name} is at rest with revision {revision}")
        assert found is not None
        return found

    async def serves(self, name: str = "fraud", *, revision: int, timeout: float = 30) -> None:  # noqa: ASYNC109
        """Wait until a revision serves, as the newest spec says; its predecessor may still have pods."""

        async def released() -> bool:
            await self._look()
            obj, status = self._model(name), self._status(name)
            current = obj is not None and status.get("observedGeneration") == obj["metadata"]["generation"]
            serving = (status.get("stable") or {}).get("revision")
            return current and serving == revision and condition(status, "Released").get("status") == "True"

        await wait_for(released, timeout, f"{name} serves revision {revision}")

    async def rests(self, name: str, revision: int) -> bool:
        """Whether that is so."""
        await self._look()
        return self._at_rest(name, revision) is not None

    async def outcome(self, name: str = "fraud") -> Object:
        """All there is of a model, without what differs between two models or two runs: names, times, uids."""
        await self._look()
        return self._outcome(name)

    async def comes_to(self, wanted: Object, name: str = "fraud", *, timeout: float = 90) -> None:  # noqa: ASYNC109
        """Wait until a model's outcome is that one, and say where it differs if it never is."""

        async def difference() -> list[str]:
            await self._look()
            return list(differences(self._outcome(name), wanted))

        await wait_for(difference, timeout, f"{name} is like the undisturbed one", until=lambda found: not found)

    async def _look(self) -> None:
        async with self._turn:
            if time.monotonic() - self._listed < self._every:
                return
            kinds = (MDEP, PODS, *CHILDREN)
            lists = await asyncio.gather(*(self.models.api.list(each, self.models.namespace) for each in kinds))
            self._lists, self._listed = dict(zip(kinds, lists, strict=True)), time.monotonic()

    def _of(self, resource: str, name: str) -> list[Object]:
        return [each for each in self._lists[resource] if each["metadata"].get("labels", {}).get(names.OWNER) == name]

    def _status(self, name: str) -> Object:
        return dict((self._model(name) or {}).get("status") or {})

    def _model(self, name: str) -> Object | None:
        return next((each for each in self._lists[MDEP] if each["metadata"]["name"] == name), None)

    def _at_rest(self, name: str, revision: int) -> Object | None:
        obj, status = self._model(name), self._status(name)
        stable = status.get("stable") or {}
        wanted = sum(each["spec"]["replicas"] for each in self._of(DEPLOYMENTS, name))
        pods = [each for each in self._of(PODS, name) if SERVES.items() <= each["metadata"]["labels"].items()]
        counts = {stable.get("readyReplicas"), stable.get("replicas"), status.get("replicas"), wanted, len(pods)}
        done = (
            obj is not None
            and status.get("observedGeneration") == obj["metadata"]["generation"]
            and (stable.get("revision"), status.get("phase")) == (revision, "Idle")
            and condition(status, "Reconciling").get("status") == "False"
        )
        return status if done and len(counts) == 1 else None

    def _outcome(self, name: str) -> Object:
        status = self._status(name)
        status.pop("lastFailure", None)  # the last one is history, not what was wanted
        if "traffic" in status:  # how often it was told something depends on what came together
            newest = status["traffic"]["version"]
            for part in {"traffic", "trafficObserved"} & status.keys():
                status[part] = status[part] | {"version": status[part]["version"] - newest}
        children = {
            resource: {each["metadata"]["name"]: _of_child(each) for each in self._of(resource, name)}
            for resource in CHILDREN
        }
        text = json.dumps({"status": _timeless(status), **children})
        text = re.sub(rf"\b{name}\b", "it", text).replace(self.models.namespace, "here")
        if port := (status.get("traffic") or {}).get("port"):  # it is made from the name
            text = re.sub(rf'"?\b{port}\b"?', '"its port"', text)
            text = re.sub(rf"\b{preview_port(port)}\b", '"that of its preview"', text)
        renamed: Object = json.loads(text)
        return renamed


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
