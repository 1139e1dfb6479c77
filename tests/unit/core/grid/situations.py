"""The places where a rollout can be: a section of `docs/rollout-table.md` each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from tests.unit.core.grid.world import World
from tests.unit.core.seeing import NO_ROOM, STARTING, lagging, serving, status_of, wish
from tests.unit.core.sides import experiment
from tests.unit.core.story import BAD, ONE, THREE, THREE_STEPS, TWO, strategy
from tritium.api.status import ModelDeploymentStatus
from tritium.core.seen import DeploymentSeen, PodSeen, RevisionSeen, Seen

FOUR = replace(THREE, number=4, hash="4" * 8, written="d")


def idle(**asks: Any) -> World:
    """Revision 1 serves, with ten pods unless it is said otherwise."""
    wanted = replace(wish(replicas=10, strategy=strategy(), smoke_tests="t"), **asks)
    before = serving(ONE, TWO, THREE, count=wanted.replicas)
    world = World(wanted, status_of(wanted, before), before)
    world.run()
    return world


def asking(world: World, **changes: Any) -> World:
    """The spec is changed."""
    world.asks = replace(world.asks, **changes)
    world.run()
    return world


def initial() -> World:
    asks = replace(idle().asks, written="b")
    deployments = (DeploymentSeen(TWO.hash, 10),)
    world = World(asks, ModelDeploymentStatus(), Seen((ONE, TWO, THREE), deployments))
    world.sick = {TWO.hash: (0, STARTING)}
    world.run()
    return world


def with_sick(trouble: Any, **asks: Any) -> World:
    """The candidate's pods are in trouble from the beginning."""
    world = idle(**asks)
    world.sick = {TWO.hash: (0, trouble)}
    return asking(world, written="b")


def progressing(**asks: Any) -> World:
    return asking(idle(**asks), written="b")


def paused() -> World:
    world = progressing()
    world.act("pause")
    world.run()
    return world


def failed_and_paused() -> World:
    world = progressing(strategy=strategy(onFailure="Pause"))
    return failing(world)


def failing(world: World) -> World:
    """The candidate fails, and goes on failing."""
    world.windows = {2: BAD}
    world.run(seconds=5)
    return world


def awaiting() -> World:
    return later(progressing(strategy=strategy(autoPromote=False)), 2)


def later(world: World, minutes: int) -> World:
    for _ in range(minutes):
        world.run(minutes=1)
    return world


def aborted() -> World:
    world = failing(progressing())
    world.windows = {}
    return world


def behind(world: World) -> World:
    """One gateway pod stays at what is told now."""
    world.gateway = lagging(world.status.traffic)
    return world


def aborting() -> World:
    world = failing(behind(progressing()))
    world.windows = {}
    return world


def superseding() -> World:
    world = behind(progressing())
    world.sick = {THREE.hash: (0, STARTING)}
    return asking(world, written="c")


def experimenting() -> World:
    world = asking(idle(), experiment=experiment())
    world.sees = replace(world.sees, revisions=(*world.sees.revisions, FOUR))
    return asking(world, written="d")


BLUE_GREEN = '{"strategy":"blueGreen"}'
LOOKED_AT = '{"strategy":"blueGreen","autoPromote":false}'
RECREATE = '{"strategy":"recreate"}'


def down() -> World:
    world = idle(strategy=RECREATE, replicas=2)
    world.ending = tuple(ending(each) for each in world.sees.pods)
    return asking(world, written="b")


def ending(pod: PodSeen) -> PodSeen:
    return replace(pod, name=f"{pod.name}-ending", uid=f"{pod.uid}-ending", ready=False, terminating=True)


SITUATIONS: dict[str, Callable[[], World]] = {
    "Initial": initial,
    "Idle": idle,
    "Preparing": lambda: with_sick(STARTING),
    "Blocked": lambda: with_sick(NO_ROOM),
    "Progressing": progressing,
    "Paused: by `pause`": paused,
    "Paused: by `rollout.paused`": lambda: asking(progressing(), paused=True),
    "Paused: a gate has failed, and `onFailure` is Pause": failed_and_paused,
    "Paused: it awaits promotion": awaiting,
    "Promoting": lambda: later(progressing(), 2),
    "Aborted": aborted,
    "Aborting": aborting,
    "Superseding": superseding,
    "An experiment runs, and a rollout waits": experimenting,
    "blueGreen: preparing": lambda: with_sick(STARTING, strategy=BLUE_GREEN),
    "blueGreen: it awaits promotion": lambda: progressing(strategy=LOOKED_AT),
    "blueGreen: promoting": lambda: progressing(strategy=BLUE_GREEN),
    "recreate: down": down,
    "recreate: coming up": lambda: with_sick(STARTING, strategy=RECREATE, replicas=2),
    "replace: progressing": lambda: progressing(strategy=strategy(THREE_STEPS), replicas=4, capacity="replace"),
}


@cache
def _made(name: str) -> World:
    return SITUATIONS[name]()


def place(name: str) -> World:
    """One of them, to go on from."""
    world = _made(name)
    return replace(world, sick=dict(world.sick), windows=dict(world.windows))


def candidate(world: World) -> RevisionSeen:
    """The revision that is rolled out, or bakes; or the one that the spec asks for, and that does not serve."""
    shown = world.status.candidate
    return next(
        each
        for each in world.sees.revisions
        if (each.number == shown.revision if shown else each.written == world.asks.written)
    )


def stable(world: World) -> RevisionSeen:
    """The revision that serves; the first one where there was never one."""
    return next(each for each in world.sees.revisions if each.number == (world.stable or 1))
