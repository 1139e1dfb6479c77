"""The worked example of docs/scaling.md is what the controller says."""

from __future__ import annotations

import re
from pathlib import Path

from tritium.core.scaling import controller, demand
from tritium.core.scaling.capacity import Capacity
from tritium.core.scaling.controller import Memory, Why, advise, need
from tritium.core.scaling.demand import Demand
from tritium.core.scaling.knobs import Knobs
from tritium.core.scaling.sight import Sight, Span

PAGE = (Path(__file__).parents[2] / "docs/scaling.md").read_text(encoding="utf-8")
KNOBS = Knobs(1, 20)


def said(pattern: str) -> float:
    """The number that the page has there."""
    found = re.search(pattern, PAGE)
    assert found, pattern
    return float(found[1])


def test_the_example_is_right() -> None:
    fast, slow = said(r"mean of the last 15 s \| (\d+) a second"), said(r"the last 60 s \| (\d+) a second")
    waiting = int(said(r"the four queues \| (\d+):"))
    memory = Memory(
        began=0.0,
        last=Sight(1000.0, 0.0, 0.0, active=500, ready=4, pending=waiting),
        demand=Demand(fast, slow, 500.0, 1000.0),
        capacity=Capacity(said(r"each can do (\d+) requests"), 3),
        ready=4,
    )
    found = need(memory, Span(2.0, 400.0, 300.0, 0.0), KNOBS)
    assert found
    assert found.why is Why.BACKLOG
    assert round(found.pods, 2) == said(r"= ([\d.]+) \|")
    assert advise(memory, found, 4, KNOBS, 1000.0)[1].pods == said(r"\| pods \| (\d+) \|")


def test_the_way_down_of_the_example_is_right() -> None:
    each = 30.0
    calm = Demand(100.0, 100.0, 10.0, 2000.0)
    memory = Memory(
        began=0.0,
        last=Sight(2000.0, 0.0, 0.0, active=10, ready=7),
        demand=calm,
        capacity=Capacity(40.0, 3),
        needs=((2000.0, controller.whole(100.0 / each + 2 * calm.chance / each)),),
        ready=7,
    )
    found = need(memory, Span(2.0, 200.0, 200.0, 0.0), KNOBS)
    assert found
    assert round(found.pods, 2) == said(r"come in again, ([\d.]+) pods are needed")
    sizes: list[int] = []
    has, at = 7, 2000.0
    while not sizes or has < sizes[-1]:
        sizes.append(has)
        memory, advice = advise(memory, found, has, KNOBS, at)
        has, at = advice.pods, at + controller.STEP
    assert sizes == [7, 6, 5, 4]
    assert sizes[-1] == said(r"until there are (\d+)\.")


def test_its_numbers_are_those_of_the_code() -> None:
    assert said(r"÷ (\d+) % of it") == 100 * controller.LOAD
    assert said(r"beyond (\d+) for each pod") == controller.NO_BACKLOG
    assert said(r"within (\d+) s") == controller.DRAINED_IN
    assert said(r"needed in (\d+) s, or in two") == controller.CALM
    assert said(r"not looked for (\d+) s, or") == controller.GAP
    assert said(r"first (\d+) seconds ask for none") == demand.FLIGHT
    assert said(r"mean of (\d+) s or of") == demand.FAST
