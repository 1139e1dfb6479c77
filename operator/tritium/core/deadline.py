"""The deadline of a rollout: what waits for pods or the gateway, and nothing moves, waits for a person in the end.

Only waiting counts. A step has `maxWait` of its own, a pause ends when a person ends it, and a model that is fetched or
loaded for the first time takes as long as it takes: the fetch and the kubelet give up by themselves. What waits for a
person already, because its tensors are others or there is no Prometheus, goes on when that was mended.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from tritium.core.compatibility import mismatch
from tritium.core.ledger import Ledger, Progress
from tritium.core.lookup import pods_of
from tritium.core.queries import nobody_to_ask
from tritium.core.reasons import Reason
from tritium.core.recreate import is_down
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.strategy import strategy
from tritium.core.wish import Wish

MESSAGE: Final = "Nothing has moved for as long as rollout.progressDeadline allows."


def clocked(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen, now: datetime) -> Ledger:
    """The rollout with its clock running or stopped, as it has to be; paused where the time is over."""
    progress = ledger.progress
    if progress is None:
        return ledger
    elsewhere = wish.pin not in {None, candidate.number}  # a pin that is not kept: what goes on waits for a person
    stands = wish.paused or progress.paused or progress.started or elsewhere or not wish.replicas
    if stands or _waits_for_a_person(wish, ledger, progress, candidate, seen):
        return replace(ledger, progress=replace(progress, waiting_since=None))
    running = replace(progress, waiting_since=progress.waiting_since or now)
    due = due_at(running, candidate, seen)
    return replace(ledger, progress=running.pause(Reason.DEADLINE, now, MESSAGE) if due and now >= due else running)


def due_at(progress: Progress, candidate: RevisionSeen, seen: Seen) -> datetime | None:
    """When its time is over; None while nobody waits, or a pod is at work."""
    pods = pods_of(seen, candidate)
    if progress.waiting_since is None or progress.paused or any(pod.at_work for pod in pods):
        return None
    moved = (pod.moved or pod.created for pod in pods)
    return max([progress.waiting_since, *moved]) + strategy(progress.settings).progress_deadline


def _waits_for_a_person(wish: Wish, ledger: Ledger, progress: Progress, candidate: RevisionSeen, seen: Seen) -> bool:
    found = mismatch(wish, ledger, candidate, seen)
    differs = found is not None and found.reason == Reason.SIGNATURE_CHANGED
    return nobody_to_ask(progress, seen) or (differs and not is_down(wish, ledger, seen))  # nobody is served meanwhile
