"""Why a Job has no pod. Its status does not say; only the Events of the job controller do."""

import logging
from dataclasses import dataclass, field
from typing import Any

from tritium.core.diagnosis import job_refusal
from tritium.core.seen import Trouble
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.errors import ApiError
from tritium.kube.store import Key, Store
from tritium.loop.observe import jobs_without_pods

log = logging.getLogger(__name__)
Object = dict[str, Any]


@dataclass(slots=True)
class Inquiry:
    """Asks for the Events of Jobs that have no pod.

    Attributes:
        every: seconds between two questions about one Job.
    """

    client: Client
    store: Store
    every: float = 5.0
    _known: dict[Key, dict[str, Trouble | None]] = field(default_factory=dict)
    """By the uid of each Job that has no pod: why, where that is known."""

    def answers(self, key: Key) -> dict[str, Trouble]:
        """By the Job's uid, why it has no pod, where that is known."""
        return {uid: trouble for uid, trouble in self._known.get(key, {}).items() if trouble}

    def forget(self, key: Key) -> None:
        """The ModelDeployment is gone."""
        self._known.pop(key, None)

    async def why_without_pods(self, key: Key, owner: str) -> bool:
        """Ask where it is due; True if there is a Job without a pod, so that one should look again."""
        before = self._known.pop(key, {})
        jobs = {job["metadata"]["uid"]: job for job in jobs_without_pods(self.store, key, owner)}
        if jobs:
            self._known[key] = {uid: before.get(uid) for uid in jobs}
        # A Job that was just made has no pod yet: the second look asks.
        for uid in jobs.keys() & before.keys():
            self._known[key][uid] = await self._refusal(key, jobs[uid]) or before[uid]
        return bool(jobs)

    async def _refusal(self, key: Key, job: Object) -> Trouble | None:
        """What its Events say. Not to be told why must keep nothing else from being done."""
        selector = f"involvedObject.uid={job['metadata']['uid']},reason=FailedCreate"
        try:
            events, _ = await self.client.list(kinds.EVENTS, key.namespace, field_selector=selector)
        except ApiError as error:
            extra = {"key": f"{key.namespace}/{key.name}"}
            log.warning("why Job %s has no pod is not known: %s", job["metadata"]["name"], error, extra=extra)
            return None
        return job_refusal(job, events)
