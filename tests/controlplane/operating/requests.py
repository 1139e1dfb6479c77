"""Requests as the gateway's pods count them: spread by the weights that they run, and failing as a test says."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tritium.api.gateway import MAX_WEIGHT, GatewayCounters, RevisionCounters

if TYPE_CHECKING:
    from tests.controlplane.gateways import Agent, Gateways

EVERY = 0.1
EACH = 20
"""Seconds between two bursts, and requests in each of them, through each gateway pod."""


@dataclass(eq=False)
class Requests:
    """An async context manager: requests come as long as it is open.

    Attributes:
        fails: by the number of a revision: one of so many requests fails; none of a revision that is not there.
        counted: by gateway pod and revision: all of them, and those that failed.
    """

    gateways: Gateways
    namespace: str
    fails: dict[int, int] = field(default_factory=dict)
    counted: dict[str, Counter[tuple[int, bool]]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._go_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def of(self, revision: int) -> int:
        """All that came to a revision."""
        return sum(each[revision, bad] for each in self.counted.values() for bad in (False, True))

    async def _go_on(self) -> None:
        while True:
            for agent in self.gateways.of(self.namespace):
                self._burst(agent)
            await asyncio.sleep(EVERY)

    def _burst(self, agent: Agent) -> None:
        model = agent.world.report().get("fraud")
        counted = self.counted.setdefault(agent.pod, Counter())
        for share in model.revisions if model else ():
            for _ in range(EACH * share.weight // MAX_WEIGHT):
                number = counted[share.revision, False] + counted[share.revision, True]
                one_of = self.fails.get(share.revision, 0)
                counted[share.revision, bool(one_of) and number % one_of == 0] += 1
        revisions = sorted({revision for revision, _ in counted})
        agent.counters = GatewayCounters(models=[], revisions=[_counters(each, counted) for each in revisions])


def _counters(revision: int, counted: Counter[tuple[int, bool]]) -> RevisionCounters:
    good, bad = counted[revision, False], counted[revision, True]
    return RevisionCounters(
        name="fraud",
        revision=revision,
        codes={"200": good, "500": bad},
        grpc={},
        buckets=[(5.0, good + bad)],
        latency_sum_ms=1.0,
        active=0,
        none_healthy=0,
        overflow=0,
        retries=0,
    )
