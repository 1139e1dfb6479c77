"""What there is before an event: the phases of the first table of `docs/architecture.md`."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tests.unit.core.seeing import (
    BROKEN,
    NO_IMAGE,
    NOW,
    STARTING,
    Gateway,
    decide,
    deployments,
    following,
    pod,
    pods,
    revision,
    service,
    serving,
    status_of,
    wish,
)
from tritium.api.status import ModelDeploymentStatus
from tritium.core.plan import Plan
from tritium.core.seen import PodSeen, Seen
from tritium.core.wish import Wish

ONE, TWO, THREE = revision(1), revision(2, "b"), revision(3, "c")


@dataclass(frozen=True)
class Situation:
    """What there is before an event."""

    asks: Wish
    status: ModelDeploymentStatus
    sees: Seen
    now: datetime = NOW
    gateway: Gateway = following

    def with_pods(self, *replaced: PodSeen) -> "Situation":
        """Other pods of those revisions, with the others as they were."""
        theirs = {each.revision for each in replaced}
        others = tuple(each for each in self.sees.pods if each.revision not in theirs)
        return self.but(pods=(*others, *replaced))

    def but(self, **seen: Any) -> "Situation":
        return replace(self, sees=replace(self.sees, **seen))

    def asking(self, **wanted: Any) -> "Situation":
        return replace(self, asks=replace(self.asks, **wanted))

    def through(self, gateway: Gateway) -> "Situation":
        """Where not all is well with the gateway."""
        return replace(self, gateway=gateway)

    def later(self) -> "Situation":
        """After the pass that this calls for: the status is written, and the gateway has read it."""
        return replace(self, status=self.decided().status)

    def decided(self) -> Plan:
        return decide(self.asks, self.status, self.sees, self.now, self.gateway)


def settled(asks: Wish, sees: Seen, before: ModelDeploymentStatus | None = None) -> Situation:
    return Situation(asks, decide(asks, before or ModelDeploymentStatus(), sees, NOW).status, sees)


SERVES = status_of(wish(), serving(ONE, TWO))
BOTH = serving(ONE, TWO, deployments=deployments(a=1, b=1))


def upgrading(candidate: PodSeen) -> Seen:
    return replace(BOTH, pods=(*pods(ONE), candidate))


FIRST = Seen((TWO,), deployments(b=1), (pod("p", TWO, STARTING),))
PHASES = {
    "Initial": settled(wish("b"), FIRST),
    "Idle": settled(wish(), serving(ONE, TWO)),
    "Preparing": settled(wish("b"), upgrading(pod("p", TWO, STARTING)), SERVES),
    "Blocked": settled(wish("b"), upgrading(pod("p", TWO, NO_IMAGE)), SERVES),
    "Promoting": settled(wish("b"), upgrading(pod("p", TWO)), SERVES).but(service=service(TWO)),
    "Aborted": settled(wish("b"), upgrading(pod("p", TWO, BROKEN)), SERVES),
}
