"""How much of the traffic a candidate gets, and the pods for it: its weight never exceeds what its pods can carry."""

from typing import Final

from tritium.api.gateway import MAX_WEIGHT
from tritium.core.gateway import available
from tritium.core.ledger import Ledger
from tritium.core.lookup import pods_of
from tritium.core.queries import nobody_to_ask
from tritium.core.reasons import Reason
from tritium.core.seen import Answer, RevisionSeen, Seen
from tritium.core.strategy import NO_STEPS, strategy
from tritium.core.target import by_number
from tritium.core.wish import Wish

ALL: Final = MAX_WEIGHT


def weight(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> int:
    """The candidate's share of the traffic now, out of 10,000.

    It gets more only for pods that every gateway pod knows. What it has it keeps as long as it has its part of the pods
    that are ready: a gateway pod that falls silent takes nothing away. A paused rollout gets no more than it had come
    to, and neither does one whose pods have not all passed their smoke test, or whose queries nobody can be asked.
    """
    progress = ledger.progress
    if progress is None or progress.revision != candidate.number or not wish.replicas:
        return 0
    passed = proven(wish, ledger, candidate, seen)
    held = bool(wish.paused or progress.paused) or not passed or nobody_to_ask(progress, seen)
    plan = strategy(progress.settings)
    # Of the step that began last its weight may come back. Those after it, which were skipped, it never came to.
    step = progress.begun - 1 if held else progress.step
    wanted = share(plan.weight(step)) if step >= 0 else 0
    keeps = share(plan.weight(progress.step))
    if wish.replaces:
        keeps = ALL  # the stable revision has given up the pods for it
        if passed and goes_over(wish, ledger):
            wanted = ALL
    keeps = min(keeps, exposed(ledger, candidate), _fair(wish, ledger, candidate, seen))
    return max(keeps, min(wanted, ALL * available(candidate, seen) // wish.replicas))


def _fair(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> int:
    """The share with which none of the candidate's ready pods carries more than one of the stable revision's.

    Where both have fewer pods than there should be, it is not this one alone that is short: pods that are only asked
    for carry nothing, and what the candidate gave away the others would have to bear.
    """
    stable = by_number(seen.revisions, ledger.stable)
    ours, theirs = (sum(pod.ready for pod in pods_of(seen, each)) if each else 0 for each in (candidate, stable))
    return ALL * ours // max(1, min(wish.replicas, ours + theirs))


def exposed(ledger: Ledger, candidate: RevisionSeen) -> int:
    """The candidate's share of the traffic that the gateway was told last, out of 10,000."""
    told = ledger.traffic.revisions or () if ledger.traffic else ()
    return next((each.weight for each in told if each.revision == candidate.number), 0)


def is_led(ledger: Ledger, revision: RevisionSeen) -> bool:
    """Whether the gateway was told last to lead requests to a revision by a header."""
    told = ledger.traffic.revisions or () if ledger.traffic else ()
    return any(each.matches for each in told if each.revision == revision.number)


def share(percent: int) -> int:
    """A weight of the API as the gateway has it."""
    return percent * ALL // 100


def reached(wish: Wish, percent: int) -> int:
    """What a step's weight comes to out of 10,000: no more than the pods carry that a candidate can have."""
    return min(share(percent), ALL * most(wish) // max(1, wish.replicas))


def most(wish: Wish) -> int:
    """Pods that a candidate can have: all, or all but the last one that the stable revision has."""
    return wish.replicas - wish.replaces


def pods_wanted(wish: Wish, ledger: Ledger) -> int:
    """Pods that the candidate needs for its share; all that it can have before it is promoted."""
    progress = ledger.progress
    if progress is None:
        return wish.replicas
    plan = strategy(progress.settings)
    if by_hand(wish, ledger) or not plan.steps or (progress.step >= len(plan.steps) and plan.auto_promote):
        return most(wish)
    return min(most(wish), needed(plan.weight(progress.step), wish.replicas))


def needed(percent: int, replicas: int) -> int:
    """Pods for a share of the traffic that `replicas` pods carry: at least one, if there are any.

    >>> [needed(percent, 10) for percent in (1, 10, 11, 100)]
    [1, 1, 2, 10]
    """
    return max(min(1, replicas), -(-percent * replicas // 100))


def by_hand(wish: Wish, ledger: Ledger) -> bool:
    """Whether a person wants the candidate to become stable now, whatever the steps and gates say."""
    progress = ledger.progress
    return progress is not None and (wish.pin == progress.revision or progress.by_hand)


def goes_now(wish: Wish, ledger: Ledger) -> bool:
    """The same, unless the deadline has paused it since: nothing begins to move at an hour that nobody expects.

    A pin is part of the spec, and asks for it at any hour.
    """
    progress = ledger.progress
    if progress is None or wish.pin == progress.revision:
        return progress is not None
    return progress.by_hand and not (progress.paused and progress.paused.reason == Reason.DEADLINE)


def goes_over(wish: Wish, ledger: Ledger) -> bool:
    """Whether nothing is left but to become stable: a person wants it, or the steps are over and nobody waits."""
    progress = ledger.progress
    if progress is None or goes_now(wish, ledger):
        return progress is not None
    plan = strategy(progress.settings)
    return plan.auto_promote and progress.step >= len(plan.steps) and not (wish.paused or progress.paused)


def returns(ledger: Ledger) -> bool:
    """Whether the rollout is the way back to a revision that was stable before, which has no steps."""
    return ledger.progress is not None and ledger.progress.settings == NO_STEPS


def proven(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> bool:
    """Whether each ready pod has passed the smoke test, if there is one; what was stable before has long passed it."""
    if candidate.number in ledger.promoted:
        return True
    ready = [pod for pod in pods_of(seen, candidate) if pod.ready]
    answers = [seen.smoke.get(pod.uid) for pod in ready]
    return not wish.smoke_tests or all(each and each.answer is Answer.PASSED for each in answers)


def has_failed(wish: Wish, ledger: Ledger, revision: RevisionSeen, seen: Seen) -> bool:
    """Whether a pod has answered the smoke test wrongly; what was stable before has long passed it."""
    if not wish.smoke_tests or revision.number in ledger.promoted:
        return False
    answers = (seen.smoke.get(pod.uid) for pod in pods_of(seen, revision))
    return any(each and each.answer is Answer.FAILED for each in answers)
