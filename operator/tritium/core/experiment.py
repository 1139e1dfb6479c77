"""An experiment: which revisions its arms are, whether it runs, and why it is over.

It runs beside the stable revision, promotes nothing, and makes rollouts wait. A rollout that has requests already goes
on, and the experiment waits for it; so it does while what was turned down serves until the stable revision has its
pods. What survives a restart is in the ledger: the arms' revisions, and why the experiment is over while it still
stands in the spec.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tritium.api.status import ExperimentEnded
from tritium.core.actions import ABORT, asks, done
from tritium.core.ledger import ArmEntry, Ledger
from tritium.core.plan import Arm
from tritium.core.reasons import Reason
from tritium.core.seen import Seen
from tritium.core.target import by_number, of_spec, target
from tritium.core.wish import ArmWish, ExperimentWish, Wish

NUMBERS_EVERY: Final = timedelta(seconds=30)
"""Between two writes of numbers that change all the time, and decide nothing by themselves."""


def account(wish: Wish, ledger: Ledger, seen: Seen, now: datetime, *, pinned: bool) -> Ledger:
    """The ledger with what this pass makes of the experiment.

    Args:
        wish: what is asked for.
        ledger: what was decided before.
        seen: what is there.
        now: the time.
        pinned: `pinRevision` names a revision that is kept.
    """
    asked = wish.experiment
    if asked is None:
        return replace(ledger, arms=(), ended=None)
    asks_anew = ledger if is_over(wish, ledger) else replace(ledger, ended=None)
    after = _with_end(wish, asked, asks_anew, now, pinned=pinned)
    if not after.ended and ledger.arms and not ledger.ended and wish.recreates:
        after = _over(asked, after, Reason.RECREATING, now)
    if is_running(wish, after, tried(ledger)):
        return replace(after, arms=tuple(_entries(wish, asked, after, seen)))
    if after.ended:
        return after
    return replace(after, ended=ledger.ended, arms=ledger.arms if ledger.ended else ())


def is_over(wish: Wish, ledger: Ledger) -> bool:
    """Whether this experiment is over. The end of one before it is known until this one begins."""
    return bool(wish.experiment and ledger.ended and ledger.ended.written == wish.experiment.written)


def tried(ledger: Ledger) -> frozenset[int]:
    """Numbers of the revisions that are arms; none of an experiment that is over."""
    return frozenset() if ledger.ended else frozenset(each.revision for each in ledger.arms)


def is_running(wish: Wish, ledger: Ledger, were: frozenset[int]) -> bool:
    """Whether the arms get requests, or pods for them, and rollouts wait.

    Args:
        wish: what is asked for.
        ledger: what was decided.
        were: numbers of the revisions that were arms before this pass.
    """
    if wish.experiment is None or ledger.stable is None or ledger.ended or wish.recreates:
        return False
    return not waits_for_rollout(ledger) and not _waits_for_the_way_back(ledger, were)


def waits_for_rollout(ledger: Ledger) -> bool:
    """Whether a rollout had requests before the experiment came."""
    progress = ledger.progress
    if progress is None:
        return False
    told = ledger.traffic.revisions or () if ledger.traffic else ()
    return bool(progress.judged_since) or any(each.weight and each.revision == progress.revision for each in told)


def _waits_for_the_way_back(ledger: Ledger, were: frozenset[int]) -> bool:
    """Whether another revision serves what the stable one has no pods for yet: it must not become an arm meanwhile.

    An arm gets its share, and never stands in for the stable revision: all else would go to where there is no pod.
    """
    told = ledger.traffic.revisions or () if ledger.traffic else ()
    return any(each.weight and each.revision != ledger.stable and each.revision not in were for each in told)


def arms(wish: Wish, ledger: Ledger, seen: Seen, now: datetime, were: frozenset[int]) -> tuple[Arm, ...]:
    """The arms of the experiment that runs, in the order of the spec; none if none runs."""
    if wish.experiment is None or not is_running(wish, ledger, were):
        return ()
    return tuple(_arm(each, wish, ledger, seen, now) for each in wish.experiment.arms)


def _arm(arm: ArmWish, wish: Wish, ledger: Ledger, seen: Seen, now: datetime) -> Arm:
    number = next((each.revision for each in ledger.arms if each.name == arm.name), None)
    revision = by_number(seen.revisions, number)
    if revision or not arm.overlay:
        return Arm(arm, revision)
    return Arm(arm, source=target(_as_base(wish, arm), ledger, seen, now))


def _as_base(wish: Wish, arm: ArmWish) -> Wish:
    """What would be asked for if the arm were the base."""
    return replace(wish, written=arm.written, pin=None, action=None, follows=False)


def wakes(wish: Wish, ledger: Ledger, now: datetime) -> Iterator[datetime]:
    """When it ends, and when there may be new numbers."""
    asked = wish.experiment
    if asked and asked.ends_at and not is_over(wish, ledger) and asked.ends_at > now:
        yield asked.ends_at
    if is_running(wish, ledger, tried(ledger)):
        yield now + NUMBERS_EVERY


def _with_end(wish: Wish, asked: ExperimentWish, ledger: Ledger, now: datetime, *, pinned: bool) -> Ledger:
    if ledger.ended or ledger.stable is None:
        return ledger
    if asked.ends_at is not None and asked.ends_at <= now:
        return _over(asked, ledger, Reason.ENDS_AT, now)
    if pinned:
        return _over(asked, ledger, Reason.PINNED, now)
    if asks(wish, ledger, ABORT) and is_running(wish, ledger, tried(ledger)):
        return _over(asked, done(wish, ledger, now), Reason.ABORTED_BY_HAND, now)
    return ledger


def _over(asked: ExperimentWish, ledger: Ledger, reason: Reason, now: datetime) -> Ledger:
    return replace(ledger, ended=ExperimentEnded(written=asked.written, reason=reason, at=now))


def _entries(wish: Wish, asked: ExperimentWish, ledger: Ledger, seen: Seen) -> Iterator[ArmEntry]:
    """The arms whose revision is known; of two with the same the first has it.

    An overlay's stays as long as the overlay does: what is changed in the base meanwhile waits like any rollout.
    """
    known = {(each.name, each.overlay): each.revision for each in ledger.arms if each.overlay}
    taken: set[int] = set()
    for arm in asked.arms:
        number = known.get((arm.name, arm.overlay), arm.revision)
        found = by_number(seen.revisions, number)
        if found is None and arm.overlay:
            found = of_spec(_as_base(wish, arm), ledger, seen.revisions)
        if found and found.number not in taken:
            taken.add(found.number)
            yield ArmEntry(arm.name, found.number, arm.overlay)
