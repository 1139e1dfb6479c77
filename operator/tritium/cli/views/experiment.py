"""An experiment on a screen: who has which share, what came of it, and until when."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from tritium.api.status import ArmStatus
from tritium.cli.facts.model import ModelFacts
from tritium.cli.facts.words import moment, share, span
from tritium.cli.views.style import FAINT, WAITS, bar, grid

_QUANTILES: Final = (0.5, 0.95)
"""Those that the operator writes."""


def experiment_view(facts: ModelFacts, now: datetime) -> RenderableType:
    """Arms with their shares and pods; below, what each did with the bounds of it; then its end."""
    arms = facts.status.arms or ()
    shares, numbers = grid("left", "right", "left", "right", "left"), grid(*("left", *("right",) * 4))
    shares.add_row(*(Text(head, style=FAINT) for head in ("arm", "revision", "share", "", "pods")))
    numbers.add_row(*(Text(head, style=FAINT) for head in ("arm", "failed", "bounds", "median", "p95")))
    for arm in arms:
        pods = f"{arm.ready_replicas or 0}/{arm.replicas or 0} ready"
        shares.add_row(arm.name, str(arm.revision or ""), bar(arm.weight), f"{arm.weight or 0} %", pods)
        numbers.add_row(arm.name, f"{arm.errors or 0} of {arm.requests or 0}", _bounds(arm), *_latency(arm))
    said = grid("left", "fold")
    for label, text in _said(facts, now):
        said.add_row(Text(label, style=FAINT), text)
    return Group(shares, Text(), numbers, *([Text(), said] if said.row_count else ()))


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
        yield "ended", Text(f"{span(ended.at, now)} ago: {ended.reason}. All requests go to the stable revision")
    elif ends_at:
        yield "ends", Text(moment(ends_at))
