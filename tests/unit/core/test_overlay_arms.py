"""Arms that are the base's model with changes: listed, made and kept like any revision, as long as they stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.seeing import DENIED, decide, job, revision
from tests.unit.core.sides import comparing, experiment, story
from tests.unit.core.story import ONE, TWO, strategy
from tritium.core.plan import Plan
from tritium.core.reasons import Reason
from tritium.core.seen import ResolutionSeen
from tritium.core.wish import ArmWish, wish

LIKE_D = ArmWish("d", 20, overlay="other bytes", written="d")
FOUR = revision(4, "d")


def after(*jobs: ResolutionSeen, arms: tuple[ArmWish, ...] = (LIKE_D,)) -> Plan:
    """What is decided when these Jobs are there."""
    it = story()
    it.asks = comparing(*arms)
    it.run()
    return decide(it.asks, it.status, replace(it.sees, resolutions=jobs), it.now)


def test_its_source_is_listed_first_and_then_it_is_made() -> None:
    plan = after()
    assert plan.target.resolution is None
    listing = plan.targets["d"].resolution
    assert listing
    assert (listing.key, listing.attempt) == ("d", 1)
    made = after(job("d", found=1)).targets["d"].create
    assert made
    assert (made.number, made.hash, made.written) == (4, FOUR.hash, "d")


def test_a_source_that_cannot_be_listed_is_tried_again_and_said() -> None:
    plan = after(job("d", trouble=DENIED))
    arm = (plan.status.arms or [])[0]
    assert (arm.name, arm.revision, arm.message) == ("d", None, DENIED.message)
    assert plan.status.last_failure
    assert plan.status.last_failure.message == f"arm d: {DENIED.message}"
    assert plan.targets["d"].retry_at
    assert plan.wake_at == plan.targets["d"].retry_at
    assert plan.status.stable


def test_a_kept_revision_with_these_fields_is_it_without_listing_anything() -> None:
    plan = after(arms=(replace(LIKE_D, written="b"),))
    assert set(plan.targets) == {""}
    arm = (plan.status.arms or [])[0]
    assert (arm.revision, arm.overlay) == (2, "other bytes")


def test_it_keeps_its_revision_while_the_base_is_changed() -> None:
    it = story()
    it.asks = comparing(replace(LIKE_D, written="b"))
    it.run()
    it.asks = replace(it.asks, written="c", experiment=experiment(replace(LIKE_D, written="e")))
    plan = it.run()
    assert (it.arm("d").revision, it.share(2), set(plan.targets)) == (2, 20, {""})
    it.asks = replace(it.asks, experiment=experiment(replace(LIKE_D, overlay="third bytes", written="e")))
    plan = it.run()
    assert (it.arm("d").revision, it.share(2)) == (None, 0)
    assert plan.targets["d"].resolution


def test_it_keeps_its_revision_over_an_end_and_a_rollout() -> None:
    it = story()
    it.asks = comparing(replace(LIKE_D, written="b"))
    it.run()
    it.act("abort")
    it.run()
    it.sees = replace(it.sees, revisions=(*it.sees.revisions, FOUR))
    it.asks = replace(it.asks, written="d", strategy=strategy())
    it.run()
    it.asks = replace(it.asks, experiment=experiment(replace(LIKE_D, percent=30, written="e")))
    it.run()
    it.act("abort")
    plan = it.run()
    assert (it.arm("d").revision, it.share(2), set(plan.targets)) == (2, 30, {""})


def test_an_overlay_of_nothing_is_the_stable_revision() -> None:
    it = story()
    it.asks = comparing(replace(LIKE_D, written=ONE.written))
    it.run()
    assert (it.arm("d").revision, it.share(1), it.replicas(ONE)) == (1, 100, 10)


def test_two_overlays_that_mean_the_same_are_one_arm() -> None:
    it = story()
    same = replace(LIKE_D, written="b")
    it.asks = comparing(same, replace(same, name="e", overlay="the same bytes"))
    it.run()
    assert (it.share(2), it.arm("e").revision) == (20, None)
    assert "revision 2 is another arm's" in it.arm("e").message
    condition = next(each for each in it.status.conditions or () if each.type == "Reconciling")
    assert condition.reason == Reason.ARM_INVALID
    assert TWO.number == 2


@pytest.mark.parametrize(
    ("overlay", "same"),
    [({}, True), ({"source": {"uri": "s3://m/1"}}, True), ({"source": {"uri": "s3://m/2"}}, False)],
    ids=["nothing", "what the base has", "another place"],
)
def test_what_an_overlay_is_read_as(overlay: dict[str, object], *, same: bool) -> None:
    source = {"uri": "s3://m/1", "options": {"region": "x"}}
    arms = [{"name": "d", "weight": 10, "model": overlay}]
    spec = {"model": {"source": source}, "experiment": {"arms": arms, "sticky": {"header": "X-User"}}}
    asked = wish({"metadata": {"namespace": "ml", "name": "fraud", "generation": 1}, "spec": spec})
    assert asked.experiment
    (arm,) = asked.experiment.arms
    assert (arm.written == asked.written) is same
    assert arm.overlay
    assert asked.experiment.sticky_header == "x-user"
