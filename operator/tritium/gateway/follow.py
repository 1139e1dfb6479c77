"""What the agent knows: from the API server, and before that has told everything, from the disk."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from tritium.api import names
from tritium.gateway.facts import Facts, ModelFacts, SliceFacts, kept, model_facts, slice_facts
from tritium.kube.client import Client
from tritium.kube.kinds import ENDPOINT_SLICES, MODEL_DEPLOYMENTS
from tritium.kube.reflector import Identity, Reflector

log = logging.getLogger(__name__)

REVISIONS: Final = f"{names.MANAGED_BY}={names.FIELD_MANAGER},{names.REVISION}"
"""Selects the EndpointSlices of revisions: Kubernetes gives them the labels of their Service."""


class Following:
    """Follows the ModelDeployments and EndpointSlices of one namespace.

    Args:
        start: what the disk has.
        changed: called when `facts` may have changed.
    """

    def __init__(self, client: Client, namespace: str, start: Facts | None, changed: Callable[[], None]) -> None:
        self._start = start
        self._changed = changed
        self._was_synced = False
        self._models = Models(start.models if start else {}, self._tell)
        self._slices = Slices(self._tell)
        self._reading_models = Reflector(client, MODEL_DEPLOYMENTS, namespace, take=model_facts, follower=self._models)
        self._reading_slices = Reflector(
            client, ENDPOINT_SLICES, namespace, take=slice_facts, follower=self._slices, label_selector=REVISIONS
        )

    @property
    def synced(self) -> bool:
        """Whether the API server has told everything since the agent started."""
        return self._models.complete and self._slices.complete

    @property
    def facts(self) -> Facts | None:
        """What is known; None before anything is. What the disk has stands as a whole until all is listed."""
        return Facts(dict(self._models.known), dict(self._slices.known)) if self.synced else self._start

    def ages(self) -> dict[str, float]:
        """By plural: seconds since the API server last told anything; without those of which it has told nothing."""
        heard = {
            MODEL_DEPLOYMENTS.plural: self._reading_models.heard,
            ENDPOINT_SLICES.plural: self._reading_slices.heard,
        }
        now = time.monotonic()
        return {plural: now - when for plural, when in heard.items() if when is not None}

    def _tell(self) -> None:
        if self.synced and not self._was_synced:
            self._was_synced = True
            counts = len(self._models.known), len(self._slices.known)
            log.info("synced: the API server has told of %d ModelDeployments and %d EndpointSlices", *counts)
        self._changed()

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reading_models.run())
            group.create_task(self._reading_slices.run())


class Models:
    """The ModelDeployments: their last traffic stays until there is another one, or they are gone."""

    def __init__(self, start: Mapping[str, ModelFacts], changed: Callable[[], None]) -> None:
        self.known = dict(start)
        self.complete = False
        self._changed = changed

    def listed(self, all_there_is: list[ModelFacts]) -> None:
        """Everything, as of now."""
        self.known = {one.name: self._learnt(one) for one in all_there_is}
        self.complete = True
        self._changed()

    def changed(self, one: ModelFacts) -> None:
        """One that is new or another than before."""
        before, after = self.known.get(one.name), self._learnt(one)
        self.known[one.name] = after
        if before != after:
            self._changed()

    def gone(self, one: Identity) -> None:
        """One is deleted."""
        if (known := self.known.get(one.name)) and known.uid == one.uid:
            del self.known[one.name]
            self._changed()

    def _learnt(self, one: ModelFacts) -> ModelFacts:
        before = self.known.get(one.name)
        if one.trouble and (before is None or before.trouble != one.trouble):
            log.error(
                "status.traffic of %s is not understood, so what was known of it stays: %s", one.name, one.trouble
            )
        return kept(before, one)


class Slices:
    """The EndpointSlices."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.known: dict[str, SliceFacts] = {}
        self.complete = False
        self._changed = changed

    def listed(self, all_there_is: list[SliceFacts]) -> None:
        """Everything, as of now."""
        self.known = {one.name: one for one in all_there_is}
        self.complete = True
        self._changed()

    def changed(self, one: SliceFacts) -> None:
        """One that is new or another than before."""
        if self.known.get(one.name) != one:
            self.known[one.name] = one
            self._changed()

    def gone(self, one: Identity) -> None:
        """One is deleted."""
        if (known := self.known.get(one.name)) and known.uid == one.uid:
            del self.known[one.name]
            self._changed()
