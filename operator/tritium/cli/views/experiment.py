"""An experiment on a screen: who has which share, what came of it, and until when."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from tritium.api.status import STABLE_ARM, ArmStatus
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.words import moment, share, span
from tritium.cli.views.style import FAINT, WAITS, bar, grid

_QUANTILES: Final = (0.5, 0.95)
"""Those that the operator writes."""
_HEADS: Final = ("failed", "bounds", "median", "p95")


def experiment_view(facts: ModelFacts, now: datetime) -> RenderableType:
    """Arms with their shares and pods; below, what each did with the bounds of it; then its end.

    Of one that is over what was found is left, and of which revisions: whoever has a share now is told elsewhere.
    """
    parts = [_shares(facts), Text(), _numbers(facts)] if facts.experiments else [_found(facts)]
    said = grid("left", "fold")
    for label, text in _said(facts, now):
        said.add_row(Text(label, style=FAINT), text)
    return Group(*parts, *([Text(), said] if said.row_count else ()))


def _shares(facts: ModelFacts) -> RenderableType:
    table = grid("left", "right", "left", "right", "left")
    table.add_row(*(Text(head, style=FAINT) for head in ("arm", "revision", "share", "", "pods")))
    for arm in facts.status.arms or ():
        pods = f"{arm.ready_replicas or 0}/{arm.replicas or 0} ready"
        table.add_row(arm.name, str(arm.revision or ""), bar(arm.weight), f"{arm.weight or 0} %", pods)
    return table


def _numbers(facts: ModelFacts) -> RenderableType:
    table = grid(*("left", *("right",) * 4))
    table.add_row(*(Text(head, style=FAINT) for head in ("arm", *_HEADS)))
    for arm in facts.status.arms or ():
        table.add_row(arm.name, *_did(arm))
    return table


def _found(facts: ModelFacts) -> RenderableType:
    table = grid(*("left", *("right",) * 5))
    table.add_row(*(Text(head, style=FAINT) for head in ("arm", "rev", *_HEADS)))
    for arm in facts.status.arms or ():
        name = "stable then" if arm.name == STABLE_ARM else arm.name
        table.add_row(name, str(arm.revision or ""), *_did(arm))
    return table


def _did(arm: ArmStatus) -> tuple[str, ...]:
    return (f"{arm.errors or 0} of {arm.requests or 0}", _bounds(arm), *_latency(arm))


def _bounds(arm: ArmStatus) -> str:
    if arm.lower is None or arm.upper is None:
        return ""
    return f"{share(arm.lower).removesuffix(' %')}-{share(arm.upper)}"


def _latency(arm: ArmStatus) -> Iterator[str]:
    found = {each.quantile: each for each in arm.latency or ()}
    for quantile in _QUANTILES:
        each = found.get(quantile)
        yield f"{each.ms:.3g} ms ({each.lower:g}-{each.upper:g})" if each else ""


def _said(facts: ModelFacts, now: datetime) -> Iterator[tuple[str, Text]]:
    for arm in facts.status.arms or ():
        if arm.message:
            yield arm.name, Text(arm.message, style=WAITS)
    ended, ends_at = facts.status.experiment_ended, facts.experiment_ends
    if ended:
        yield "ended", Text(f"{span(ended.at, now)} ago: {ended.reason}. Its arms get no requests any more")
    elif ends_at:
        yield "ends", Text(moment(ends_at))
