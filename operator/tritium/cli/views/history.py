"""The kept revisions on a screen, and as JSON."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tritium.api.status import LastRollback, RejectedRevision
from tritium.cli.facts.changes import Change, shown
from tritium.cli.facts.history import Kept
from tritium.cli.facts.made_from import address, image, led_to
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.words import brief, moment, printable, span
from tritium.cli.views.status_data import plain
from tritium.cli.views.style import BAD, BUSY, FAINT, GOOD, grid

_MOST: Final = 4
"""Changes that are shown of one revision; a diff shows all."""

_LONGEST: Final = 46
"""Characters of a value that are shown."""

_ROLES: Final = {"stable": GOOD, "candidate": BUSY, "": FAINT}


def history_view(facts: ModelFacts, kept: Sequence[Kept], now: datetime, program: str) -> RenderableType:
    """A block for each revision, the newest first."""
    head = Text.assemble((facts.name, "bold"), (f"  in {facts.namespace}  ", FAINT))
    if not kept:
        return head.append("no revision is kept yet")
    head.append(f"{len(kept)} {'revision is' if len(kept) == 1 else 'revisions are'} kept, the newest first")
    return Group(head, *(part for each in kept for part in _block(facts, each, now, program)))


def history_data(kept: Sequence[Kept]) -> list[dict[str, Any]]:
    """The same for programs, with every change."""
    return [_data(each) for each in kept]


def change_data(change: Change) -> dict[str, Any]:
    """One change for programs; absent is null."""
    return {"path": change.path, "from": change.old, "to": change.new}


def _block(facts: ModelFacts, each: Kept, now: datetime, program: str) -> Iterator[RenderableType]:
    mark = "●" if each.role else "○"
    line = Text.assemble((f"{mark} {each.number}", f"bold {_ROLES[each.role]}"))
    line.append(f"  {', '.join(_course(facts, each, now))}", style=_ROLES[each.role])
    line.append(f"  made {span(each.created, now)} ago ({moment(each.created)})", style=FAINT)
    yield Text()
    yield line
    table = grid("left", "fold")
    for name, text in _members(facts, each, now, program):
        table.add_row(Text(name, style=FAINT), text)
    yield Padding(table, (0, 0, 0, 4), expand=False)


def _course(facts: ModelFacts, each: Kept, now: datetime) -> Iterator[str]:
    if each.role == "candidate" and facts.status.candidate:
        yield f"candidate at {facts.status.candidate.weight or 0} %"
    elif each.role:
        yield each.role
    if facts.pin == each.number:
        yield "pinned"
    if each.rejection:
        yield "turned down"
    if each.role == "stable" and each.promoted:
        yield f"for {span(each.promoted, now)}"
    elif each.demoted:
        yield f"served until {span(each.demoted, now)} ago"
    elif not each.promoted and not each.role:
        yield _without_promotion(each)


def _without_promotion(each: Kept) -> str:
    """It was never stable, and may have had requests all the same: in the steps of a rollout, or as an arm."""
    return "had some requests" if each.exposed or each.sent_back else "never had a request"


def _members(facts: ModelFacts, each: Kept, now: datetime, program: str) -> Iterator[tuple[str, Text]]:
    if each.author:
        yield "by", Text(each.author)
    if each.cause:
        yield "why", Text(each.cause)
    yield "source", Text(address(each.made))
    if origin := led_to(each.made):
        yield "led to", Text(printable(origin) or "")
    yield "image", Text(image(each.made))
    if each.digest:
        yield "digest", Text(brief(each.digest))
    yield from _turned_down(each, now)
    for index, change in enumerate((each.changes or ())[:_MOST]):
        yield "" if index else _changed(each), _change(change)
    if each.changes and len(each.changes) > _MOST:
        more = len(each.changes) - _MOST
        yield "", Text(f"and {more} more: {program} diff {facts.name} shows all", style=FAINT)


def _turned_down(each: Kept, now: datetime) -> Iterator[tuple[str, Text]]:
    """Why it was turned down; of one that is so no more, since a pin or a retry has lifted that, what is known."""
    back = each.sent_back
    if each.rejection:
        when = f" ({span(each.rejection.at, now)} ago)" if each.rejection.at else ""
        yield "turned down", Text(f"{_why(each.rejection)}{when}", style=BAD)
    elif back:
        when = f"{span(back.at, now)} ago, " if back.at else ""
        yield "sent back", Text(f"{_why(back)} ({when}to revision {back.to_revision})")


def _why(what: RejectedRevision | LastRollback) -> str:
    return f"{what.reason}: {what.message}" if what.message else what.reason


def _changed(each: Kept) -> str:
    return "changed" if each.base == each.number - 1 else f"changed from {each.base}"


def _change(change: Change) -> Text:
    old, new = _short(shown(change.old)), _short(shown(change.new))
    return Text.assemble(f"{change.path}  ", (old, FAINT), " → ", new)


def _short(text: str) -> str:
    text = brief(text) if text.startswith("sha256:") else text
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _data(each: Kept) -> dict[str, Any]:
    found = {
        "revision": each.number,
        "name": each.name,
        "role": each.role,
        "createdAt": each.created.isoformat(),
        "author": each.author,
        "changeCause": each.cause,
        "source": each.made.get("source"),
        "origin": each.made.get("origin"),
        "image": image(each.made),
        "digest": each.digest,
        "fingerprint": each.made.get("fingerprint"),
        "promotedAt": each.promoted.isoformat() if each.promoted else None,
        "demotedAt": each.demoted.isoformat() if each.demoted else None,
        "exposedAt": each.exposed.isoformat() if each.exposed else None,
        "rejected": plain(each.rejection),
        "sentBack": plain(each.sent_back),
        "changesFrom": each.base,
        "changes": None if each.changes is None else [change_data(change) for change in each.changes],
    }
    return {name: value for name, value in found.items() if value not in (None, "")}
