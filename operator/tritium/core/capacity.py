"""How many pods each revision has, and which revisions are kept: capacity first, and nothing that serves goes.

What the Service selects, as it was last seen, never loses a pod here: the old revision gives its pods up only after
the new one is what the Service selects.
"""

from tritium.core.lookup import comes_first, deployment_of, pods_of, want_of_room
from tritium.core.plan import Course, Target
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.wish import Wish


def replicas(wish: Wish, target: Target, course: Course, seen: Seen) -> dict[str, int]:
    """Pods by a revision's eight characters; a revision without a part in this has no entry."""
    wanted = {each.hash: _replicas_of(each, wish, target, course, seen) for each in seen.revisions}
    return {name: number for name, number in wanted.items() if number is not None}


def selected(wish: Wish, course: Course, seen: Seen) -> RevisionSeen | None:
    """The revision that the Service should select now.

    A revision that is stable by decision may have lost its pods before the Service was led to it. Then the one that
    the Service still selects goes on, for as long as it has more to give.
    """
    stable, service = course.stable, seen.service
    current = next((each for each in seen.revisions if service and each.hash == service.revision), None)
    if stable is None or current is None:
        return stable
    return stable if _ready(stable, seen) >= min(wish.replicas, _ready(current, seen)) else current


def kept(wish: Wish, target: Target, course: Course, seen: Seen) -> frozenset[str]:
    """Eight characters of the revisions whose objects stay: those with a part, and the newest of the others."""
    parts = {each.hash for each in (course.stable, course.candidate, target.revision) if each}
    parts |= {each.hash for each in seen.revisions if each.number in course.held}
    if seen.service and seen.service.revision:
        parts.add(seen.service.revision)
    others = sorted((each for each in seen.revisions if each.hash not in parts), key=lambda each: -each.number)
    return frozenset(parts | {each.hash for each in others[: wish.history_limit]})


def budgeted(course: Course, seen: Seen, wanted: dict[str, int]) -> frozenset[str]:
    """Revisions that serve, or may have to again at once, with pods enough to give one up."""
    serving = {course.stable.hash} if course.stable else set()
    serving |= {each.hash for each in seen.revisions if each.number in course.held}
    return frozenset(name for name in serving if wanted.get(name, 0) > 1)


def _replicas_of(revision: RevisionSeen, wish: Wish, target: Target, course: Course, seen: Seen) -> int | None:
    deployment = deployment_of(seen, revision)
    has = deployment.replicas if deployment else None
    serves = seen.service is not None and seen.service.revision == revision.hash
    if revision is course.stable:
        return wish.replicas
    if revision is course.candidate:
        # A pod of the stable revision that finds no room comes before all pods of its successor.
        number: int | None = 0 if comes_first(seen, course.stable) else wish.replicas
    elif revision.number in course.held and not _crowded(course, seen):
        # Never more than it has: what was given up for want of room is not asked for again.
        number = min(has, wish.replicas) if has else has
    elif _waits_for_pin(revision, wish, target, course) and not comes_first(seen, course.stable):
        number = has
    else:
        number = 0 if has is not None else None
    return max(number or 0, has) if serves and has else number


def _waits_for_pin(revision: RevisionSeen, wish: Wish, target: Target, course: Course) -> bool:
    """Whether it would be the candidate, did not the pin name a revision that is not kept: that changes nothing."""
    return target.pin_missing and revision.written == wish.written and not course.ledger.rejection(revision.number)


def _crowded(course: Course, seen: Seen) -> bool:
    return bool(want_of_room(seen, course.candidate) or want_of_room(seen, course.stable))


def _ready(revision: RevisionSeen, seen: Seen) -> int:
    return sum(pod.ready for pod in pods_of(seen, revision))
