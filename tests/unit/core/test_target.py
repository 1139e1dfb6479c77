"""Which revision a spec asks for, and what has to be resolved for it."""

from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from tests.unit.core.seeing import DENIED, NOW, RETRIED, RETRY, STARTING, A, after, job, revision, wish
from tritium.api.fetch import FetchResult, Origin
from tritium.api.status import RejectedRevision
from tritium.core.ledger import Ledger
from tritium.core.plan import NewRevision, Resolution, Target
from tritium.core.reasons import Reason
from tritium.core.revision import revision_hash
from tritium.core.seen import ResolutionSeen, Seen, Trouble
from tritium.core.target import target
from tritium.core.wish import Wish

ONE, TWO = revision(1), revision(2, "b")
CHANGED = revision(3, "a", source=2)
PENDING = Trouble("resolve", Reason.IMAGE_PULL, "The image cannot be pulled.")
NOTHING = Ledger()
DONE = Ledger(stable=1, action=RETRIED)
LEFT = RejectedRevision(revision=3, reason=Reason.ROLLED_BACK, at=NOW)


@dataclass(frozen=True)
class Case:
    asks: Wish
    sees: Seen
    finds: Target
    ledger: Ledger = NOTHING
    now: datetime = NOW


def new(number: int, written: str = "a", source: int = 1) -> NewRevision:
    fingerprint = f"sha256:{source}"
    return NewRevision(revision_hash(written, fingerprint), number, written, fingerprint, 2, 10)


def led_to(answered: ResolutionSeen, pin: str) -> FetchResult:
    assert answered.result
    return answered.result.model_copy(update={"origin": Origin(pin=pin)})


CASES = {
    "a spec that nothing is known of is resolved": Case(wish(), Seen(), Target(resolution=Resolution("a", 1))),
    "a Job that has not ended is waited for": Case(
        wish(), Seen(resolutions=(job(),)), Target(resolution=Resolution("a", 1))
    ),
    "a Job that ended, and whose pod nobody has told of, may still have answered": Case(
        wish(),
        Seen(resolutions=(replace(job(trouble=PENDING), has_pod=False),)),
        Target(resolution=Resolution("a", 1), retry_at=after(seconds=9)),
        now=after(seconds=8),
    ),
    "a Job that ended without a pod has failed": Case(
        wish(),
        Seen(resolutions=(replace(job(trouble=PENDING), has_pod=False),)),
        Target(resolution=Resolution("a", 1), trouble=PENDING, retry_at=after(seconds=10)),
        now=after(seconds=9),
    ),
    "a Job that answered makes revision 1": Case(
        wish(), Seen(resolutions=(job(found=1),)), Target(create=new(1), resolution=Resolution("a", 1))
    ),
    "a revision keeps where a moving reference led": Case(
        wish(),
        Seen(resolutions=(replace(job(found=1), result=led_to(job(found=1), "version 7")),)),
        Target(create=replace(new(1), origin=Origin(pin="version 7")), resolution=Resolution("a", 1)),
    ),
    "the next revision has the next number": Case(
        wish("b"),
        Seen(revisions=(ONE,), resolutions=(job("b", found=1),)),
        Target(create=new(2, "b"), resolution=Resolution("b", 1)),
        Ledger(stable=1),
    ),
    "the number of a stable revision that was removed by hand is not given again": Case(
        wish("b"),
        Seen(resolutions=(job("b", found=1),)),
        Target(create=new(5, "b"), resolution=Resolution("b", 1)),
        Ledger(stable=4),
    ),
    "the number of a rejected revision that was removed by hand is not given again": Case(
        wish("b"),
        Seen(revisions=(ONE,), resolutions=(job("b", found=1),)),
        Target(create=new(4, "b"), resolution=Resolution("b", 1)),
        Ledger(stable=1, rejected=(LEFT,)),
    ),
    "a number that the status lists is not given again": Case(
        wish("b"),
        Seen(revisions=(ONE,), resolutions=(job("b", found=1),)),
        Target(create=new(8, "b"), resolution=Resolution("b", 1)),
        Ledger(stable=1, listed=frozenset({1, 7})),
    ),
    "a kept revision with the same written fields is the one, and nothing is resolved": Case(
        wish(), Seen(revisions=(ONE, TWO)), Target(revision=ONE), Ledger(stable=2)
    ),
    "of two with the same written fields the newest is the one": Case(
        wish(), Seen(revisions=(CHANGED, ONE, TWO)), Target(revision=CHANGED), Ledger(stable=2)
    ),
    "one that was left on purpose comes after its elder": Case(
        wish(), Seen(revisions=(ONE, CHANGED)), Target(revision=ONE), Ledger(stable=1, rejected=(LEFT,))
    ),
    "one that was left on purpose is still the spec's own, if there is no other": Case(
        wish(), Seen(revisions=(CHANGED, TWO)), Target(revision=CHANGED), Ledger(stable=2, rejected=(LEFT,))
    ),
    "a Job for another spec is not an answer": Case(
        wish("b"), Seen(revisions=(ONE,), resolutions=(job(found=1),)), Target(resolution=Resolution("b", 1))
    ),
    "a failed attempt is waited out": Case(
        wish(),
        Seen(resolutions=(job(trouble=DENIED),)),
        Target(resolution=Resolution("a", 1), trouble=DENIED, retry_at=after(seconds=10)),
        now=after(seconds=9),
    ),
    "after the wait the next attempt begins": Case(
        wish(),
        Seen(resolutions=(job(trouble=DENIED),)),
        Target(resolution=Resolution("a", 2), trouble=DENIED),
        now=after(seconds=10),
    ),
    "the newest attempt counts": Case(
        wish(),
        Seen(resolutions=(job(attempt=2, trouble=DENIED), job(trouble=DENIED))),
        Target(resolution=Resolution("a", 2), trouble=DENIED, retry_at=after(seconds=20)),
    ),
    "a pin is served, whatever the spec says": Case(
        wish("c", pin=2), Seen(revisions=(ONE, TWO)), Target(revision=TWO), Ledger(stable=1)
    ),
    "a pin that is not kept is missing, and nothing is resolved": Case(
        wish("c", pin=9), Seen(revisions=(ONE, TWO)), Target(pin_missing=True), Ledger(stable=1)
    ),
    "a pin is not retried": Case(wish(pin=1, action=RETRY), Seen(revisions=(ONE,)), Target(revision=ONE)),
    "a retry resolves a kept revision once more, under a key of its own": Case(
        wish(action=RETRY), Seen(revisions=(ONE,)), Target(revision=ONE, resolution=Resolution("a#7", 1))
    ),
    "a retry of a source that could not be listed begins at once": Case(
        wish(action=RETRY), Seen(resolutions=(job(trouble=DENIED),)), Target(resolution=Resolution("a#7", 1))
    ),
    "a retry whose listing is the same is done": Case(
        wish(action=RETRY),
        Seen(revisions=(ONE,), resolutions=(job("a#7", found=1),)),
        Target(revision=ONE, retried=True),
    ),
    "a retry whose listing is another one makes a revision": Case(
        wish(action=RETRY),
        Seen(revisions=(ONE,), resolutions=(job("a#7", found=2),)),
        Target(create=new(2, "a", 2), resolution=Resolution("a#7", 1)),
    ),
    "a retry whose revision was made is done": Case(
        wish(action=RETRY),
        Seen(revisions=(ONE, CHANGED), resolutions=(job("a#7", found=2),)),
        Target(revision=CHANGED, retried=True),
    ),
    "a retry whose listing fails leaves the revision what it is, and is tried again": Case(
        wish(action=RETRY),
        Seen(revisions=(ONE,), resolutions=(job("a#7", trouble=DENIED),)),
        Target(revision=ONE, resolution=Resolution("a#7", 1), trouble=DENIED, retry_at=after(seconds=10)),
    ),
    "a retry that was carried out is not carried out again": Case(
        wish(action=RETRY), Seen(revisions=(ONE,)), Target(revision=ONE), DONE
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_target(case: Case) -> None:
    assert target(case.asks, case.ledger, case.sees, case.now) == case.finds


@pytest.mark.parametrize(("trouble", "shown"), [(STARTING, None), (PENDING, PENDING)], ids=["starting", "in trouble"])
def test_only_what_keeps_a_listing_back_is_trouble(trouble: Trouble, shown: Trouble | None) -> None:
    under_way = replace(job(), trouble=trouble)
    found = target(wish(), Ledger(), Seen(resolutions=(under_way,)), NOW)
    assert found == Target(resolution=Resolution("a", 1), trouble=shown)


def test_a_revision_is_named_by_what_was_written_and_found() -> None:
    found = target(wish(), Ledger(), Seen(resolutions=(job(found=1),)), NOW)
    assert found.create is not None
    assert found.create.hash == A == ONE.hash != CHANGED.hash
