"""One pass for the gateway of a namespace: its anchor, and all that the anchor owns.

It is there for as long as the namespace has ModelDeployments. With the last of them the garbage collector takes it, so
nothing is ever deleted here.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tritium.api import names
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.glance import Glance
from tritium.kube.store import FOLLOWERS, GATEWAY, Key, Store
from tritium.loop.gateway_writer import AnchorWriter, GatewayWriter, NamespaceEnds
from tritium.loop.gateways import Gateways
from tritium.loop.reconcile import Outcome
from tritium.loop.writer import Memory, OwnerGone
from tritium.resources.controller_revision import uses_cache
from tritium.resources.gateway.anchor import anchor
from tritium.resources.gateway.identity import Gateway
from tritium.resources.gateway.network import MODELS, models_policy
from tritium.resources.gateway.objects import gateway_objects
from tritium.resources.owner import Owner
from tritium.resources.rendering import Rendering

log = logging.getLogger(__name__)
Object = dict[str, Any]

LEGACY_EVERY: Final = 30.0
"""Seconds between two looks at Services that still lead to pods, as they did before there was a gateway."""


@dataclass(slots=True)
class GatewayPass:
    """What all passes share.

    Attributes:
        operator: the namespace of the operator's pods.
    """

    client: Client
    store: Store
    gateways: Gateways
    rendering: Rendering
    operator: str
    proven: Callable[[], bool]
    now: Callable[[], datetime]
    _memories: dict[str, Memory] = field(default_factory=dict)

    async def __call__(self, key: Key) -> Outcome:
        """One pass.

        Raises:
            ApiError: the API server did not do what was asked; the pass is to be repeated.
            NotLeading: somebody else may be leading.
        """
        namespace = key.namespace
        self.gateways.look(namespace)
        owners = {name: each for name, each in self.store.namespace_owners(namespace).items() if not each.going}
        if not owners:
            self._forget(namespace)
            return Outcome()
        memory = self._memories.setdefault(namespace, Memory("", self.now))
        try:
            done = await self._make(namespace, owners, memory)
        except OwnerGone:  # nobody has told of it yet
            return Outcome(again=0.0 if self.store.namespace_owners(namespace) else None)
        except NamespaceEnds:
            log.info("nothing is made: the namespace is being deleted", extra={"key": namespace})
            return Outcome()
        finally:
            self.gateways.refused(namespace, memory.refusals)
            self.gateways.look(namespace)
        return Outcome(again=None if done else LEGACY_EVERY, refused=bool(memory.refusals))

    async def _make(self, namespace: str, owners: Mapping[str, Glance], memory: Memory) -> bool:
        """Have all as wanted; False if a part has to wait for what only time tells."""
        holder = await self._anchor(namespace, owners, memory)
        if holder is None:
            return True
        gateway = Gateway.of(holder)
        writer = GatewayWriter(self.client, self.store, holder, memory, self.proven)
        wanted = gateway_objects(gateway, self.rendering, operator=self.operator)
        is_closed = self._may_be_closed(writer, namespace, owners)
        if is_closed:
            wanted.append(models_policy(gateway, operator=self.operator))
        for each in wanted:
            await writer.ensure(kinds.of(each), each)
        return is_closed

    async def _anchor(self, namespace: str, owners: Mapping[str, Glance], memory: Memory) -> Object | None:
        """The anchor as it is on the server; None if it cannot be had."""
        writer = AnchorWriter(self.client, self.store, namespace, owners, memory, self.proven)
        holders = (Owner(namespace, name, each.uid) for name, each in owners.items())
        wanted = anchor(namespace, holders, self.gateways.ports(namespace), self._kept(namespace, owners))
        if await writer.ensure(kinds.CONFIG_MAPS, wanted, fenced=True):
            self.gateways.anchored(namespace)
        return writer.live(kinds.CONFIG_MAPS, names.GATEWAY)

    def _kept(self, namespace: str, owners: Iterable[str]) -> list[str]:
        """The revisions whose pods use a cache."""
        revisions = (
            each for name in owners for each in self.store.children(Key(namespace, name), kinds.CONTROLLER_REVISIONS)
        )
        return [each["metadata"]["name"] for each in revisions if uses_cache(each)]

    def _may_be_closed(self, writer: GatewayWriter, namespace: str, owners: Mapping[str, Glance]) -> bool:
        """Whether the pods of the models can be closed to all but the gateway: no Service leads to them any more."""
        if writer.live(kinds.NETWORK_POLICIES, MODELS):
            return True
        services = (
            (name, each) for name in owners for each in self.store.children(Key(namespace, name), kinds.SERVICES)
        )
        addresses = (each for name, each in services if each["metadata"]["name"] == name)
        return not any(names.REVISION in (each["spec"].get("selector") or {}) for each in addresses)

    def _forget(self, namespace: str) -> None:
        if self._memories.pop(namespace, None):
            self.gateways.refused(namespace, {})
            self.gateways.look(namespace)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Which pass a key is for."""

    model: Callable[[Key], Awaitable[Outcome]]
    gateway: Callable[[Key], Awaitable[Outcome]]
    follow: Callable[[Key], Awaitable[Outcome]]

    def __call__(self, key: Key) -> Awaitable[Outcome]:
        """The pass, to be awaited."""
        passes = {GATEWAY: self.gateway, FOLLOWERS: self.follow}
        return passes.get(key.name, self.model)(key)
