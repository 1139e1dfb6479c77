"""That what a person asked for has changed nothing: told, since it is noted as done all the same."""

from collections.abc import Iterator

from tritium.api.status import ModelDeploymentStatus
from tritium.core.actions import ABORT, RETRY
from tritium.core.ledger import Ledger
from tritium.core.plan import Course, Notice
from tritium.core.reasons import Reason
from tritium.core.wish import Wish


def in_vain(wish: Wish, before: Ledger, course: Course, status: ModelDeploymentStatus) -> Iterator[Notice]:
    """The Event of an action that was taken up in this pass and had no effect.

    Args:
        wish: what is asked for.
        before: what was decided before this pass.
        course: what this pass has decided.
        status: what is written of it.
    """
    action, after = course.ledger.action, course.ledger
    if action is None or action == before.action:
        return
    pinned = wish.pin is not None and action.verb in {ABORT, RETRY}
    if _decisions(before) != _decisions(after) or (action.verb == RETRY and not pinned):
        return  # a retry has listed the source
    why = f"pinRevision names revision {wish.pin}" if pinned else f"the rollout is {_standing(course, status)}"
    yield Notice("Warning", Reason.ACTION_WITHOUT_EFFECT, f"the action {action.verb} has no effect: {why}")


def _standing(course: Course, status: ModelDeploymentStatus) -> str:
    candidate = f", revision {course.candidate.number}" if course.candidate else ""
    return f"{course.phase} ({status.reason}){candidate}"


def _decisions(ledger: Ledger) -> tuple[object, ...]:
    """What an action can change."""
    progress = ledger.progress
    of_progress = (
        (progress.revision, progress.step, progress.paused, progress.by_hand, progress.judged_since) if progress else ()
    )
    return ledger.stable, ledger.rejected, ledger.ended, *of_progress
