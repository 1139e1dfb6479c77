"""How many pods each revision has, and which revisions are kept: capacity first, and nothing that serves goes.

Until every gateway pod says that it runs what it was told, no revision that has ever served loses a pod.
"""

from tritium.core.arms import arm_of, beside, named
from tritium.core.arms import pods_wanted as pods_for
from tritium.core.exchange import of_stable, room
from tritium.core.exposure import exposed, is_led, pods_wanted
from tritium.core.gateway import runs
from tritium.core.lookup import comes_first, deployment_of, want_of_room
from tritium.core.mirror import mirrored, pods_for_copies
from tritium.core.plan import Arm, Course, Target
from tritium.core.recreate import of_revision
from tritium.core.retreat import pods_kept, retreating
from tritium.core.revision import revision_of
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.traffic import settled
from tritium.core.wish import Wish


def replicas(wish: Wish, target: Target, course: Course, seen: Seen) -> dict[str, int]:
    """Pods by a revision's eight characters; a revision without a part in this has no entry."""
    wanted = {each.hash: _replicas_of(each, wish, target, course, seen) for each in seen.revisions}
    return {name: number for name, number in wanted.items() if number is not None}


def kept(wish: Wish, target: Target, course: Course, seen: Seen) -> frozenset[str]:
    """Eight characters of the revisions whose objects stay: those with a part, and the newest of the others."""
    parts = {each.hash for each in (course.stable, course.candidate, target.revision) if each}
    parts |= {each.hash for each in seen.revisions if each.number in course.held}
    told = course.ledger.traffic.revisions or () if course.ledger.traffic else ()
    parts |= {revision_of(each.service) for each in told if each.weight or each.matches}
    arms = {each.revision for each in course.ledger.arms} | named(wish, seen)
    parts |= {each.hash for each in seen.revisions if each.number in arms}
    parts |= {each.hash for each in (mirrored(wish, course, seen),) if each}
    if seen.service and seen.service.revision:
        parts.add(seen.service.revision)
    if not settled(wish, course, seen):
        parts |= {each.revision for each in seen.deployments if each.replicas}
    others = sorted((each for each in seen.revisions if each.hash not in parts), key=lambda each: -each.number)
    return frozenset(parts | {each.hash for each in others[: wish.history_limit]})


def budgeted(course: Course, seen: Seen, wanted: dict[str, int]) -> frozenset[str]:
    """Revisions that serve, or may have to again at once, with pods enough to give one up."""
    serving = {course.stable.hash} if course.stable else set()
    serving |= {each.hash for each in seen.revisions if each.number in course.held}
    if course.candidate and exposed(course.ledger, course.candidate):
        serving.add(course.candidate.hash)
    serving |= {each.hash for _, each in beside(course)}
    serving |= {each.hash for each in seen.revisions if each.number in retreating(course)}
    return frozenset(name for name in serving if wanted.get(name, 0) > 1)


def _replicas_of(revision: RevisionSeen, wish: Wish, target: Target, course: Course, seen: Seen) -> int | None:
    deployment = deployment_of(seen, revision)
    has = deployment.replicas if deployment else None
    if wish.recreates and revision in (course.stable, course.candidate):
        number: int | None = of_revision(wish, course, revision, seen)
    elif revision is course.stable:
        number = of_stable(wish, course, revision, seen)
    elif revision is course.candidate:
        number = _of_candidate(revision, has, wish, course, seen)
    elif arm := arm_of(course, revision):
        number = _of_arm(arm, revision, has, wish, course, seen)
    elif revision.number in course.held and not (wish.replaces or wish.recreates) and not _crowded(course, seen):
        # Never more than it has: what was given up for want of room is not asked for again.
        number = min(has, wish.replicas) if has else has
    elif _waits_for_pin(revision, wish, target, course) and not comes_first(seen, course.stable):
        number = has
    else:
        number = 0 if has is not None else None
    number = _with_copies(revision, number, wish, course, seen)
    if has and revision.number in retreating(course) and _makes_room(wish, course, seen):
        return min(has, pods_kept(wish, course, revision))
    # One that never had a share of the traffic has never had a request.
    served = revision.number in {*course.ledger.promoted, *course.ledger.exposed}
    may_serve = served and not settled(wish, course, seen)
    return max(number or 0, has) if has and may_serve else number


def _with_copies(revision: RevisionSeen, number: int | None, wish: Wish, course: Course, seen: Seen) -> int | None:
    """Beside its own part; where a stable pod finds no room nobody gets more for copies."""
    more = pods_for_copies(wish, course, revision, seen)
    if not more or comes_first(seen, course.stable):
        return number
    arm = arm_of(course, revision)
    own = pods_for(wish, arm) if arm else pods_wanted(wish, course.ledger) if revision is course.candidate else 0
    return max(number or 0, min(wish.replicas, own + more))


def _of_candidate(candidate: RevisionSeen, has: int | None, wish: Wish, course: Course, seen: Seen) -> int:
    """What its share of the traffic needs; a candidate that has requests gives up none of its pods."""
    wanted = pods_wanted(wish, course.ledger)
    if wish.replaces and course.stable:
        wanted = min(wanted, max(has or 0, room(wish, course.ledger, candidate, seen)))
    if exposed(course.ledger, candidate) or (seen.service and seen.service.revision == candidate.hash):
        return max(wanted, has or 0)
    # A pod of the stable revision that finds no room comes before all pods of its successor.
    return 0 if comes_first(seen, course.stable) else wanted


def _of_arm(arm: Arm, revision: RevisionSeen, has: int | None, wish: Wish, course: Course, seen: Seen) -> int:  # noqa: PLR0913, PLR0917
    """What its part needs; where it bakes, or serves beside a stable revision without room, what it has."""
    wanted = pods_for(wish, arm)
    if revision.number in course.held:
        return max(wanted, min(has or 0, wish.replicas))
    has_requests = exposed(course.ledger, revision) or is_led(course.ledger, revision)
    return 0 if comes_first(seen, course.stable) and not has_requests else wanted


def _waits_for_pin(revision: RevisionSeen, wish: Wish, target: Target, course: Course) -> bool:
    """Whether it would be the candidate, did not the pin name a revision that is not kept: that changes nothing.

    Where only one may run nobody is served while it waits: the stable revision has to come back.
    """
    if wish.recreates:
        return False
    return target.pin_missing and revision.written == wish.written and not course.ledger.rejection(revision.number)


def _makes_room(wish: Wish, course: Course, seen: Seen) -> bool:
    """Whether who serves until others can gives up what its part does not need: those others find no room.

    Not where one pod is enough to go over (`capacity: replace`), nor before every gateway pod says which part it has.
    """
    if wish.replaces or wish.recreates or not wish.replicas or not comes_first(seen, course.stable):
        return False
    return runs(course.ledger.traffic, seen)


def _crowded(course: Course, seen: Seen) -> bool:
    return bool(want_of_room(seen, course.candidate) or want_of_room(seen, course.stable))
