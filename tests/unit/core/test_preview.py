"""The preview: which revision it leads to, when its Service is made and goes, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.unit.core.seeing import decide, lagging, pod, pods, saying, serving, silent, status_of, wish
from tests.unit.core.story import ONE, THREE, TWO, Story
from tests.unit.core.test_preview_table import BY_HAND, BY_ITSELF, acts, changed, idle, preparing, seeing, waiting
from tritium.api.conditions import ConditionType
from tritium.core.plan import PreviewWish
from tritium.core.reasons import Reason
from tritium.core.seen import Refusal

if TYPE_CHECKING:
    from tritium.core.plan import Plan

PREVIEW = 11_374
TAKEN = Refusal("Service", "fraud-preview", Reason.NAME_TAKEN, "Service fraud-preview exists and is another's.")


def planned(story: Story) -> Plan:
    return decide(story.asks, story.status, story.sees, story.now, story.gateway)


def previews(story: Story) -> int | None:
    return story.status.traffic.preview if story.status.traffic else None


def done(story: Story) -> str | None:
    """The verb that was carried out last."""
    return story.status.last_action.verb if story.status.last_action else None


def url(story: Story) -> str | None:
    return story.status.preview_url


def test_the_preview_is_there_before_there_is_anything_to_look_at() -> None:
    story = idle()
    assert previews(story) == 1
    assert planned(story).preview == PreviewWish(kept=True, port=PREVIEW)


@pytest.mark.parametrize("strategy", ["", '{"strategy":"recreate"}', '{"steps":[{"weight":10}]}'])
def test_other_strategies_have_none(strategy: str) -> None:
    asks = wish(strategy=strategy)
    status = status_of(asks, serving(ONE))
    plan = decide(asks, status, serving(ONE), idle().now)
    assert plan.status.traffic
    assert (plan.status.traffic.preview, plan.preview) == (None, PreviewWish())


def test_the_first_revision_has_none_before_it_serves() -> None:
    """Nobody is awaited either: there is nothing to go back to."""
    story = Story(
        wish("b", strategy=BY_HAND),
        status=status_of(wish(), serving(ONE)).model_copy(update=dict.fromkeys(("stable", "revisions", "traffic"))),
        sees=replace(serving(TWO), service=None),
        follows=False,
    )
    story.sees = replace(story.sees, pods=())
    story.run()
    assert (story.stable, previews(story)) == (None, None)
    story.sees = replace(story.sees, pods=pods(TWO))
    story.run()
    assert (story.stable, previews(story)) == (2, 2)


def test_a_gateway_pod_of_an_older_version_is_waited_for() -> None:
    """It runs the version of the traffic, and knows nothing of a preview."""
    story = idle()
    story.gateway = saying(preview=None)
    assert planned(story).preview == PreviewWish(kept=True, port=None)


def test_a_gateway_pod_that_lags_is_waited_for() -> None:
    story = idle()
    story.gateway = lagging(story.status.traffic)
    changed(story, routing=replace(story.asks.routing, host="a.example"))
    assert planned(story).preview == PreviewWish(kept=True, port=None)


def test_a_gateway_pod_that_falls_silent_takes_nothing_away() -> None:
    story = seeing(preparing(), pod("p", TWO))
    assert previews(story) == 2
    story.gateway = silent
    story.run()
    assert previews(story) == 2
    seeing(story)
    assert previews(story) == 1


def test_another_strategy_counts_from_the_next_rollout_on() -> None:
    """Who looks at a candidate goes on looking; with its rollout the preview goes."""
    story = changed(waiting(), strategy='{"steps":[{"weight":10}]}')
    assert (previews(story), planned(story).preview.kept) == (2, True)
    acts(story, "abort")
    assert (previews(story), planned(story).preview) == (None, PreviewWish())


def test_who_promotes_is_not_forgotten_and_not_hurried() -> None:
    """The clock of the deadline is not set back by each pass that a promotion waits in."""
    story = acts(seeing(waiting(), pods(TWO, 2)[0]), "promote")
    began = story.status.candidate.waiting_since if story.status.candidate else None
    assert began
    story.run(minutes=5)
    assert story.status.candidate
    assert story.status.candidate.waiting_since == began
    assert (story.stable, done(story)) == (1, "promote")
    seeing(story, *pods(TWO, 2))
    assert story.stable == 2


def test_a_promotion_is_of_the_candidate_that_was_looked_at() -> None:
    story = acts(seeing(waiting(), pods(TWO, 2)[0]), "promote")
    changed(story, written="c")
    seeing(story, *pods(TWO, 2), *pods(THREE, 2))
    assert (story.stable, story.paused) == (1, Reason.AWAITS_PROMOTION)


def test_what_was_promoted_by_hand_is_judged_on() -> None:
    """There were no gates to overrule; and `abort` goes back at once."""
    story = acts(waiting(), "promote")
    assert (story.stable, story.judging) == (2, True)
    acts(story, "abort")
    assert (story.stable, story.part) == (1, 0)


def test_who_has_it_by_itself_waits_for_nobody() -> None:
    story = changed(idle(), strategy=BY_ITSELF, written="b")
    seeing(story, *pods(TWO, 2))
    assert (story.stable, previews(story)) == (2, 2)


def test_the_address_is_told_once_it_leads_there() -> None:
    story = waiting()
    assert (url(story), story.says()) == (None, said("Give it"))
    story.sees = replace(story.sees, preview=PREVIEW)
    story.run()
    assert url(story) == "http://fraud-preview.ml.svc:8000"
    assert story.says() == said("Look at it at http://fraud-preview.ml.svc:8000: give it")


def said(how: str) -> str:
    return (
        f"revision 2 waits for a person, and has none of the traffic. {how} all of the traffic with the annotation "
        "serving.tritium.dev/action=promote@1 (another word after @ each time), or give it up with the annotation "
        "serving.tritium.dev/action=abort@1 (another word after @ each time)."
    )


def test_a_name_that_is_taken_stops_nothing_and_is_told() -> None:
    story = preparing()
    story.sees = replace(story.sees, preview_refusal=TAKEN)
    seeing(story, *pods(TWO, 2))
    assert story.paused == Reason.AWAITS_PROMOTION
    traffic = next(each for each in story.status.conditions or () if each.type is ConditionType.TRAFFIC_CONFIGURED)
    assert (traffic.status, traffic.reason) == ("False", Reason.NAME_TAKEN)
    assert traffic.message == f"{TAKEN.message} Only the preview has no address: requests and rollouts go on"
    assert story.status.last_failure
    assert story.status.last_failure.reason == Reason.NAME_TAKEN
    acts(story, "promote")
    assert (story.stable, story.says(ConditionType.READY)) == (2, "revision 2 serves")


def test_what_is_left_of_a_predecessor_needs_no_person() -> None:
    story = idle()
    left = replace(TAKEN, reason=Reason.WAITING_FOR_CLEANUP)
    for refusal, stalled in ((left, "False"), (TAKEN, "True")):
        story.sees = replace(story.sees, preview_refusal=refusal)
        story.run()
        found = {each.type: each for each in story.status.conditions or ()}
        assert (found[ConditionType.STALLED].status, found[ConditionType.RELEASED].status) == (stalled, "True")
        assert found[ConditionType.TRAFFIC_CONFIGURED].reason == refusal.reason


def test_the_next_source_is_listed_though_the_name_is_taken() -> None:
    story = idle()
    story.sees = replace(story.sees, preview_refusal=TAKEN)
    plan = decide(replace(story.asks, written="n"), story.status, story.sees, story.now)
    assert plan.target.resolution
    assert plan.target.trouble is None


def test_no_query_can_be_asked_so_nobody_is_told_to_look() -> None:
    query = {"prometheus": [{"name": "queue", "query": "up", "max": 1}]}
    story = idle()
    changed(story, strategy=json.dumps({**json.loads(BY_HAND), "analysis": query}), written="b")
    seeing(story, *pods(TWO, 2))
    assert (story.status.phase, story.status.reason) == ("Blocked", Reason.NO_PROMETHEUS)


def test_without_replicas_nobody_is_asked() -> None:
    story = changed(idle(), replicas=0)
    seeing(story, stable=0)
    changed(story, written="b")
    assert (story.stable, story.paused) == (1, None)
    assert "is to be looked at before it serves" in story.says()
    acts(story, "promote")
    assert story.stable == 2


def test_a_rollout_that_ends_takes_its_preview_along_in_the_same_pass() -> None:
    story = waiting()
    story.asks = replace(story.asks, strategy='{"strategy":"recreate"}')
    story.act("abort")
    plan = planned(story)
    assert plan.status.traffic
    assert (plan.status.traffic.preview, plan.preview) == (None, PreviewWish())


def test_on_the_way_back_it_leads_to_what_serves() -> None:
    story = acts(waiting(), "promote")
    story.sees = replace(story.sees, pods=pods(TWO, 2))  # what it goes back to has lost its own
    story.run()
    acts(story, "abort")
    assert (story.stable, story.part, previews(story)) == (1, 10_000, 2)
    seeing(story, *pods(TWO, 2))
    assert (story.part, previews(story)) == (0, 1)


def test_a_name_that_is_taken_is_no_stall_while_a_rollout_goes_on() -> None:
    story = preparing()
    story.sees = replace(story.sees, preview_refusal=TAKEN)
    story.run()
    found = {each.type: each.status for each in story.status.conditions or ()}
    kinds = (ConditionType.STALLED, ConditionType.RECONCILING, ConditionType.TRAFFIC_CONFIGURED)
    assert [found[each] for each in kinds] == ["False", "True", "False"]
