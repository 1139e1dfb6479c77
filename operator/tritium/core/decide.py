"""The decision: from what is asked for, what was decided before, and what is seen, to what should be there.

Pure, and the same for the same arguments. It is called again and again with newer observations; nothing is remembered
between two calls but what the status keeps.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tritium.api.conditions import ConditionType
from tritium.api.status import ModelDeploymentStatus
from tritium.core import ledger as ledgers
from tritium.core.announce import notices, pending
from tritium.core.canary import is_quiet, wakes
from tritium.core.capacity import budgeted, kept, replicas
from tritium.core.compatibility import let_through, to_be_described
from tritium.core.experiment import wakes as experiment_wakes
from tritium.core.following import followed
from tritium.core.in_vain import in_vain
from tritium.core.last_failure import OF_A_LISTING
from tritium.core.leaving import overdue_at, watched
from tritium.core.ledger import Size
from tritium.core.lookup import BEFORE_A_REVISION, pods_of, refusal_as_trouble
from tritium.core.mirror import mirrored
from tritium.core.plan import Course, Plan, Target, View
from tritium.core.preview import service_of_preview
from tritium.core.recreate import going_on
from tritium.core.report import report
from tritium.core.revision import revision_name
from tritium.core.rollout import advance
from tritium.core.scaling.schedule import changes_at
from tritium.core.scaling.size import sized
from tritium.core.seen import Answer, PodSeen, RevisionSeen, Seen, Trouble
from tritium.core.target import target as find_target
from tritium.core.traffic import service, traffic
from tritium.core.verdict import outlived
from tritium.core.waking import needs_pods
from tritium.core.wish import Wish
from tritium.core.wording import steady

ASK_AGAIN: Final = timedelta(seconds=5)
"""After this time a pod that could not be asked, or answered wrongly, is asked again."""


def decide(wish: Wish, status: ModelDeploymentStatus, seen: Seen, now: datetime) -> Plan:
    """What should be there, and when to look again."""
    before, seen = ledgers.read(status), watched(_readable(seen), now)
    target = _with_trouble(find_target(wish, before, seen, now), status, seen)
    wish, sizing = sized(wish, status, before, seen, now, wakes=needs_pods(wish, before, target))
    asked, wish = wish, going_on(wish, before, target, seen)
    course = _directing(wish, advance(wish, before, target, seen, now), seen, now)
    size = Size(sizing.status.desired, sizing.status.changed_at) if sizing else None
    course = replace(course, ledger=replace(course.ledger, source=followed(asked, before, target), size=size))
    wanted = replicas(wish, target, course, seen)
    digests = _digests(wish, status, seen)
    ask, describe = _to_be_asked(wish, course, seen), _to_be_described(wish, course, seen)
    after = report(View(wish, target, course, seen, digests, _served(status), sizing), status, now)
    return Plan(
        target=target,
        course=course,
        status=after,
        service=service(wish, course, seen),
        preview=service_of_preview(course, seen),
        logs=wish.log is not None,
        replicas=wanted,
        kept=kept(wish, target, course, seen),
        budgeted=budgeted(course, seen, wanted),
        digests=digests,
        ask=frozenset(pod.uid for pod in ask),
        describe=frozenset(pod.uid for pod in describe),
        fetching=tuple(pod for pod in seen.pods if pod.fetching),
        replace=outlived(wish, course.ledger, course.candidate, seen) if course.candidate else frozenset(),
        wake_at=min((each for each in _times(wish, target, course, seen, now) if each), default=None),
        notices=(
            *notices(status, after, target, wish),
            *let_through(wish, before, course.ledger, seen),
            *in_vain(wish, before, course, after),
        ),
        pending=tuple(pending(status, after, asked)),
    )


def _directing(wish: Wish, course: Course, seen: Seen, now: datetime) -> Course:
    """With what the gateway is to be told: a decision like the others, written before anything is done after it."""
    told = traffic(wish, course, seen)
    new = {each.number for each in (course.candidate, *(side.revision for side in course.arms)) if each}
    led = {each.revision for each in (told.revisions or () if told else ()) if each.weight or each.matches}
    exposed = dict.fromkeys(sorted(new & led - {course.ledger.stable}), now) | dict(course.ledger.exposed)
    return replace(course, ledger=replace(course.ledger, traffic=told, exposed=exposed))


def _served(status: ModelDeploymentStatus) -> bool:
    return any(each.type == ConditionType.READY and each.status == "True" for each in status.conditions or ())


def _readable(seen: Seen) -> Seen:
    """What others said, as long as a condition may be."""
    refusals = tuple(replace(each, message=steady(each.message)) for each in seen.refusals)
    preview, log = (
        replace(each, message=steady(each.message)) if each else None
        for each in (seen.preview_refusal, seen.log_refusal)
    )
    return replace(seen, refusals=refusals, preview_refusal=preview, log_refusal=log)


def _with_trouble(target: Target, status: ModelDeploymentStatus, seen: Seen) -> Target:
    """Without a Job, a ControllerRevision or a name there will be no revision: that is why there is none."""
    if target.revision is not None:
        return target
    refusal = next((each for each in seen.refusals if each.kind in BEFORE_A_REVISION | {"Service"}), None)
    if refusal:
        return replace(target, trouble=refusal_as_trouble(refusal))
    return replace(target, trouble=target.trouble or _of_last_attempt(target, status))


def _of_last_attempt(target: Target, status: ModelDeploymentStatus) -> Trouble | None:
    """While the next attempt is under way, what was wrong with the last is all that is known."""
    resolution, failure = target.resolution, status.last_failure
    if resolution is None or resolution.attempt == 1 or target.create:
        return None
    if failure is None or failure.component not in OF_A_LISTING:
        return None
    return Trouble(failure.component, failure.reason, failure.message, failure.pod)


def _digests(wish: Wish, status: ModelDeploymentStatus, seen: Seen) -> dict[str, str]:
    """By a revision's eight characters: the digest that was found first, and is enforced ever after."""
    by_name = {each.name: each.digest for each in status.revisions or () if each.digest}
    found: dict[str, str] = {}
    for pod in sorted(seen.pods, key=lambda each: (each.created, each.name)):
        if pod.fetched and pod.fetched.digest:
            found.setdefault(pod.revision, pod.fetched.digest)
    names = {each.hash: revision_name(wish.name, each.hash) for each in seen.revisions}
    known = {each: by_name[name] for each, name in names.items() if name in by_name}
    return _of_revisions(found | dict(seen.digests) | known, seen)


def _of_revisions(digests: Mapping[str, str], seen: Seen) -> dict[str, str]:
    return {each.hash: digests[each.hash] for each in seen.revisions if each.hash in digests}


def _to_be_asked(wish: Wish, course: Course, seen: Seen) -> tuple[PodSeen, ...]:
    sides = (arm.revision for arm in course.arms)
    asked = {each.number: each for each in (course.candidate, mirrored(wish, course, seen), *sides) if each}
    if not wish.smoke_tests:
        return ()
    new = [each for each in asked.values() if each.number not in course.ledger.promoted]
    ready = [(each, pod) for each in new for pod in pods_of(seen, each) if pod.ready]
    return tuple(pod for each, pod in ready if _is_again(course, each, seen) or not _passed(pod, seen))


def _is_again(course: Course, revision: RevisionSeen, seen: Seen) -> bool:
    return revision is course.candidate and is_quiet(course.ledger, revision, seen)


def _to_be_described(wish: Wish, course: Course, seen: Seen) -> tuple[PodSeen, ...]:
    tried = (course.candidate, *(arm.revision for arm in course.arms))
    pods = (pod for each in tried if each for pod in to_be_described(wish, course.ledger, each, seen))
    return tuple({pod.uid: pod for pod in pods}.values())


def _passed(pod: PodSeen, seen: Seen) -> bool:
    return pod.uid in seen.smoke and seen.smoke[pod.uid].answer is Answer.PASSED


def _times(wish: Wish, target: Target, course: Course, seen: Seen, now: datetime) -> Iterator[datetime | None]:
    """When to look again although nothing happens."""
    yield target.retry_at
    yield from course.held.values()
    asking = _to_be_asked(wish, course, seen) or _to_be_described(wish, course, seen)
    yield now + ASK_AGAIN if asking else None
    yield wakes(wish, course.ledger, course.candidate, seen, now)
    yield from (each.source.retry_at for each in course.arms if each.source)
    yield from experiment_wakes(wish, course.ledger, now)
    yield changes_at(wish.scaling.schedules, now) if wish.scaling else None
    yield from overdue_at(seen, now) if wish.replaces or wish.recreates else ()
