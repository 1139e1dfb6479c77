"""The row *delete* of `docs/rollout-table.md`: the core has no say, for nothing is decided about what is deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.core.grid.events import DELETE
from tests.unit.core.grid.page import Cell, cells
from tests.unit.core.grid.situations import place
from tests.unit.core.grid.world import World
from tests.unit.core.seeing import NOW
from tests.unit.resources.golden import RENDERING, gateway_anchor, objects, owner_of, sample
from tritium.kube import kinds
from tritium.kube.store import Key, Store
from tritium.loop.arrivals import Arrivals
from tritium.loop.fetches import Fetches
from tritium.loop.followers import Followers
from tritium.loop.inquiry import Inquiry
from tritium.loop.prober import Prober
from tritium.loop.queries import Queries
from tritium.loop.queue import WorkQueue
from tritium.loop.reconcile import Outcome, Reconciler
from tritium.loop.scaler import Scaler
from tritium.loop.servers import Servers
from tritium.probes.triton_http import TritonProbe

CELLS = [each for each in cells() if each.event == DELETE]
KEY = Key("ml", "fraud")


def stored(world: World, **metadata: Any) -> Store:
    """What the operator knows of it."""
    status = world.status.model_dump(mode="json", by_alias=True, exclude_none=True)
    spec = {"model": {"source": {"uri": "s3://models/fraud/7"}}}
    identity = {"namespace": KEY.namespace, "name": KEY.name, "uid": "uid-1", "resourceVersion": "7", "generation": 1}
    store = Store()
    store.remember(kinds.MODEL_DEPLOYMENTS, {"metadata": identity | metadata, "spec": spec, "status": status})
    return store


def reconciler(store: Store) -> Reconciler:
    """One that can neither read nor write: whatever it asks of the API server fails the test."""
    nobody: Any = None
    return Reconciler(
        client=nobody,
        store=store,
        recorder=nobody,
        prober=Prober(lambda _: None, lambda: 0.0),
        inquiry=Inquiry(nobody, store),
        gateways=nobody,
        queries=Queries(None, lambda *_: None, lambda: NOW, lambda: 0.0),
        followers=Followers(store, WorkQueue[Key]()),
        scaler=Scaler(
            Arrivals(), lambda _: (), Servers(TritonProbe(), lambda: 0.0), lambda _: None, lambda: 0.0, lambda: NOW
        ),
        fetches=Fetches(lambda _: None, lambda: 0.0),
        rendering=RENDERING,
        proven=lambda: True,
        now=lambda: NOW,
    )


@pytest.mark.parametrize("cell", CELLS, ids=[each.place for each in CELLS])
async def test_nothing_is_written_any_more(cell: Cell) -> None:
    assert {cell.phase, cell.stable, cell.traffic, cell.pods} == {"\N{EN DASH}"}
    world = place(cell.place)
    assert await reconciler(stored(world, deletionTimestamp="2026-01-01T12:00:00Z"))(KEY) == Outcome()
    assert await reconciler(Store())(KEY) == Outcome()
    with pytest.raises(AttributeError):
        await reconciler(stored(world))(KEY)


def test_all_that_was_made_goes_with_its_owner() -> None:
    model = sample("canary")
    owner = owner_of(model)
    for each in objects(owner, model["spec"]):
        assert [one["uid"] for one in each["metadata"]["ownerReferences"]] == [owner.uid], each["kind"]
        assert "finalizers" not in each["metadata"]
    anchor = gateway_anchor(owner)
    assert [one["uid"] for one in anchor["metadata"]["ownerReferences"]] == [owner.uid]
    assert "finalizers" not in anchor["metadata"]
