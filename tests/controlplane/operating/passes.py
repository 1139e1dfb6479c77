"""Single passes against a real API server, at moments that a running operator meets once in a thousand times.

The passes run in the test's process, and the watches are the test's: what it does not look at is an old picture.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.controlplane.operating.harness import Models
from tests.controlplane.waiting import wait_for
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.events import Recorder
from tritium.kube.store import Key, Store
from tritium.kube.sweep import sweep
from tritium.loop.inquiry import Inquiry
from tritium.loop.prober import Prober
from tritium.loop.reconcile import Reconciler
from tritium.resources.rendering import Rendering

if TYPE_CHECKING:
    pass


RENDERING = Rendering(fetch_image="tritium.dev/operator:1", triton_image="tritium.dev/triton:26.07")
NEXT = "s3://models/fraud/2"


@dataclass
class Passes:
    """An operator without watches and without a Lease of its own.

    Attributes:
        leads: whether it can prove its Lease.
    """

    client: Client
    key: Key
    store: Store = field(default_factory=Store)
    leads: bool = True
    rendering: Rendering = RENDERING

    def __post_init__(self) -> None:
        self._reconcile = self._started()

    async def look(self) -> None:
        """See all there is."""
        await sweep(self.client, self.store, kinds.WATCHED)

    async def run(self) -> None:
        """One pass for the model."""
        await self._reconcile(self.key)

    async def go_on(self) -> None:
        """A pass that sees all there is."""
        await self.look()
        await self.run()

    def restart(self, rendering: Rendering) -> None:
        """Another version of the operator, with nothing in mind."""
        self.store, self.rendering = Store(), rendering
        self._reconcile = self._started()

    def remembered(self) -> list[Key]:
        """Of whom something is kept in mind; a leak shows nowhere else."""
        return list(self._reconcile._memories)

    def _started(self) -> Reconciler:
        return Reconciler(
            client=self.client,
            store=self.store,
            recorder=Recorder(self.client),
            prober=Prober(wake=lambda _: None, clock=asyncio.get_running_loop().time),
            inquiry=Inquiry(self.client, self.store),
            rendering=self.rendering,
            proven=lambda: self.leads,
            now=lambda: datetime.now(UTC).replace(microsecond=0),
        )


async def serve(passes: Passes, models: Models, revision: int = 1) -> None:
    """Go on until a revision serves."""

    async def served() -> object:
        await passes.go_on()
        return ((await models.status()).get("stable") or {}).get("revision")

    await wait_for(served, 30, f"revision {revision} serves", until=lambda seen: seen == revision)
    await passes.go_on()
