"""Single passes against a real API server, at moments that a running operator meets once in a thousand times.

The passes run in the test's process, and the watches are the test's: what it does not look at is an old picture.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.controlplane.operating.harness import Models, condition
from tests.controlplane.waiting import wait_for
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.events import Recorder
from tritium.kube.store import GATEWAY, Key, Store
from tritium.kube.sweep import sweep
from tritium.loop.fetches import Fetches
from tritium.loop.followers import Followers
from tritium.loop.gateway_pass import GatewayPass
from tritium.loop.gateways import Gateways
from tritium.loop.inquiry import Inquiry
from tritium.loop.prober import Prober
from tritium.loop.queries import Queries
from tritium.loop.queue import WorkQueue
from tritium.loop.reconcile import Outcome, Reconciler
from tritium.loop.scaler import Scaler
from tritium.loop.servers import Servers
from tritium.probes.gateway import GatewayProbe
from tritium.probes.triton_http import TritonProbe
from tritium.resources.rendering import Rendering

RENDERING = Rendering(fetch_image="tritium.dev/operator:1", triton_image="tritium.dev/triton:26.07")
NEXT = "s3://models/fraud/2"


@dataclass
class Passes:
    """An operator without watches and without a Lease of its own.

    Attributes:
        leads: whether it can prove its Lease.
    """

    client: Client
    probe: GatewayProbe
    key: Key
    store: Store = field(default_factory=Store)
    leads: bool = True
    rendering: Rendering = RENDERING

    def __post_init__(self) -> None:
        self._start()

    async def look(self) -> None:
        """See all there is, and hear what the gateway's pods say."""
        await sweep(self.client, self.store, kinds.WATCHED)
        self.gateways.look(self.key.namespace)
        await self.gateways.polling.all_asked(2)

    async def run(self) -> None:
        """One pass for the model."""
        await self._reconcile(self.key)

    async def go_on(self) -> None:
        """A pass that sees all there is."""
        await self.look()
        await self.run()

    async def run_gateway(self) -> Outcome:
        """One pass for the gateway of the model's namespace."""
        return await self._make_gateway(Key(self.key.namespace, GATEWAY))

    async def run_both(self) -> None:
        """A pass for the gateway and one for the model, that see all there is."""
        await self.look()
        await self.run_gateway()
        await self.run()

    def restart(self, rendering: Rendering) -> None:
        """Another version of the operator, with nothing in mind."""
        self.stop()
        self.store, self.rendering = Store(), rendering
        self._start()

    def stop(self) -> None:
        """Ask nobody any more."""
        self.gateways.polling.stop()

    def remembered(self) -> list[Key]:
        """Of whom something is kept in mind; a leak shows nowhere else."""
        return list(self._reconcile._memories)

    def _start(self) -> None:
        self.gateways = Gateways(self.store, WorkQueue[Key](), self.probe, now=_now)
        self.followers = Followers(self.store, WorkQueue[Key]())
        self._reconcile = Reconciler(
            client=self.client,
            store=self.store,
            recorder=Recorder(self.client),
            prober=Prober(wake=lambda _: None, clock=asyncio.get_running_loop().time),
            inquiry=Inquiry(self.client, self.store),
            gateways=self.gateways,
            queries=Queries(None, lambda *_: None, _now, asyncio.get_running_loop().time),
            followers=self.followers,
            scaler=Scaler(
                self.gateways.arrivals,
                self.gateways.polling.asked,
                Servers(TritonProbe(), asyncio.get_running_loop().time),
                lambda _: None,
                asyncio.get_running_loop().time,
                _now,
            ),
            fetches=Fetches(wake=lambda _: None, clock=asyncio.get_running_loop().time),
            rendering=self.rendering,
            proven=lambda: self.leads,
            now=_now,
        )
        self._make_gateway = GatewayPass(
            client=self.client,
            store=self.store,
            gateways=self.gateways,
            rendering=self.rendering,
            operator=self.key.namespace,
            proven=lambda: self.leads,
            now=_now,
        )


async def serve(passes: Passes, models: Models, revision: int = 1) -> None:
    """Go on until a revision serves, and nothing is under way."""

    async def served() -> object:
        await passes.run_both()
        status = await models.status()
        at_rest = condition(status, "Reconciling").get("status") == "False"
        return status["stable"]["revision"] if at_rest and "stable" in status else None

    await wait_for(served, 30, f"revision {revision} serves", until=lambda seen: seen == revision)
    await passes.go_on()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
