"""The composition root: every part is built here once, wired to the others, and supervised.

A process stands by until it holds the Lease. While it leads it watches, sweeps and works; when it cannot prove the
Lease any more, all of that is cancelled, and it stands by again with nothing in mind.
"""

import asyncio
import logging
import random
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import tritium
from tritium.api import names
from tritium.condition_metrics import ConditionMetrics
from tritium.cost_metrics import CostMetrics
from tritium.gateway_metrics import GatewayMetrics
from tritium.health import Health, serve
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.errors import ApiError
from tritium.kube.events import Recorder
from tritium.kube.lease import Elector
from tritium.kube.store import FOLLOWERS, SHARED, Key, Store
from tritium.kube.sweep import sweep
from tritium.loop.costs import Costs
from tritium.loop.fetches import Fetches
from tritium.loop.follow_pass import FollowPass
from tritium.loop.followers import Followers
from tritium.loop.gateway_pass import Dispatch, GatewayPass
from tritium.loop.gateways import Gateways
from tritium.loop.inquiry import Inquiry
from tritium.loop.prober import Prober
from tritium.loop.queries import Queries
from tritium.loop.queue import WorkQueue
from tritium.loop.reconcile import Reconciler, SchemaTooOld
from tritium.loop.rollouts import Rollouts
from tritium.loop.scaler import Scaler
from tritium.loop.servers import Servers
from tritium.loop.waits import Waits
from tritium.loop.workers import Workers
from tritium.probes.gateway import GatewayProbe
from tritium.probes.prometheus import PrometheusProbe
from tritium.probes.triton_http import TritonProbe
from tritium.resources.rendering import Rendering
from tritium.rollout_metrics import RolloutMetrics
from tritium.scaling_metrics import ScalingMetrics
from tritium.settings import Settings
from tritium.telemetry import Telemetry
from tritium.watch import watch

log = logging.getLogger(__name__)
T = TypeVar("T")

LEASE = "tritium-operator"
GATEWAYS_ANSWER = 2.0
"""Seconds for which a new leader waits for what the gateways' pods say, before its first pass."""
UPGRADE = "tritium crd | kubectl apply --server-side --force-conflicts -f -"


class Unusable(Exception):
    """This process cannot work on this cluster; the text says what to do."""


class _Asked(NamedTuple):
    """Those who are asked beside the API server."""

    gateways: Gateways
    prober: Prober
    queries: Queries
    followers: Followers
    scaler: Scaler
    fetches: Fetches


class App:
    """One process of the operator."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._telemetry = Telemetry()
        self._gateway_metrics = GatewayMetrics()
        self._rollout_metrics = RolloutMetrics()
        self._scaling_metrics = ScalingMetrics()
        self._condition_metrics = ConditionMetrics()
        self._cost_metrics = CostMetrics()
        for each in (
            self._gateway_metrics,
            self._rollout_metrics,
            self._scaling_metrics,
            self._condition_metrics,
            self._cost_metrics,
        ):
            self._telemetry.registry.register(each)
        self._health = Health()
        self._heard = time.monotonic()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            Unusable: the CRD is missing or older than this version.
        """
        self._listen()
        agent = f"tritium-operator/{tritium.__version__}"
        async with (
            serve(self._health, self._telemetry, self._settings.port),
            Client.from_environment(user_agent=agent, observe=self._telemetry.request) as client,
            # Of its own: a renewal must not wait until requests that hang have given their turn back.
            Client.from_environment(user_agent=agent, concurrency=2, observe=self._telemetry.request) as renewing,
        ):
            await self._until_usable(client)
            elector = Elector(renewing, self._settings.namespace, LEASE, _identity(self._settings))
            self._telemetry.follow(self._telemetry.leader, lambda: float(elector.proven()))
            await self._until_stopped(elector.run(lambda: self._lead(client, elector)))

    async def _until_stopped(self, running: Awaitable[None]) -> None:
        task = asyncio.ensure_future(running)
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        task.cancel()  # the elector releases the Lease, so that another takes over at once
        try:
            await task
        except asyncio.CancelledError:
            log.info("stopped")

    def _listen(self) -> None:
        """Signals end the process in order. kopf puts its own handlers in place each time it starts."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)

    async def _until_usable(self, client: Client) -> None:
        found = await _patiently(lambda: client.get(kinds.CUSTOM_RESOURCE_DEFINITIONS, None, names.CRD_NAME))
        self._health.reachable = True
        number = ((found or {}).get("metadata", {}).get("annotations") or {}).get(names.SCHEMA_ANNOTATION, "0")
        if found is None:
            raise Unusable(f"the CRD {names.CRD_NAME} is not installed; run: {UPGRADE}")
        if int(number) < names.SCHEMA_NUMBER:
            raise Unusable(
                f"the CRD {names.CRD_NAME} has schema {number}, and this version needs {names.SCHEMA_NUMBER}: "
                f"the server would drop fields silently; run: {UPGRADE}"
            )

    async def _lead(self, client: Client, elector: Elector) -> None:
        """Watch, sweep and work, from nothing, until cancelled."""
        log.info("leading")
        store, queue = Store(), WorkQueue[Key](clock=time.monotonic)
        async with (
            GatewayProbe() as probe,
            TritonProbe() as triton,
            _prometheus(self._settings.prometheus_url) as prometheus,
        ):
            gateways = Gateways(store, queue, probe, now=_now)
            scaler = Scaler(
                gateways.arrivals,
                gateways.polling.asked,
                Servers(triton, time.monotonic),
                queue.add,
                time.monotonic,
                _now,
            )
            gateways.scales = scaler.scales
            prober = Prober(wake=queue.add, clock=time.monotonic)
            queries = Queries(prometheus, lambda key, after: queue.add(key, after=after), _now, time.monotonic)
            fetches = Fetches(wake=queue.add, clock=time.monotonic)
            asked = _Asked(gateways, prober, queries, Followers(store, queue), scaler, fetches)
            reconciler = self._reconciler(client, store, elector, asked)
            workers = Workers(queue, self._passes(reconciler, queue), self._ended)
            self._follow(store, queue, workers)
            self._health.leading, self._health.synced = True, False
            self._tell(store, gateways, scaler)
            try:
                async with _exposing(SchemaTooOld, Unusable), asyncio.TaskGroup() as group:
                    group.create_task(self._watch(client, store, queue))
                    await self._sweep(client, store, queue)
                    await gateways.begin(GATEWAYS_ANSWER)
                    for namespace in store.namespaces():
                        queue.add(Key(namespace, FOLLOWERS))
                    for key in store.owners():  # what a watch told first is no news to the list, and yet not looked at
                        queue.add(key, resync=True)
                    self._health.synced = True
                    group.create_task(self._keep_sweeping(client, store, queue))
                    group.create_task(workers.run(self._settings.workers))
                    group.create_task(scaler.run())
                    group.create_task(Waits(probe, scaler.sleeps, gateways.polling.targets, scaler.waited).run())
            finally:
                self._health.leading = self._health.synced = False
                self._health.stuck_for = lambda: 0.0
                self._tell_nothing()
                prober.stop()
                queries.stop()
                fetches.stop()
                gateways.polling.stop()
                log.info("not leading")

    def _tell(self, store: Store, gateways: Gateways, scaler: Scaler) -> None:
        """Have the metrics tell what is known while this process leads."""
        self._gateway_metrics.source, self._rollout_metrics.source = gateways, Rollouts(store)
        self._scaling_metrics.source, self._condition_metrics.source = scaler, store
        self._cost_metrics.source = Costs(store, time.monotonic)

    def _tell_nothing(self) -> None:
        self._gateway_metrics.source = self._rollout_metrics.source = None
        self._scaling_metrics.source = self._condition_metrics.source = self._cost_metrics.source = None

    def _reconciler(self, client: Client, store: Store, elector: Elector, asked: _Asked) -> Reconciler:
        return Reconciler(
            client=client,
            store=store,
            recorder=Recorder(client),
            prober=asked.prober,
            inquiry=Inquiry(client, store),
            gateways=asked.gateways,
            queries=asked.queries,
            followers=asked.followers,
            scaler=asked.scaler,
            fetches=asked.fetches,
            rendering=Rendering(
                fetch_image=self._settings.image,
                triton_image=self._settings.triton_image,
                image_pull_policy=self._settings.image_pull_policy,
                gateway_image=self._settings.gateway_image,
                gateway_replicas=self._settings.gateway_replicas,
                gateway_resources=self._settings.gateway_resources,
                allowed_networks=self._settings.source_allowed_networks,
                refused_networks=self._settings.source_refused_networks,
                signature_keys=self._settings.source_signature_keys,
            ),
            proven=elector.proven,
            now=_now,
        )

    def _passes(self, shared: Reconciler, queue: WorkQueue[Key]) -> Dispatch:
        """What a worker does for a key."""
        gateway = GatewayPass(
            client=shared.client,
            store=shared.store,
            gateways=shared.gateways,
            rendering=shared.rendering,
            operator=self._settings.namespace,
            proven=shared.proven,
            now=shared.now,
        )
        follow = FollowPass(
            client=shared.client,
            store=shared.store,
            queue=queue,
            followers=shared.followers,
            rendering=shared.rendering,
            proven=shared.proven,
            now=shared.now,
        )
        return Dispatch(shared, gateway, follow)

    def _follow(self, store: Store, queue: WorkQueue[Key], workers: Workers) -> None:
        telemetry = self._telemetry
        telemetry.follow(telemetry.queue_depth, lambda: float(queue.depth))
        telemetry.follow(telemetry.queue_age, lambda: queue.oldest)
        self._health.heard_ago = lambda: time.monotonic() - self._heard
        telemetry.follow(telemetry.watch_age, self._health.heard_ago)
        telemetry.follow(telemetry.objects, lambda: float(len(store.owners())))
        self._health.stuck_for = lambda: min(time.monotonic() - workers.last_end, queue.oldest)

    async def _watch(self, client: Client, store: Store, queue: WorkQueue[Key]) -> None:
        def wake(key: Key, edited: bool) -> None:  # noqa: FBT001 - the shape of a callback
            queue.add(key, resync=not edited and key.name not in SHARED)

        while True:
            try:
                await watch(store, wake, self._hear, self._listen)
            except Exception as error:  # noqa: BLE001 - one answer that it does not expect ends kopf, whatever it is
                log.error("the watches broke, and begin anew: %s", _first(error))  # noqa: TRY400 - kopf has told more
            await asyncio.sleep(1.0)
            await self._until_usable(client)
            await self._sweep(client, store, queue)

    async def _sweep(self, client: Client, store: Store, queue: WorkQueue[Key]) -> None:
        changed = await _patiently(lambda: sweep(client, store, kinds.WATCHED))
        self._hear()
        for key in changed:
            queue.add(key, resync=key.name not in SHARED)

    async def _keep_sweeping(self, client: Client, store: Store, queue: WorkQueue[Key]) -> None:
        while True:
            await asyncio.sleep(self._settings.sweep_every * random.uniform(0.9, 1.1))  # noqa: S311 - a spread, no secret
            await self._sweep(client, store, queue)

    def _hear(self) -> None:
        self._heard = time.monotonic()

    def _ended(self, result: str, seconds: float) -> None:
        self._telemetry.passes.labels(result).inc()
        self._telemetry.pass_seconds.observe(seconds)


@asynccontextmanager
async def _prometheus(address: str | None) -> AsyncIterator[PrometheusProbe | None]:
    """Whom queries are sent to, where there is one."""
    if address is None:
        yield None
        return
    async with PrometheusProbe(address) as probe:
        yield probe


@asynccontextmanager
async def _exposing(*causes: type[Exception]) -> AsyncIterator[None]:
    """Of a group of errors, show the one that says what to do."""
    try:
        yield
    except ExceptionGroup as group:
        if found := group.subgroup(causes):
            cause = _first(found)
            raise Unusable(f"{cause}; run: {UPGRADE}" if isinstance(cause, SchemaTooOld) else str(cause)) from group
        raise


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the API server answers."""
    while True:
        try:
            return await ask()
        except ApiError as error:  # also one that refuses: rights may be granted later than we start
            log.warning("waiting for the API server: %s", error)
            await asyncio.sleep(error.retry_after or 1.0)


def _identity(settings: Settings) -> str:
    """Of this process: one that comes after it in the same pod must not take its Lease for its own."""
    return f"{settings.pod_name}_{secrets.token_hex(4)}"


def _now() -> datetime:
    """Whole seconds, as Kubernetes writes times."""
    return datetime.now(UTC).replace(microsecond=0)
