"""The stub kubelet: the one stand-in of the control-plane tests, for scheduler and kubelet together.

It binds pending pods to fake nodes, writes their status as a kubelet would for the behaviour a test asked
for, and finishes deleted pods. It serves only the namespaces it was given, with nodes of its own, so that
tests on one control plane do not meet. Nothing runs: a pod's IP leads nowhere, but for pods of a gateway and of models,
in whose place stand-ins answer the operator (see gateways.py and tritons.py).

It has a task for each pod, as a kubelet has a worker for each pod; what to write is decided in podstatus.py
and scheduling.py, which are pure.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.controlplane import scheduling
from tests.controlplane.api import STRATEGIC, Api, ApiError, Object
from tests.controlplane.behaviour import Behaviour, next_change, usual
from tests.controlplane.gateways import Gateways, is_gateway
from tests.controlplane.podstatus import ended_status, pod_status, unschedulable
from tests.controlplane.scheduling import Node, extended_requests
from tests.controlplane.tritons import Tritons, is_model

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    When = Callable[[Object], bool] | Mapping[str, str]
    """A function of the pod, or labels it must have."""

HOST_IP = "192.0.2.1"
RETRY_AFTER = 0.1
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rule:
    """Pods that `when` holds for behave like this; once deleted they take `stops_after` seconds to end."""

    when: When
    behaviour: Behaviour
    stops_after: float = 0.0

    def fits(self, pod: Object) -> bool:
        """Whether the rule is about this pod."""
        if callable(self.when):
            return self.when(pod)
        labels: Mapping[str, str] = pod["metadata"].get("labels", {})
        return self.when.items() <= labels.items()


@dataclass(eq=False)
class Worker:
    """What the kubelet remembers of one pod."""

    pod: Object
    ip: str
    needs: Counter[str]
    """Extended resources it takes from its node."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    node: str = ""
    """Where it was placed; known before the server has confirmed it."""
    behaviour: Behaviour | None = None
    since: datetime = NEVER
    """When it began to behave like that."""
    deleted: datetime | None = None
    """When its deletion was first seen."""
    written: Object = field(default_factory=dict)
    """The status as we wrote it last."""


class Kubelet:
    """Runs in the event loop it is entered in. `nodes` get the first namespace's name before their own."""

    def __init__(self, api: Api, namespaces: Sequence[str], nodes: Sequence[Node] = (Node("node"),)) -> None:
        self._api = api
        self.gateways = Gateways(api)
        self.tritons = Tritons()
        self._namespaces = tuple(namespaces)
        self._rules: list[Rule] = []
        self._nodes: dict[str, Node] = {}
        self._first_nodes = nodes
        self._workers: dict[str, Worker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._addresses = (f"10.244.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))
        self._placing = asyncio.Lock()
        self._ending: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for node in self._first_nodes:
            await self.add_node(node)
        for namespace in self._namespaces:
            await self.serve(namespace)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        ends = await asyncio.gather(*self._tasks.values(), *self._ending, return_exceptions=True)
        await self.gateways.close()
        await self.tritons.close()
        for name in self._nodes:
            with suppress(ApiError):  # a test may have deleted it
                await self._api.delete("v1/nodes", name)
        for end in ends:  # a mistake in the kubelet itself must not look like a slow cluster
            if isinstance(end, Exception):
                raise end

    async def serve(self, namespace: str) -> None:
        """Take care of the pods of one more namespace."""
        self._tasks[namespace] = asyncio.create_task(self._follow(namespace))

    async def add_node(self, node: Node) -> str:
        """Add a fake node; returns its full name. Pods that found no room try again."""
        name = f"{self._namespaces[0]}-{node.name}"
        labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", **node.labels}
        await self._api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
        capacity = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
        capacity |= {resource: str(amount) for resource, amount in node.extended.items()}
        status = {
            "capacity": capacity,
            "allocatable": capacity,
            "addresses": [{"type": "InternalIP", "address": HOST_IP}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        }
        await self._api.patch("v1/nodes", name, None, {"status": status}, subresource="status")
        self._nodes[name] = Node(name, node.extended, node.labels)
        self._wake_unplaced()
        return name

    def rule(self, when: When, behaviour: Behaviour, *, stops_after: float = 0.0) -> None:
        """From now on such pods behave like this, also those that exist; of several rules the last counts."""
        self._rules.append(Rule(when, behaviour, stops_after))
        self._wake_all()

    def _rule_for(self, pod: Object) -> Rule:
        fitting = (rule for rule in reversed(self._rules) if rule.fits(pod))
        return next(fitting, Rule({}, usual(pod)))

    def _wake_all(self) -> None:
        for worker in self._workers.values():
            worker.wake.set()

    def _wake_unplaced(self) -> None:
        for worker in self._workers.values():
            if not worker.node:
                worker.wake.set()

    # ---- following the server ---------------------------------------------------------------------------

    async def _follow(self, namespace: str) -> None:
        """List and watch, and begin again whenever the stream ends."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        while True:
            with suppress(httpx.HTTPError, ApiError):
                listing = await self._api.request("GET", path)
                here = {pod["metadata"]["uid"]: pod for pod in listing["items"]}
                for uid, worker in list(self._workers.items()):
                    if worker.pod["metadata"]["namespace"] == namespace and uid not in here:
                        self._gone(uid)
                for pod in here.values():
                    self._update(pod)
                version = listing["metadata"]["resourceVersion"]
                async with aclosing(self._api.watch("v1/pods", namespace, resourceVersion=version)) as events:
                    async for kind, pod in events:
                        if kind == "ERROR":
                            break
                        if kind == "DELETED":
                            self._gone(pod["metadata"]["uid"])
                        else:
                            self._update(pod)
            await asyncio.sleep(RETRY_AFTER)

    def _update(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._workers:
            self._workers[uid].pod = pod
            self._workers[uid].wake.set()
        else:
            self._workers[uid] = Worker(pod, next(self._addresses), extended_requests(pod))
            self._tasks[uid] = asyncio.create_task(self._work(self._workers[uid]))

    def _gone(self, uid: str) -> None:
        if self._workers.pop(uid, None):
            self._ending.append(asyncio.create_task(self._end_of(uid, self._tasks.pop(uid))))
            self._wake_unplaced()  # there may be room now

    async def _end_of(self, uid: str, work: asyncio.Task[None]) -> None:
        """First the work for a pod, which may be about to have it answered for, then the answers."""
        work.cancel()
        await asyncio.wait([work])
        self.gateways.gone(uid)
        await self.tritons.gone(uid)
        if not work.cancelled():
            work.result()

    # ---- one pod ----------------------------------------------------------------------------------------

    async def _work(self, worker: Worker) -> None:
        if is_gateway(worker.pod):
            worker.ip = await self.gateways.serve(worker.pod)
        elif is_model(worker.pod):
            worker.ip = await self.tritons.serve(worker.pod)
        while True:
            worker.wake.clear()
            try:
                again = await self._step(worker)
            except (httpx.HTTPError, ApiError):
                # Deleted or changed meanwhile, or the server is away: the watch will tell.
                again = RETRY_AFTER
            with suppress(TimeoutError):
                await asyncio.wait_for(worker.wake.wait(), again)

    async def _step(self, worker: Worker) -> float | None:
        """Do what is due for a pod; returns after how many seconds to look again."""
        pod, now = worker.pod, datetime.now(UTC)
        node = pod["spec"].get("nodeName", "")
        if not node:
            return await self._schedule(worker, now)
        if node not in self._nodes:
            return None
        worker.node = node
        rule = self._rule_for(pod)
        if rule.behaviour != worker.behaviour:
            worker.behaviour, worker.since = rule.behaviour, now
        if "deletionTimestamp" in pod["metadata"]:
            return await self._end(worker, rule, now)
        if _is_over(pod.get("status", {})) or _is_over(worker.written):
            return None
        await self._write(
            worker,
            pod_status(_as_written(worker), rule.behaviour, worker.since, now, ip=worker.ip, host_ip=HOST_IP),
        )
        return next_change(rule.behaviour, (now - worker.since).total_seconds())

    async def _end(self, worker: Worker, rule: Rule, now: datetime) -> float | None:
        """Let a deleted pod stop, as long as it takes and at most as long as it may."""
        metadata = worker.pod["metadata"]
        worker.deleted = worker.deleted or now
        grace = float(metadata.get("deletionGracePeriodSeconds", 30))
        left = (worker.deleted - now + timedelta(seconds=min(rule.stops_after, grace))).total_seconds()
        over = _is_over(worker.pod.get("status", {}))
        if left > 0 and not over:
            return left
        if not over:
            await self._write(worker, ended_status(_as_written(worker), worker.since, now))
        await self._api.delete(
            "v1/pods",
            metadata["name"],
            metadata["namespace"],
            grace=0,
            preconditions={"uid": metadata["uid"]},
        )
        return None

    async def _write(self, worker: Worker, status: Object) -> None:
        if status != worker.written:
            await self._patch_status(worker.pod, status)
            worker.written = status

    async def _patch_status(self, pod: Object, status: Object) -> None:
        metadata = pod["metadata"]
        patch: dict[str, Any] = {"metadata": {"uid": metadata["uid"]}, "status": status}
        await self._api.patch(
            "v1/pods",
            metadata["name"],
            metadata["namespace"],
            patch,
            subresource="status",
            content_type=STRATEGIC,
        )

    # ---- scheduling -------------------------------------------------------------------------------------

    async def _schedule(self, worker: Worker, now: datetime) -> float | None:
        """Bind a pod to a node, or say why not; returns after how many seconds to try again without being woken."""
        pod, metadata = worker.pod, worker.pod["metadata"]
        if worker.node or pod["spec"].get("schedulingGates") or "deletionTimestamp" in metadata:
            return None
        if refusal := await self._unbound_volume(pod):
            await self._write(worker, unschedulable(_as_written(worker), refusal, now))
            return RETRY_AFTER
        async with self._placing:
            others = [(each.node, each.needs) for each in self._workers.values() if _holds_room(each)]
            worker.node, refusal = scheduling.place(pod, self._nodes.values(), others)
        if not worker.node:
            await self._write(worker, unschedulable(_as_written(worker), refusal, now))
            return None
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": metadata["name"], "uid": metadata["uid"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": worker.node},
        }
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/binding"
        try:
            await self._api.request("POST", path, binding)
        except (httpx.HTTPError, ApiError):
            worker.node = ""
            raise
        return None

    async def _unbound_volume(self, pod: Object) -> str:
        """What the scheduler says of the first claim that has no volume; binding is the controller manager's work."""
        volumes = (each["persistentVolumeClaim"] for each in pod["spec"].get("volumes", []) if _is_claim(each))
        for name in (each["claimName"] for each in volumes):
            claim = await self._api.find("v1/persistentvolumeclaims", name, pod["metadata"]["namespace"])
            if refusal := scheduling.unbound(name, claim, len(self._nodes)):
                return refusal
        return ""


def _is_claim(volume: Object) -> bool:
    return "persistentVolumeClaim" in volume


def _is_over(status: Object) -> bool:
    return status.get("phase") in {"Succeeded", "Failed"}


def _holds_room(worker: Worker) -> bool:
    return bool(worker.needs and worker.node) and not _is_over(worker.pod.get("status", {}))


def _as_written(worker: Worker) -> Object:
    """The pod with our own last conditions laid over what the watch has brought so far."""
    status = worker.pod.get("status", {})
    ours = {each["type"]: each for each in worker.written.get("conditions", [])}
    theirs = [each for each in status.get("conditions", []) if each["type"] not in ours]
    return worker.pod | {"status": status | {"conditions": [*ours.values(), *theirs]}}
