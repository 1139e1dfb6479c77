"""What the arms of an experiment get: requests, and the pods for them. A weight never exceeds what its pods carry.

What an arm cannot take goes to the stable revision, which keeps all its pods for it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tritium.core.compatibility import admitted, mismatch
from tritium.core.exposure import ALL, exposed, has_failed, is_led, needed, proven, share
from tritium.core.gateway import available
from tritium.core.ledger import Ledger
from tritium.core.lookup import pods_of, trouble_of
from tritium.core.plan import Arm, Course
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import RevisionSeen, Seen, Trouble
from tritium.core.target import by_number
from tritium.core.verdict import of_smoke_test
from tritium.core.wish import Wish

Headers = tuple[tuple[str, str], ...]
"""Names and values."""

_STARTING: Final = "its pods are being made ready"


def beside(course: Course) -> Iterator[tuple[Arm, RevisionSeen]]:
    """The arms that have a revision other than the stable one."""
    for arm in course.arms:
        if arm.revision and arm.revision is not course.stable:
            yield arm, arm.revision


def named(wish: Wish, seen: Seen) -> frozenset[int]:
    """Numbers of the kept revisions that the arms in the spec are by what is written there, whether they run or not."""
    asked = wish.experiment.arms if wish.experiment else ()
    numbers, written = {each.revision for each in asked}, {each.written for each in asked if each.overlay}
    return frozenset(each.number for each in seen.revisions if each.number in numbers or each.written in written)


def weights(wish: Wish, course: Course, seen: Seen) -> dict[int, int]:
    """By the number of an arm's revision: its share of the traffic now, out of 10,000."""
    return {each.number: _weight(wish, course.ledger, arm, each, seen) for arm, each in beside(course)}


def matches(wish: Wish, course: Course, seen: Seen) -> dict[int, Headers]:
    """By the number of a revision: headers and values that lead to it now, whatever the weights say.

    An arm without a pod has none: its requests go where all others go.
    """
    return {
        arm.revision.number: arm.wish.matches
        for arm in course.arms
        if arm.revision and arm.wish.matches and _takes_any(wish, course, arm.revision, seen)
    }


def pods_wanted(wish: Wish, arm: Arm) -> int:
    """Pods for an arm's share; one also where only headers lead to it."""
    return needed(arm.wish.percent, wish.replicas)


def arm_of(course: Course, revision: RevisionSeen) -> Arm | None:
    """The arm that a revision other than the stable one is."""
    return next((arm for arm, each in beside(course) if each is revision), None)


def trouble(wish: Wish, course: Course, arm: Arm, seen: Seen) -> Trouble | None:
    """What keeps an arm from its part."""
    revision = arm.revision
    if revision is None:
        return _unknown(arm, seen)
    if revision is course.stable:
        return None
    if not wish.replicas:
        return Trouble("experiment", Reason.NO_REPLICAS, "spec.replicas is 0, and the arm has no pods")
    ledger = course.ledger
    if found := of_smoke_test(wish, ledger, revision, seen) or mismatch(wish, ledger, revision, seen):
        return found
    if _has_its_part(wish, course, arm, revision, seen):
        return None
    return trouble_of(seen, revision) or Trouble("experiment", Reason.STARTING, _STARTING)


def first_trouble(wish: Wish, course: Course, seen: Seen) -> Trouble | None:
    """What keeps the first of the arms that have not their part from it, by name."""
    for arm in course.arms:
        found = trouble(wish, course, arm, seen)
        if found:
            return replace(found, message=f"arm {arm.wish.name}: {found.message}")
    return None


def _weight(wish: Wish, ledger: Ledger, arm: Arm, revision: RevisionSeen, seen: Seen) -> int:
    """It gets more only for pods that every gateway pod knows; what it has it keeps as long as its pods are ready.

    And as long as none is known to answer wrongly: one that was not asked yet may be as good as those before it.
    """
    if not _may_have_any(wish, ledger, revision, seen):
        return 0
    wanted = share(arm.wish.percent)
    ready = sum(pod.ready for pod in pods_of(seen, revision))
    keeps = min(wanted, exposed(ledger, revision), ALL * ready // wish.replicas)
    if not proven(wish, ledger, revision, seen):
        return keeps
    return max(keeps, min(wanted, ALL * available(revision, seen) // wish.replicas))


def _takes_any(wish: Wish, course: Course, revision: RevisionSeen, seen: Seen) -> bool:
    """Whether requests can be led to a revision by a header."""
    if revision is course.stable:
        return True
    if not _may_have_any(wish, course.ledger, revision, seen):
        return False
    if is_led(course.ledger, revision) and any(pod.ready for pod in pods_of(seen, revision)):
        return True
    return available(revision, seen) > 0 and proven(wish, course.ledger, revision, seen)


def _may_have_any(wish: Wish, ledger: Ledger, revision: RevisionSeen, seen: Seen) -> bool:
    if not wish.replicas or has_failed(wish, ledger, revision, seen):
        return False
    return admitted(wish, ledger, revision, seen)


def _has_its_part(wish: Wish, course: Course, arm: Arm, revision: RevisionSeen, seen: Seen) -> bool:
    has = exposed(course.ledger, revision) >= share(arm.wish.percent)
    return has and available(revision, seen) >= pods_wanted(wish, arm)


def _unknown(arm: Arm, seen: Seen) -> Trouble:
    """Why an arm has no revision."""
    source, remedy = arm.source, REMEDIES[Reason.ARM_INVALID]
    taken = source.revision if source else by_number(seen.revisions, arm.wish.revision)
    if taken:
        message = f"revision {taken.number} is another arm's. {remedy}"
        return Trouble("experiment", Reason.ARM_INVALID, message)
    if source:
        return source.trouble or Trouble("experiment", Reason.RESOLVING, "its source is being listed")
    kept = ", ".join(str(each) for each in sorted(each.number for each in seen.revisions))
    message = f"revision {arm.wish.revision} is not kept (kept: {kept}). {remedy}"
    return Trouble("experiment", Reason.ARM_INVALID, message)
