"""What can happen in each of these places: a row of each table of `docs/rollout-table.md`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.core.grid.situations import asking, candidate, stable
from tests.unit.core.grid.world import World
from tests.unit.core.seeing import NO_ROOM, STARTING, Gateway, absent, silent
from tests.unit.core.story import BAD
from tritium.core.actions import OF_A_ROLLOUT, RETRY
from tritium.core.sample import Sample
from tritium.core.seen import Trouble, WindowSeen

BOTH_BAD = WindowSeen(Sample(100, failed=20), Sample(900, failed=180))
DELETE = "delete"
"""The one event that is not the core's; see `test_delete`."""
RESTART = "restart"
ACTIONS = sorted({*OF_A_ROLLOUT, RETRY})


def asks(**changes: Any) -> Callable[[World], None]:
    return lambda world: void(asking(world, **changes))


def void(_: Any) -> None:
    """For its effect."""


def acts(verb: str) -> Callable[[World], None]:
    def event(world: World) -> None:
        world.act(verb)
        world.run()

    return event


def counts(window: WindowSeen) -> Callable[[World], None]:
    def event(world: World) -> None:
        world.windows = {candidate(world).number: window}
        world.run(seconds=5)

    return event


def loses(whose: Any, trouble: Trouble, *, one: bool = False) -> Callable[[World], None]:
    def event(world: World) -> None:
        of = whose(world)
        if whose is candidate and of == stable(world) and not world.status.candidate:
            return  # nothing is rolled out
        has = next((each.replicas for each in world.sees.deployments if each.revision == of.hash), 0)
        world.weaken(of, max(has - 1, 0) if one else 0, trouble)
        world.run()

    return event


def through(gateway: Gateway) -> Callable[[World], None]:
    def event(world: World) -> None:
        world.gateway = gateway
        world.run()

    return event


def deadline(world: World) -> None:
    world.get_stuck(NO_ROOM)
    for minutes in (0, 1, 30, 30):
        world.run(minutes=minutes)


EVENTS: dict[str, Callable[[World], None]] = {
    "nothing": lambda world: void(world.run()),
    "edit": asks(written="n"),
    "third revision": asks(written="c"),
    "edit back": asks(written="a"),
    "pin 1": asks(pin=1),
    "pin 2": asks(pin=2),
    "pin 3": asks(pin=3),
    "pin 9": asks(pin=9),
    **{verb: acts(verb) for verb in ACTIONS},
    "rollout.paused": asks(paused=True),
    "SpecInvalid": World.refuse,
    "gate fails": counts(BAD),
    "both fail": counts(BOTH_BAD),
    "candidate's pods lost": loses(candidate, STARTING),
    "stable pod lost": loses(stable, STARTING, one=True),
    "stable pod without room": loses(stable, NO_ROOM, one=True),
    "stable pods lost": loses(stable, STARTING),
    "gateway pod silent": through(silent),
    "gateway gone": through(absent),
    "deadline": deadline,
    "all goes well": World.heal,
    RESTART: World.restart,
}
