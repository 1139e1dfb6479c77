"""`strategy: recreate`: the old pods go before there are new ones, for models of which only one may run.

Nobody is served in between. Whatever revision is to have pods, it gets them when no other has any; so a candidate that
is turned down gives its pods up first, and the stable revision gets its own again.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from tritium.api.fetch import FetchReason
from tritium.core.compatibility import mismatch
from tritium.core.diagnosis import worst
from tritium.core.exposure import goes_now
from tritium.core.ledger import Ledger
from tritium.core.lookup import deployment_of
from tritium.core.plan import Course, Target
from tritium.core.reasons import Reason
from tritium.core.seen import PodSeen, RevisionSeen, Seen, Trouble
from tritium.core.strategy import strategy
from tritium.core.target import by_number
from tritium.core.wish import Wish

OF_ONE_REVISION: Final = frozenset(
    {
        Reason.IMAGE_PULL,
        Reason.CONTAINER_CONFIG,
        Reason.POD_REFUSED,
        Reason.OUT_OF_MEMORY,
        Reason.CONTAINER_CRASHED,
        Reason.SERVER_CRASHED,
        Reason.MODEL_LOAD_FAILED,
        Reason.WARMUP_FAILED,
        *(set(FetchReason) - {FetchReason.SOURCE_UNREACHABLE}),
    }
)
"""Of these the revision before is likely free; of all else, such as a want of room, it would suffer, too."""


def going_on(wish: Wish, ledger: Ledger, target: Target, seen: Seen) -> Wish:
    """What counts of the spec while a rollout is under way, or bakes.

    Another strategy, and another way to find room, count from the next one on. A pause holds what has not begun; when
    the old pods are gone, it would only prolong the time without any.
    """
    progress, wanted = ledger.progress, target.revision
    if progress and (wanted is None or wanted.number == progress.revision):
        capacity = strategy(progress.settings).capacity or wish.capacity
        wish = replace(wish, strategy=progress.settings, next_strategy=wish.strategy, capacity=capacity)
    return replace(wish, paused=False) if wish.paused and is_down(wish, ledger, seen) else wish


def is_down(wish: Wish, ledger: Ledger, seen: Seen) -> bool:
    """Whether the stable revision has made way."""
    if ledger.traffic and ledger.traffic.hold and not any(each.replicas for each in seen.deployments):
        return False  # it has slept, and nobody has come in its place
    stable = by_number(seen.revisions, ledger.stable)
    deployment = deployment_of(seen, stable) if stable else None
    return wish.recreates and deployment is not None and deployment.replicas == 0 < wish.replicas


def of_revision(wish: Wish, course: Course, revision: RevisionSeen, seen: Seen) -> int:
    """Pods of the stable revision, or of the candidate."""
    if revision is not _whose_turn(wish, course, seen):
        return 0
    deployment = deployment_of(seen, revision)
    has = min(deployment.replicas if deployment else 0, wish.replicas)
    # Where the record of what serves was deleted by hand, its pods cannot be scaled down: they go with its successor.
    unrecorded = course.stable is None and course.ledger.stable is not None
    return has if _others_have_pods(revision, seen) and not unrecorded else wish.replicas


def cannot_start(
    wish: Wish, ledger: Ledger, candidate: RevisionSeen, pods: Iterable[PodSeen], seen: Seen
) -> Trouble | None:
    """What is wrong with the candidate, while nobody is served: anything that the one before would not have, too."""
    if not is_down(wish, ledger, seen):
        return None
    deployment = deployment_of(seen, candidate)
    found = [pod.trouble for pod in pods if not pod.ready] + [deployment.trouble if deployment else None]
    return worst(each for each in found if each and each.reason in OF_ONE_REVISION)


def _whose_turn(wish: Wish, course: Course, seen: Seen) -> RevisionSeen | None:
    """The one of the two that is to have pods: the stable one, until it has made way.

    It does not begin to where somebody holds it, or something is known that would keep the candidate from getting pods
    at all, or from serving with them.
    """
    stable, candidate = course.stable, course.candidate
    progress = course.ledger.progress
    held = wish.paused or (progress is not None and progress.paused is not None)
    differs = candidate is not None and mismatch(wish, course.ledger, candidate, seen) is not None
    can_begin = (not held or goes_now(wish, course.ledger)) and not differs and not seen.refusals
    gives_way = stable is None or can_begin or is_down(wish, course.ledger, seen)
    return candidate if candidate and gives_way else stable


def _others_have_pods(revision: RevisionSeen, seen: Seen) -> bool:
    """One that ends may still run."""
    asked = any(each.replicas for each in seen.deployments if each.revision != revision.hash)
    return asked or any(pod.revision != revision.hash for pod in seen.pods)
