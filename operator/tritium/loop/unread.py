"""What is done for a ModelDeployment whose spec cannot be followed: nothing, but for one that sleeps and is called.

What runs is not touched until the spec is mended. Of one that sleeps nothing runs, and nobody would be served until
then.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from tritium.api.status import ModelDeploymentStatus
from tritium.core.scaling.sleep import is_called, woken
from tritium.core.scaling.wish import ScalingWish
from tritium.core.seen import Seen
from tritium.core.target import by_number
from tritium.kube import kinds
from tritium.kube.store import Key
from tritium.loop.scaler import Scaler, Subject
from tritium.loop.writer import Writer
from tritium.resources.deployment import deployment
from tritium.resources.owner import Owner


@dataclass(frozen=True, slots=True)
class Unread:
    """See the module.

    Attributes:
        key: the ModelDeployment,
        owner: and as an owner of objects.
        status: as it is on the server.
        seen: what is there.
        report: writes a status.
    """

    key: Key
    owner: Owner
    status: ModelDeploymentStatus
    seen: Seen
    scaler: Scaler
    writer: Writer
    report: Callable[[ModelDeploymentStatus], Awaitable[None]]

    async def wake(self, now: datetime) -> None:
        """Have one pod, where somebody waits for one that sleeps; after a process that was killed over it, too."""
        told, stable = self.status.traffic, by_number(self.seen.revisions, _stable(self.status))
        if told is None or told.hold is None or stable is None:
            return
        if told.hold.asleep:
            self.scaler.follow(self.key, self._subject(told.hold.since, stable.model, now))
            if not is_called(told, self.scaler.work(self.key)):
                return
            await self.report(woken(self.status, now))
        self.scaler.forget(self.key)
        if not any(each.replicas for each in self.seen.deployments):
            wanted = deployment(self.owner, hash=stable.hash, replicas=1, template=stable.template)
            await self.writer.ensure(kinds.DEPLOYMENTS, wanted, fenced=True)

    def _subject(self, sleep: int, model: str, now: datetime) -> Subject:
        """Who waits for it is heard; what else its work would ask for is not known."""
        stable = _stable(self.status)
        return Subject(
            uid=self.owner.uid,
            asked=ScalingWish(0, 1, may_sleep=True),
            model=model,
            stable=stable,
            revisions=(stable,) if stable else (),
            servers=(),
            desired=0,
            since=self.status.scaling.changed_at if self.status.scaling else now,
            sleep=sleep,
        )


def _stable(status: ModelDeploymentStatus) -> int | None:
    return status.stable.revision if status.stable else None
