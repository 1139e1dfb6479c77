"""The way back: pods first, and then the requests that they carry.

Who was turned down, or left, had requests until now. Of these it keeps what the revision that they go back to has no
pods for yet: a version that fails serves some, and one without pods serves nobody. Each of those pods takes twice its
part meanwhile, so that nothing waits for a pod or two.
"""

from typing import Final

from tritium.api.gateway import MAX_WEIGHT
from tritium.core.exposure import exposed
from tritium.core.gateway import reachable
from tritium.core.lookup import comes_first, deployment_of
from tritium.core.plan import Course
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.wish import Wish

AT_MOST: Final = 2
"""Times its part that a pod takes, until the others are there."""


def keeps(wish: Wish, course: Course, to: RevisionSeen, seen: Seen) -> dict[int, int]:
    """By number: what a revision keeps at least of its part, out of 10,000, beside the one that the rest goes to.

    Arms of an experiment keep nothing: none ever stands in for the stable revision. What was stable itself gets back
    what it had given, if the others lose their pods once more; what was only tried never gets more than it had.
    """
    told = course.ledger.traffic.revisions or () if course.ledger.traffic else ()
    had = {each.revision: each.weight for each in told if each.revision not in {to.number, *course.tried}}
    there = reachable(to, seen)
    if wish.replaces and there:
        return {}  # its other pods cannot come while those have the room: it carries all with those that it has
    had |= {number: MAX_WEIGHT for number, part in had.items() if part and number in course.ledger.demoted}
    found = {
        each.number: (had[each.number], _counted(wish, course, each, seen))
        for each in seen.revisions
        if each.number in had
    }
    least = {number: min(part, missing(there, min(wish.replicas, pods))) for number, (part, pods) in found.items()}
    in_the_way = wish.replaces or wish.recreates or comes_first(seen, to)
    if not there and not any(pods for _, pods in found.values()) and not in_the_way:
        # Nobody serves, so nobody is better off elsewhere: what goes now would not come back with the pods.
        least = {each.revision: each.weight for each in told if each.revision in found}
    return {number: part for number, part in least.items() if part}


def pods_kept(wish: Wish, course: Course, revision: RevisionSeen) -> int:
    """Pods that its part needs of one that serves until others can, where these find no room."""
    return -(-exposed(course.ledger, revision) * wish.replicas // MAX_WEIGHT)


def _counted(wish: Wish, course: Course, revision: RevisionSeen, seen: Seen) -> int:
    """Its pods, with those of one that was stable which it has given up to make room: the requests are as many."""
    deployment, pods = deployment_of(seen, revision), reachable(revision, seen)
    if deployment is None or not pods or revision.number not in course.ledger.demoted:
        return pods
    return pods + max(0, wish.replicas - deployment.replicas)


def missing(there: int, pods: int) -> int:
    """What `there` pods cannot carry of that which goes to so many others now, out of 10,000.

    >>> [missing(there, 10) for there in (0, 1, 4, 5, 10)], missing(0, 0)
    ([10000, 8000, 2000, 0, 0], 0)
    """
    carried = AT_MOST * there
    return MAX_WEIGHT * (pods - carried) // pods if pods > carried else 0


def retreating(course: Course) -> frozenset[int]:
    """Numbers of the revisions that have requests only until others can have them."""
    told = course.ledger.traffic.revisions or () if course.ledger.traffic else ()
    parts = {course.ledger.stable, course.candidate.number if course.candidate else None}
    parts |= {each.revision.number for each in course.arms if each.revision}
    return frozenset({each.revision for each in told if each.weight} - parts)
