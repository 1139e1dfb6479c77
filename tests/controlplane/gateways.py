"""The stand-in for what runs in the gateway's pods: the agent's answers, as if Envoy took everything at once.

Nothing runs in a pod that the stub kubelet makes ready. For a pod of a gateway it asks here for an address, a loopback
one on which a small server answers as the agent would, from what the API server has: of each ModelDeployment its
`status.traffic`, with the endpoints that are in the EndpointSlices. A test can have a pod fall silent, stay behind, or
refuse what is new.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
from aiohttp import web

from tests.controlplane.api import Api, ApiError, Object
from tests.controlplane.waiting import to_its_end
from tritium.api import names
from tritium.api.gateway import (
    AGENT_PORT,
    COUNTERS_PATH,
    HELD_FOR,
    HELD_PATH,
    REPORT_PATH,
    GatewayCounters,
    GatewayReport,
    Held,
    HeldReport,
    ModelReport,
    Rejection,
    RevisionReport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODELS: Final = f"{names.API_VERSION}/{names.PLURAL}"
SLICES: Final = "discovery.k8s.io/v1/endpointslices"
SERVICE: Final = "kubernetes.io/service-name"
ENVOY: Final = "1.40.0"
RETRY_AFTER: Final = 0.1


def is_gateway(pod: Object) -> bool:
    """Whether a pod is one of a gateway."""
    labels = pod["metadata"].get("labels", {})
    return bool(labels.get(names.COMPONENT) == names.Component.GATEWAY and names.GATEWAY_LABEL in labels)


@dataclass(eq=False)
class World:
    """What the agents of a namespace know, as watches have told it.

    Attributes:
        models: by name, each ModelDeployment that has ever been told what to do with its traffic.
        endpoints: by EndpointSlice, the Service it is of and how many of its endpoints are ready.
        changes: how often anything has changed.
        known: everything was listed once.
    """

    models: dict[str, Object] = field(default_factory=dict)
    endpoints: dict[str, tuple[str, int]] = field(default_factory=dict)
    changes: int = 0
    known: asyncio.Event = field(default_factory=asyncio.Event)
    _listed: set[str] = field(default_factory=set)

    def take_in(self, resource: str, obj: Object, *, gone: bool = False) -> None:
        """An object is there, is another than before, or is gone."""
        name = obj["metadata"]["name"]
        self.changes += 1
        if gone:
            (self.models if resource == MODELS else self.endpoints).pop(name, None)
        elif resource == SLICES:
            ready = sum(each.get("conditions", {}).get("ready", True) for each in obj.get("endpoints") or ())
            self.endpoints[name] = (obj["metadata"].get("labels", {}).get(SERVICE, ""), ready)
        elif "traffic" in (obj.get("status") or {}):
            self.models[name] = obj

    def replace(self, resource: str, objects: list[Object]) -> None:
        """A whole list."""
        there = {obj["metadata"]["name"] for obj in objects}
        for name in [*(self.models if resource == MODELS else self.endpoints)]:
            if name not in there:
                self.take_in(resource, {"metadata": {"name": name}}, gone=True)
        for obj in objects:
            self.take_in(resource, obj)
        self._listed.add(resource)
        if self._listed == {MODELS, SLICES}:
            self.known.set()

    def report(self) -> dict[str, ModelReport]:
        """What an Envoy runs that has taken all of it."""
        ready: dict[str, int] = {}
        for service, number in self.endpoints.values():
            ready[service] = ready.get(service, 0) + number
        return {name: _model(obj, ready) for name, obj in sorted(self.models.items())}


@dataclass(eq=False)
class Agent:
    """What answers in the place of one pod.

    Attributes:
        silent: it does not answer.
        synced: it follows the API server.
        kept: what it runs, whatever the API server says; see `stays_behind`.
        refusal: what Envoy says of all that is newer than what is kept.
        knows_previews: it is not of a version before there were any,
        knows_holding: and neither of one that lets no request wait.
        counters: what it has counted.
    """

    pod: str
    namespace: str
    world: World
    ip: str = ""
    silent: bool = False
    synced: bool = True
    kept: dict[str, ModelReport] | None = None
    refusal: str = ""
    knows_previews: bool = True
    knows_holding: bool = True
    counters: GatewayCounters = field(default_factory=lambda: GatewayCounters(models=[], revisions=[]))
    asked: int = 0
    held: dict[str, int] = field(default_factory=dict)
    """By name, the sleep in which a request came."""
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _answer: tuple[object, bytes] = (None, b"")

    def stays_behind(self) -> None:
        """From now on it runs what it runs now."""
        self.kept = self.world.report()

    def refuses(self, message: str) -> None:
        """From now on its Envoy refuses what is new."""
        if self.kept is None:
            self.stays_behind()
        self.refusal = message

    def follows(self) -> None:
        """It does as it should again."""
        self.silent, self.kept, self.refusal = False, None, ""

    def request(self, name: str) -> bool:
        """Somebody asks a model something; whether that waits."""
        hold = self.world.models[name]["status"]["traffic"].get("hold")
        if hold is None or not hold["asleep"]:
            return False
        self.held[name] = hold["since"]
        self.came.set()
        return True

    async def waited(self, known: str) -> bytes:
        """Who is waited for, when that is another answer than is known."""
        if known == str(self.held):
            self.came.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.came.wait(), HELD_FOR)
        models = [
            Held(name=name, uid=self.world.models[name]["metadata"]["uid"], since=since)
            for name, since in self.held.items()
        ]
        return HeldReport(tag=str(self.held), models=models).model_dump_json(by_alias=True).encode()

    def report(self) -> bytes:
        """Its answer."""
        knows = self.knows_previews, self.knows_holding
        state = self.world.changes, self.synced, id(self.kept), self.refusal, knows
        if self._answer[0] != state:
            models = [
                each.model_copy(
                    update=({} if self.knows_previews else {"preview": None})
                    | ({} if self.knows_holding else {"holds": None})
                )
                for each in self._models()
            ]
            report = GatewayReport(synced=self.synced, connected=True, envoy=ENVOY, models=models)
            self._answer = state, report.model_dump_json(by_alias=True).encode()
        return self._answer[1]

    def _models(self) -> Iterator[ModelReport]:
        newest = self.world.report()
        if self.kept is None:
            yield from newest.values()
            return
        for name, model in newest.items():
            kept = self.kept.get(name)
            refused = Rejection(version=model.version, resource=f"Listener {name}", message=self.refusal)
            rejection = refused if self.refusal and (kept is None or kept.version != model.version) else None
            if kept or rejection:
                nothing = model.model_copy(update={"version": 0, "revisions": []})
                yield (kept or nothing).model_copy(update={"rejection": rejection})


class Gateways:
    """All gateway pods of a stub kubelet. `new` is called with each agent before it serves: a test may change it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.agents: dict[str, Agent] = {}
        """By the pod's uid."""
        self.new: Callable[[Agent], None] = lambda _: None
        self._worlds: dict[str, World] = {}
        self._servers: dict[str, web.AppRunner] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def of(self, namespace: str) -> list[Agent]:
        """Those of a namespace, by name."""
        return sorted((each for each in self.agents.values() if each.namespace == namespace), key=lambda each: each.pod)

    async def serve(self, pod: Object) -> str:
        """Answer in the place of a pod; returns its address."""
        metadata = pod["metadata"]
        world = await self._world(metadata["namespace"])
        agent = Agent(metadata["name"], metadata["namespace"], world)
        self.new(agent)
        app = web.Application()
        app.add_routes([web.get(REPORT_PATH, _answering(agent)), web.get(COUNTERS_PATH, _answering(agent))])
        app.add_routes([web.get(HELD_PATH, _waiting(agent))])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self.agents[metadata["uid"]], self._servers[metadata["uid"]] = agent, runner
        agent.ip = await to_its_end(_listen(runner))
        return agent.ip

    def gone(self, uid: str) -> None:
        """A pod is no more."""
        if self.agents.pop(uid, None):
            self._tasks.append(asyncio.create_task(self._servers.pop(uid).cleanup()))

    async def close(self) -> None:
        """Answer no more."""
        for uid in list(self.agents):
            self.gone(uid)
        following = [task for task in self._tasks if task.get_name().startswith("follow ")]
        for task in following:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _world(self, namespace: str) -> World:
        """What the agents of a namespace know; the first of them waits until it knows it."""
        if namespace not in self._worlds:
            world = self._worlds[namespace] = World()
            for resource in (MODELS, SLICES):
                name = f"follow {resource} in {namespace}"
                self._tasks.append(asyncio.create_task(self._follow(world, resource, namespace), name=name))
        await self._worlds[namespace].known.wait()
        return self._worlds[namespace]

    async def _follow(self, world: World, resource: str, namespace: str) -> None:
        while True:
            with suppress(httpx.HTTPError, ApiError):
                path = f"/apis/{resource.rpartition('/')[0]}/namespaces/{namespace}/{resource.rpartition('/')[2]}"
                listing = await self._api.request("GET", path)
                world.replace(resource, listing["items"])
                version = listing["metadata"]["resourceVersion"]
                async with aclosing(self._api.watch(resource, namespace, resourceVersion=version)) as events:
                    async for kind, obj in events:
                        if kind == "ERROR":
                            break
                        world.take_in(resource, obj, gone=kind == "DELETED")
            await asyncio.sleep(RETRY_AFTER)


def _answering(agent: Agent) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.Response:
        agent.asked += 1
        if agent.silent:
            assert request.transport
            request.transport.abort()
        body = agent.report() if request.path == REPORT_PATH else agent.counters.model_dump_json(by_alias=True).encode()
        return web.Response(body=body, content_type="application/json")

    return answer


def _waiting(agent: Agent) -> Callable[[web.Request], Any]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=await agent.waited(request.query["known"]), content_type="application/json")

    return answer


async def _listen(runner: web.AppRunner) -> str:
    """An address of the loopback network that nobody else on this machine has taken."""
    while True:
        ip = f"127.{1 + secrets.randbelow(250)}.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"
        try:
            await web.TCPSite(runner, ip, AGENT_PORT).start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        return ip


def _model(obj: Object, ready: dict[str, int]) -> ModelReport:
    traffic = obj["status"]["traffic"]
    revisions = [
        RevisionReport(revision=each["revision"], weight=each["weight"], endpoints=ready.get(each["service"], 0))
        for each in traffic.get("revisions", ())
    ]
    metadata = obj["metadata"]
    return ModelReport(
        name=metadata["name"],
        uid=metadata["uid"],
        version=traffic["version"],
        port=traffic["port"],
        revisions=revisions,
        preview=traffic.get("preview"),
        holds=hold["since"] if (hold := traffic.get("hold")) and hold["asleep"] else 0,
    )
