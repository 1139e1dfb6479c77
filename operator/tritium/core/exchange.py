"""`capacity: replace`: pods change hands one by one, where there is no room for both revisions.

The stable revision gives one pod up; only when it is gone the candidate gets one; and only when every gateway pod sends
it what that one carries is the next given up. So both together never have more than `replicas` pods, and what serves is
never short of more than the one pod that is on its way.
"""

from collections import Counter
from collections.abc import Set as AbstractSet

from tritium.api.gateway import MAX_WEIGHT
from tritium.core.exposure import by_hand, exposed, goes_now, most, pods_wanted, returns
from tritium.core.gateway import available, runs
from tritium.core.ledger import Ledger
from tritium.core.lookup import comes_first, deployment_of
from tritium.core.plan import Course
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.wish import Wish


def of_stable(wish: Wish, course: Course, stable: RevisionSeen, seen: Seen) -> int:
    """Pods of the stable revision beside those of a candidate, or of the one before it."""
    deployment = deployment_of(seen, stable)
    if not wish.replaces or deployment is None:
        return wish.replicas
    has = min(deployment.replicas, wish.replicas)
    if course.candidate is None:
        demoted = {each.hash for each in seen.revisions if each.number in course.ledger.demoted}
        return max(has, wish.replicas - _pods(seen, demoted - {stable.hash}, ending=True))
    fewest = wish.replicas - _claim(wish, course.ledger, course.candidate, seen)
    return fewest if has <= fewest else max(fewest, has - _given_up(wish, course, stable, has, seen))


def room(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> int:
    """Pods that a candidate may have beside those that are there: one that ends still has its GPU.

    Where a person wants it now, nobody waits for that: on a lost node pods never end.
    """
    others = {each.revision for each in seen.deployments} - {candidate.hash}
    return max(0, wish.replicas - _pods(seen, others, ending=not by_hand(wish, ledger)))


def _claim(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> int:
    """Pods that the candidate is to have, or has and gives up none of."""
    deployment = deployment_of(seen, candidate)
    has = deployment.replicas if deployment and exposed(ledger, candidate) else 0
    return min(most(wish), max(pods_wanted(wish, ledger), has))


def _given_up(wish: Wish, course: Course, stable: RevisionSeen, has: int, seen: Seen) -> int:
    """How many of its pods the stable revision gives up now: one at most that is ready."""
    ledger, candidate, serving = course.ledger, course.candidate, available(stable, seen)
    asked = goes_now(wish, ledger)
    if candidate is None or (_is_held(wish, ledger) and not asked):
        return 0
    if serving < has and (asked or returns(ledger)):
        return has - serving  # those that are not ready serve nobody
    settled = runs(ledger.traffic, seen) and available(candidate, seen) >= wish.replicas - has
    carries = exposed(ledger, candidate) >= MAX_WEIGHT * (wish.replicas - has) // wish.replicas
    return int(settled and carries and serving >= has and comes_first(seen, stable) is None)


def _is_held(wish: Wish, ledger: Ledger) -> bool:
    """Whether somebody has paused the rollout, or pinned a revision that is not kept."""
    return bool(wish.paused or (ledger.progress and ledger.progress.paused) or wish.pin is not None)


def _pods(seen: Seen, of: AbstractSet[str], *, ending: bool) -> int:
    """Pods that these revisions have or are to have, with those or without those that end."""
    alive = Counter(pod.revision for pod in seen.pods if ending or not pod.terminating)
    return sum(max(each.replicas, alive[each.revision]) for each in seen.deployments if each.revision in of)
