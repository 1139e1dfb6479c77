"""The bake: a revision that has just become stable is judged on, while the one before keeps its pods to go back to.

The same gates look at it, now with all of the traffic. What fails here goes back at once, as far as the pods are still
there that the gateway knows; the rest goes back as they come (`core.retreat`). What a person wanted to be promoted,
whatever the gates say, is not judged any more.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from tritium.api.status import LastRollback
from tritium.core.actions import ABORT, PROMOTE, RESUME, SKIP_STEP, asks, done, without_effect
from tritium.core.canary import Outcome, judged, restarts
from tritium.core.gate import Gate, Verdict
from tritium.core.gates import SHARES
from tritium.core.gateway import reachable
from tritium.core.ledger import Ledger, Progress
from tritium.core.reasons import Reason
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.strategy import strategy
from tritium.core.target import by_number
from tritium.core.wish import Wish


def to_bake(wish: Wish, progress: Progress, candidate: RevisionSeen, seen: Seen, now: datetime) -> Progress | None:
    """What is kept of a rollout whose candidate becomes stable now; None where nobody would go back."""
    if wish.bake_time <= timedelta() or not progress.settings or wish.replaces or wish.recreates:
        return None
    return progress.anew(len(strategy(progress.settings).steps), now, restarts(candidate, seen))


def is_baking(ledger: Ledger) -> bool:
    """Whether the stable revision is still judged."""
    return ledger.progress is not None and ledger.progress.revision == ledger.stable


def compared_with(ledger: Ledger) -> int | None:
    """The revision that the one that is judged is held against."""
    return ledger.before() if is_baking(ledger) else ledger.stable


def bake(wish: Wish, ledger: Ledger, seen: Seen, now: datetime) -> Outcome:
    """One pass of a stable revision that is still judged."""
    progress, stable = ledger.progress, by_number(seen.revisions, ledger.stable)
    back = by_number(seen.revisions, ledger.before())
    if progress is None or stable is None or back is None or _is_over(wish, ledger, now):
        return Outcome(without_effect(wish, replace(ledger, progress=None), now))
    gates = judged(strategy(progress.settings).analysis, progress, stable, seen)
    if asks(wish, ledger, ABORT) and wish.pin != stable.number:
        given_up = done(wish, ledger, now)
        return Outcome(_go_back(given_up, back, Reason.ABORTED_BY_HAND, "a person aborted the rollout", now))
    if any(asks(wish, ledger, verb) for verb in (PROMOTE, RESUME, SKIP_STEP)) or wish.pin == stable.number:
        return Outcome(without_effect(wish, replace(ledger, progress=None), now))
    ledger = without_effect(wish, ledger, now)
    failed = next((each for each in gates if each.verdict is Verdict.FAIL and _is_known(each)), None)
    if failed is None:
        return Outcome(ledger, gates)
    if strategy(progress.settings).pauses_on_failure or not reachable(back, seen):
        return Outcome(replace(ledger, progress=progress.pause(Reason.GATE_FAILED, now, failed.message)), gates)
    return Outcome(_go_back(ledger, back, Reason.BAKE_FAILED, failed.message, now))


def _is_over(wish: Wish, ledger: Ledger, now: datetime) -> bool:
    since = ledger.promoted.get(ledger.stable or 0)
    waits = ledger.progress is not None and ledger.progress.paused is not None
    return since is None or (now >= since + wish.bake_time and not waits)


def _is_known(gate: Gate) -> bool:
    """Whether a gate may take the traffic back: not by a limit alone, when nobody knows what the one before did.

    A process that has taken over knows nothing of it, and where both fail as much nothing is won by going back.
    """
    return gate.name not in SHARES or gate.stable_share is not None


def _go_back(ledger: Ledger, back: RevisionSeen, reason: str, message: str, now: datetime) -> Ledger:
    """The one before is stable again; the one that failed is as if it had never been, but for its share."""
    failed = ledger.stable or 0
    return replace(
        ledger.reject(failed, reason, message, now).promote(back.number, now).unproven(failed, now),
        progress=None,
        rollback=LastRollback(from_revision=failed, to_revision=back.number, reason=reason, message=message, at=now),
    )
