"""Whether clients are served all the time, however the gateway's pods lag behind what they are told."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.controlplane.operating.harness import MDEP, condition
from tests.controlplane.operating.looking import PODS, SERVICES, leading
from tritium.api import names
from tritium.api.gateway import GatewayReport

if TYPE_CHECKING:
    from typing import Self

    from tests.controlplane.api import Object
    from tests.controlplane.gateways import Agent, Gateways
    from tests.controlplane.operating.harness import Models

LATE = 1.5
"""Seconds that a gateway pod stays behind: longer than the models of a story keep the pods of a predecessor."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Where the requests for a model go.

    Attributes:
        told: the revision that the gateway is told, eight characters.
        runs: those that any of its pods sends requests to.
    """

    told: str
    runs: frozenset[str]


class Served:
    """Looks all the time whether clients of each model reach a pod that is ready, by whatever gateway pod.

    One of these pods or another is late all the time.
    """

    def __init__(self, models: Models, gateways: Gateways) -> None:
        self._models = models
        self._gateways = gateways
        self._enough = asyncio.Event()
        self.looks = 0
        self.told: dict[str, list[str]] = {}
        """By model, the revisions that the gateway was told to send requests to, in order."""
        self.behind = 0
        """How often a gateway pod was seen to send requests to another revision than it was told."""

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._look_on()), asyncio.create_task(self._be_late())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._enough.set()  # no cancellation: httpx would leave a connection behind that it is about to set up
        await asyncio.gather(*self._tasks)
        assert self.looks > 5, f"it looked {self.looks} times only"

    async def _look_on(self) -> None:
        while not self._enough.is_set():
            before = await self._sent_to()
            pods = await self._models.api.list(PODS, self._models.namespace)
            ready = {_place(pod["metadata"]["labels"]) for pod in pods if _is_ready(pod)}
            after = await self._sent_to()
            for name, sent in before.items():
                if after.get(name) == sent:  # otherwise the pods may be older than what they are held against
                    for revision in {sent.told, *sent.runs}:
                        assert (name, revision) in ready, f"clients of {name} reach nobody: {sent}"
                    self.behind += bool(sent.runs - {sent.told})
                    seen = self.told.setdefault(name, [])
                    if seen[-1:] != [sent.told]:
                        seen.append(sent.told)
            self.looks += 1
            await asyncio.sleep(0.25)

    async def _sent_to(self) -> dict[str, Sent]:
        """Of the models that are addressed."""
        models, services = await asyncio.gather(
            self._models.api.list(MDEP, self._models.namespace), self._models.api.list(SERVICES, self._models.namespace)
        )
        led = {each["metadata"]["name"] for each in services}
        reports = [GatewayReport.model_validate_json(each.report()) for each in self._agents()]
        runs = {
            (each.name, revision.revision)
            for report in reports
            for each in report.models
            for revision in each.revisions
            if revision.weight
        }
        found: dict[str, Sent] = {}
        for each in models:
            name, status = each["metadata"]["name"], each.get("status") or {}
            if name in led and "traffic" in status:
                hashes = {revision["revision"]: revision["name"][-8:] for revision in status["revisions"]}
                numbers = (number for of, number in runs if of == name)
                found[name] = Sent(leading(status)[-8:], frozenset(hashes.get(number, "unknown") for number in numbers))
        return found

    def _agents(self) -> list[Agent]:
        return self._gateways.of(self._models.namespace)

    async def _be_late(self) -> None:
        for turn in itertools.count():
            agents = self._agents()
            late = agents[turn % 2 : turn % 2 + 1]
            for each in late:
                each.stays_behind()
            await asyncio.sleep(LATE)
            for each in late:
                each.follows()
            if self._enough.is_set():
                return


def _place(labels: dict[str, str]) -> tuple[str, str]:
    return labels.get(names.OWNER, ""), labels.get(names.REVISION, "")


def _is_ready(pod: Object) -> bool:
    return (
        condition(pod.get("status", {}), "Ready").get("status") == "True" and "deletionTimestamp" not in pod["metadata"]
    )
