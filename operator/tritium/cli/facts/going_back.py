"""Which revision `undo` goes back to."""

from dataclasses import dataclass
from typing import Any, Final

from tritium.api.status import Phase, RejectedRevision, RevisionStatus
from tritium.cli.complaints import Complaint, not_kept
from tritium.cli.facts.model import ModelFacts
from tritium.core.reasons import Reason

_ON_PURPOSE: Final = frozenset({Reason.PINNED, Reason.ROLLED_BACK, "SpecChanged"})
"""Why requests went back with nobody's having found anything wrong."""


@dataclass(frozen=True, slots=True)
class GoingBack:
    """A change of `spec.pinRevision`.

    Attributes:
        left: the revision that is turned away from; None if it is the one that is pinned.
        to: the revision that is pinned.
        was: the pin before.
        again: the revision that somebody who wants this undone goes back to: what is left, or where that was turned
            down or has not taken over, what served last; None if there is none.
        despite: why the revision that is pinned had been turned down, if it had.
    """

    left: int | None
    to: int
    was: int | None
    again: int | None = None
    despite: RejectedRevision | None = None

    def patch(self) -> dict[str, Any]:
        """The merge patch."""
        return {"spec": {"pinRevision": self.to}}


def served_before(facts: ModelFacts) -> int | None:
    """The revision that served last before the stable one, if it is kept, whatever became of it."""
    return _newest(_served(facts))


def previous(facts: ModelFacts) -> int | None:
    """The same of those that were not turned down: what somebody may be led back to."""
    return _newest([each for each in _served(facts) if facts.rejection(each.revision) is None])


def going_back(facts: ModelFacts, to: int | None) -> GoingBack:
    """What `undo` does: back to that revision, else to what served before the newest change.

    While a rollout is under way the newest change is the candidate, and what served before is the stable revision. What
    was turned down is not gone back to, and what serves beside it is not left, unless a revision is named.

    Raises:
        Complaint: there is nothing to go back to, or to undo, or the revision is not kept.
    """
    stable, candidate = facts.status.stable, facts.status.candidate
    kept = [each.revision for each in facts.status.revisions or ()]
    now = candidate.revision if candidate else stable.revision if stable else None
    if to is None:
        _see_that_it_serves(facts)
        to = _way_back(facts)
    if to is None:
        raise Complaint(f"{facts.name} has nothing to go back to: {_why_not(facts, now)}")
    if to not in kept:
        raise not_kept(facts.name, to, kept)
    left = None if now == to else now
    return GoingBack(left, to, facts.pin, _again(facts, left, to), facts.rejection(to))


def _again(facts: ModelFacts, left: int | None, to: int) -> int | None:
    """What was let go beside a revision that is turned down, or sent back, is not what anybody should be led to."""
    serves = facts.status.stable.revision if facts.status.stable else None
    found = (left, serves, previous(facts))
    return next((each for each in found if each not in {None, to} and not _is_bad(facts, each)), None) if left else None


def _is_bad(facts: ModelFacts, number: int | None) -> bool:
    """Whether it was turned down; a pin lifts that, and the last time that requests went back from it is known."""
    back = facts.status.last_rollback
    sent_back = back is not None and back.from_revision == number and back.reason not in _ON_PURPOSE
    return number is not None and (facts.rejection(number) is not None or sent_back)


def _see_that_it_serves(facts: ModelFacts) -> None:
    """Nobody who wants to be rid of the newest change is to lose what serves well.

    Raises:
        Complaint: the newest change was turned down, and is out already.
    """
    stable, rejected = facts.status.stable, facts.status.rejected_revisions
    if facts.status.phase is not Phase.ABORTED or not facts.up_to_date or stable is None:
        return
    newest = rejected[-1] if rejected else None
    which = f"revision {newest.revision} was turned down ({newest.reason}) and" if newest else "the newest change"
    raise Complaint(
        f"{facts.name} has nothing to undo: {which} is out already, and revision {stable.revision} serves. To leave "
        "that one, or to have another, name it: --to REV"
    )


def _way_back(facts: ModelFacts) -> int | None:
    stable, candidate = facts.status.stable, facts.candidate
    if stable is None or candidate is None:
        return previous(facts)
    if facts.pin == candidate.revision and facts.rejection(stable.revision):
        return candidate.revision  # on its way already: who says it twice does not want it taken back
    return stable.revision


def _why_not(facts: ModelFacts, now: int | None) -> str:
    before = served_before(facts)
    rejection = facts.rejection(before) if before else None
    if rejection:
        named = f"name it (--to {before}) to have it all the same"
        return f"revision {before}, which served before, was turned down ({rejection.reason}); {named}"
    return f"{f'only revision {now} has ever served' if now else 'nothing has served yet'}; see the history"


def _served(facts: ModelFacts) -> list[RevisionStatus]:
    stable = facts.status.stable.revision if facts.status.stable else None
    return [each for each in facts.status.revisions or () if each.demoted_at and each.revision != stable]


def _newest(served: list[RevisionStatus]) -> int | None:
    latest = max(served, key=lambda each: (each.demoted_at, each.revision), default=None)
    return latest.revision if latest else None
