"""A rollout in steps: capacity, then weight, then every gateway pod, then the gates; and what stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.core.seeing import (
    NO_ROOM,
    Gateway,
    following,
    lagging,
    passed,
    pod,
    pods,
    silent,
)
from tests.unit.core.story import BAD, FEW, GOOD, NONE, ONE, TWO, Story, asking, begun, strategy
from tritium.api.conditions import ConditionType
from tritium.api.status import Phase
from tritium.core.reasons import Reason
from tritium.core.sample import Sample
from tritium.core.seen import WindowSeen


def test_from_the_first_step_to_the_end() -> None:
    story = begun(GOOD)
    assert (story.status.phase, story.stable, story.replicas(TWO)) == (Phase.PROGRESSING, 1, 1)
    assert story.says() == "revision 2 has 10 % of the traffic, step 1 of 2"
    story.run(seconds=59)
    assert story.part == 1_000
    story.run(seconds=1)
    assert (story.part, story.step, story.replicas(TWO), story.replicas(ONE)) == (5_000, 1, 5, 10)
    story.run(minutes=1)
    assert (story.status.phase, story.stable, story.part) == (Phase.PROMOTING, 2, 10_000)
    assert (story.replicas(TWO), story.replicas(ONE)) == (10, 10), "the old one keeps its pods to go back to"


def test_a_promotion_restarts_nothing() -> None:
    story = begun(GOOD)
    for _ in range(30):
        had = story.replicas(TWO)
        plan = story.run(passes=1, seconds=10)
        assert plan.replace == frozenset(), "pods are to be made anew"
        assert story.replicas(TWO) >= had
        assert story.replicas(ONE) == 10
    assert (story.stable, story.part, story.replicas(TWO)) == (2, 10_000, 10)


def test_what_the_gates_see_is_in_the_status() -> None:
    story = begun(GOOD)
    candidate = story.status.candidate
    assert candidate is not None
    seen = {each.name: (each.verdict, each.requests) for each in candidate.gates or ()}
    assert seen == {"errors": ("Pass", 100), "refused": ("Pass", 100), "restarts": ("Pass", None)}
    story.window = WindowSeen(Sample(200), Sample(1800))
    story.run(seconds=29)
    assert story.status.candidate == candidate, "numbers alone are written every half minute"
    story.run(seconds=1)
    assert [each.requests for each in (story.status.candidate.gates or ())[:1]] == [200]


def test_capacity_comes_before_weight() -> None:
    story = Story(follows=False)
    story.run()
    assert (story.part, story.replicas(TWO), story.status.phase) == (0, 1, Phase.PREPARING)
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), pod("p", TWO, NO_ROOM)))
    story.run()
    assert (story.part, story.status.phase, story.status.reason) == (0, Phase.BLOCKED, Reason.UNSCHEDULABLE)
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *pods(TWO, 1)))
    story.run()
    assert story.part == 1_000


def test_the_weight_never_exceeds_what_the_pods_carry() -> None:
    story = begun(GOOD)
    story.run(minutes=1)
    assert story.part == 5_000
    story.follows = False
    story.sees = replace(story.sees, pods=(*pods(ONE, 10), *pods(TWO, 2)))
    story.run()
    assert story.part == 2_000, "it has lost three of five pods"
    story.sees = replace(story.sees, pods=pods(ONE, 10))
    story.run()
    assert (story.part, story.stable) == (0, 1)
    assert story.replicas(TWO) == 5


@pytest.mark.parametrize("gateway", [silent, lagging(None)])
def test_a_step_does_not_begin_before_every_gateway_pod_runs_its_weight(gateway: Gateway) -> None:
    story = Story(window=GOOD)
    story.run(passes=1)
    while not story.part:
        story.run(passes=1)
    story.gateway = gateway
    story.run(minutes=5)
    assert (story.part, story.judging) == (1_000, False)
    story.gateway = following
    story.run()
    assert story.judging


def test_a_bad_candidate_is_out_at_once() -> None:
    story = begun(GOOD)
    story.window = BAD
    story.run(seconds=5)
    assert (story.part, story.stable, story.status.phase) == (0, 1, Phase.ABORTED)
    rejected = (story.status.rejected_revisions or [])[0]
    assert (rejected.revision, rejected.reason) == (2, Reason.GATE_FAILED)
    assert rejected.message
    assert rejected.message.startswith("20 of 100 requests failed: 20 %")
    back = story.status.last_rollback
    assert back is not None
    assert (back.from_revision, back.to_revision, back.reason) == (2, 1, Reason.GATE_FAILED)
    assert story.replicas(TWO) == 1, "it keeps its pods to be looked at"
    story.run(minutes=11)
    assert story.replicas(TWO) == 0
    story.run(minutes=60)
    assert story.status.phase is Phase.ABORTED, "the same is not tried again"


def test_a_bad_candidate_keeps_its_pods_until_no_gateway_pod_sends_to_it() -> None:
    story = begun(GOOD)
    before = story.status.traffic
    story.gateway, story.window = lagging(before), BAD
    story.run(seconds=5)
    story.run(hours=1)
    assert (story.part, story.replicas(TWO)) == (0, 1)
    story.gateway = following
    story.run()
    assert story.replicas(TWO) == 0


def test_a_failed_gate_may_pause_instead() -> None:
    story = begun(BAD, strategy=strategy(onFailure="Pause"))
    story.run(seconds=5)
    assert (story.paused, story.part, story.status.phase) == (Reason.GATE_FAILED, 1_000, Phase.PAUSED)
    assert "20 of 100 requests failed" in story.says()
    said = story.says()
    story.window = WindowSeen(Sample(400, failed=80), Sample(900))
    story.run()
    assert story.says() == said, "a sentence stays while the numbers go on"
    assert story.says(ConditionType.STALLED) == story.says()
    story.act("abort")
    story.run()
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_the_gates_go_on_while_the_next_step_waits_for_pods() -> None:
    story = begun(GOOD)
    story.follows = False
    story.run(minutes=1)
    assert (story.step, story.part) == (1, 1_000)
    story.window = BAD
    story.run(seconds=5)
    assert (story.part, story.status.phase) == (0, Phase.ABORTED)


def test_without_enough_requests_nothing_passes_and_nothing_fails() -> None:
    story = begun(FEW)
    story.run(minutes=29)
    assert (story.step, story.paused) == (0, None)
    story.run(minutes=1)
    assert (story.paused, story.part) == (Reason.INSUFFICIENT_DATA, 1_000)
    assert "It takes 50 requests to tell" in story.says()
    assert story.status.reason == Reason.INSUFFICIENT_DATA
    story.act("skip-step")
    story.run()
    assert (story.step, story.part, story.paused) == (1, 5_000, None)


@pytest.mark.parametrize(
    ("policy", "smoke", "comes"),
    [
        ({"onInsufficientData": "Promote"}, "", (5_000, Phase.PROGRESSING)),
        ({"onInsufficientData": "Abort"}, "", (0, Phase.ABORTED)),
        ({"onInsufficientData": "Hold"}, "t", (1_000, Phase.PAUSED)),
        ({}, "t", (5_000, Phase.PROGRESSING)),
        ({}, "", (1_000, Phase.PAUSED)),
    ],
)
def test_what_follows_when_too_little_was_seen(policy: dict[str, str], smoke: str, comes: tuple[int, Phase]) -> None:
    story = Story(asking(strategy=strategy(analysis=policy), smoke_tests=smoke), window=FEW)
    story.sees = replace(story.sees, smoke=passed(*pods(TWO, 10)))
    story.run()
    story.run(minutes=30)
    assert (story.part, story.status.phase) == comes


def test_a_step_may_ask_for_no_requests_at_all() -> None:
    story = begun(NONE, strategy=strategy([{"weight": 10, "minDuration": "1m", "minRequests": 0}, {"weight": 50}]))
    story.run(minutes=1)
    assert story.step == 1


def test_pods_that_have_not_passed_their_smoke_test_get_nothing() -> None:
    story = Story(asking(smoke_tests="t"))
    plan = story.run()
    assert (story.part, set(plan.ask)) == (0, {pods(TWO)[0].uid})
    story.sees = replace(story.sees, smoke=passed(*pods(TWO, 10)))
    story.run()
    assert story.part == 1_000
