"""What is said of a rollout in steps: where it stands, what it waits for, and what a person can do."""

from collections.abc import Mapping, Sequence
from typing import Final

from tritium.api import names
from tritium.api.gateway import MAX_WEIGHT
from tritium.core.actions import ABORT, PROMOTE, RESUME, SKIP_STEP
from tritium.core.bake import is_baking
from tritium.core.experiment import is_over
from tritium.core.exposure import exposed
from tritium.core.ledger import Progress
from tritium.core.plan import Course, View
from tritium.core.preview import preview_url
from tritium.core.reasons import Reason
from tritium.core.retreat import retreating
from tritium.core.seen import RevisionSeen
from tritium.core.strategy import strategy
from tritium.core.wish import Wish

NEEDS_A_PERSON: Final = frozenset({Reason.GATE_FAILED, Reason.INSUFFICIENT_DATA, Reason.DEADLINE})
"""Pauses that nobody has asked for."""


def waits_for(view: View) -> str | None:
    """Why the rollout is paused, in one word; None if it is not."""
    progress = view.course.ledger.progress
    if view.course.candidate is None and not is_baking(view.course.ledger):
        return None
    if progress and progress.paused:
        return progress.paused.reason
    return Reason.PAUSED_BY_HAND if view.wish.paused and view.course.candidate else None


def led_to(course: Course) -> str:
    """Which revisions the gateway is told to send requests to, without their shares: these are no news each time."""
    told, stable = course.ledger.traffic, course.ledger.stable
    parts, goes = (told.revisions or () if told else ()), retreating(course)
    shares = {each.revision for each in parts if each.weight} - goes
    first = [stable] if stable is not None and (goes or stable in shares or not shares) else []
    words = _revisions([*first, *sorted(shares - {stable})])
    headed = sorted({each.revision for each in parts if each.matches} - shares)
    by_header = f", by a header to {_revisions(headed)}" if headed else ""
    copies = f", and copies to {_revisions([told.mirror.revision])}" if told and told.mirror else ""
    besides = "".join(f", and to revision {each} until that has its pods" for each in sorted(goes))
    return f"{words}{by_header}{besides}{copies}"


def _revisions(numbers: Sequence[int | None]) -> str:
    """Their names.

    >>> _revisions([1]), _revisions([3, 1]), _revisions([2, 3, 1])
    ('revision 1', 'revisions 3 and 1', 'revisions 2, 3 and 1')
    """
    *others, last = numbers
    listed = ", ".join(str(each) for each in others)
    return f"revisions {listed} and {last}" if others else f"revision {last}"


def where(view: View, candidate: RevisionSeen) -> str:
    """Where the rollout of a candidate stands, without a full stop."""
    if view.course.arms:
        return _waits(view.wish, candidate)
    progress, number = view.course.ledger.progress, candidate.number
    part = exposed(view.course.ledger, candidate)
    if _is_looked_at(progress) and not part:
        return f"revision {number} waits for a person, and has none of the traffic"
    if progress is None or not (part or progress.judged_since):
        return f"revision {number} is being made ready"
    percent = f"{100 * part / MAX_WEIGHT:g} %"
    waits = view.wish.experiment and not is_over(view.wish, view.course.ledger)
    besides = "; the experiment waits for it" if waits else ""
    return f"revision {number} has {percent} of the traffic, {_step(progress)}{besides}"


def advice(view: View) -> str:
    """What a paused rollout waits for, as whole sentences; empty if it is not paused."""
    reason = waits_for(view)
    if reason is None:
        return ""
    if view.wish.paused and view.course.candidate:
        return "It is paused by rollout.paused: set it to false to go on."
    progress = view.course.ledger.progress
    said = progress.paused.message if progress and progress.paused else ""
    if _is_looked_at(progress):
        url = preview_url(view.wish, view.course, view.seen)
        look = f"Look at it at {url}: give" if url else "Give"
        return f"{look} it all of the traffic with {_how(PROMOTE)}, or give it up with {_how(ABORT)}."
    return f"{said} {_WAYS.get(reason, _PAUSED)}".lstrip()


def _is_looked_at(progress: Progress | None) -> bool:
    """Whether it waits before it has any of the traffic, and not at the end of its steps."""
    if progress is None or progress.paused is None or progress.paused.reason != Reason.AWAITS_PROMOTION:
        return False
    return strategy(progress.settings).awaits_person


def _how(verb: str) -> str:
    return f"the annotation {names.ACTION}={verb}@1 (another word after @ each time)"


_PAUSED: Final = f"It is paused: go on with {_how(RESUME)}, or roll it back with {_how(ABORT)}."
_WAYS: Final[Mapping[str, str]] = {
    Reason.GATE_FAILED: f"Roll it back with {_how(ABORT)}, or go on with {_how(SKIP_STEP)}.",
    Reason.INSUFFICIENT_DATA: f"Go on all the same with {_how(SKIP_STEP)}, or wait once more with {_how(RESUME)}.",
    Reason.DEADLINE: f"Wait once more with {_how(RESUME)}, or give it up with {_how(ABORT)}.",
    Reason.AWAITS_PROMOTION: f"Finish with {_how(PROMOTE)}, or roll back with {_how(ABORT)}.",
}
"""What a person can do about a pause, by its reason."""


def _waits(wish: Wish, candidate: RevisionSeen) -> str:
    """Why a revision gets no requests while an experiment runs, and what ends that."""
    at = wish.experiment.ends_at if wish.experiment else None
    by_itself = f"at {at:%Y-%m-%d %H:%M %Z}, " if at else ""
    ends = f"{by_itself}when spec.experiment is removed, or with {_how(ABORT)}"
    return f"revision {candidate.number} waits for the experiment, which ends {ends}"


def _step(progress: Progress) -> str:
    """Steps are those with a weight: a pause is a place between two of them."""
    steps = strategy(progress.settings).steps
    if progress.by_hand:
        return "and gets the rest as soon as all its pods are ready"
    if not steps:
        return "and gets it pod by pod"
    if progress.step >= len(steps):
        return "and all steps have passed"
    weighted = [each.weight is not None for each in steps]
    number = sum(weighted[: progress.step + 1])
    return f"step {number} of {sum(weighted)}" if number else f"before step 1 of {sum(weighted)}"
