"""The preview of `strategy: blueGreen`: an address on which the next revision can be looked at before it serves.

It leads to the candidate from its first pod on that the gateway knows, whatever is yet to be proven of it, and to what
serves at all other times. Nothing is promised there: requests to it are no evidence for a gate, and a candidate that is
given up takes its pods along.
"""

from tritium.api import names
from tritium.api.gateway import preview_port
from tritium.core.gateway import available, counted, runs
from tritium.core.ledger import Ledger
from tritium.core.lookup import pods_of
from tritium.core.plan import Course, PreviewWish
from tritium.core.seen import RevisionSeen, Seen
from tritium.core.strategy import strategy
from tritium.core.wish import Wish


def has_preview(wish: Wish, ledger: Ledger) -> bool:
    """Whether there is to be a preview: as the spec says, or as it said when the rollout began that is under way."""
    if ledger.stable is None:
        return False
    # Not as the rollout goes on that was under way: it may have ended in this very pass.
    asked = wish.strategy if wish.next_strategy is None else wish.next_strategy
    under_way = ledger.progress.settings if ledger.progress else ""
    return strategy(asked).previews or strategy(under_way).previews


def previewed(wish: Wish, course: Course, leads: RevisionSeen | None, seen: Seen) -> int | None:
    """Number of the revision that the preview leads to; None where there is no preview.

    Args:
        wish: what is asked for.
        course: what was decided.
        leads: the revision that gets the requests.
        seen: what is there.
    """
    if not has_preview(wish, course.ledger):
        return None
    candidate, told = course.candidate, course.ledger.traffic
    before = told.preview if told else None
    if candidate and (available(candidate, seen) or (before == candidate.number and _has_ready_pod(candidate, seen))):
        return candidate.number
    return leads.number if leads else before


def service_of_preview(course: Course, seen: Seen) -> PreviewWish:
    """The Service for it: made, or changed, only while every gateway pod says that it listens on that port.

    One of an older version takes in what it is told and knows nothing of a preview.
    """
    told = course.ledger.traffic
    if told is None or told.port is None or told.preview is None:
        return PreviewWish()
    listens = runs(told, seen) and all(each.answer and each.answer.preview for each in counted(seen))
    return PreviewWish(kept=True, port=preview_port(told.port) if listens else None)


def preview_url(wish: Wish, course: Course, seen: Seen) -> str | None:
    """The address; None as long as it leads nowhere."""
    told = course.ledger.traffic
    if told is None or told.port is None or told.preview is None or seen.preview != preview_port(told.port):
        return None
    return f"http://{names.preview_service(wish.name)}.{wish.namespace}.svc:8000"


def _has_ready_pod(revision: RevisionSeen, seen: Seen) -> bool:
    """What the preview led to stays, as long as it has a pod: a gateway pod that falls silent takes nothing away."""
    return any(pod.ready for pod in pods_of(seen, revision))
