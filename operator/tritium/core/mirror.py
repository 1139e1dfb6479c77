"""Copies of requests for another revision, whose answers nobody sees: which one, how many, and the pods for them."""

from dataclasses import replace

from tritium.api.gateway import MAX_WEIGHT
from tritium.api.traffic_status import MirrorTraffic
from tritium.core.exposure import has_failed, needed, proven
from tritium.core.gateway import available
from tritium.core.lookup import pods_of, trouble_of
from tritium.core.plan import Course
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import RevisionSeen, Seen, Trouble
from tritium.core.target import by_number
from tritium.core.verdict import of_smoke_test
from tritium.core.wish import Wish


def mirrored(wish: Wish, course: Course, seen: Seen) -> RevisionSeen | None:
    """The revision that is to get copies: a kept one by its number, or the candidate of a rollout."""
    asked = wish.routing.mirror
    if asked is None or course.stable is None or wish.recreates:
        return None
    found = course.candidate if asked.revision is None else by_number(seen.revisions, asked.revision)
    return None if found is course.stable else found


def copies(wish: Wish, course: Course, weight: int, seen: Seen) -> MirrorTraffic | None:
    """As many as its pods carry beside the requests that it has, once they have passed their smoke test.

    It gets more only for pods that every gateway pod knows; what it has it keeps as long as they are ready, and none is
    known to answer wrongly: another process, that has not asked yet, takes nothing away.

    Args:
        wish: what is asked for.
        course: what was decided.
        weight: what the mirrored revision has of the traffic, out of 10,000.
        seen: what is there.
    """
    asked, revision = wish.routing.mirror, mirrored(wish, course, seen)
    if asked is None or revision is None or not wish.replicas or has_failed(wish, course.ledger, revision, seen):
        return None
    told = course.ledger.traffic.mirror if course.ledger.traffic else None
    has = told.percent if told and told.revision == revision.number else 0
    ready = sum(pod.ready for pod in pods_of(seen, revision))
    known = available(revision, seen) if proven(wish, course.ledger, revision, seen) else 0
    carried = max(_beside(weight, known, wish), min(has, _beside(weight, ready, wish)))
    percent = min(asked.percent, carried)
    return MirrorTraffic(revision=revision.number, percent=percent) if percent > 0 else None


def _beside(weight: int, pods: int, wish: Wish) -> int:
    """Percent that so many pods carry beside a weight."""
    return (MAX_WEIGHT * pods // wish.replicas - weight) * 100 // MAX_WEIGHT


def pods_for_copies(wish: Wish, course: Course, revision: RevisionSeen, seen: Seen) -> int:
    """Pods for its copies, beside those for its requests: none where a candidate has to wait for each of its pods."""
    asked = wish.routing.mirror
    if wish.replaces and revision is course.candidate:
        return 0
    return needed(asked.percent, wish.replicas) if asked and mirrored(wish, course, seen) is revision else 0


def trouble(wish: Wish, course: Course, seen: Seen) -> Trouble | None:
    """What keeps the revision that is named from its copies. Of a candidate or an arm that is said by itself."""
    asked = wish.routing.mirror
    if asked is None or asked.revision is None:
        return None
    found = by_number(seen.revisions, asked.revision)
    if found is None:
        kept = ", ".join(str(each) for each in sorted(each.number for each in seen.revisions))
        message = f"spec.traffic.mirror: revision {asked.revision} is not kept (kept: {kept}). "
        return Trouble("mirror", Reason.ARM_INVALID, message + REMEDIES[Reason.ARM_INVALID])
    others = (course.candidate, *(arm.revision for arm in course.arms))
    if mirrored(wish, course, seen) is None or not wish.replicas or found in others:
        return None
    told = course.ledger.traffic.mirror if course.ledger.traffic else None
    known = of_smoke_test(wish, course.ledger, found, seen) or trouble_of(seen, found)
    if known is None and told and told.revision == found.number:
        return None
    known = known or Trouble("mirror", Reason.STARTING, "its pods are being made ready")
    return replace(known, message=f"spec.traffic.mirror: revision {found.number}: {known.message}")


def without_effect(wish: Wish, course: Course) -> str:
    """Why nobody gets copies, where nothing is wrong with that; empty if they are not asked for, or have an effect."""
    asked = wish.routing.mirror
    if asked is None:
        return ""
    if wish.recreates:
        return "spec.traffic.mirror: with rollout.strategy recreate only one revision runs"
    stable = course.ledger.stable
    return f"spec.traffic.mirror: revision {stable} serves, and gets no copies" if asked.revision == stable else ""
