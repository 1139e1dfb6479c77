"""A ModelDeployment, read for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tritium.api import names
from tritium.api.conditions import Condition, ConditionType
from tritium.api.gateway import MAX_WEIGHT
from tritium.api.status import CandidateStatus, ModelDeploymentStatus, Phase, RejectedRevision
from tritium.api.traffic_status import MirrorTraffic
from tritium.cli.complaints import Complaint
from tritium.cli.facts.words import printable


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One ModelDeployment.

    Attributes:
        spec: as the API server stores it; a newer version may have members that this one does not know.
        status: empty before the operator's first pass.
    """

    name: str
    namespace: str
    generation: int
    created: datetime
    spec: Mapping[str, Any]
    status: ModelDeploymentStatus

    @property
    def up_to_date(self) -> bool:
        """Whether the status is about the newest spec."""
        return self.status.observed_generation == self.generation

    @property
    def pin(self) -> int | None:
        """The revision that the spec pins."""
        return self.spec.get("pinRevision")

    @property
    def bakes(self) -> bool:
        """Whether what is judged has all of the requests already: the status has it as candidate still."""
        stable, judged = self.status.stable, self.status.candidate
        return bool(stable and judged and stable.revision == judged.revision)

    @property
    def candidate(self) -> CandidateStatus | None:
        """The revision that is being rolled out beside the stable one."""
        return None if self.bakes else self.status.candidate

    @property
    def paused_by_spec(self) -> bool:
        """Whether `rollout.paused` is set: then no action makes the rollout go on by itself."""
        return bool((self.spec.get("rollout") or {}).get("paused"))

    @property
    def held_for_tensors(self) -> bool:
        """Whether the candidate is known to have other tensors, and gets no request for it: also while it is paused."""
        number = self.status.candidate.revision if self.status.candidate else None
        differs = any(each.mismatch for each in self.status.revisions or () if each.revision == number)
        return differs and (self.spec.get("rollout") or {}).get("compatibility") != "Warn"

    @property
    def is_well(self) -> bool:
        """Whether something serves, and nothing is rolled out, held back, turned down, or waited for as arms are."""
        ready, waits = self.condition(ConditionType.READY), self.condition(ConditionType.RECONCILING)
        serves = bool(ready and ready.status == "True")
        return self.status.phase is Phase.IDLE and serves and not (waits and waits.status == "True")

    @property
    def copies(self) -> MirrorTraffic | None:
        """Who gets copies of requests, and of how many."""
        return self.status.traffic.mirror if self.status.traffic else None

    @property
    def experiments(self) -> bool:
        """Whether an experiment runs: the arms of one that is over stay in the status, with their numbers."""
        return bool(self.status.arms) and self.status.experiment_ended is None

    @property
    def experiment_ends(self) -> datetime | None:
        """When the experiment of the spec ends by itself, if it does."""
        at = (self.spec.get("experiment") or {}).get("endsAt")
        return datetime.fromisoformat(at) if at else None

    @property
    def gives_pods_up(self) -> bool:
        """Whether what was stable before has no pods to go back to: they went to its successor."""
        rollout = self.spec.get("rollout") or {}
        return rollout.get("strategy") == "recreate" or rollout.get("capacity") == "replace"

    def runs(self, number: int) -> int | None:
        """Percent of the requests that every gateway pod sends to a revision; None if none has said so yet."""
        observed = self.status.traffic_observed
        if observed is None or not observed.revisions:
            return None
        return sum(each.weight for each in observed.revisions if each.revision == number) * 100 // MAX_WEIGHT

    @property
    def model(self) -> str:
        """Name of the model for its clients."""
        return str(self.spec["model"].get("name") or self.name)

    def condition(self, kind: ConditionType) -> Condition | None:
        """One condition, if it is there."""
        return next((each for each in self.status.conditions or () if each.type is kind), None)

    def had_requests(self, number: int) -> bool:
        """Whether a revision has, or ever had, a share of the requests."""
        now = any(each and each.revision == number and each.weight for each in (self.status.stable, self.candidate))
        kept = (each for each in self.status.revisions or () if each.revision == number)
        return now or any(each.exposed_at or each.promoted_at for each in kept)

    def rejection(self, number: int) -> RejectedRevision | None:
        """Why a revision is not tried again, if that is so."""
        return next((each for each in self.status.rejected_revisions or () if each.revision == number), None)


def read(obj: Mapping[str, Any]) -> ModelFacts:
    """Read a ModelDeployment as the API server stores it.

    Raises:
        Complaint: its status is one of a newer version.

    >>> obj = {"metadata": {"name": "fraud", "namespace": "ml", "generation": 1,
    ...                     "creationTimestamp": "2026-01-01T00:00:00Z"},
    ...        "spec": {"model": {"source": {"uri": "s3://models/fraud/1"}}}}
    >>> read(obj).model, read(obj).up_to_date
    ('fraud', False)
    """
    metadata = obj["metadata"]
    try:
        status = ModelDeploymentStatus.model_validate(printable(obj.get("status") or {}))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        message = (
            f"the status of {names.KIND} {metadata['namespace']}/{metadata['name']} has a {path} that this version "
        )
        raise Complaint(f"{message}does not know: upgrade tritium to the operator's version") from error
    return ModelFacts(
        name=metadata["name"],
        namespace=metadata["namespace"],
        generation=metadata["generation"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        spec=obj["spec"],
        status=status,
    )
