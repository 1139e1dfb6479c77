"""The numbers of an experiment: with bounds, written now and then, and of the revision they were counted of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.core.seeing import (
    decide,
)
from tests.unit.core.sides import SIDE_A, SIDE_B, Experiments, experiment, running
from tests.unit.core.story import ONE, THREE, strategy
from tritium.core.reasons import Reason
from tritium.core.sample import Sample

COUNTED = {2: Sample(100, 4, 0, ((2, 0), (5, 90), (100, 90), (250, 100))), 3: Sample(), 1: Sample(500, 1)}


def test_the_numbers_come_with_bounds() -> None:
    it = running()
    it.sees = replace(it.sees, totals=COUNTED)
    it.run(minutes=1)
    a = it.arm("a")
    assert (a.requests, a.errors, a.counted_at) == (100, 4, it.now)
    assert a.lower < 0.04 < a.upper
    assert [(each.quantile, each.lower, each.upper) for each in a.latency] == [(0.5, 2, 5), (0.95, 100, 250)]
    assert a.buckets == [0, 0, 90, 0, 0, 0, 0, 10]
    assert (it.arm("stable").requests, it.arm("b").requests) == (500, None)


def test_numbers_alone_are_written_every_half_minute_at_most() -> None:
    it = running()
    it.sees = replace(it.sees, totals=COUNTED)
    it.run()
    written = it.status
    it.sees = replace(it.sees, totals={2: Sample(200, 4)})
    it.run(seconds=29)
    assert it.status == written
    it.run(seconds=1)
    assert it.arm("a").requests == 200


def test_they_are_written_when_it_ends_and_stay_then() -> None:
    it = running()
    it.sees = replace(it.sees, totals=COUNTED)
    it.run()
    it.sees = replace(it.sees, totals={2: Sample(150, 5)})
    it.act("abort")
    it.run(seconds=1)
    assert (it.arm("a").requests, it.arm("a").weight) == (150, 0)
    it.sees = replace(it.sees, totals={})
    it.run(hours=1)
    assert it.arm("a").requests == 150
    it.asks = replace(it.asks, experiment=None)
    it.run()
    assert it.status.arms is None


FOUR = replace(THREE, number=4, hash="4" * 8, written="d")


def counted(**changes: Any) -> Experiments:
    """An experiment that runs and has numbers; there is a fourth revision."""
    it = running(**changes)
    it.sees = replace(it.sees, totals=COUNTED | {3: Sample(300, 2)}, revisions=(*it.sees.revisions, FOUR))
    it.run(minutes=1)
    return it


def ends(it: Experiments) -> Experiments:
    it.act("abort")
    it.run()
    it.sees = replace(it.sees, totals={})
    it.run()
    return it


def numbers(it: Experiments) -> list[tuple[str, int | None, int | None]]:
    return [(each.name, each.revision, each.requests) for each in it.status.arms or ()]


def test_when_it_is_over_numbers_stay_with_the_revision_that_they_were_counted_of() -> None:
    it = ends(counted())
    it.asks = replace(it.asks, written="d", history_limit=1)
    for minutes in (1, 11, 1):
        it.run(minutes=minutes)
    it.sees = replace(it.sees, revisions=tuple(each for each in it.sees.revisions if each is not ONE))
    it.run()
    assert it.stable == 4
    assert numbers(it) == [("a", 2, 100), ("b", 3, 300), ("stable", 1, 500)]


def test_also_where_one_of_them_was_pinned() -> None:
    it = counted()
    it.asks = replace(it.asks, pin=2)
    it.run()
    it.sees = replace(it.sees, totals={})
    it.run(hours=1)
    assert it.stable == 2
    assert numbers(it) == [("a", 2, 100), ("b", 3, 300), ("stable", 1, 500)]


def test_who_runs_it_again_counts_all_anew() -> None:
    it = ends(counted())
    it.asks = replace(it.asks, experiment=experiment(sticky_header="x-user"))
    it.run()
    assert numbers(it) == [("a", 2, None), ("b", 3, None), ("stable", 1, None)]


def test_arms_that_change_places_count_anew() -> None:
    it = counted()
    it.asks = replace(it.asks, experiment=experiment(replace(SIDE_A, revision=3), replace(SIDE_B, revision=2)))
    first = decide(it.asks, it.status, it.sees, it.now)
    assert [(each.name, each.revision, each.requests) for each in first.status.arms or ()] == [
        ("a", 3, None),
        ("b", 2, None),
        ("stable", 1, 500),
    ]


def test_one_that_is_changed_while_a_rollout_has_requests_begins_when_it_begins() -> None:
    """Until then the one before is what there is to read, and nothing is counted or told."""
    it = ends(counted())
    it.asks = replace(it.asks, written="d", strategy=strategy())
    it.run()
    it.asks = replace(it.asks, experiment=experiment(SIDE_A))
    notices = [each for _ in range(3) for each in it.run(passes=1).notices]
    assert [each.reason for each in notices if each.reason == Reason.EXPERIMENT_RUNNING] == []
    assert numbers(it) == [("a", 2, 100), ("b", 3, 300), ("stable", 1, 500)]
    assert it.status.experiment_ended
    assert "the experiment waits for it" in it.says()
    it.asks = replace(it.asks, written="a")
    notices = [each for _ in range(5) for each in it.run(passes=1).notices]
    assert [each.reason for each in notices if each.reason == Reason.EXPERIMENT_RUNNING] == [Reason.EXPERIMENT_RUNNING]
    assert numbers(it) == [("a", 2, None), ("stable", 1, None)]
    assert it.status.experiment_ended is None


def test_one_that_waits_may_be_over_before_it_begins() -> None:
    it = ends(counted())
    it.asks = replace(it.asks, written="d", strategy=strategy())
    it.run()
    it.asks = replace(it.asks, experiment=experiment(SIDE_A, ends_at=it.now + timedelta(hours=1)))
    assert it.run().wake_at
    it.run(hours=2)
    assert it.status.experiment_ended
    assert it.status.experiment_ended.written == it.asks.experiment.written  # type: ignore[union-attr]


def test_its_numbers_stay_where_recreate_ends_it() -> None:
    it = counted()
    it.asks = replace(it.asks, strategy='{"strategy":"recreate"}')
    it.run()
    assert numbers(it) == [("a", 2, 100), ("b", 3, 300), ("stable", 1, 500)]


def test_arms_of_the_past_have_no_share_whatever_their_revisions_have_now() -> None:
    it = ends(counted())
    it.asks = replace(it.asks, written="b", strategy=strategy())
    it.run()
    assert it.share(2) == 10
    assert [(each.name, each.weight, each.replicas, each.ready_replicas) for each in it.status.arms or ()] == [
        ("a", 0, None, None),
        ("b", 0, None, None),
        ("stable", 0, None, None),
    ]
    it.act("promote")
    it.run()
    assert (it.stable, it.arm("stable").revision, it.arm("stable").weight) == (2, 1, 0)
