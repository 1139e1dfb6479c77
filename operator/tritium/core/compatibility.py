"""Whether a candidate, or an arm, may have requests at all: clients of what serves must be able to go on with it.

Triton tells of each model which tensors it takes and gives. They are asked once of one ready pod of each of the two
revisions, and compared before the candidate gets its first request. What differs is in the ledger, and holds the
candidate until another comparison finds no difference, whatever else goes on. A revision that was stable before is not
compared: whoever goes back knows it. Where nothing serves there is nobody to protect.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tritium.core.exposure import exposed, is_led
from tritium.core.ledger import Ledger
from tritium.core.lookup import pods_of
from tritium.core.plan import Notice
from tritium.core.reasons import Reason
from tritium.core.remedies import REMEDIES
from tritium.core.seen import PodSeen, RevisionSeen, Seen, Trouble
from tritium.core.signature import Signature, differences
from tritium.core.target import by_number
from tritium.core.wish import Wish
from tritium.core.wording import sentence, steady

COMPONENT: Final = "signature"
SHOWN: Final = 3
"""Differences that a message names."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a candidate's tensors compare with those of what serves.

    Attributes:
        waits: a pod has not answered yet.
        reason, message: why it should have no requests; empty if nothing is known against it.
    """

    waits: bool = False
    reason: str = ""
    message: str = ""


_NOTHING: Final = Comparison()
_WAITS: Final = Comparison(waits=True)


def admitted(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> bool:
    """Whether a candidate may have requests."""
    found = _compare(wish, ledger, candidate, seen)
    return not found.waits and not (wish.enforces and found.reason)


def mismatch(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> Trouble | None:
    """Why it may not."""
    found = _compare(wish, ledger, candidate, seen)
    if not (wish.enforces and found.reason):
        return None
    return Trouble(COMPONENT, found.reason, found.message)


def differs(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> bool:
    """Whether its tensors are known to be others, and that holds it."""
    found = mismatch(wish, ledger, candidate, seen)
    return found is not None and found.reason == Reason.SIGNATURE_CHANGED


def promotion(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen, *, asked: bool) -> Ledger:
    """The ledger with a promotion by hand, if one is `asked` for; without any where its tensors hold the candidate.

    A promotion that waited for `rollout.compatibility: Warn` would, hours later, let it through without steps and
    gates: who lets other tensors through has said nothing of how often it may fail.

    Args:
        wish: what is asked for.
        ledger: its `progress` is the candidate's.
        candidate: who is rolled out.
        seen: what is there.
        asked: a person says `promote`, and has not been heard yet.
    """
    progress = ledger.progress
    if progress is None:
        return ledger
    if differs(wish, ledger, candidate, seen):
        return replace(ledger, progress=replace(progress, by_hand=False))
    return replace(ledger, progress=progress.promoted_by_hand()) if asked else ledger


def noted(ledger: Ledger, tried: Iterable[RevisionSeen], seen: Seen) -> Ledger:
    """The ledger with what a comparison has found: it counts until another one finds them alike."""
    withheld = dict(ledger.withheld)
    for each in tried:
        stable = _compared_with(ledger, each, seen)
        ours, theirs = _signature(each, seen), _signature(stable, seen) if stable else None
        if stable and ours and theirs:
            withheld.pop(each.number, None)
            if found := differences(theirs, ours):
                withheld[each.number] = _words(each, stable, found)
    return replace(ledger, withheld=withheld)


def to_be_described(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> Iterator[PodSeen]:
    """The pods that are to be asked: one of each revision of which nothing is known; another where one is silent."""
    stable = _compared_with(ledger, candidate, seen)
    if stable is None or not (wish.replicas and _ready(stable, seen) and _ready(candidate, seen)):
        return
    for each in (stable, candidate):
        if _signature(each, seen) is None:
            yield min(_ready(each, seen), key=lambda pod: (pod.uid in seen.signatures, pod.name))


def let_through(wish: Wish, before: Ledger, after: Ledger, seen: Seen) -> Iterator[Notice]:
    """What is told when a candidate gets its first request although its tensors are others."""
    if wish.enforces:
        return
    new = {*after.exposed, *after.promoted} - {*before.exposed, *before.promoted}
    for each in seen.revisions:
        if each.number in new and (found := _compare(wish, before, each, seen)).reason:
            words = found.message.removesuffix(f" {REMEDIES[Reason(found.reason)]}")  # it asks for what was done
            yield Notice("Warning", found.reason, f"rollout.compatibility: Warn lets it through. {words}")


def _compare(wish: Wish, ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> Comparison:
    if known := noted(ledger, [candidate], seen).withheld.get(candidate.number):
        return Comparison(reason=Reason.SIGNATURE_CHANGED, message=known)
    stable = _compared_with(ledger, candidate, seen)
    if stable is None or not (wish.replicas and _ready(candidate, seen) and _ready(stable, seen)):
        return _NOTHING
    unknown = [each for each in (stable, candidate) if _signature(each, seen) is None]
    return _silent(unknown[0], seen) if unknown else _NOTHING


def _compared_with(ledger: Ledger, candidate: RevisionSeen, seen: Seen) -> RevisionSeen | None:
    """The revision that serves, if the candidate is to be compared with it: before it has requests, and while held."""
    if candidate.number in ledger.promoted or ledger.stable == candidate.number:
        return None
    has_requests = exposed(ledger, candidate) or is_led(ledger, candidate)
    if has_requests and candidate.number not in ledger.withheld:
        return None
    return by_number(seen.revisions, ledger.stable)


def _words(candidate: RevisionSeen, stable: RevisionSeen, found: tuple[str, ...]) -> str:
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    words = sentence(
        f"Clients of revision {stable.number}, which serves, cannot go on with revision {candidate.number}: "
        f"{steady('; '.join(found[:SHOWN]))}{more}"
    )
    return f"{words} {REMEDIES[Reason.SIGNATURE_CHANGED]}"


def _silent(revision: RevisionSeen, seen: Seen) -> Comparison:
    """Its pods are ready, and none has said which tensors the model has: either not yet, or all were asked in vain."""
    pods = sorted(_ready(revision, seen), key=lambda pod: pod.name)
    if any(pod.uid not in seen.signatures for pod in pods):
        return _WAITS
    reason = Reason.SIGNATURE_UNKNOWN
    why = seen.signatures[pods[0].uid].message.rstrip(".")
    words = f"Revision {revision.number} does not say which tensors its model has: {why}"
    return Comparison(reason=reason, message=f"{sentence(words)} {REMEDIES[reason]}")


def _signature(revision: RevisionSeen, seen: Seen) -> Signature | None:
    """As any of its pods has told it; they all have the same model."""
    answers = (seen.signatures.get(pod.uid) for pod in pods_of(seen, revision))
    return next((each.signature for each in answers if each and each.signature), None)


def _ready(revision: RevisionSeen, seen: Seen) -> list[PodSeen]:
    return [pod for pod in pods_of(seen, revision) if pod.ready]
