"""Hears at once who waits for a model that sleeps: each pod of its gateway is asked, and answers when somebody comes.

Only where a model sleeps. What is heard is a state and no message: whoever asks anew, such as another operator, is told
of all that are waited for.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from tritium.api.gateway import HELD_FOR, HELD_PATH, Held, HeldReport
from tritium.kube.store import Key
from tritium.loop.polling import Target
from tritium.probes.gateway import GatewayProbe, Unanswered, read

log = logging.getLogger(__name__)

EVERY: Final = 0.5
"""Seconds between two looks at who sleeps."""
AGAIN: Final = 1.0
"""Seconds until a pod that did not answer is asked again."""
LATE: Final = 5.0
"""Seconds after which an answer that should have come is waited for no more."""


@dataclass(slots=True)
class Waits:
    """See the module.

    Attributes:
        probe: asks one pod.
        sleeps: namespaces in which a model sleeps.
        pods: of the gateway of a namespace.
        told: called with each that is waited for.
    """

    probe: GatewayProbe
    sleeps: Callable[[], Iterable[str]]
    pods: Callable[[str], Collection[Target]]
    told: Callable[[Key, Held], None]
    _tasks: dict[Target, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Ask, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._follow(group)
                await asyncio.sleep(EVERY)

    def _follow(self, group: asyncio.TaskGroup) -> None:
        wanted = {pod for namespace in self.sleeps() for pod in self.pods(namespace)}
        for pod in self._tasks.keys() - wanted:
            self._tasks.pop(pod).cancel()
        for pod in wanted - self._tasks.keys():
            self._tasks[pod] = group.create_task(self._ask(pod))

    async def _ask(self, pod: Target) -> None:
        known = ""
        while True:
            try:
                answer = await self.probe.ask(pod.ip, HELD_PATH, {"known": known}, within=HELD_FOR + LATE)
                report = read(HeldReport, answer)
            except Unanswered as error:
                log.debug("%s: %s", pod.name, error, extra={"key": pod.namespace})
                known = ""
                await asyncio.sleep(AGAIN)
                continue
            known = report.tag
            for each in report.models:
                self.told(Key(pod.namespace, each.name), each)
