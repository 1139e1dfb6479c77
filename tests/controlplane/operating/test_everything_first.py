"""All of what is ours is listed before anything is done, and nothing else is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.controlplane.faults import Delay, Fault, Match
from tests.controlplane.operating.harness import Models, Operator
from tests.controlplane.operating.recording import brief, falls_silent, writes
from tritium.kube import kinds

if TYPE_CHECKING:
    from tests.controlplane.proxy import FaultProxy


async def test_nothing_is_done_before_everything_is_known(
    faulty_operator: Operator, models: Models, faults: FaultProxy
) -> None:
    """Who does not know the revisions yet would take a model that serves for a new one."""
    await models.apply(replicas=0)
    await models.settled(revision=1)
    await falls_silent(faults, models.namespace)
    await faulty_operator.stop()
    mark = len(faults.requests)
    with faults.during(Fault(Match(verb="list", resource="controllerrevisions"), Delay(3))) as late:
        await faulty_operator.start()
        await faulty_operator.ready()
        await asyncio.sleep(1)
    assert late.hits
    # Models of tests before this one may still be there.
    assert brief(each for each in writes(faults, since=mark) if each.namespace == models.namespace) == []


async def test_only_what_is_ours_is_listed_and_watched(
    faulty_operator: Operator, models: Models, faults: FaultProxy
) -> None:
    """A cluster has a hundred times more pods than models."""
    await models.apply(replicas=0)
    await models.settled(revision=1)
    ours = {kind.plural: kinds.selector(kind) for kind in kinds.OWNED}
    asked = [each for each in faults.requests if each.verb in {"list", "watch"} and each.resource in ours]
    assert {(each.verb, each.resource) for each in asked} == {
        (verb, kind) for verb in ("list", "watch") for kind in ours
    }
    assert {each.query.get("labelSelector") for each in asked} == set(ours.values())
