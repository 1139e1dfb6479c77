"""Why a Job has no pod. Its status does not say; only the Events of the job controller do."""

from dataclasses import dataclass, field

from tritium.core.diagnosis import job_refusal
from tritium.core.seen import Trouble
from tritium.kube import kinds
from tritium.kube.client import Client
from tritium.kube.store import Key, Store
from tritium.loop.observe import jobs_without_pods


@dataclass(slots=True)
class Inquiry:
    """Asks for the Events of Jobs that have no pod.

    Attributes:
        every: seconds between two questions about one Job.
        answers: by the Job's uid, why it has no pod, where that is known.
    """

    client: Client
    store: Store
    every: float = 5.0
    answers: dict[str, Trouble] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    async def why_without_pods(self, key: Key, owner: str) -> bool:
        """Ask where it is due; True if there is a Job without a pod, so that one should look again."""
        jobs = jobs_without_pods(self.store, key, owner)
        for job in jobs:
            uid = job["metadata"]["uid"]
            if uid not in self._asked:
                self._asked.add(uid)  # a Job that was just made has no pod yet: the second look asks
                continue
            events, _ = await self.client.list(
                kinds.EVENTS, key.namespace, field_selector=f"involvedObject.uid={uid},reason=FailedCreate"
            )
            if trouble := job_refusal(job, events):
                self.answers[uid] = trouble
        return bool(jobs)
