"""The revisions of a ModelDeployment that are kept, and which two of them a diff is of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tritium.api import names
from tritium.api.status import LastRollback, RejectedRevision
from tritium.cli.complaints import Complaint, not_kept
from tritium.cli.facts.author import author, noted
from tritium.cli.facts.changes import Change, changes
from tritium.cli.facts.going_back import served_before
from tritium.cli.facts.made_from import made_from
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.words import printable


@dataclass(frozen=True, slots=True)
class Kept:
    """One revision.

    Attributes:
        exposed: when it first had a share of the requests without having been stable; None if it never had.
        sent_back: the last time that requests went back, if it was from this one.
        role: stable, candidate, or empty.
        author: who wrote the spec it is of, if that is known.
        cause: why, as whoever wrote it has annotated.
        made: what it was made from.
        base: the kept revision that it is compared with: the newest before it that has served, else the one before it.
        changes: what differs from that one; None for the oldest.
    """

    number: int
    name: str
    created: datetime
    digest: str | None
    promoted: datetime | None
    demoted: datetime | None
    exposed: datetime | None
    sent_back: LastRollback | None
    rejection: RejectedRevision | None
    role: str
    author: str | None
    cause: str | None
    made: Mapping[str, Any]
    base: int | None
    changes: tuple[Change, ...] | None


def history(model: Mapping[str, Any], facts: ModelFacts, revisions: Sequence[Mapping[str, Any]]) -> tuple[Kept, ...]:
    """The kept revisions, the newest first.

    Args:
        model: the ModelDeployment as the API server stores it.
        facts: the same, read.
        revisions: its ControllerRevisions.
    """
    in_order = sorted(revisions, key=lambda each: int(each["revision"]))
    found = [_kept(model, facts, each, in_order[:index]) for index, each in enumerate(in_order)]
    return tuple(reversed(found))


def pair(facts: ModelFacts, kept: Sequence[Kept], first: int | None, second: int | None) -> tuple[Kept, Kept]:
    """The two revisions that a diff is of.

    One number is compared with the stable revision. Without any it is what the newest change is about: the stable
    revision and the newest, or, where that is the stable one, the one that served before it.

    Raises:
        Complaint: one is not kept, or there are not two.
    """
    by_number = {each.number: each for each in kept}
    old, new = _numbers(facts, sorted(by_number), first, second)
    for each in (old, new):
        if each not in by_number:
            raise not_kept(facts.name, each, list(by_number))
    return by_number[old], by_number[new]


def _numbers(facts: ModelFacts, kept: Sequence[int], first: int | None, second: int | None) -> tuple[int, int]:
    if first is not None and second is not None:
        return first, second
    stable = facts.status.stable.revision if facts.status.stable else None
    newest = kept[-1] if kept else None
    other = first if first is not None else newest if newest != stable else served_before(facts)
    if other is None or stable is None or other == stable:
        raise Complaint(
            f"{facts.name} has no two revisions to compare: name two of {', '.join(map(str, kept)) or 'none'}"
        )
    return (other, stable) if other < stable else (stable, other)


def _kept(
    model: Mapping[str, Any],
    facts: ModelFacts,
    revision: Mapping[str, Any],
    earlier: Sequence[Mapping[str, Any]],
) -> Kept:
    number, made = int(revision["revision"]), made_from(revision)
    status = next((each for each in facts.status.revisions or () if each.revision == number), None)
    base, back = _base(facts, earlier), facts.status.last_rollback
    return Kept(
        number=number,
        name=revision["metadata"]["name"],
        created=datetime.fromisoformat(revision["metadata"]["creationTimestamp"]),
        digest=status.digest if status else None,
        promoted=status.promoted_at if status else None,
        demoted=status.demoted_at if status else None,
        exposed=status.exposed_at if status else None,
        sent_back=back if back and back.from_revision == number else None,
        rejection=facts.rejection(number),
        role=_role(facts, number),
        author=printable(author(model, revision, earlier[-1] if earlier else None)),
        cause=printable(noted(revision, names.CHANGE_CAUSE)),
        made=made,
        base=int(base["revision"]) if base else None,
        changes=changes(made_from(base), made) if base else None,
    )


def _base(facts: ModelFacts, earlier: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What never served changed nothing: a revision after it is held against what did."""
    served = {each.revision for each in facts.status.revisions or () if each.promoted_at}
    last = earlier[-1] if earlier else None
    return next((each for each in reversed(earlier) if int(each["revision"]) in served), last)


def _role(facts: ModelFacts, number: int) -> str:
    status = facts.status
    if status.stable and status.stable.revision == number:
        return "stable"
    return "candidate" if status.candidate and status.candidate.revision == number else ""
