"""What must hold in every cell: of each decision on the way, and of where it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.unit.core.seeing import ALL, weights
from tritium.core.gateway import counted

if TYPE_CHECKING:
    from tests.unit.core.grid.world import World
    from tritium.api.status import ModelDeploymentStatus
    from tritium.core.plan import Plan
    from tritium.core.seen import GatewayAnswer, GatewaySeen, Seen


def of_decision(world: World, before: ModelDeploymentStatus, plan: Plan) -> None:
    """It takes nothing from what serves, gives no more than pods carry, and tries nothing that is rejected."""
    had, shares = weights(before.traffic), weights(plan.status.traffic)
    if plan.status.traffic != before.traffic:
        assert plan.status.traffic
        assert plan.status.traffic.version > (before.traffic.version if before.traffic else 0)
    assert sum(shares.values()) in {0, ALL}
    assert sum(shares.values()) == ALL or not before.stable, "what serves is told nothing"
    hashes = {each.number: each.hash for each in world.sees.revisions}
    stable = plan.course.ledger.stable
    rejected = {each.revision for each in plan.course.ledger.rejected}
    candidate = plan.course.candidate
    assert candidate is None or candidate.number not in rejected, "what is rejected is tried"
    for number in rejected - {stable}:
        assert not shares.get(number), "what is rejected has traffic"
    served = before.stable.revision if before.stable else None
    _of_weights(world, had, shares, hashes, served)
    if world.asks.recreates:
        return
    has = {each.revision: each.replicas for each in world.sees.deployments}
    for number, name in hashes.items():
        sent = _sent(world, number, had)
        if not sent:
            continue
        needs = world.asks.replicas if number == served else _pods_for(sent, world.asks.replicas)
        if world.asks.replaces:  # they change hands one by one
            needs = min(needs, 1)
        assert plan.replicas.get(name, 0) >= min(has.get(name, 0), needs), f"{number} has traffic and loses pods"
        assert name in plan.kept


def _sent(world: World, number: int, had: dict[int, int]) -> int:
    """The largest share that any gateway pod gives it, or was told to."""
    answers = [each.answer for each in world.gateway(world.status.traffic, world.sees) if each.answer]
    return max([had.get(number, 0), *(each.weights.get(number, 0) for each in answers)])


def _of_weights(
    world: World, had: dict[int, int], shares: dict[int, int], hashes: dict[int, str], served: int | None
) -> None:
    """A share grows only as far as pods carry it that each gateway pod knows; what served gets the rest."""
    seen = world.look()
    for number, share in shares.items():
        ready = sum(each.ready and each.revision == hashes[number] for each in seen.pods)
        known = min((_known(each.answer, number) for each in _counted(world, seen)), default=0)
        needs = _pods_for(share, world.asks.replicas)
        if world.asks.replaces and share == ALL:
            needs -= 1  # the last pod is given up when it is stable no more
        if number == served:
            continue
        if share > had.get(number, 0):
            assert min(ready, known) >= needs, f"{number} gets more than its pods carry"
        elif share:  # where both are short, each pod carries as much as any other
            both = ready + sum(each.ready and each.revision == hashes.get(served or 0) for each in seen.pods)
            assert ready >= min(needs, _pods_for(share, both)), f"{number} has more than its pods carry"


def _counted(world: World, seen: Seen) -> tuple[GatewaySeen, ...]:
    return tuple(counted(replace(seen, gateways=world.gateway(world.status.traffic, seen))))


def _known(answer: GatewayAnswer | None, number: int) -> int:
    return answer.endpoints.get(number, 0) if answer else 0


def _pods_for(share: int, replicas: int) -> int:
    return -(-share * replicas // ALL)


def of_rest(world: World, plan: Plan) -> None:
    """One more pass would write nothing, and is not needed but for time."""
    again = world.decided()
    assert again.status == world.status
    assert {each.revision: each.replicas for each in world.sees.deployments} == dict(again.replicas)
    assert (again.notices, again.target.create, again.replace) == ((), None, frozenset())
    assert again.course.ledger == plan.course.ledger
