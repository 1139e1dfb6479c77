"""Which revision a generation asks for: a pinned one, a kept one, or one that has to be resolved first."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tritium.api.fetch import FetchResult
from tritium.api.status import SourceStatus
from tritium.core.actions import RETRY
from tritium.core.following import attempt_key, told
from tritium.core.ledger import Ledger
from tritium.core.plan import NewRevision, Resolution, Target
from tritium.core.reasons import Reason
from tritium.core.revision import revision_hash
from tritium.core.seen import FollowSeen, ResolutionSeen, RevisionSeen, Seen
from tritium.core.wish import Wish

LONGEST_WAIT: Final = timedelta(seconds=60)

PODS_ARE_HEARD_OF: Final = timedelta(seconds=9)
"""Two watches: one may tell that a Job has ended before the other has told of its pod, which has the answer. With many
at once on a busy machine that was more than five seconds."""


def target(wish: Wish, ledger: Ledger, seen: Seen, now: datetime) -> Target:
    """Decide what to roll out.

    A kept revision with the same written fields is the one: going back resolves nothing, so it needs no object store.
    """
    if wish.pin is not None:
        pinned = by_number(seen.revisions, wish.pin)
        return Target(revision=pinned, pin_missing=pinned is None)
    kept = of_spec(wish, ledger, seen.revisions)
    token, news = _asked_again(wish, ledger), _news(wish, ledger, seen)
    if kept and token is None and news is None:
        return Target(revision=kept)
    last = _last_attempt(seen, _key(wish, token, news))
    if isinstance(last, str):
        return Target(revision=kept, resolution=Resolution(last, 1))
    if last.result and last.result.fingerprint:
        return _answered(wish, seen, last, used=ledger.numbers(), retried=token is not None)
    return _unanswered(last, kept, now)


def by_number(revisions: Sequence[RevisionSeen], number: int | None) -> RevisionSeen | None:
    """The kept revision with that number."""
    return next((each for each in revisions if each.number == number), None)


def of_spec(wish: Wish, ledger: Ledger, revisions: Sequence[RevisionSeen]) -> RevisionSeen | None:
    """The kept revision that the spec is: of several (the source has changed in between) the newest.

    Where changes are followed it is the one of the source's newest state, which may be an old one again. Else one that
    was left on purpose comes after all others: its source may be the one from before again.
    """
    mine = [each for each in revisions if each.written == wish.written]
    if wish.follows and ledger.source and ledger.source.written == wish.written:
        named = [each for each in mine if each.fingerprint == ledger.source.fingerprint]
        mine = named or mine

    def order(revision: RevisionSeen) -> tuple[bool, int]:
        rejection = ledger.rejection(revision.number)
        return rejection is None or rejection.reason != Reason.ROLLED_BACK, revision.number

    return max(mine, key=order, default=None)


def wait_before(attempt: int) -> timedelta:
    """How long after a failed attempt the next one begins.

    >>> [int(wait_before(attempt).total_seconds()) for attempt in (1, 2, 3, 4, 99)]
    [10, 20, 40, 60, 60]
    """
    return min(LONGEST_WAIT, timedelta(seconds=10 * 2 ** min(attempt - 1, 10)))


def _asked_again(wish: Wish, ledger: Ledger) -> str | None:
    """The token of a retry that has not had its answer yet."""
    action = wish.action
    if action is None or action.verb != RETRY or (ledger.action and ledger.action.token == action.token):
        return None
    return action.token


def _news(wish: Wish, ledger: Ledger, seen: Seen) -> FollowSeen | None:
    """That the source has changed, as was told and not yet looked into."""
    news = told(wish, ledger, seen)
    return news if news and news.fingerprint else None


def _key(wish: Wish, token: str | None, news: FollowSeen | None) -> str:
    """What names the listing: what a person asks for comes first, and finds what there is news of as well."""
    if token is not None:
        return f"{wish.written}#{token}"
    return attempt_key(wish, news) if news else wish.written


def _last_attempt(seen: Seen, key: str) -> ResolutionSeen | str:
    """The newest Job for what is to be resolved, or the key where there is none yet."""
    return max((each for each in seen.resolutions if each.written == key), key=lambda each: each.attempt, default=key)


def _answered(wish: Wish, seen: Seen, last: ResolutionSeen, *, used: frozenset[int], retried: bool) -> Target:
    result = last.result or FetchResult()
    fingerprint = result.fingerprint or ""
    name = revision_hash(wish.written, fingerprint)
    known = next((each for each in seen.revisions if each.hash == name), None)
    if known:
        at = last.finished or last.created
        source = SourceStatus(written=wish.written, fingerprint=fingerprint, at=at) if wish.follows else None
        return Target(revision=known, retried=retried, source=source)
    # A number is never given twice, also where its revision was removed by hand.
    number = max([0, *(each.number for each in seen.revisions), *used]) + 1
    size, files = result.bytes or 0, result.files or 0
    create = NewRevision(name, number, wish.written, fingerprint, files, size, result.origin)
    return Target(create=create, resolution=Resolution(last.written, last.attempt))


def _unanswered(last: ResolutionSeen, kept: RevisionSeen | None, now: datetime) -> Target:
    # A pod that is only starting keeps nothing from being listed.
    trouble = last.trouble if last.trouble and last.trouble.reason != Reason.STARTING else None
    waiting = Target(revision=kept, resolution=Resolution(last.written, last.attempt), trouble=trouble)
    if last.finished is None:
        return waiting
    heard = last.finished + PODS_ARE_HEARD_OF
    if not last.has_pod and now < heard:
        return replace(waiting, trouble=None, retry_at=heard)
    due = last.finished + wait_before(last.attempt)
    if now < due:
        return replace(waiting, retry_at=due)
    return replace(waiting, resolution=Resolution(last.written, last.attempt + 1))
