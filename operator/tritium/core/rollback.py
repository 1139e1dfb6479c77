"""When traffic went back, from where, and why: from a revision that had some of it to one that served before.

So it is noted when a candidate that has a share is turned down or left, and when what was stable once is stable again,
whichever of the two is the older. The end of an experiment is none: its arms are compared, and nothing is promoted.
"""

from dataclasses import replace
from datetime import datetime

from tritium.api.status import LastRollback
from tritium.core.bake import is_baking
from tritium.core.ledger import Ledger
from tritium.core.seen import RevisionSeen
from tritium.core.wish import Wish


def turned_down(before: Ledger, after: Ledger, now: datetime) -> Ledger:
    """What is turned down while it has a share of the traffic is rolled back."""
    newest = after.rejected[-1] if after.rejected else None
    if newest is None or before.rejection(newest.revision) or not _share(before, newest.revision):
        return after
    if after.stable is None or newest.revision == after.stable:
        return after  # a pin names another one: that is told when it takes over
    return _noted(after, newest.revision, after.stable, newest.reason, newest.message, now)


def left(wish: Wish, before: Ledger, after: Ledger, candidate: RevisionSeen | None, now: datetime) -> Ledger:
    """A candidate that had a share is one no more, and nobody has turned it down: something else is asked for.

    Args:
        wish: what is asked for.
        before: what was decided before this pass.
        after: what this pass decided.
        candidate: the one of now.
        now: the time.
    """
    progress = before.progress
    if progress is None or is_baking(before) or not _share(before, progress.revision):
        return after
    goes_on = candidate is not None and candidate.number == progress.revision
    is_noted = after.rollback != before.rollback
    if goes_on or is_noted or after.stable is None or after.stable != before.stable:
        return after  # one that became stable in this pass took all of it, and is told of itself
    return _noted(after, progress.revision, after.stable, *_asked(wish, after.stable), now)


def again(wish: Wish, before: Ledger, after: Ledger, now: datetime) -> Ledger:
    """What has become stable in this pass, if it was so before: then the one between them was left."""
    if before.stable is None or after.stable is None or after.stable not in before.promoted:
        return after
    return _noted(after, before.stable, after.stable, *_asked(wish, after.stable), now)


def _asked(wish: Wish, number: int) -> tuple[str, str]:
    """The reason, and the message, of what nobody has turned down."""
    return ("Pinned", f"pinRevision: {number}") if wish.pin == number else ("SpecChanged", "the spec asks for it")


def _share(ledger: Ledger, number: int) -> int:
    told = ledger.traffic.revisions or () if ledger.traffic else ()
    return next((each.weight for each in told if each.revision == number), 0)


def _noted(ledger: Ledger, left: int, to: int, reason: str, message: str | None, now: datetime) -> Ledger:  # noqa: PLR0913, PLR0917
    back = LastRollback(from_revision=left, to_revision=to, reason=reason, message=message, at=now)
    return replace(ledger, rollback=back)
