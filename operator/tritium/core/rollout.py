"""Who serves, who is next, and who was turned down.

A new revision takes over when all its pods are ready, known to each gateway pod, and the smoke test has passed on
each; before that nothing of what serves is touched. The table is in `docs/architecture.md`.
"""

from dataclasses import replace
from datetime import datetime

from tritium.api.status import LastAction, Phase
from tritium.core import rollback
from tritium.core.actions import ABORT, PAUSE, PROMOTE, RESUME, RETRY, SKIP_STEP, asks, done, without_effect
from tritium.core.bake import bake, is_baking, to_bake
from tritium.core.canary import Outcome, in_steps, proceed, stable_is_short, under_way
from tritium.core.compatibility import admitted, mismatch, noted, promotion
from tritium.core.deadline import clocked
from tritium.core.diagnosis import worst
from tritium.core.experiment import account, arms, is_running, tried
from tritium.core.exposure import exposed, goes_now, pods_wanted
from tritium.core.gateway import available, gateway_trouble, known_to_gateway, told_of
from tritium.core.leaving import stuck
from tritium.core.ledger import Ledger, Progress
from tritium.core.lookup import (
    BEFORE_A_REVISION,
    comes_first,
    deployment_of,
    pods_of,
    refusal_as_trouble,
    trouble_of,
)
from tritium.core.plan import Course, Target
from tritium.core.queries import nobody_to_ask, query_trouble
from tritium.core.reasons import Reason
from tritium.core.recreate import is_down
from tritium.core.revision import revision_of
from tritium.core.seen import Answer, RevisionSeen, Seen, Trouble
from tritium.core.strategy import strategy
from tritium.core.target import by_number
from tritium.core.verdict import failed_smoke_test, outlived, turn_down, unasked_smoke_test
from tritium.core.wish import Wish


def advance(wish: Wish, ledger: Ledger, target: Target, seen: Seen, now: datetime) -> Course:
    """One step of the rollout."""
    before = ledger
    ledger = _same_pods(_adopt(ledger, seen, now), seen, now)
    ledger = _act_on_person(wish, ledger, target, seen, now)
    were = tried(ledger)
    ledger = account(wish, ledger, seen, now, pinned=wish.pin is not None and not target.pin_missing)
    waits = is_running(wish, ledger, were)
    ledger = rollback.turned_down(ledger, turn_down(wish, ledger, target, seen, now, waits=waits), now)
    candidate = None if waits else _candidate(ledger, target, seen)
    outcome = _further(wish, ledger, candidate, seen, now) if candidate else _idle(wish, ledger, target, seen, now)
    ledger = outcome.ledger
    if candidate and outcome.promoted:
        ledger, candidate = _promote(wish, ledger, candidate, seen, now), None
    elif candidate:
        candidate = _candidate(ledger, target, seen)  # it may have been turned down
    ledger = rollback.left(wish, before, ledger, candidate, now)
    ledger = ledger.kept(frozenset(each.number for each in seen.revisions))
    sides = arms(wish, ledger, seen, now, were)
    ledger = noted(ledger, (each for each in (candidate, *(arm.revision for arm in sides)) if each), seen)
    stable = by_number(seen.revisions, ledger.stable)
    held = _held(wish, ledger, candidate, now)
    trouble = query_trouble(ledger, seen, now)
    if candidate:
        found = _trouble(wish, ledger, candidate, stable, _without_outlived(wish, ledger, candidate, seen))
        trouble = found or trouble
    were = (were | tried(ledger)) - {ledger.stable}
    course = Course(Phase.IDLE, ledger, stable, candidate, trouble, held, outcome.gates, sides, were)
    return replace(course, phase=_phase(wish, target, course))


def _further(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen, now: datetime) -> Outcome:
    """The candidate's next step: of some of the traffic, or at once of all of it."""
    if ledger.progress and ledger.progress.revision != candidate.number:
        ledger = without_effect(wish, ledger, now)  # it was asked of the one before
    if in_steps(wish, ledger, candidate, seen):
        return proceed(wish, ledger, candidate, seen, now)
    gives_up = asks(wish, ledger, ABORT) and ledger.stable is not None and wish.pin != candidate.number
    progress = _followed(wish, ledger, candidate, seen, now)
    by_hand = progress is not None and progress.by_hand
    ledger = without_effect(wish, replace(ledger, progress=progress), now)
    if gives_up:
        message = "a person aborted the rollout"
        given_up = ledger.reject(candidate.number, Reason.ABORTED_BY_HAND, message, now)
        return Outcome(replace(given_up, progress=None))
    paused = progress.paused if progress else None
    if paused and paused.reason == Reason.DEADLINE and is_down(wish, ledger, seen):  # nobody is served while it waits
        turned_down = ledger.reject(candidate.number, paused.reason, paused.message, now)
        return Outcome(replace(turned_down, progress=None))
    held = wish.paused or paused or (progress is not None and nobody_to_ask(progress, seen))
    if (held and not goes_now(wish, ledger)) or not _takes_over(wish, ledger, candidate, seen):
        return Outcome(ledger)
    if progress and strategy(progress.settings).awaits_person:
        return _looked_at(wish, ledger, progress, now)
    return Outcome(replace(ledger, progress=None) if by_hand else ledger, promoted=True)


def _followed(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen, now: datetime) -> Progress | None:
    """What is kept of a rollout without steps, with what a person asks of it.

    None where there is nothing to go back to, or it came back itself. While nobody is served a pause has no effect.
    """
    is_new = by_number(seen.revisions, ledger.stable) is not None and candidate.number not in ledger.promoted
    if not is_new or not wish.strategy or wish.pin == candidate.number:
        return None
    progress = under_way(wish, ledger, candidate)
    waits = strategy(progress.settings).awaits_person
    if progress.paused and progress.paused.reason == Reason.PAUSED_BY_HAND and is_down(wish, ledger, seen):
        progress = replace(progress, paused=None)  # the old pods went meanwhile
    awaited = progress.paused is not None and progress.paused.reason == Reason.AWAITS_PROMOTION
    if asks(wish, ledger, PAUSE) and not is_down(wish, ledger, seen):
        progress = progress.paused_by_hand(now)
    elif progress.paused and not awaited and (asks(wish, ledger, RESUME) or asks(wish, ledger, SKIP_STEP)):
        progress = replace(progress, paused=None, waiting_since=None)
    asked = asks(wish, ledger, PROMOTE)
    ledger = promotion(wish, replace(ledger, progress=progress), candidate, seen, asked=asked)
    is_paused = ledger.progress is not None and ledger.progress.paused is not None
    if not waits and not is_paused and (wish.pin is not None or not wish.replicas):
        return None  # nothing is judged or waited for there; what was paused stays so
    return clocked(wish, ledger, candidate, seen, now).progress


def _looked_at(wish: Wish, ledger: Ledger, progress: Progress, now: datetime) -> Outcome:
    """A candidate that has all that it needs, and becomes stable when a person says so.

    It is judged then, as without that person: there were no gates that could have been overruled.
    """
    if progress.by_hand:
        return Outcome(replace(ledger, progress=replace(progress, by_hand=False)), promoted=True)
    if not wish.replicas:
        return Outcome(ledger)
    return Outcome(replace(ledger, progress=progress.pause(Reason.AWAITS_PROMOTION, now)))


def _idle(wish: Wish, ledger: Ledger, target: Target, seen: Seen, now: datetime) -> Outcome:
    """Without a candidate; while one is being listed, what is asked of it waits, and not what was of another."""
    awaited = target.revision is None and target.resolution is not None
    if is_baking(ledger) and not (wish.replaces or wish.recreates):  # then the one before has no pods
        return bake(replace(wish, action=None) if awaited else wish, ledger, seen, now)
    waits = awaited and ledger.progress is None
    ledger = replace(ledger, progress=None)
    return Outcome(ledger if waits else without_effect(wish, ledger, now))


def _adopt(ledger: Ledger, seen: Seen, now: datetime) -> Ledger:
    """A status that was lost: what the Service tells of is what serves, not a first deployment."""
    service = seen.service
    if ledger.stable is not None or service is None:
        return ledger
    serving = next((each for each in seen.revisions if service.revision and each.hash == service.revision), None)
    serving = serving or by_number(seen.revisions, service.number)
    if serving is None:
        return ledger
    # What a gateway pod sends requests to besides, or leads there by a header, may have been tried only.
    return replace(ledger, exposed=dict.fromkeys(sorted(told_of(seen)), now)).promote(serving.number, now)


def _same_pods(ledger: Ledger, seen: Seen, now: datetime) -> Ledger:
    """The record of what serves was deleted by hand, and made anew under another number."""
    if ledger.stable is None or by_number(seen.revisions, ledger.stable):
        return ledger
    told = ledger.traffic.revisions or () if ledger.traffic else ()
    names = {revision_of(each.service) for each in told if each.revision == ledger.stable}
    if seen.service and seen.service.revision and seen.service.number == ledger.stable:
        names.add(seen.service.revision)
    again = next((each for each in seen.revisions if each.hash in names), None)
    return ledger.promote(again.number, now) if again else ledger


def _act_on_person(wish: Wish, ledger: Ledger, target: Target, seen: Seen, now: datetime) -> Ledger:
    """A retry whose listing has answered lifts the rejection, and is done with.

    What was turned down proves itself again, also if it was stable once: with that alone it would come back at once.
    """
    found = target.revision
    if wish.pin is not None and asks(wish, ledger, RETRY):
        return done(wish, ledger, now)  # nothing is listed under a pin, and without it nobody may want it any more
    if not target.retried or found is None or wish.action is None:
        return ledger
    carried_out = LastAction(verb=RETRY, token=wish.action.token, at=now)
    if ledger.rejection(found.number) and found.number != ledger.stable:
        ledger = ledger.unproven(found.number, now)
    ledger = replace(ledger.accept(found.number), action=carried_out)
    # The source is again what it was before: the revisions that it was in between are left.
    message = f"the source was listed again, and is what it was for revision {found.number}"
    for each in seen.revisions:
        if each.written == wish.written and each.number > found.number:
            ledger = ledger.accept(each.number).reject(each.number, Reason.ROLLED_BACK, message, now)
    return ledger


def _candidate(ledger: Ledger, target: Target, seen: Seen) -> RevisionSeen | None:
    wanted = target.revision
    if target.pin_missing and ledger.progress:
        wanted = by_number(seen.revisions, ledger.progress.revision)  # such a pin changes nothing
    if wanted is None or wanted.number == ledger.stable:
        return None
    return None if ledger.rejection(wanted.number) and ledger.stable is not None else wanted


def _takes_over(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> bool:
    deployment = deployment_of(seen, candidate)
    if deployment is None or deployment.replicas < wish.replicas:
        return False
    ready = [pod for pod in pods_of(seen, candidate) if pod.ready]
    if len(ready) < wish.replicas or not known_to_gateway(wish, candidate, seen):
        return False
    if not admitted(wish, ledger, candidate, seen):
        return False
    if not wish.smoke_tests or candidate.number in ledger.promoted:
        return True  # it has served before: it comes back with capacity, and without another proof
    # Without a pod nobody has answered anything. One that is about to go cannot be asked again after a restart.
    answers = [seen.smoke.get(pod.uid) for pod in ready]
    return wish.replicas > 0 and all(each and each.answer is Answer.PASSED for each in answers)


def _promote(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen, now: datetime) -> Ledger:
    progress = ledger.progress
    promoted = replace(
        ledger.promote(candidate.number, now),
        progress=to_bake(wish, progress, candidate, seen, now) if progress else None,
    )
    return rollback.again(wish, ledger, promoted, now)


def _held(wish: Wish, ledger: Ledger, candidate: RevisionSeen | None, now: datetime) -> dict[int, datetime]:
    """Revisions that stopped serving keep their pods to go back to, and rejected ones to be looked at."""
    ends = {number: at + wish.bake_time for number, at in ledger.demoted.items()}
    if is_baking(ledger) and ledger.progress and ledger.progress.paused and (before := ledger.before()):
        ends[before] = now + wish.bake_time  # a person may want it back
    for each in ledger.rejected:
        if each.at:
            ends[each.revision] = max(each.at + wish.bake_time, ends.get(each.revision, each.at))
    out = {ledger.stable, candidate.number if candidate else None}
    return {number: end for number, end in sorted(ends.items()) if end > now and number not in out}


def _without_outlived(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> Seen:
    gone = outlived(wish, ledger, candidate, seen)
    return replace(seen, pods=tuple(pod for pod in seen.pods if pod.uid not in gone))


def _nobody_to_ask(wish: Wish, ledger: Ledger, candidate: RevisionSeen) -> Trouble | None:
    if wish.replicas or candidate.number in ledger.promoted:
        return None
    if wish.smoke_tests:
        message = f"revision {candidate.number} has to pass its smoke test, and spec.replicas is 0"
        return Trouble("smokeTest", Reason.NO_REPLICAS, message)
    if ledger.progress is None or not strategy(ledger.progress.settings).awaits_person:
        return None
    message = f"spec.replicas is 0, and revision {candidate.number} is to be looked at before it serves"
    return Trouble("rollout", Reason.NO_REPLICAS, message)


def _waits_for_stable(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> Trouble | None:
    """Why a rollout in steps does not go on, where nobody has paused it and no gate holds it."""
    if ledger.progress is None or not exposed(ledger, candidate):
        return None
    if not wish.replicas:
        return Trouble("rollout", Reason.NO_REPLICAS, "spec.replicas is 0, and the rollout waits for pods")
    if not stable_is_short(wish, ledger, seen):
        return None
    message = (
        f"revision {ledger.stable} has not all its pods, and nothing goes on by itself until it has; if this one is to "
        "mend it, the action promote goes on all the same"
    )
    return Trouble("rollout", Reason.STABLE_SHORT, message)


def _unreachable(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> Trouble | None:
    """Pods enough are ready, and requests cannot be sent to them yet."""
    enough = pods_wanted(wish, ledger)
    ready = sum(pod.ready for pod in pods_of(seen, candidate))
    known = any(each.ready for each in seen.gateways) and available(candidate, seen) >= enough
    return None if ready < enough or known else gateway_trouble(seen)


def _trouble(
    wish: Wish, ledger: Ledger, candidate: RevisionSeen, stable: RevisionSeen | None, seen: Seen
) -> Trouble | None:
    refusal = next((each for each in seen.refusals if each.kind not in BEFORE_A_REVISION), None)
    found = (
        trouble_of(seen, candidate),
        failed_smoke_test(pods_of(seen, candidate), seen),
        refusal_as_trouble(refusal) if refusal else None,
        unasked_smoke_test(pods_of(seen, candidate), seen),
        mismatch(wish, ledger, candidate, seen),
        _nobody_to_ask(wish, ledger, candidate),
        _unreachable(wish, ledger, candidate, seen),
        stuck(seen, candidate) if wish.replaces or wish.recreates else None,
        _waits_for_stable(wish, ledger, candidate, seen),
        comes_first(seen, stable),
    )
    return worst(each for each in found if each)


def _phase(wish: Wish, target: Target, course: Course) -> Phase:
    ledger = course.ledger
    if ledger.stable is None:
        return Phase.INITIAL
    if course.candidate:
        return _of_candidate(wish, ledger, course.candidate, course.trouble)
    if target.revision is None and not target.pin_missing:
        return Phase.BLOCKED if target.trouble else Phase.PREPARING
    if target.revision and target.revision.number != ledger.stable:
        return Phase.ABORTED if ledger.rejection(target.revision.number) else Phase.BLOCKED
    if ledger.progress and ledger.progress.paused:
        return Phase.PAUSED
    return Phase.PROMOTING if any(number in ledger.demoted for number in course.held) else Phase.IDLE


def _of_candidate(wish: Wish, ledger: Ledger, candidate: RevisionSeen, trouble: Trouble | None) -> Phase:
    if wish.paused or (ledger.progress and ledger.progress.paused):
        return Phase.PAUSED
    if exposed(ledger, candidate) or (ledger.progress and ledger.progress.judged_since):
        return Phase.PROGRESSING
    return Phase.PREPARING if trouble is None or trouble.reason == Reason.STARTING else Phase.BLOCKED
