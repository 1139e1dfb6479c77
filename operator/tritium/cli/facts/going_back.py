"""Which revision `undo` goes back to."""

from dataclasses import dataclass
from typing import Any

from tritium.cli.complaints import Complaint, not_kept
from tritium.cli.facts.model import ModelFacts


@dataclass(frozen=True, slots=True)
class GoingBack:
    """A change of `spec.pinRevision`.

    Attributes:
        left: the revision that is turned away from; None if it is the one that is pinned.
        to: the revision that is pinned.
        was: the pin before.
    """

    left: int | None
    to: int
    was: int | None

    def patch(self) -> dict[str, Any]:
        """The merge patch."""
        return {"spec": {"pinRevision": self.to}}


def previous(facts: ModelFacts) -> int | None:
    """The revision that served last before the stable one, if it is kept."""
    stable = facts.status.stable.revision if facts.status.stable else None
    served = [each for each in facts.status.revisions or () if each.demoted_at and each.revision != stable]
    latest = max(served, key=lambda each: (each.demoted_at, each.revision), default=None)
    return latest.revision if latest else None


def going_back(facts: ModelFacts, to: int | None) -> GoingBack:
    """What `undo` does: back to that revision, else to what served before the newest change.

    While a rollout is under way the newest change is the candidate, and what served before is the stable revision.

    Raises:
        Complaint: there is nothing to go back to, or the revision is not kept.
    """
    stable, candidate = facts.status.stable, facts.status.candidate
    kept = [each.revision for each in facts.status.revisions or ()]
    now = candidate.revision if candidate else stable.revision if stable else None
    if to is None and stable is not None:
        to = stable.revision if candidate and candidate.revision != stable.revision else previous(facts)
    if to is None:
        known = f"only revision {now} has ever served" if now else "nothing has served yet"
        raise Complaint(f"{facts.name} has nothing to go back to: {known}; see the history")
    if to not in kept:
        raise not_kept(facts.name, to, kept)
    return GoingBack(None if now == to else now, to, facts.pin)
