"""What tests look at again and again: whom clients reach, what was told, and many cases in the time of one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.controlplane.operating.harness import SERVES, Models, condition
from tests.controlplane.waiting import wait_for
from tritium.api import names
from tritium.api.fetch import REQUEST_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from tests.controlplane.api import Object

EVENTS = "v1/events"
SERVICES = "v1/services"
PODS = "v1/pods"
DEPLOYMENTS = "apps/v1/deployments"
REVISIONS = "apps/v1/controllerrevisions"
CONFIG_MAPS = "v1/configmaps"
JOBS = "batch/v1/jobs"
BUDGETS = "policy/v1/poddisruptionbudgets"
CHILDREN = (DEPLOYMENTS, REVISIONS, CONFIG_MAPS, BUDGETS, JOBS, SERVICES)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom the clients of a model reach.

    Attributes:
        address: the pods that its Service selects, and their port.
        told: by the revision's number, the weight that the gateway is told, of those that get requests.
        runs: the same, as all ready pods of the gateway say that they run it.
        selector: of the revision that gets most.
        pods: uids of its ready pods, with how often their containers have started again.
    """

    address: tuple[Mapping[str, str], int]
    told: Mapping[int, int]
    runs: Mapping[int, int]
    selector: Mapping[str, str]
    pods: Mapping[str, int]


async def reached(models: Models, name: str = "fraud") -> Reached:
    """Whom clients reach now."""
    status = await models.status(name)
    address, service = await asyncio.gather(
        models.api.get(SERVICES, name, models.namespace),
        models.api.get(SERVICES, leading(status), models.namespace),
    )
    selector = service["spec"]["selector"]
    wanted = ",".join(f"{label}={value}" for label, value in selector.items())
    pods = await models.api.list(PODS, models.namespace, labelSelector=wanted)
    ready = [pod for pod in pods if condition(pod["status"], "Ready").get("status") == "True"]
    return Reached(
        address=(address["spec"]["selector"], address["spec"]["ports"][0]["targetPort"]),
        told=weights(status["traffic"]),
        runs=weights(status.get("trafficObserved") or {}),
        selector=selector,
        pods={pod["metadata"]["uid"]: _restarts(pod) for pod in ready},
    )


def leading(status: Object) -> str:
    """The headless Service of the revision that gets most requests, which is named as its Deployment is."""
    return str(max(status["traffic"]["revisions"], key=lambda each: int(each["weight"]))["service"])


def weights(traffic: Object) -> dict[int, int]:
    """By number, the weights of the revisions that get requests, of what the gateway is told or runs."""
    revisions = traffic.get("revisions") or ()
    return {each["revision"]: each["weight"] for each in revisions if each["weight"]}


async def address_of(models: Models, name: str = "fraud") -> Object:
    """The Service that clients use."""
    return await models.api.get(SERVICES, name, models.namespace)


def pods_of(name: str, uri: str = "", labels: Mapping[str, str] = SERVES) -> Callable[[Object], bool]:
    """For the stub kubelet: pods of a model, and of them those that have to do with that source."""
    wanted = {names.OWNER: name, **labels}

    def fits(pod: Object) -> bool:
        has = pod["metadata"].get("labels", {})
        return wanted.items() <= has.items() and uri in _request(pod)

    return fits


async def told(models: Models, name: str = "fraud") -> list[tuple[str, str, str]]:
    """(type, reason, message) of the Events about a model."""
    # Its Service has the same name, and controllers tell of that, too.
    about = f"involvedObject.name={name},involvedObject.kind={names.KIND}"
    events = await models.api.list(EVENTS, models.namespace, fieldSelector=about)
    return [(each["type"], each["reason"], each["message"]) for each in events]


async def is_told(models: Models, reason: str, name: str = "fraud", *, kind: str = "Warning") -> None:
    """Wait for an Event of that reason."""

    async def there() -> bool:
        return any((type_, why) == (kind, reason) for type_, why, _ in await told(models, name))

    await wait_for(there, 10, f"an Event {reason} about {name}")


async def in_each(cases: Iterable[str], check: Callable[[str], Awaitable[None]]) -> None:
    """Check all cases at the same time, each with a model of its name, and show what is wrong with which."""
    named = list(cases)
    results = await asyncio.gather(*(check(each) for each in named), return_exceptions=True)
    wrong = {case: repr(result) for case, result in zip(named, results, strict=True) if result is not None}
    assert not wrong, "\n\n".join(f"{case}: {why}" for case, why in wrong.items())


def failed(reason: str, message: str = "as the test says") -> str:
    """The termination message of a fetch that could not do its work."""
    return json.dumps({"failure": {"reason": reason, "message": message}})


def unmanaged(obj: Object) -> Object:
    """An object without the record of who wrote what."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def uids(objects: Iterable[Object]) -> set[str]:
    """Which very objects they are."""
    return {each["metadata"]["uid"] for each in objects}


def _restarts(pod: Object) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", []))


def _request(pod: Object) -> str:
    """What the pod is to list or fetch."""
    containers: list[dict[str, Any]] = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    variables = (each for container in containers for each in container.get("env", []))
    return next((str(each["value"]) for each in variables if each["name"] == REQUEST_VARIABLE), "")
